/**
 * Reads one streamed answer to its end: parts in order, usage, reason; a stream that falls silent, breaks off or grows
 * beyond its limit ends as a failure. Knows the AI SDK's stream parts and nothing of any one provider.
 */
import type { LanguageModelV4StreamPart, LanguageModelV4Usage, SharedV4Warning } from '@ai-sdk/provider';
import type { Clock } from '../../kernel/clock.ts';
import { NO_USAGE, type AssistantPart, type ToolCallPart, type Usage } from '../../kernel/messages.ts';
import { modelFailure } from './failure.ts';
import type { Exchange } from './http.ts';
import type { ModelLimits } from './limits.ts';
import type { ModelFailure, ModelOutcome, ModelReply, ModelRequest } from './model.ts';
import { metaOf } from './prompt.ts';
import { estimateMessageTokens, estimateRequestTokens } from './tokens.ts';

export type Reading = {
  clock: Clock;
  limits: ModelLimits;
  request: ModelRequest;
  onDelta: ((text: string) => void) | undefined;
  exchange: Exchange;
  /** What of the request the model does not take. */
  onWarnings: (warnings: readonly SharedV4Warning[]) => void;
  /** How an error inside the stream is told. */
  classify: (error: unknown) => ModelFailure;
};

type Part = LanguageModelV4StreamPart;
type Collected = {
  content: AssistantPart[];
  blocks: Map<string, Extract<AssistantPart, { text: string }>>;
  chars: number;
  end: Extract<Part, { type: 'finish' }> | null;
};

export async function readStream(stream: ReadableStream<Part>, reading: Reading): Promise<ModelOutcome> {
  const { clock, limits, exchange } = reading;
  const reader = stream.getReader();
  const done = new AbortController();
  exchange.heardMs = clock.nowMs();
  const silence = async (): Promise<'silent'> => {
    for (;;) {
      const waitMs = exchange.heardMs + limits.idleMs - clock.nowMs();
      if (waitMs <= 0 || done.signal.aborted) return 'silent';
      await clock.sleep(waitMs, done.signal);
    }
  };
  const silent = silence();
  const got: Collected = { content: [], blocks: new Map(), chars: 0, end: null };
  try {
    for (;;) {
      const next = await Promise.race([reader.read(), silent]);
      if (next === 'silent') return failed('timeout', `No word for ${limits.idleMs} ms in the middle of the answer.`);
      if (next.done) break;
      if (next.value.type === 'error') return { ok: false, failure: reading.classify(next.value.error) };
      collect(next.value, got, reading);
      if (got.chars > limits.answerChars) return tooLong(limits.answerChars);
    }
    return conclude(got, reading.request);
  } catch (error) {
    // A stream that throws is a broken connection or a fault in what it carries: told like any other.
    return { ok: false, failure: reading.classify(error) };
  } finally {
    done.abort();
    // The provider may refuse to be cancelled; its stream is not read any further either way.
    reader.cancel().catch(() => undefined);
  }
}

function collect(part: Part, got: Collected, { request, onDelta, onWarnings }: Reading): void {
  switch (part.type) {
    case 'stream-start':
      return onWarnings(part.warnings);
    case 'text-start':
    case 'reasoning-start': {
      const type = part.type === 'text-start' ? 'text' : 'reasoning';
      const block = { type, text: '', meta: metaOf(part.providerMetadata, request.model) } as const;
      const open: Extract<AssistantPart, { text: string }> = { ...block };
      got.blocks.set(`${type} ${part.id}`, open);
      got.content.push(open);
      return;
    }
    case 'text-delta':
    case 'reasoning-delta': {
      got.chars += part.delta.length;
      const block = got.blocks.get(`${part.type === 'text-delta' ? 'text' : 'reasoning'} ${part.id}`);
      if (block === undefined) return;
      block.text += part.delta;
      addMeta(block, part.providerMetadata);
      if (part.type === 'text-delta') onDelta?.(part.delta);
      return;
    }
    case 'text-end':
    case 'reasoning-end': {
      const block = got.blocks.get(`${part.type === 'text-end' ? 'text' : 'reasoning'} ${part.id}`);
      if (block !== undefined) addMeta(block, part.providerMetadata);
      return;
    }
    case 'tool-input-delta':
      got.chars += part.delta.length;
      return;
    case 'tool-call':
      if (part.providerExecuted !== true) got.content.push(toToolCall(part, request.model));
      return;
    case 'finish':
      got.end = part;
      return;
    default:
  }
}

