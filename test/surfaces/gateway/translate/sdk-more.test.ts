import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogle } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import type { LanguageModelV4, LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { AppError } from '../../../../src/kernel/errors.ts';
import { openEmbeddingModel } from '../../../../src/runtime/models/providers.ts';
import type { ModelListing } from '../../../../src/surfaces/gateway/translate/protocol.ts';
import { startProviderServer } from '../../../support/provider-server.ts';
import { sdkClients } from '../../../support/sdk-clients.ts';
import { testClients } from '../../../support/test-clients.ts';
import { startTranslationServer, type Serving } from '../../../support/translation-server.ts';

const found = await testClients();
const skip = 'skip' in found ? found.skip : false;
const folder = 'folder' in found ? found.folder : '';

type Any = Record<string, unknown>;
type Api = Record<string, (...args: unknown[]) => unknown>;
type Sdk = Record<string, new (options: Any) => Record<string, Api & Record<string, Api>>>;
const load = async (file: string): Promise<Sdk> => (await import(pathToFileURL(join(folder, 'node_modules', file)).href)) as Sdk;

const usage = { inputTokens: { total: 9, noCache: 4, cacheRead: 3, cacheWrite: 2 }, outputTokens: { total: 7, text: 5, reasoning: 2 } };

function scripted(parts: readonly LanguageModelV4StreamPart[]): LanguageModelV4 {
  const doStream = (): Promise<{ stream: ReadableStream<LanguageModelV4StreamPart> }> =>
    Promise.resolve({
      stream: new ReadableStream({
        start(controller) {
          for (const part of parts) controller.enqueue(part);
          controller.close();
        },
      }),
    });
  return {
    specificationVersion: 'v4',
    provider: 'scripted',
    modelId: 'scripted',
    supportedUrls: {},
    doGenerate: () => Promise.reject(new Error('not called')),
    doStream,
  };
}

/** Two calls whose arguments come interleaved, with thoughts before and text between. */
const INTERLEAVED: readonly LanguageModelV4StreamPart[] = [
  { type: 'stream-start', warnings: [] },
  { type: 'reasoning-start', id: 'r' },
  { type: 'reasoning-delta', id: 'r', delta: 'Thinking' },
  { type: 'reasoning-end', id: 'r', providerMetadata: { anthropic: { signature: 'sig' } } },
  { type: 'text-start', id: 't' },
  { type: 'text-delta', id: 't', delta: 'Both ' },
  { type: 'tool-input-start', id: 'a', toolName: 'weather' },
  { type: 'text-delta', id: 't', delta: 'now.' },
  { type: 'text-end', id: 't' },
  { type: 'tool-input-start', id: 'b', toolName: 'clock' },
  { type: 'tool-input-delta', id: 'b', delta: '{"place":' },
  { type: 'tool-input-delta', id: 'a', delta: '{"place":"A"}' },
  { type: 'tool-input-delta', id: 'b', delta: '"B"}' },
  { type: 'tool-call', toolCallId: 'b', toolName: 'clock', input: '{"place":"B"}' },
  { type: 'tool-call', toolCallId: 'a', toolName: 'weather', input: '{"place":"A"}' },
  { type: 'tool-call', toolCallId: 'c', toolName: 'clock', input: '' },
  { type: 'finish', usage, finishReason: { unified: 'tool-calls', raw: undefined } },
];

test('blocks that a provider interleaves reach every SDK in order, and tokens apart [GTW-2]', { skip }, async () => {
  await using server = await startTranslationServer({ model: scripted(INTERLEAVED) });
  for (const client of await sdkClients(folder, server.url)) {
    for (const stream of [true, false]) {
      const said = await client.ask({ turns: [{ user: 'Go' }], stream });
      const how = `${client.protocol} ${stream}`;
      assert.equal(said.text, 'Both now.', how);
      assert.deepEqual(
        said.calls.map(({ name, args }) => [name, args]),
        [
          ['weather', { place: 'A' }],
          ['clock', { place: 'B' }],
          ['clock', {}],
        ],
        how,
      );
      assert.deepEqual(said.usage, { input: 9, cached: 3, output: 7 }, how);
    }
  }
});

test('a failure in the middle, an end without an end and a file that nobody asked for are told by every SDK [GTW-2]', { skip }, async () => {
  const begun = INTERLEAVED.slice(0, 6);
  const broken: readonly (readonly LanguageModelV4StreamPart[])[] = [
    [...begun, { type: 'error', error: new AppError('unavailable', 'The provider fell over.') }],
    begun,
    [...begun, { type: 'finish', usage, finishReason: { unified: 'interrupted', raw: undefined } }],
    [...begun, { type: 'file', mediaType: 'image/png', data: { type: 'data', data: 'AAAA' } }],
  ];
  for (const [index, parts] of broken.entries()) {
    await using server = await startTranslationServer({ model: scripted(parts) });
    for (const client of await sdkClients(folder, server.url)) {
      const words = ['fell over', 'broke off', 'broke off', 'file'][index] ?? '';
      await assert.rejects(client.ask({ turns: [{ user: 'Go' }], stream: true }), new RegExp(words), `${client.protocol} ${index}`);
    }
  }
});

const FAILURES: readonly [AppError, number, RegExp][] = [
  [new AppError('invalid_input', 'Mend it.'), 400, /^BadRequestError$/],
  [new AppError('unauthenticated', 'No valid key.'), 401, /^AuthenticationError$/],
  [new AppError('budget_exhausted', 'Nothing is left of the budget.'), 402, /^(?:APIError|PaymentRequiredError)$/],
  [new AppError('denied', 'Not this model.'), 403, /^PermissionDeniedError$/],
  [new AppError('not_found', 'No such model.'), 404, /^NotFoundError$/],
  [new AppError('too_large', 'Too large.'), 413, /^(?:APIError|RequestTooLargeError|PayloadTooLargeError|ContentTooLargeError)$/],
  [new AppError('rate_limited', 'Slowly.', { retryAfterMs: 100 }), 429, /^RateLimitError$/],
  [new AppError('internal', 'never shown'), 500, /^(?:InternalServer|ServiceUnavailable|Overloaded)Error$/],
  [new AppError('unavailable', 'Later.'), 503, /^(?:InternalServer|ServiceUnavailable|Overloaded)Error$/],
];

test('each error becomes the class that the SDKs have for it, with our words [GTW-11]', { skip }, async () => {
  for (const [failure, status, name] of FAILURES) {
    await using server = await startTranslationServer({ model: scripted([]), failure });
    const words = failure.code === 'internal' ? 'An internal fault' : failure.message;
    for (const client of await sdkClients(folder, server.url)) {
      const error = await client.ask({ turns: [{ user: 'Go' }], stream: false }).then(
        () => assert.fail('answered'),
        (thrown: unknown) => thrown as Error & { status: number },
      );
      assert.equal(error.status, status, client.protocol);
      assert.ok(error.message.includes(words), `${client.protocol}: ${error.message}`);
      if (client.protocol !== 'google') assert.match(error.constructor.name, name, client.protocol);
    }
  }
});

test('the AI SDK and its providers are clients too: text, stream, tools, a schema [GTW-2] [GTW-8]', { skip }, async () => {
  const ai = createRequire(join(folder, 'package.json')).resolve('ai');
  const { generateText, streamText, tool, jsonSchema } = (await import(pathToFileURL(ai).href)) as Record<
    string,
    (options: Any, more?: unknown) => Any
  >;
  assert.ok(generateText !== undefined && streamText !== undefined && tool !== undefined && jsonSchema !== undefined);
  await using server = await startTranslationServer({ model: scripted(INTERLEAVED) });
  const base = { baseURL: `${server.url}/v1`, apiKey: 'k' };
  const models = [
    createAnthropic(base).languageModel('claude-sonnet-5-5'),
    createOpenAI(base).chat('gpt-6.1-sol'),
    createOpenAI(base).responses('gpt-6.1-sol'),
    createGoogle({ ...base, baseURL: `${server.url}/v1beta` }).languageModel('gemini-4-argon'),
  ];
  const schema = jsonSchema({ type: 'object', properties: { place: { type: 'string' } } });
  const tools = { weather: tool({ description: 'w', inputSchema: schema }), clock: tool({ description: 'c', inputSchema: schema }) };
  for (const model of models) {
    const whole = await (generateText({ model, prompt: 'Go', tools, maxRetries: 0 }) as unknown as Promise<{ text: string; toolCalls: Any[] }>);
    assert.equal(whole.text, 'Both now.');
    assert.deepEqual(
      whole.toolCalls.map(({ toolName, input }) => [toolName, input]),
      [
        ['weather', { place: 'A' }],
        ['clock', { place: 'B' }],
        ['clock', {}],
      ],
    );
    const streamed = streamText({ model, prompt: 'Go', tools, maxRetries: 0 }) as {
      text: Promise<string>;
      usage: Promise<{ inputTokens: number; outputTokens: number }>;
    };
    assert.equal(await streamed.text, 'Both now.');
    const { inputTokens, outputTokens } = await streamed.usage;
    assert.deepEqual([inputTokens, outputTokens], [9, 7]);
  }
});

const LISTINGS: readonly ModelListing[] = [
  {
    id: 'smart',
    provider: 'anthropic',
    displayName: 'Smart',
    windowTokens: 1_000_000,
    maxOutputTokens: 128_000,
    createdMs: 1_780_000_000_000,
    kind: 'chat',
  },
  {
    id: 'vectors',
    provider: 'lab',
    displayName: 'Vectors',
    windowTokens: 8_192,
    maxOutputTokens: 1,
    createdMs: 1_780_000_000_000,
    kind: 'embedding',
  },
];

async function withSdks(serving: Omit<Serving, 'model'>, body: (sdks: { anthropic: Any; openai: Any; google: Any }) => Promise<void>): Promise<void> {
  await using server = await startTranslationServer({ model: scripted([]), ...serving });
  const [{ default: Anthropic }, { default: OpenAi }, { GoogleGenAI }] = (await Promise.all(
    ['@anthropic-ai/sdk/index.mjs', 'openai/index.mjs', '@google/genai/dist/node/index.mjs'].map(load),
  )) as [Sdk, Sdk, Sdk];
  assert.ok(Anthropic !== undefined && OpenAi !== undefined && GoogleGenAI !== undefined);
  await body({
    anthropic: new Anthropic({ apiKey: 'k', baseURL: server.url, maxRetries: 0 }),
    openai: new OpenAi({ apiKey: 'k', baseURL: `${server.url}/v1`, maxRetries: 0 }),
    google: new GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl: server.url } }),
  });
}

