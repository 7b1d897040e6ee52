/**
 * Usage, model, end and error of an answer that passes through, read from its bytes on the way: server-sent events or one JSON body, in
 * any chunking, in bounded memory. The bytes themselves are not touched.
 */
import { NO_USAGE, type Usage } from '../../../kernel/messages.ts';
import { createJsonScan, planScan, type JsonScan, type ScanPlan, type Wanted } from './json-scan.ts';
import type { Protocol, Reading, UsageReader } from './protocol.ts';
import { countOf, usageFrom, type Counts } from './usage-counts.ts';

/** What is read of each protocol, whole and streamed alike; the texts of an answer are only measured. */
const WANTED = {
  anthropic: {
    'message.usage': 'value',
    usage: 'value',
    'message.model': 'value',
    model: 'value',
    'delta.stop_reason': 'value',
    stop_reason: 'value',
    error: 'value',
    'delta.text': 'length',
    'delta.thinking': 'length',
    'delta.partial_json': 'length',
    'content.text': 'length',
    'content.thinking': 'length',
  },
  openai_chat: {
    usage: 'value',
    model: 'value',
    'choices.finish_reason': 'value',
    error: 'value',
    'choices.delta.content': 'length',
    'choices.delta.reasoning_content': 'length',
    'choices.delta.reasoning': 'length',
    'choices.delta.refusal': 'length',
    'choices.delta.tool_calls.function.arguments': 'length',
    'choices.message.content': 'length',
  },
  openai_responses: {
    'response.usage': 'value',
    usage: 'value',
    'response.model': 'value',
    model: 'value',
    'response.status': 'value',
    status: 'value',
    'response.error': 'value',
    error: 'value',
    code: 'value',
    message: 'value',
    delta: 'length',
  },
  openai_embeddings: { usage: 'value', model: 'value', error: 'value' },
  google: {
    usageMetadata: 'value',
    modelVersion: 'value',
    'candidates.finishReason': 'value',
    'promptFeedback.blockReason': 'value',
    error: 'value',
    'candidates.content.parts.text': 'length',
  },
} as const satisfies Record<Protocol, Record<string, Wanted>>;
const PLANS = Object.fromEntries(Object.entries(WANTED).map(([protocol, wanted]) => [protocol, planScan(wanted)])) as Record<Protocol, ScanPlan>;
const GOING_ON = new Set(['in_progress', 'queued']);
/** As `tokens.ts` estimates. */
const BYTES_PER_TOKEN = 3;

type So = { counts: Counts | null; model: string | null; finish: string | null; error: Reading['error']; seenBytes: number };

export function usageReader(protocol: Protocol): UsageReader {
  const so: So = { counts: null, model: null, finish: null, error: null, seenBytes: 0 };
  const scan = createJsonScan(PLANS[protocol], (path, value) => note(so, path, value));
  const lines = createLines(scan);
  let kind: 'sse' | 'json' | null = null;
  return {
    push(chunk) {
      for (let at = 0; kind === null && at < chunk.length; at += 1) kind = kindOf(chunk[at] ?? 0);
      if (kind === 'json') scan.push(chunk, 0, chunk.length);
      else if (kind === 'sse') lines(chunk);
    },
    read() {
      const usage: Usage | null = so.counts === null ? null : { ...NO_USAGE, ...usageFrom(protocol, so.counts) };
      const final = usage !== null && (so.finish !== null || protocol === 'openai_embeddings');
      return { usage, final, seenOutputTokens: Math.ceil(so.seenBytes / BYTES_PER_TOKEN), model: so.model, finish: so.finish, error: so.error };
    },
  };
}

/** By the first byte that says something; a byte-order mark does not. */
function kindOf(byte: number): 'sse' | 'json' | null {
  if (byte <= 0x20 || byte >= 0x80) return null;
  return byte === 0x7b || byte === 0x5b ? 'json' : 'sse';
}

function note(so: So, path: string, value: unknown): void {
  if (typeof value === 'number') {
    so.seenBytes += value;
    return;
  }
  switch (path.slice(path.lastIndexOf('.') + 1)) {
    case 'usage':
    case 'usageMetadata':
      so.counts = countOf(so.counts, value) ?? so.counts;
      return;
    case 'model':
    case 'modelVersion':
      if (typeof value === 'string') so.model = value;
      return;
    case 'error':
      so.error = errorOf(value) ?? so.error;
      return;
    case 'code':
    case 'message':
      // OpenAI's error event says its words at the top.
      if (typeof value !== 'string') return;
      so.error = path === 'code' ? { type: value, message: so.error?.message ?? '' } : { type: so.error?.type ?? null, message: value };
      return;
    default:
      if (typeof value === 'string' && !GOING_ON.has(value)) so.finish = value;
  }
}

function errorOf(value: unknown): Reading['error'] {
  if (typeof value === 'string') return { type: null, message: value };
  if (typeof value !== 'object' || value === null) return null;
  const { type, status, code, message } = value as Record<string, unknown>;
  const name = [type, status, code].find((word) => typeof word === 'string');
  return { type: typeof name === 'string' ? name : null, message: typeof message === 'string' ? message : '' };
}

const DATA = Buffer.from('data:');
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** Server-sent events: the text after `data:` goes to the scan; a blank line ends an event. */
function createLines(scan: JsonScan): (chunk: Uint8Array) => void {
  /** How many bytes of `data:` this line has begun with; -1 when it is another line. */
  let matched = 0;
  let blank = true;
  return (chunk) => {
    for (let at = 0; at < chunk.length;) {
      const feed = chunk.indexOf(LINE_FEED, at);
      const end = feed < 0 ? chunk.length : feed;
      for (; at < end && matched >= 0 && matched < DATA.length; at += 1) {
        const byte = chunk[at];
        if (byte === CARRIAGE_RETURN && matched === 0) continue;
        blank = false;
        matched = byte === DATA[matched] ? matched + 1 : -1;
      }
      if (matched === DATA.length) scan.push(chunk, at, end);
      if (feed < 0) return;
      if (blank) scan.reset();
      matched = 0;
      blank = true;
      at = end + 1;
    }
  };
}