/** A signature comes with a block's last piece; what came before it is kept. */
function addMeta(block: Extract<AssistantPart, { text: string }>, metadata: unknown): void {
  if (typeof metadata !== 'object' || metadata === null) return;
  const meta: Record<string, unknown> = { ...block.meta };
  for (const [provider, data] of Object.entries(metadata)) meta[provider] = { ...(meta[provider] as object | undefined), ...(data as object) };
  block.meta = meta as NonNullable<AssistantPart['meta']>;
}

function toToolCall(part: Extract<Part, { type: 'tool-call' }>, model: string): ToolCallPart {
  const call = { type: 'tool_call', callId: part.toolCallId, tool: part.toolName, meta: metaOf(part.providerMetadata, model) } as const;
  const args = objectIn(part.input);
  return args === null ? { ...call, args: {}, invalid: part.input } : { ...call, args };
}

/** The object a model wrote; no text at all means no arguments. */
function objectIn(text: string): ToolCallPart['args'] | null {
  try {
    const value = (text.trim() === '' ? {} : JSON.parse(text)) as unknown;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as ToolCallPart['args']) : null;
  } catch {
    // Half a call: kept as it is, for the model to be told.
    return null;
  }
}

function conclude(got: Collected, request: ModelRequest): ModelOutcome {
  const reason = got.end?.finishReason;
  if (got.end === null || reason === undefined || reason.unified === 'interrupted' || reason.unified === 'error') {
    return failed('malformed', 'The answer broke off before its end.');
  }
  const content = got.content.filter((part) => part.type !== 'text' || part.text !== '');
  const calls = content.some((part) => part.type === 'tool_call');
  return { ok: true, reply: { content, finish: finishOf(reason.unified, calls), usage: usageOf(got.end.usage, content, request), rehearsed: false } };
}

type Unified = Extract<Part, { type: 'finish' }>['finishReason']['unified'];

/** Some servers say `stop` although they call a tool. */
function finishOf(unified: Unified, calls: boolean): ModelReply['finish'] {
  switch (unified) {
    case 'stop':
      return calls ? 'tool_calls' : 'stop';
    case 'tool-calls':
      return 'tool_calls';
    case 'length':
      return 'length';
    case 'content-filter':
      return 'refused';
    default:
      return 'other';
  }
}

/** As the provider counted; where it did not, by estimate, and marked so. */
function usageOf(usage: LanguageModelV4Usage, content: AssistantPart[], request: ModelRequest): Usage {
  const { inputTokens: input, outputTokens: output } = usage;
  const estimated = input.total === undefined || output.total === undefined;
  return {
    ...NO_USAGE,
    inputTokens: input.total ?? estimateRequestTokens(request),
    cachedInputTokens: input.cacheRead ?? 0,
    cacheWriteTokens: input.cacheWrite ?? 0,
    outputTokens: output.total ?? estimateMessageTokens({ role: 'assistant', content }),
    reasoningTokens: output.reasoning ?? 0,
    estimated,
  };
}

function failed(kind: 'timeout' | 'malformed', message: string): ModelOutcome {
  return { ok: false, failure: modelFailure(kind, message, { sent: true }) };
}

function tooLong(chars: number): ModelOutcome {
  const message = `The answer has more than ${chars} characters; the rest was not read.`;
  return { ok: false, failure: modelFailure('malformed', message, { sent: true, retryable: false }) };
}