async function idsOf(list: unknown, key: string): Promise<unknown[]> {
  const ids: unknown[] = [];
  for await (const model of list as AsyncIterable<Any>) ids.push(model[key]);
  return ids;
}

test('models are listed with window and output in each form [GTW-8]', { skip }, async () => {
  await withSdks({ listings: LISTINGS }, async ({ anthropic, openai, google }) => {
    const api = (sdk: Any): Api => sdk['models'] as Api;
    assert.deepEqual(await idsOf(api(anthropic)['list']?.(), 'id'), ['smart', 'vectors']);
    assert.deepEqual(await idsOf(api(openai)['list']?.(), 'id'), ['smart', 'vectors']);
    assert.deepEqual(await idsOf(await api(google)['list']?.(), 'name'), ['models/smart', 'models/vectors']);
    const claude = (await api(anthropic)['retrieve']?.('smart')) as Any;
    assert.deepEqual([claude['max_input_tokens'], claude['max_tokens']], [1_000_000, 128_000]);
    const gpt = (await api(openai)['retrieve']?.('smart')) as Any;
    assert.deepEqual([gpt['owned_by'], gpt['context_window']], ['anthropic', 1_000_000]);
    const gemini = (await api(google)['get']?.({ model: 'smart' })) as Any;
    assert.deepEqual([gemini['inputTokenLimit'], gemini['outputTokenLimit']], [1_000_000, 128_000]);
    await assert.rejects(async () => api(openai)['retrieve']?.('nobody'), /no model nobody/);
  });
});

