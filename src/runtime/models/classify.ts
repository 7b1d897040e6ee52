/**
 * An error of a provider or its SDK as one of our failure kinds. The kinds and what they imply stand in `failure.ts`.
 */
import { APICallError } from '@ai-sdk/provider';
import { NO_USAGE } from '../../kernel/messages.ts';
import { modelFailure } from './failure.ts';
import type { Exchange } from './http.ts';
import { PROVIDER_WORDS, RETRY_AFTER_MAX_MS } from './limits.ts';
import type { ModelFailure, ModelFailureKind } from './model.ts';

export type Failing = {
  provider: string;
  exchange: Exchange;
  nowMs: number;
  /** Taken out of every message. */
  secret: string | undefined;
};

const BY_STATUS: ReadonlyMap<number, ModelFailureKind> = new Map([
  [401, 'credential'],
  [402, 'credential'],
  [403, 'credential'],
  [408, 'timeout'],
  [409, 'overloaded'],
  [425, 'overloaded'],
  [429, 'rate_limited'],
  [504, 'timeout'],
]);
/** Answers that say the provider may have worked before it failed; every other status refuses before any work. */
export const MAY_HAVE_WORKED: ReadonlySet<number> = new Set([408, 500, 502, 504]);

/** Providers say some of these with a status that means something else. */
const NO_CREDIT = /insufficient_quota|credit balance|api key not valid|invalid api key|billing/i;
const REFUSED = /content_filter|content_policy|safety|prohibited_content/i;

/** Any error that came out of a provider call. */
export function classify(error: unknown, at: Failing): ModelFailure {
  const { exchange } = at;
  if (exchange.tooLarge) {
    return modelFailure('malformed', `${at.provider} answered more than is accepted; the rest was not read.`, { sent: true, retryable: false });
  }
  if (APICallError.isInstance(error) && error.statusCode !== undefined && error.statusCode >= 400) return byStatus(error, error.statusCode, at);
  const words = wordsOf(error, at.secret);
  if (exchange.answered) return inAnswer(error, words, at);
  if (exchange.sent || APICallError.isInstance(error)) {
    return modelFailure('unreachable', `${at.provider} could not be reached: ${words}`, { sent: exchange.sent });
  }
  return modelFailure('invalid_request', `The request to ${at.provider} could not be made: ${words}`, { sent: false });
}

function byStatus(error: APICallError, status: number, at: Failing): ModelFailure {
  const body = error.responseBody ?? '';
  const words = wordsOf(error, at.secret);
  const said = `${body} ${error.message}`;
  const kind = kindOf(status, said);
  // An error inside an answer that had begun comes with a status too, but work was done by then.
  const unknown = at.exchange.answered || MAY_HAVE_WORKED.has(status);
  const message =
    kind === 'credential' ? `${at.provider} did not accept the key or its account: ${words}` : `${at.provider} answered ${status}: ${words}`;
  return modelFailure(kind, message, {
    sent: true,
    retryAfterMs: retryAfterMs(error.responseHeaders ?? {}, body, at.nowMs),
    usage: unknown ? null : NO_USAGE,
  });
}

export function kindOf(status: number, said: string): ModelFailureKind {
  if ((status === 400 || status === 429) && NO_CREDIT.test(said)) return 'credential';
  if (status === 400 && REFUSED.test(said)) return 'refused';
  return BY_STATUS.get(status) ?? (status >= 500 ? 'overloaded' : 'invalid_request');
}

/** An error after the answer had begun: an error event, something that is not the protocol, or a broken connection. */
function inAnswer(error: unknown, words: string, at: Failing): ModelFailure {
  const kind = error instanceof Error ? null : kindInStream(JSON.stringify(error) ?? '');
  if (kind !== null) return modelFailure(kind, `${at.provider} failed in the middle of its answer: ${words}`, { sent: true, usage: null });
  return modelFailure('malformed', `The answer of ${at.provider} broke off or was not understood: ${words}`, { sent: true });
}

/** OpenAI-compatible servers send errors inside a stream as bare objects. */
function kindInStream(said: string): ModelFailureKind | null {
  if (NO_CREDIT.test(said)) return 'credential';
  if (/rate_limit|"code":429/i.test(said)) return 'rate_limited';
  if (REFUSED.test(said)) return 'refused';
  if (/context_length|invalid_request/i.test(said)) return 'invalid_request';
  return /error|overloaded|unavailable|"code":5\d\d/i.test(said) ? 'overloaded' : null;
}

/** A provider's own words, short, on one line, without the key. */
function wordsOf(error: unknown, secret: string | undefined): string {
  const raw = error instanceof Error ? error.message : messageIn(error);
  const text = raw.replaceAll(/\s+/g, ' ').trim() || 'no reason given';
  const clean = secret === undefined || secret === '' ? text : text.replaceAll(secret, '[key]');
  return clean.length > PROVIDER_WORDS ? `${clean.slice(0, PROVIDER_WORDS)}…` : clean;
}

function messageIn(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string') return value.message;
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** From `retry-after-ms`, `retry-after` (seconds or a date, RFC 9110) or Google's RetryInfo; null when nobody says. */
export function retryAfterMs(headers: Readonly<Record<string, string | undefined>>, body: string, nowMs: number): number | null {
  const within = (ms: number): number | null => (Number.isFinite(ms) && ms >= 0 ? Math.min(Math.ceil(ms), RETRY_AFTER_MAX_MS) : null);
  const inMs = headers['retry-after-ms'];
  if (inMs !== undefined) return within(Number(inMs));
  const header = headers['retry-after'];
  if (header !== undefined)
    return within(/^\d/.test(header) && !header.includes(':') ? Number(header) * 1_000 : Math.max(0, Date.parse(header) - nowMs));
  const inBody = /"retryDelay"\s*:\s*"(\d+(?:\.\d+)?)s"/.exec(body)?.[1];
  return inBody === undefined ? null : within(Number(inBody) * 1_000);
}
