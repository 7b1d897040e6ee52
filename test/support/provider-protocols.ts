/**
 * The streaming protocols of four kinds of provider, spoken from the server's side: what an answer looks like on the wire, and
 * where in a request its parts are. Only what the tests need.
 */
import type { ProviderSettings } from '../../src/runtime/models/providers.ts';
import type { Recorded } from './provider-server.ts';

export type Answer = {
  text?: string;
  reasoning?: { text: string; signature: string };
  /** `namespace` groups the tools of one server, where OpenAI's clients offer them so. */
  calls?: { id: string; name: string; json: string; namespace?: string }[];
  finish?: 'stop' | 'tool_calls' | 'length';
};

/** Tokens every answer reports: 120 in, 100 of them from the cache, 30 out. */
export const REPORTED = { input: 120, cached: 100, output: 30 } as const;

export type Protocol = {
  name: string;
  model: string;
  settings(url: string): ProviderSettings;
  /** Server-sent events of an answer; the last of them end it. */
  events(answer: Answer): string[];
  /** An error of the provider inside a stream that had begun. */
  errorEvent: string;
  error(message: string): string;
  /** Where a request carries these, as text to look into. */
  read(request: Recorded): { system: string; key: string; maxTokens: number; tools: string[]; image: string; schema: unknown; results: string[] };
};

type Body = Record<string, never>;
type Any = Record<string, unknown>;
const sse = (data: unknown, event?: string): string => `${event === undefined ? '' : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`;
/** Texts come in pieces, as they do. */
const pieces = (text: string): string[] => text.match(/[\s\S]{1,7}/g) ?? [];
/** A value deep inside a body of a test's own request. */
export function at(value: unknown, ...path: (string | number)[]): unknown {
  let found = value;
  for (const step of path) found = (found as Body | undefined)?.[step as string];
  return found;
}
const list = (value: unknown): Any[] => (Array.isArray(value) ? (value as Any[]) : []);
const text = (value: unknown): string => (typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value));

const anthropic: Protocol = {
  name: 'anthropic',
  model: 'claude-sonnet-5-5',
  settings: (url) => ({ kind: 'anthropic', baseUrl: `${url}/v1`, keyEnv: 'TEST_KEY' }),
  events({ text: said = '', reasoning, calls = [], finish = 'stop' }) {
    const event = (data: Any): string => sse(data, String(data['type']));
    const usage = { input_tokens: 15, cache_read_input_tokens: REPORTED.cached, cache_creation_input_tokens: 5, output_tokens: 1 };
    const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [], stop_reason: null, stop_sequence: null, usage };
    const events = [event({ type: 'message_start', message })];
    let index = -1;
    const block = (start: Any, deltas: Any[]): void => {
      index += 1;
      events.push(event({ type: 'content_block_start', index, content_block: start }));
      for (const delta of deltas) events.push(event({ type: 'content_block_delta', index, delta }));
      events.push(event({ type: 'content_block_stop', index }));
    };
    if (reasoning !== undefined) {
      const deltas = pieces(reasoning.text).map((thinking) => ({ type: 'thinking_delta', thinking }));
      block({ type: 'thinking', thinking: '' }, [...deltas, { type: 'signature_delta', signature: reasoning.signature }]);
    }
    if (said !== '')
      block(
        { type: 'text', text: '' },
        pieces(said).map((piece) => ({ type: 'text_delta', text: piece })),
      );
    for (const call of calls) {
      block(
        { type: 'tool_use', id: call.id, name: call.name, input: {} },
        pieces(call.json).map((partial_json) => ({ type: 'input_json_delta', partial_json })),
      );
    }
    const stop_reason = { stop: 'end_turn', tool_calls: 'tool_use', length: 'max_tokens' }[finish];
    events.push(event({ type: 'message_delta', delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: REPORTED.output } }));
    events.push(event({ type: 'message_stop' }));
    return events;
  },
  errorEvent: sse({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }, 'error'),
  error: (message) => JSON.stringify({ type: 'error', error: { type: 'invalid_request_error', message } }),
  read: ({ body, headers }) => ({
    system: text(at(body, 'system')),
    key: text(headers['x-api-key']),
    maxTokens: Number(at(body, 'max_tokens')),
    tools: list(at(body, 'tools')).map((tool) => text(tool['name'])),
    image: text(at(body, 'messages', 0, 'content', 1, 'source', 'data')),
    schema: at(body, 'output_config', 'format', 'schema'),
    results: list(at(body, 'messages'))
      .flatMap((message) => list(message['content']))
      .filter((part) => part['type'] === 'tool_result')
      .map((part) => `${text(part['tool_use_id'])}: ${text(at(part, 'content', 0, 'text') ?? part['content'])}`),
  }),
};

