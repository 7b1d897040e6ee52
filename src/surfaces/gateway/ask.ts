/**
 * What a request says that the gateway must know: the model, whether it streams, how much it may cost. The rest is the provider's business and
 * is not looked at. Pure.
 */
import type { JsonObject } from '../../kernel/canonical-json.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Endpoint } from './endpoint.ts';
import type { Edit } from './json-members.ts';
import { membersOf } from './json-members.ts';
import { ANSWERS_MAX, OUTPUT_TOKENS_MAX } from './limits.ts';
import { inputTokensUpperBound, type InputBound } from './translate/input-bound.ts';

export type Ask = {
  body: Buffer;
  json: JsonObject;
  /** As the client wrote it. */
  model: string;
  stream: boolean;
  /** Of one answer, as the client limits it; null where it does not. */
  maxOutputTokens: number | null;
  /** Answers asked for at once, each as long. */
  answers: number;
  /** At most; null for what lies elsewhere (files, earlier answers, pages that the provider fetches). */
  inputTokens: InputBound | null;
  /** A Chat Completions stream that would end without its usage. */
  lacksUsage: boolean;
  /** Of `maxOutputTokens`, tokens that must stay: thinking that the client has asked for. */
  thinkingTokens: number;
};

/** @throws AppError `invalid_input` for what is no request of this endpoint. */
export function readAsk(endpoint: Endpoint, body: Buffer): Ask {
  const json = parsed(body);
  const members = membersOf(body);
  const config = endpoint.protocol === 'google' ? members.find(({ name }) => name === 'generationConfig') : undefined;
  if (config !== undefined && isObject(json['generationConfig'])) membersOf(body, config.start);
  refuseUncounted(endpoint, json);
  const { ask } = endpoint;
  const named = 'model' in ask && ask.model !== null ? ask.model : json['model'];
  if (typeof named !== 'string' || named.trim() === '') throw new AppError('invalid_input', 'The request names no model.', { next: 'Set "model".' });
  const streams = ask.kind === 'answer' && ask.stream !== null ? ask.stream : json['stream'] === true;
  const chat = endpoint.protocol === 'openai_chat';
  if (json['background'] === true) {
    throw new AppError('invalid_input', 'An answer in the background cannot be metered here.', { next: 'Leave "background" out, and stream.' });
  }
  const maxOutputTokens = ask.kind === 'answer' ? outputLimit(endpoint, json) : 0;
  const answers = Math.max(1, wholeNumber(chat ? json['n'] : memberOf(json['generationConfig'], 'candidateCount')) ?? 1);
  refuseAbsurd(answers, maxOutputTokens);
  return {
    ...{ body, json, maxOutputTokens, answers, model: named },
    stream: ask.kind === 'answer' && streams,
    inputTokens: inputTokensUpperBound(endpoint.protocol, body, json),
    lacksUsage: chat && streams && memberOf(json['stream_options'], 'include_usage') !== true,
    thinkingTokens: wholeNumber(memberOf(json['thinking'], 'budget_tokens')) ?? 0,
  };
}

/** What a provider would obey and the gateway would not count: Google takes every member in two spellings and numbers as text. */
function refuseUncounted({ protocol, query }: Endpoint, json: JsonObject): void {
  if (protocol === 'openai_chat' && (json['max_tokens'] ?? null) !== null && (json['max_completion_tokens'] ?? null) !== null)
    throw new AppError('invalid_input', 'The request limits its answer twice, by max_tokens and max_completion_tokens.', {
      next: 'Send one of them.',
    });
  if (protocol === 'openai_chat' && (json['n'] ?? null) !== null && wholeNumber(json['n']) === null)
    throw new AppError('invalid_input', 'How many answers are wanted cannot be read.', { next: 'Write n as a number.' });
  if (protocol !== 'google') return;
  const { generationConfig: config } = json;
  const spelled = [json['generation_config'], memberOf(config, 'max_output_tokens'), memberOf(config, 'candidate_count')];
  const count = memberOf(config, 'candidateCount') ?? null;
  if (spelled.some((value) => value !== undefined) || (count !== null && wholeNumber(count) === null))
    throw new AppError('invalid_input', 'The limits of the answer cannot be read.', {
      next: 'Write generationConfig, maxOutputTokens and candidateCount so, and numbers without quotes.',
    });
  if ([...new URLSearchParams(query).keys()].some((name) => name === 'fields' || name === '$fields'))
    throw new AppError('invalid_input', 'A part of an answer cannot be metered here.', { next: 'Leave "fields" out of the address.' });
}

function refuseAbsurd(answers: number, maxOutputTokens: number | null): void {
  if (answers > ANSWERS_MAX)
    throw new AppError('invalid_input', `The request asks for ${answers} answers at once.`, { next: `Ask for ${ANSWERS_MAX} at most.` });
  if ((maxOutputTokens ?? 0) > OUTPUT_TOKENS_MAX)
    throw new AppError('invalid_input', `The request limits its answer to ${maxOutputTokens} tokens, which is more than any model gives.`, {
      next: "Send a limit within the model's own, or none.",
    });
}

/** What must be set for answers of at most so many tokens. */
export function limitEdit(endpoint: Endpoint, json: JsonObject, tokens: number): Edit {
  const value = String(tokens);
  switch (endpoint.protocol) {
    case 'google':
      return { path: ['generationConfig', 'maxOutputTokens'], json: value };
    case 'openai_responses':
      return { path: ['max_output_tokens'], json: value };
    case 'openai_chat':
      return {
        path: [json['max_tokens'] !== undefined && json['max_completion_tokens'] === undefined ? 'max_tokens' : 'max_completion_tokens'],
        json: value,
      };
    default:
      return { path: ['max_tokens'], json: value };
  }
}

function outputLimit({ protocol }: Endpoint, json: JsonObject): number | null {
  switch (protocol) {
    case 'google':
      return wholeNumber(memberOf(json['generationConfig'], 'maxOutputTokens'));
    case 'openai_responses':
      return wholeNumber(json['max_output_tokens']);
    case 'openai_chat':
      return wholeNumber(json['max_completion_tokens']) ?? wholeNumber(json['max_tokens']);
    default:
      return wholeNumber(json['max_tokens']);
  }
}

function parsed(body: Buffer): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new AppError('invalid_input', `The request is no JSON: ${error instanceof Error ? error.message.slice(0, 200) : ''}`, {
      next: 'Send a JSON object.',
      cause: error,
    });
  }
  if (!isObject(value)) throw new AppError('invalid_input', 'The request is no JSON object.', { next: 'Send a JSON object.' });
  return value;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function memberOf(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined;
}

function wholeNumber(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}
