/**
 * One request to a provider whose protocol is the client's own: bytes in, bytes out, chunk by chunk, usage read on the way (spec GTW-2). What has
 * not gone to the client yet can still be tried elsewhere; whether it is, is `call.ts`'s to say.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { AppError } from '../../kernel/errors.ts';
import { kindOf, MAY_HAVE_WORKED, retryAfterMs } from '../../runtime/models/classify.ts';
import { modelFailure } from '../../runtime/models/failure.ts';
import { causeCode, NEVER_LEFT } from '../../runtime/models/http.ts';
import { DEFAULT_MODEL_LIMITS } from '../../runtime/models/limits.ts';
import type { ModelFailure } from '../../runtime/models/model.ts';
import { NO_USAGE } from '../../kernel/messages.ts';
import { headersBack } from './headers.ts';
import { ERROR_BYTES, HEADER_CHARS, HELD_BYTES } from './limits.ts';
import type { Reply } from './reply.ts';
import type { Reading, UsageReader } from './translate/protocol.ts';
import type { Withholding } from './withhold.ts';

export type Outgoing = {
  provider: string;
  origin: string;
  path: string;
  headers: string[];
  body: Buffer;
  firstByteMs: number;
  idleMs: number;
};

export type Watching = {
  reply: Reply;
  /** Whether this server stops: what breaks then says nothing of the provider. */
  stopping: () => boolean;
  nowMs: () => number;
  /** For a good answer. */
  reader: () => UsageReader;
  /** Whether the client asked for a stream: then the answer flows whatever it is. */
  stream: boolean;
  withholding: Withholding | null;
  /** Named changes, added to the provider's headers. */
  headers: () => Record<string, string>;
  /** Every byte that goes to the client. */
  onBytes: ((bytes: Buffer) => void) | null;
  /** What ends a stream that broke off between two events, in the client's protocol. */
  brokenOff: (failure: ModelFailure) => string;
};

export type Held = { status: number; headers: Record<string, string | string[]>; body: Buffer };

export type Passed = {
  /** Null when the answer is whole. */
  failure: ModelFailure | null;
  status: number | null;
  reading: Reading;
  firstByteMs: number | null;
  /** Not gone to the client yet: a whole answer, or what the provider said of its failure. */
  held: Held | null;
};

export const NOTHING_READ: Reading = { usage: null, final: false, seenOutputTokens: 0, model: null, finish: null, error: null };

type State = {
  status: number | null;
  headers: IncomingHttpHeaders;
  /** `unknown` is no answer of this protocol. */
  mode: 'hold' | 'flow' | 'unknown';
  sse: boolean;
  reader: UsageReader | null;
  held: Buffer[];
  heldBytes: number;
  bytes: number;
  firstByteMs: number | null;
  /** The last bytes that went to the client ended an event. */
  between: boolean;
  tooLarge: boolean;
  /** The client had gone before anything left. */
  unsent: boolean;
};

export function exchange(dispatcher: Dispatcher, outgoing: Outgoing, watching: Watching): Promise<Passed> {
  const { reply, nowMs } = watching;
  const startedMs = nowMs();
  const state: State = {
    ...{ status: null, headers: {}, mode: 'hold', sse: false, reader: null, held: [], heldBytes: 0, bytes: 0, firstByteMs: null },
    ...{ between: true, tooLarge: false, unsent: false },
  };
  return new Promise((resolve) => {
    let controller: Dispatcher.DispatchController | null = null;
    reply.onGone(() => controller?.abort(new AppError('unavailable', 'The client has gone.')));
    dispatcher.dispatch(
      {
        ...{ origin: outgoing.origin, path: outgoing.path, method: 'POST', headers: outgoing.headers, body: outgoing.body },
        ...{ headersTimeout: outgoing.firstByteMs, bodyTimeout: outgoing.idleMs },
      },
      {
        onRequestStart(started) {
          controller = started;
          state.unsent = reply.gone();
          if (state.unsent) started.abort(new AppError('unavailable', 'The client has gone.'));
        },
        onResponseStart(_controller, status, headers) {
          if (status >= 200) begin(state, { status, headers }, watching);
        },
        onResponseData(data, chunk) {
          state.firstByteMs ??= nowMs() - startedMs;
          state.bytes += chunk.byteLength;
          if (state.bytes > DEFAULT_MODEL_LIMITS.responseBytes || state.mode === 'unknown') {
            state.tooLarge = state.mode !== 'unknown';
            data.abort(new AppError('too_large', 'The answer is larger than is accepted, or none.'));
          } else if (!take(state, chunk, watching)) {
            data.pause();
            reply.onDrain(() => data.resume());
          }
        },
        onResponseEnd: () => resolve(ended(state, outgoing, watching)),
        onResponseError: (_controller, error) => resolve(broken(state, error, { outgoing, watching })),
      },
    );
  });
}