const openai: Protocol = {
  name: 'openai',
  model: 'gpt-6.1-sol',
  settings: (url) => ({ kind: 'openai', baseUrl: `${url}/v1`, keyEnv: 'TEST_KEY' }),
  events({ text: said = '', reasoning, calls = [], finish = 'stop' }) {
    let number = 0;
    const event = (type: string, data: Any): string => sse({ type, sequence_number: (number += 1), ...data }, type);
    const response = { id: 'resp_1', object: 'response', created_at: 1_780_000_000, model: 'm', output: [], status: 'in_progress' };
    const events = [event('response.created', { response })];
    let output_index = -1;
    const output: Any[] = [];
    const item = (start: Any, deltas: string[], end: Any): void => {
      output_index += 1;
      output.push({ ...start, ...end });
      events.push(event('response.output_item.added', { output_index, item: start }), ...deltas);
      events.push(event('response.output_item.done', { output_index, item: { ...start, ...end } }));
    };
    if (reasoning !== undefined) {
      item({ type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: null }, [], { encrypted_content: reasoning.signature });
    }
    if (said !== '') {
      const message = { type: 'message', id: 'out_1', role: 'assistant', status: 'in_progress', content: [] };
      const place = { item_id: 'out_1', output_index: output_index + 1, content_index: 0 };
      const part = event('response.content_part.added', { ...place, part: { type: 'output_text', text: '', annotations: [] } });
      const deltas = [part, ...pieces(said).map((delta) => event('response.output_text.delta', { ...place, delta }))];
      item(message, deltas, { status: 'completed', content: [{ type: 'output_text', text: said, annotations: [] }] });
    }
    for (const call of calls) {
      const start = {
        ...{ type: 'function_call', id: `fc_${call.id}`, call_id: call.id, name: call.name, arguments: '', status: 'in_progress' },
        ...(call.namespace === undefined ? {} : { namespace: call.namespace }),
      };
      const deltas = pieces(call.json).map((delta) =>
        event('response.function_call_arguments.delta', { item_id: start.id, output_index: output_index + 1, delta }),
      );
      item(start, deltas, { arguments: call.json, status: 'completed' });
    }
    const usage = {
      input_tokens: REPORTED.input,
      input_tokens_details: { cached_tokens: REPORTED.cached },
      output_tokens: REPORTED.output,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: REPORTED.input + REPORTED.output,
    };
    const cut = finish === 'length';
    const incomplete_details = cut ? { reason: 'max_output_tokens' } : null;
    const done = cut ? 'response.incomplete' : 'response.completed';
    return [...events, event(done, { response: { ...response, output, status: cut ? 'incomplete' : 'completed', incomplete_details, usage } })];
  },
  errorEvent: sse(
    { type: 'error', sequence_number: 9, error: { type: 'server_error', code: 'server_error', message: 'Overloaded', param: null } },
    'error',
  ),
  error: (message) => JSON.stringify({ error: { message, type: 'invalid_request_error', param: null, code: null } }),
  read: ({ body, headers }) => ({
    system: text(at(body, 'input', 0)),
    key: text(headers.authorization),
    maxTokens: Number(at(body, 'max_output_tokens')),
    tools: list(at(body, 'tools')).map((tool) => text(tool['name'])),
    image: text(at(body, 'input', 1, 'content', 1, 'image_url')),
    schema: at(body, 'text', 'format', 'schema'),
    results: list(at(body, 'input'))
      .filter((part) => part['type'] === 'function_call_output')
      .map((part) => `${text(part['call_id'])}: ${text(part['output'])}`),
  }),
};