test('tokens are counted by estimate, and say so [GTW-8]', { skip }, async () => {
  await withSdks({}, async ({ anthropic, google }) => {
    const count = (await (anthropic['messages'] as Api)['countTokens']?.({
      model: 'm',
      system: 'Be brief.',
      messages: [{ role: 'user', content: 'x'.repeat(300) }],
    })) as Any;
    assert.deepEqual([count['input_tokens'], count['estimated']], [111, true]);
    const total = (await (google['models'] as Api)['countTokens']?.({ model: 'm', contents: 'x'.repeat(300) })) as Any;
    assert.equal(total['totalTokens'], 104);
  });
});

for (const kind of ['openai', 'openai-compatible', 'google'] as const) {
  test(`embeddings of a ${kind} provider reach OpenAI's SDK, in floats and in its own base64 [GTW-8]`, { skip }, async () => {
    await using upstream = await startProviderServer();
    const provider = { name: kind === 'openai-compatible' ? 'lab' : kind, kind, baseUrl: `${upstream.url}/v1`, keyNames: [] };
    const embedding = await openEmbeddingModel(provider, 'vectors', { apiKey: 'key', fetch: globalThis.fetch });
    const vectors = [
      [0.5, -0.25],
      [1, 0],
    ];
    const answer =
      kind === 'google'
        ? { embeddings: vectors.map((values) => ({ values })) }
        : {
            object: 'list',
            model: 'vectors',
            data: vectors.map((numbers, index) => ({ object: 'embedding', index, embedding: numbers })),
            usage: { prompt_tokens: 6, total_tokens: 6 },
          };
    await withSdks({ embedding }, async ({ openai }) => {
      for (const format of [{}, { encoding_format: 'float' }, { dimensions: 2 }]) {
        upstream.next({ status: 200, body: JSON.stringify(answer) });
        const made = (await (openai['embeddings'] as Api)['create']?.({ model: 'vectors', input: ['one', 'two'], ...format })) as {
          data: { embedding: number[] }[];
          usage: Any;
        };
        assert.deepEqual(
          made.data.map(({ embedding: numbers }) => numbers),
          vectors,
        );
        assert.ok(Number(made.usage['prompt_tokens']) > 0);
      }
      assert.match(JSON.stringify(upstream.requests.at(-1)?.body), /"(?:dimensions|outputDimensionality)":2/);
      for (const input of [[[1, 2]], [], '', [7]]) {
        await assert.rejects(async () => (openai['embeddings'] as Api)['create']?.({ model: 'vectors', input }), /input/);
      }
    });
  });
}