function begin(state: State, { status, headers }: { status: number; headers: IncomingHttpHeaders }, watching: Watching): void {
  state.status = status;
  state.headers = headers;
  if (!isGood(status)) return;
  const type = headers['content-type'] ?? '';
  state.sse = type.includes('text/event-stream');
  if (!state.sse && !/\bjson\b/.test(type)) {
    state.mode = 'unknown';
    return;
  }
  state.reader = watching.reader();
}

const isGood = (status: number | null): boolean => status !== null && status >= 200 && status < 300;

/** False when the client takes no more for now. */
function take(state: State, chunk: Buffer, watching: Watching): boolean {
  state.reader?.push(chunk);
  if (state.mode === 'flow') return pass(state, chunk, watching);
  if (!isGood(state.status)) {
    if (state.heldBytes < ERROR_BYTES) hold(state, chunk.subarray(0, ERROR_BYTES - state.heldBytes));
    return true;
  }
  hold(state, chunk);
  const flows = state.sse || watching.stream;
  // a stream that begins with an error can still be tried elsewhere, so it does not begin
  if (state.heldBytes <= HELD_BYTES && (!flows || state.reader?.read().error !== null)) return true;
  state.mode = 'flow';
  watching.reply.begin(state.status ?? 200, { ...headersBack(state.headers), ...watching.headers() });
  const held = state.held.length === 1 ? (state.held[0] ?? chunk) : Buffer.concat(state.held);
  state.held = [];
  return pass(state, held, watching);
}

function hold(state: State, chunk: Buffer): void {
  state.held.push(chunk);
  state.heldBytes += chunk.byteLength;
}

function pass(state: State, chunk: Buffer, { reply, withholding, onBytes }: Watching): boolean {
  const bytes = withholding === null || !state.sse ? chunk : withholding.push(chunk);
  if (bytes.byteLength === 0) return true;
  onBytes?.(bytes);
  state.between = bytes.at(-1) === 0x0a && (bytes.at(-2) === 0x0a || bytes.at(-3) === 0x0a);
  return reply.write(bytes);
}

/** The provider has said all it will. */
function ended(state: State, outgoing: Outgoing, watching: Watching): Passed {
  const { status, reader, firstByteMs } = state;
  const reading = reader?.read() ?? NOTHING_READ;
  const passed = { status, reading, firstByteMs };
  const failure = failureAtEnd(state, reading, { provider: outgoing.provider, nowMs: watching.nowMs() });
  if (state.mode === 'flow') {
    const rest = state.sse ? watching.withholding?.end() : undefined;
    if (rest !== undefined && rest.byteLength > 0) {
      watching.onBytes?.(rest);
      watching.reply.write(rest);
    }
    watching.reply.end();
    return { ...passed, failure, held: null };
  }
  // no answer at all, or half of one, is not handed on as if it were one
  const useless = isGood(status) && failure?.kind === 'malformed';
  return { ...passed, failure, held: useless ? null : heldOf(state, watching) };
}

