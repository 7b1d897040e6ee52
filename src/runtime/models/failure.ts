/**
 * The failure kinds of a model call and their one meaning (spec HAR-6, HAR-7): what is retried, and what it may have cost.
 * How an error of a provider becomes one of them stands in `classify.ts`.
 *
 * | kind            | when                                                                          | again? | spent      |
 * | --------------- | ----------------------------------------------------------------------------- | ------ | ---------- |
 * | overloaded      | 500, 502, 503, 529, the provider's own error inside a stream, open circuit    | yes    | by status  |
 * | rate_limited    | 429, with Retry-After where given                                             | yes    | nothing    |
 * | timeout         | the call's deadline, silence inside a stream, 408, 504                        | yes    | unknown    |
 * | unreachable     | no connection: name, port, TLS; or the connection broke before an answer      | yes    | by moment  |
 * | malformed       | not the protocol, cut in the middle (half a tool call), beyond the size limit | yes    | unknown    |
 * | refused         | the provider's content rules refused the prompt                               | no     | unknown    |
 * | credential      | no key, 401, 402, 403, quota used up                                          | no     | nothing    |
 * | invalid_request | other 4xx, an unknown model, a script with faults                             | no     | nothing    |
 * | aborted         | the caller's signal                                                           | no     | unknown    |
 * | interrupted     | the worker died during the call; only the harness says so, on recovery        | yes    | unknown    |
 */
import { NO_USAGE, type Usage } from '../../kernel/messages.ts';
import type { ModelFailure, ModelFailureKind } from './model.ts';

const KINDS: Readonly<Record<ModelFailureKind, { retryable: boolean; spent: 'nothing' | 'unknown' }>> = {
  overloaded: { retryable: true, spent: 'nothing' },
  rate_limited: { retryable: true, spent: 'nothing' },
  timeout: { retryable: true, spent: 'unknown' },
  unreachable: { retryable: true, spent: 'unknown' },
  malformed: { retryable: true, spent: 'unknown' },
  refused: { retryable: false, spent: 'unknown' },
  credential: { retryable: false, spent: 'nothing' },
  invalid_request: { retryable: false, spent: 'nothing' },
  aborted: { retryable: false, spent: 'unknown' },
  interrupted: { retryable: true, spent: 'unknown' },
};

export const FAILURE_KINDS: readonly ModelFailureKind[] = [
  'overloaded',
  'rate_limited',
  'timeout',
  'unreachable',
  'malformed',
  'refused',
  'credential',
  'invalid_request',
  'aborted',
  'interrupted',
];

/** A failure with what its kind implies; `more` overrides it. What was never sent cost nothing. */
export function modelFailure(
  kind: ModelFailureKind,
  message: string,
  more: { sent: boolean; retryAfterMs?: number | null; usage?: Usage | null; retryable?: boolean },
): ModelFailure {
  const implied = KINDS[kind];
  const usage = more.usage === undefined ? (implied.spent === 'nothing' ? NO_USAGE : null) : more.usage;
  return {
    kind,
    message,
    retryable: more.retryable ?? implied.retryable,
    retryAfterMs: more.retryAfterMs ?? null,
    sent: more.sent,
    usage: more.sent ? usage : NO_USAGE,
  };
}
