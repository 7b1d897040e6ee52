/**
 * The official SDKs as clients, each behind one small face, so that one test holds for all of them: what was said, what was called, why it
 * ended, what it cost, and the message that goes back. They come from the cache folder of `test-clients.ts`.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ChatProtocol } from '../../src/surfaces/gateway/translate/protocol.ts';

type Any = Record<string, unknown>;
export type Turn = { user: string; png?: string } | { back: unknown; results: { id: string; name: string; text: string }[] };
export type Tool = { name: string; description: string; schema: Any };
export type Question = { system?: string; turns: Turn[]; tools?: Tool[]; schema?: Any; stream: boolean; maxTokens?: number; more?: Any };
export type Said = {
  text: string;
  thoughts: string;
  calls: { id: string; name: string; args: unknown }[];
  finish: string;
  usage: { input: number; cached: number; output: number };
  /** As the client would send it back. */
  back: unknown;
};
export type SdkClient = { protocol: ChatProtocol; ask(question: Question): Promise<Said> };

type Calls = Record<string, (input: Any) => unknown>;
/** A method of an SDK, called with its own `this`. */
function call(api: Calls, method: string, input: Any): unknown {
  const found = api[method];
  if (found === undefined) throw new Error(`the SDK has no ${method}`);
  return found.call(api, input);
}
const PNG = 'image/png';
const list = (value: unknown): Any[] => (Array.isArray(value) ? (value as Any[]) : []);
const num = (value: unknown): number => (typeof value === 'number' ? value : 0);
const str = (value: unknown): string => (typeof value === 'string' ? value : '');
const joined = (parts: Any[], key: string): string => parts.map((part) => str(part[key])).join('');

async function load(folder: string, file: string): Promise<Record<string, new (options: Any) => Record<string, Calls & Record<string, Calls>>>> {
  return (await import(pathToFileURL(join(folder, 'node_modules', file)).href)) as never;
}

/** Where each SDK is pointed at, and with which key. */
export type SdkPlaces = { anthropic: string; openai: string; google: string; key: string };

/** `folder` is that of the installed clients, `url` where the server listens; or the three addresses of the gateway. */
export async function sdkClients(folder: string, url: string | SdkPlaces): Promise<SdkClient[]> {
  const at = typeof url === 'string' ? { anthropic: url, openai: `${url}/v1`, google: url, key: 'k' } : url;
  const { default: Anthropic } = await load(folder, '@anthropic-ai/sdk/index.mjs');
  const { default: OpenAi } = await load(folder, 'openai/index.mjs');
  const { GoogleGenAI } = await load(folder, '@google/genai/dist/node/index.mjs');
  if (Anthropic === undefined || OpenAi === undefined || GoogleGenAI === undefined) throw new Error('an SDK has no client');
  const openai = new OpenAi({ apiKey: at.key, baseURL: at.openai, maxRetries: 0 });
  const google = new GoogleGenAI({ apiKey: at.key, httpOptions: { baseUrl: at.google } });
  return [
    anthropic(new Anthropic({ apiKey: at.key, baseURL: at.anthropic, maxRetries: 0 })['messages'] as unknown as Calls),
    chat((openai['chat'] as unknown as Record<string, Calls>)['completions'] as Calls),
    responses(openai['responses'] as unknown as Calls),
    gemini(google['models'] as unknown as Calls),
  ];
}