function heldOf(state: State, { withholding, onBytes }: Watching): Held {
  const whole = state.held.length === 1 ? (state.held[0] ?? Buffer.alloc(0)) : Buffer.concat(state.held);
  const body = withholding === null || !state.sse ? whole : Buffer.concat([withholding.push(whole), withholding.end()]);
  if (isGood(state.status)) onBytes?.(body);
  return { status: state.status ?? 502, headers: headersBack(state.headers), body };
}

function failureAtEnd(state: State, reading: Reading, { provider, nowMs }: { provider: string; nowMs: number }): ModelFailure | null {
  const { status } = state;
  if (status !== null && !isGood(status)) {
    const said = Buffer.concat(state.held).toString('utf8');
    const kind = status >= 300 && status < 400 ? 'malformed' : kindOf(status, said);
    return modelFailure(kind, `${provider} answered ${status}: ${wordsIn(said)}`, {
      sent: true,
      retryAfterMs: retryAfterMs(state.headers as Record<string, string | undefined>, said, nowMs),
      usage: MAY_HAVE_WORKED.has(status) ? null : NO_USAGE,
    });
  }
  if (reading.error !== null) {
    const { type, message } = reading.error;
    const kind = /rate_limit/i.test(type ?? '')
      ? 'rate_limited'
      : /overloaded|unavailable|server|api_error|internal/i.test(type ?? '')
        ? 'overloaded'
        : 'malformed';
    return modelFailure(kind, `${provider} failed in the middle of its answer: ${message.slice(0, HEADER_CHARS)}`, { sent: true, usage: null });
  }
  if (state.mode === 'unknown') return modelFailure('malformed', `${provider} did not answer in its protocol.`, { sent: true });
  if (reading.final || reading.finish !== null) return null;
  return modelFailure('malformed', `The answer of ${provider} ended before its end.`, { sent: true });
}

/** A provider's own words of its failure, on one line. */
function wordsIn(body: string): string {
  let said: unknown = body;
  try {
    const { error, message } = JSON.parse(body) as { error?: { message?: unknown } | string; message?: unknown };
    said = (typeof error === 'object' ? error.message : error) ?? message ?? body;
  } catch {
    // No JSON: a page of a proxy, say. Its beginning tells which.
  }
  return String(said).replaceAll(/\s+/g, ' ').trim().slice(0, HEADER_CHARS) || 'no reason given';
}

function broken(state: State, error: Error, { outgoing, watching }: { outgoing: Outgoing; watching: Watching }): Passed {
  const { status, reader, firstByteMs } = state;
  const reading = reader?.read() ?? NOTHING_READ;
  const { reply, stopping } = watching;
  const failure = failureOf(state, error, { provider: outgoing.provider, gone: reply.gone(), stopping: stopping() });
  if (state.mode === 'flow' && failure.kind !== 'aborted') {
    if (state.sse && state.between) {
      watching.reply.write(watching.brokenOff(failure));
      watching.reply.end();
    } else watching.reply.cut();
  }
  return { status, reading, firstByteMs, failure, held: null };
}

function failureOf(state: State, error: Error, { provider, gone, stopping }: { provider: string; gone: boolean; stopping: boolean }): ModelFailure {
  if (gone) return modelFailure('aborted', 'The client has gone.', { sent: !state.unsent });
  if (stopping) return modelFailure('interrupted', 'The gateway is stopping.', { sent: true });
  const code = causeCode(error);
  if (state.mode === 'unknown') return modelFailure('malformed', `${provider} did not answer in its protocol.`, { sent: true });
  if (state.tooLarge) return modelFailure('malformed', `The answer of ${provider} is larger than is accepted.`, { sent: true, retryable: false });
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT')
    return modelFailure('timeout', `${provider} gave no word for too long.`, { sent: true });
  if (state.status !== null) return modelFailure('malformed', `The answer of ${provider} broke off (${code || error.message}).`, { sent: true });
  return modelFailure('unreachable', `${provider} could not be reached (${code || error.message}).`, { sent: !NEVER_LEFT.test(code) });
}