const compatible: Protocol = {
  name: 'lab',
  model: 'qwen-3.8-27b',
  settings: (url) => ({ kind: 'openai-compatible', baseUrl: `${url}/v1`, keyEnv: 'TEST_KEY' }),
  events({ text: said = '', calls = [], finish = 'stop' }) {
    const chunk = (delta: Any, finish_reason: string | null = null): string =>
      sse({ id: 'c_1', object: 'chat.completion.chunk', created: 1_780_000_000, model: 'm', choices: [{ index: 0, delta, finish_reason }] });
    const events = [chunk({ role: 'assistant', content: '' }), ...pieces(said).map((content) => chunk({ content }))];
    for (const [index, call] of calls.entries()) {
      events.push(chunk({ tool_calls: [{ index, id: call.id, type: 'function', function: { name: call.name, arguments: '' } }] }));
      for (const piece of pieces(call.json)) events.push(chunk({ tool_calls: [{ index, function: { arguments: piece } }] }));
    }
    const usage = {
      prompt_tokens: REPORTED.input,
      completion_tokens: REPORTED.output,
      total_tokens: REPORTED.input + REPORTED.output,
      prompt_tokens_details: { cached_tokens: REPORTED.cached },
    };
    events.push(chunk({}, finish), sse({ id: 'c_1', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [], usage }));
    return [...events, 'data: [DONE]\n\n'];
  },
  errorEvent: sse({ error: { message: 'Overloaded', type: 'server_error', param: null, code: null } }),
  error: (message) => JSON.stringify({ error: { message, type: 'invalid_request_error', param: null, code: null } }),
  read: ({ body, headers }) => ({
    system: text(at(body, 'messages', 0)),
    key: text(headers.authorization),
    maxTokens: Number(at(body, 'max_tokens')),
    tools: list(at(body, 'tools')).map((tool) => text(at(tool, 'function', 'name'))),
    image: text(at(body, 'messages', 1, 'content', 1, 'image_url', 'url')),
    schema: at(body, 'response_format', 'json_schema', 'schema'),
    results: list(at(body, 'messages'))
      .filter((message) => message['role'] === 'tool')
      .map((message) => `${text(message['tool_call_id'])}: ${text(message['content'])}`),
  }),
};

const google: Protocol = {
  name: 'google',
  model: 'gemini-4-argon',
  settings: (url) => ({ kind: 'google', baseUrl: `${url}/v1beta`, keyEnv: 'TEST_KEY' }),
  events({ text: said = '', reasoning, calls = [], finish = 'stop' }) {
    const chunk = (parts: Any[], more: Any = {}): string =>
      sse({ candidates: [{ index: 0, content: { role: 'model', parts }, ...more }], modelVersion: 'm' });
    const events = pieces(said).map((piece) => chunk([{ text: piece }]));
    if (reasoning !== undefined) events.unshift(chunk([{ text: reasoning.text, thought: true, thoughtSignature: reasoning.signature }]));
    for (const call of calls) events.push(chunk([{ functionCall: { id: call.id, name: call.name, args: JSON.parse(call.json) as unknown } }]));
    const usageMetadata = {
      promptTokenCount: REPORTED.input,
      cachedContentTokenCount: REPORTED.cached,
      candidatesTokenCount: REPORTED.output,
      totalTokenCount: REPORTED.input + REPORTED.output,
    };
    const finishReason = finish === 'length' ? 'MAX_TOKENS' : 'STOP';
    return [...events, sse({ candidates: [{ index: 0, content: { role: 'model', parts: [{ text: '' }] }, finishReason }], usageMetadata })];
  },
  errorEvent: sse({ error: { code: 503, message: 'Overloaded', status: 'UNAVAILABLE' } }),
  error: (message) => JSON.stringify({ error: { code: 400, message, status: 'INVALID_ARGUMENT' } }),
  read: ({ body, headers }) => ({
    system: text(at(body, 'systemInstruction')),
    key: text(headers['x-goog-api-key']),
    maxTokens: Number(at(body, 'generationConfig', 'maxOutputTokens')),
    tools: list(at(body, 'tools', 0, 'functionDeclarations')).map((tool) => text(tool['name'])),
    image: text(at(body, 'contents', 0, 'parts', 1, 'inlineData', 'data')),
    schema: at(body, 'generationConfig', 'responseJsonSchema'),
    results: list(at(body, 'contents'))
      .flatMap((content) => list(content['parts']))
      .filter((part) => part['functionResponse'] !== undefined)
      .map((part) => `${text(at(part, 'functionResponse', 'id'))}: ${text(at(part, 'functionResponse', 'response', 'content'))}`),
  }),
};

export const PROTOCOLS: readonly Protocol[] = [anthropic, openai, compatible, google];