function anthropic(messages: Calls): SdkClient {
  return {
    protocol: 'anthropic',
    async ask({ system, turns, tools, schema, stream, maxTokens = 100, more }) {
      const input = {
        model: 'any-model',
        max_tokens: maxTokens,
        ...(system === undefined ? {} : { system }),
        messages: turns.flatMap((turn): Any[] =>
          'user' in turn
            ? [
                {
                  role: 'user',
                  content: [
                    { type: 'text', text: turn.user },
                    ...(turn.png === undefined ? [] : [{ type: 'image', source: { type: 'base64', media_type: PNG, data: turn.png } }]),
                  ],
                },
              ]
            : [
                { role: 'assistant', content: turn.back },
                { role: 'user', content: turn.results.map(({ id, text }) => ({ type: 'tool_result', tool_use_id: id, content: text })) },
              ],
        ),
        ...(tools === undefined ? {} : { tools: tools.map(({ schema: input_schema, ...tool }) => ({ ...tool, input_schema })) }),
        ...(schema === undefined ? {} : { output_config: { format: { type: 'json_schema', schema } } }),
        ...more,
      };
      const message = (await (stream
        ? (call(messages, 'stream', input) as { finalMessage(): unknown }).finalMessage()
        : call(messages, 'create', input))) as Any;
      const content = list(message['content']);
      const usage = message['usage'] as Any;
      const cached = num(usage['cache_read_input_tokens']);
      return {
        text: joined(content, 'text'),
        thoughts: joined(content, 'thinking'),
        calls: content.filter(({ type }) => type === 'tool_use').map(({ id, name, input: args }) => ({ id: str(id), name: str(name), args })),
        finish: str(message['stop_reason']),
        usage: {
          input: num(usage['input_tokens']) + cached + num(usage['cache_creation_input_tokens']),
          cached,
          output: num(usage['output_tokens']),
        },
        back: content,
      };
    },
  };
}

function chat(completions: Calls): SdkClient {
  return {
    protocol: 'openai_chat',
    async ask({ system, turns, tools, schema, stream, maxTokens = 100, more }) {
      const input = {
        model: 'any-model',
        max_completion_tokens: maxTokens,
        messages: [
          ...(system === undefined ? [] : [{ role: 'system', content: system }]),
          ...turns.flatMap((turn): Any[] =>
            'user' in turn
              ? [
                  {
                    role: 'user',
                    content: [
                      { type: 'text', text: turn.user },
                      ...(turn.png === undefined ? [] : [{ type: 'image_url', image_url: { url: `data:${PNG};base64,${turn.png}` } }]),
                    ],
                  },
                ]
              : [turn.back as Any, ...turn.results.map(({ id, text }) => ({ role: 'tool', tool_call_id: id, content: text }))],
          ),
        ],
        ...(tools === undefined
          ? {}
          : { tools: tools.map(({ schema: parameters, ...tool }) => ({ type: 'function', function: { ...tool, parameters } })) }),
        ...(schema === undefined ? {} : { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } } }),
        ...(stream ? { stream_options: { include_usage: true } } : {}),
        ...more,
      };
      const completion = (await (stream
        ? (call(completions, 'stream', input) as { finalChatCompletion(): unknown }).finalChatCompletion()
        : call(completions, 'create', input))) as Any;
      const [choice = {}] = list(completion['choices']);
      const { parsed: _parsed, ...message } = choice['message'] as Any;
      const usage = completion['usage'] as Any;
      return {
        text: str(message['content']),
        thoughts: str(message['reasoning_content']),
        calls: list(message['tool_calls']).map((made) => {
          const { name, arguments: args } = made['function'] as Any;
          return { id: str(made['id']), name: str(name), args: JSON.parse(str(args)) as unknown };
        }),
        finish: str(choice['finish_reason']),
        usage: {
          input: num(usage['prompt_tokens']),
          cached: num((usage['prompt_tokens_details'] as Any)['cached_tokens']),
          output: num(usage['completion_tokens']),
        },
        back: {
          ...message,
          tool_calls: list(message['tool_calls']).map(({ parsed: _, ...call }) => ({ ...call, function: withoutParsed(call['function'] as Any) })),
        },
      };
    },
  };
}

function withoutParsed({ parsed_arguments: _, ...call }: Any): Any {
  return call;
}

