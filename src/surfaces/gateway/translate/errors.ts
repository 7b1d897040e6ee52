/**
 * Failures in each protocol's own form, with the types that its official clients turn into their error classes. For what is translated
 * and for what passes through alike.
 */
import { APICallError, UnsupportedFunctionalityError, InvalidArgumentError, InvalidPromptError } from '@ai-sdk/provider';
import type { JsonObject } from '../../../kernel/canonical-json.ts';
import { ERROR_CODES, toAppError } from '../../../kernel/errors.ts';
import type { ModelFailure, ModelFailureKind } from '../../../runtime/models/model.ts';
import type { ClientError, Protocol, WrittenError } from './protocol.ts';

type Names = { anthropic: string; openai: string; code: string | null; google: string };
const NAMES: ReadonlyMap<number, Names> = new Map([
  [400, { anthropic: 'invalid_request_error', openai: 'invalid_request_error', code: null, google: 'INVALID_ARGUMENT' }],
  [401, { anthropic: 'authentication_error', openai: 'invalid_request_error', code: 'invalid_api_key', google: 'UNAUTHENTICATED' }],
  [402, { anthropic: 'billing_error', openai: 'insufficient_quota', code: 'insufficient_quota', google: 'FAILED_PRECONDITION' }],
  [403, { anthropic: 'permission_error', openai: 'invalid_request_error', code: 'permission_denied', google: 'PERMISSION_DENIED' }],
  [404, { anthropic: 'not_found_error', openai: 'invalid_request_error', code: 'not_found', google: 'NOT_FOUND' }],
  [408, { anthropic: 'timeout_error', openai: 'server_error', code: 'timeout', google: 'DEADLINE_EXCEEDED' }],
  [409, { anthropic: 'invalid_request_error', openai: 'invalid_request_error', code: 'conflict', google: 'ABORTED' }],
  [413, { anthropic: 'request_too_large', openai: 'invalid_request_error', code: 'request_too_large', google: 'INVALID_ARGUMENT' }],
  [429, { anthropic: 'rate_limit_error', openai: 'rate_limit_exceeded', code: 'rate_limit_exceeded', google: 'RESOURCE_EXHAUSTED' }],
  [500, { anthropic: 'api_error', openai: 'server_error', code: null, google: 'INTERNAL' }],
  [502, { anthropic: 'api_error', openai: 'server_error', code: null, google: 'UNAVAILABLE' }],
  [503, { anthropic: 'overloaded_error', openai: 'server_error', code: 'overloaded', google: 'UNAVAILABLE' }],
  [504, { anthropic: 'timeout_error', openai: 'server_error', code: 'timeout', google: 'DEADLINE_EXCEEDED' }],
  [529, { anthropic: 'overloaded_error', openai: 'server_error', code: 'overloaded', google: 'UNAVAILABLE' }],
]);
const ANY_CLIENT_FAULT = 400;
const ANY_FAULT = 500;

export function writeError(protocol: Protocol, error: ClientError): WrittenError {
  const { requestId = null, retryAfterMs = null } = error;
  return {
    status: statusOf(protocol, error.status),
    headers: {
      'content-type': 'application/json; charset=utf-8',
      ...(requestId === null ? {} : { [protocol === 'anthropic' ? 'request-id' : 'x-request-id']: requestId }),
      ...(retryAfterMs === null ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)), 'retry-after-ms': String(Math.ceil(retryAfterMs)) }),
    },
    body: JSON.stringify(errorBody(protocol, error)),
  };
}

/** Only Anthropic has 529. */
function statusOf(protocol: Protocol, status: number): number {
  if (status === 529) return protocol === 'anthropic' ? 529 : 503;
  return NAMES.has(status) ? status : status >= 500 ? ANY_FAULT : ANY_CLIENT_FAULT;
}

/** The body, as it also stands inside a stream that had begun. */
export function errorBody(protocol: Protocol, error: ClientError): JsonObject {
  const status = statusOf(protocol, error.status);
  const names = NAMES.get(status);
  const { message, code = null, param = null, requestId = null, retryAfterMs = null } = error;
  switch (protocol) {
    case 'anthropic':
      return { type: 'error', error: { type: names?.anthropic, message }, ...(requestId === null ? {} : { request_id: requestId }) };
    case 'openai_chat':
    case 'openai_responses':
    case 'openai_embeddings':
      return { error: { message, type: names?.openai, param, code: code ?? names?.code ?? null } };
    case 'google': {
      const reason = code === null ? [] : [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: code.toUpperCase(), domain: 'windlass' }];
      const retry =
        retryAfterMs === null ? [] : [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${Math.ceil(retryAfterMs / 1_000)}s` }];
      const details = [...reason, ...retry];
      return { error: { code: status, message, status: names?.google, ...(details.length === 0 ? {} : { details }) } };
    }
  }
}

/** Any thrown value as what a client may be told of it; internals stay here. */
export function clientError(thrown: unknown): ClientError {
  if (UnsupportedFunctionalityError.isInstance(thrown))
    return { status: 400, code: 'not_translatable', message: `This cannot be translated for the provider: ${thrown.functionality}.` };
  if (InvalidPromptError.isInstance(thrown) || InvalidArgumentError.isInstance(thrown))
    return { status: 400, code: 'not_translatable', message: `This cannot be translated for the provider: ${thrown.message}` };
  if (APICallError.isInstance(thrown)) return { status: thrown.statusCode ?? 502, code: null, message: `The provider answered: ${thrown.message}` };
  const error = toAppError(thrown);
  const { http, exposed, title } = ERROR_CODES[error.code];
  const next = error.next === undefined ? '' : ` ${error.next}`;
  const about = exposed ? `${error.message}${/[.!?]$/.test(error.message) ? '' : '.'}${next}` : `${title}.`;
  const code = error.code === 'invalid_input' || error.code === 'internal' ? null : error.code;
  return {
    status: http === 415 || http === 421 || http === 422 ? 400 : http,
    message: about,
    code,
    param: error.faults[0]?.path ?? null,
    retryAfterMs: error.retryAfterMs ?? null,
  };
}

const STATUS_OF: Readonly<Record<ModelFailureKind, number>> = {
  overloaded: 529,
  rate_limited: 429,
  timeout: 504,
  unreachable: 502,
  malformed: 502,
  refused: 400,
  // The gateway's own key is at fault, not the client's: a 401 would send the client looking at its own.
  credential: 502,
  invalid_request: 400,
  aborted: 408,
  interrupted: 502,
};

export function failureError(failure: ModelFailure): ClientError {
  return { status: STATUS_OF[failure.kind], code: `provider_${failure.kind}`, message: failure.message, retryAfterMs: failure.retryAfterMs };
}