function responses(api: Calls): SdkClient {
  return {
    protocol: 'openai_responses',
    async ask({ system, turns, tools, schema, stream, maxTokens = 100, more }) {
      const input = {
        model: 'any-model',
        max_output_tokens: maxTokens,
        store: false,
        ...(system === undefined ? {} : { instructions: system }),
        input: turns.flatMap((turn): Any[] =>
          'user' in turn
            ? [
                {
                  role: 'user',
                  content: [
                    { type: 'input_text', text: turn.user },
                    ...(turn.png === undefined ? [] : [{ type: 'input_image', image_url: `data:${PNG};base64,${turn.png}`, detail: 'auto' }]),
                  ],
                },
              ]
            : [...list(turn.back), ...turn.results.map(({ id, text }) => ({ type: 'function_call_output', call_id: id, output: text }))],
        ),
        ...(tools === undefined
          ? {}
          : { tools: tools.map(({ schema: parameters, ...tool }) => ({ type: 'function', ...tool, parameters, strict: false })) }),
        ...(schema === undefined ? {} : { text: { format: { type: 'json_schema', name: 'answer', schema, strict: true } } }),
        ...more,
      };
      const response = (await (stream
        ? (call(api, 'stream', input) as { finalResponse(): unknown }).finalResponse()
        : call(api, 'create', input))) as Any;
      // This SDK hands over a failed answer like any other.
      if (response['status'] === 'failed') throw new Error(str((response['error'] as Any)['message']));
      const output = list(response['output']);
      const usage = response['usage'] as Any;
      return {
        text: str(response['output_text']),
        thoughts: output
          .flatMap((item) => list(item['summary']))
          .map((part) => str(part['text']))
          .join(''),
        calls: output
          .filter(({ type }) => type === 'function_call')
          .map((item) => ({ id: str(item['call_id']), name: str(item['name']), args: JSON.parse(str(item['arguments'])) as unknown })),
        finish: str(response['status']),
        usage: {
          input: num(usage['input_tokens']),
          cached: num((usage['input_tokens_details'] as Any)['cached_tokens']),
          output: num(usage['output_tokens']),
        },
        back: output.map(({ parsed_arguments: _, ...item }) => ({
          ...item,
          ...(item['type'] === 'message' ? { content: list(item['content']).map(({ parsed: _parsed, ...part }) => part) } : {}),
        })),
      };
    },
  };
}

function gemini(models: Calls): SdkClient {
  return {
    protocol: 'google',
    async ask({ system, turns, tools, schema, stream, maxTokens = 100, more }) {
      const input = {
        model: 'any-model',
        contents: turns.flatMap((turn): Any[] =>
          'user' in turn
            ? [{ role: 'user', parts: [{ text: turn.user }, ...(turn.png === undefined ? [] : [{ inlineData: { mimeType: PNG, data: turn.png } }])] }]
            : [
                { role: 'model', parts: turn.back },
                { role: 'user', parts: turn.results.map(({ id, name, text }) => ({ functionResponse: { id, name, response: { output: text } } })) },
              ],
        ),
        config: {
          maxOutputTokens: maxTokens,
          ...(system === undefined ? {} : { systemInstruction: system }),
          ...(tools === undefined
            ? {}
            : { tools: [{ functionDeclarations: tools.map(({ schema: parametersJsonSchema, ...tool }) => ({ ...tool, parametersJsonSchema })) }] }),
          ...(schema === undefined ? {} : { responseMimeType: 'application/json', responseJsonSchema: schema }),
          ...more,
        },
      };
      const pieces: Any[] = [];
      if (stream) for await (const piece of (await call(models, 'generateContentStream', input)) as AsyncIterable<Any>) pieces.push(piece);
      else pieces.push((await call(models, 'generateContent', input)) as Any);
      const candidates = pieces.flatMap((piece) => list(piece['candidates']));
      const parts = candidates.flatMap((candidate) => list((candidate['content'] as Any)['parts']));
      const usage = (pieces.at(-1)?.['usageMetadata'] ?? {}) as Any;
      return {
        text: joined(
          parts.filter(({ thought }) => thought !== true),
          'text',
        ),
        thoughts: joined(
          parts.filter(({ thought }) => thought === true),
          'text',
        ),
        calls: parts
          .flatMap(({ functionCall }) => (functionCall === undefined ? [] : [functionCall as Any]))
          .map(({ id, name, args }) => ({ id: str(id), name: str(name), args })),
        finish: str(candidates.at(-1)?.['finishReason']),
        usage: {
          input: num(usage['promptTokenCount']),
          cached: num(usage['cachedContentTokenCount']),
          output: num(usage['candidatesTokenCount']) + num(usage['thoughtsTokenCount']),
        },
        back: parts,
      };
    },
  };
}
