/**
 * The official SDKs as clients of the gateway, with a virtual key in place of the provider's: chat, tools, structured output, streams and errors, where the
 * bytes pass and where they are translated. Every pair of protocols is `translate/sdk-pairs.test.ts`.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PROTOCOLS, REPORTED, type Answer } from '../../support/provider-protocols.ts';
import { sdkClients, type SdkClient, type Tool } from '../../support/sdk-clients.ts';
import { testClients } from '../../support/test-clients.ts';
import { testGateway, type TestGateway } from '../../support/gateway.ts';
import { until } from '../../support/until.ts';

const found = await testClients();
const skip = 'skip' in found ? found.skip : false;
const CLIENTS = ['anthropic', 'openai_chat', 'openai_responses', 'google'] as const;
/** The provider that speaks a client's own protocol. */
const NATIVE = { anthropic: 'anthropic', openai_chat: 'lab', openai_responses: 'openai', google: 'google' } as const;
const TOOL: Tool = {
  name: 'weather',
  description: 'Says the weather.',
  schema: { type: 'object', properties: { place: { type: 'string' } }, required: ['place'] },
};
const SCHEMA = { type: 'object', properties: { sum: { type: 'integer' } }, required: ['sum'], additionalProperties: false };
const MESSAGE = 'The budget of this key has 3 of 100 tokens left. Ask for more: windlass budget request.';

async function withSdk(
  client: (typeof CLIENTS)[number],
  provider: string,
  body: (sdk: SdkClient, gateway: TestGateway) => Promise<void>,
): Promise<void> {
  assert.ok('folder' in found);
  const of = PROTOCOLS.find(({ name }) => name === provider) ?? assert.fail(provider);
  const models = [{ model: `${provider}/${of.model}`, weight: 1 }];
  await using gateway = await testGateway({ aliases: { 'any-model': { models, fallbacks: [], cacheSeconds: null } } });
  const at = `${gateway.url}/gateway`;
  const places = { anthropic: `${at}/anthropic`, openai: `${at}/openai/v1`, google: `${at}/google`, key: gateway.secret };
  const sdk = (await sdkClients(found.folder, places)).find(({ protocol }) => protocol === client) ?? assert.fail(client);
  await body(sdk, gateway);
}

for (const client of CLIENTS) {
  const providers = [NATIVE[client], client === 'anthropic' ? 'google' : 'anthropic'];
  for (const provider of providers) {
    const spoken = PROTOCOLS.find(({ name }) => name === provider) ?? assert.fail(provider);
    const events = (answer: Answer): string[] => spoken.events(answer);

    test(
      `${client} SDK over ${provider}: a turn with a tool call, then structured output, metered to the token [GTW-2, GTW-8, BUD-1]`,
      { skip },
      async () => {
        await withSdk(client, provider, async (sdk, gateway) => {
          gateway.upstream.next({ events: events({ calls: [{ id: 'call_1', name: 'weather', json: '{"place":"Zürich"}' }], finish: 'tool_calls' }) });
          const asked = await sdk.ask({ turns: [{ user: 'How is the weather?' }], tools: [TOOL], stream: true });
          assert.deepEqual(
            asked.calls.map(({ name, args }) => [name, args]),
            [['weather', { place: 'Zürich' }]],
          );
          assert.deepEqual(asked.usage, REPORTED);
          gateway.upstream.next({ events: events({ text: 'Sunny.' }) });
          const results = asked.calls.map(({ id, name }) => ({ id, name, text: 'sun' }));
          const told = await sdk.ask({ turns: [{ user: 'How is the weather?' }, { back: asked.back, results }], tools: [TOOL], stream: true });
          assert.equal(told.text, 'Sunny.');
          gateway.upstream.next({ events: events({ text: '{"sum":3}' }) });
          assert.equal((await sdk.ask({ turns: [{ user: '1 + 2?' }], schema: SCHEMA, stream: true })).text, '{"sum":3}');
          const outcomes = await until('outcomes', 3_000, () => (gateway.ledger.outcomes().length === 3 ? gateway.ledger.outcomes() : null));
          for (const { kind, usage } of outcomes) {
            assert.deepEqual(
              [kind, usage?.inputTokens, usage?.cachedInputTokens, usage?.outputTokens],
              ['replied', REPORTED.input, REPORTED.cached, REPORTED.output],
            );
          }
        });
      },
    );
  }

  test(`${client} SDK: over budget it stops at once, without a second try, and shows our text [GTW-11]`, { skip }, async () => {
    await withSdk(client, NATIVE[client], async (sdk, gateway) => {
      gateway.ledger.refuse({
        ...{ budget: 'bud_1', scope: 'key', unit: 'tokens', period: 'day', limit: 100, spent: 97, reserved: 0, left: 3 },
        ...{ resetsAtMs: null, retryAfterMs: null, why: 'exhausted', message: MESSAGE },
      });
      const error: unknown = await sdk.ask({ turns: [{ user: 'Hello' }], stream: true }).then(
        () => assert.fail('it was refused'),
        (thrown: unknown) => thrown,
      );
      assert.equal((error as { status?: number }).status, 402);
      assert.ok((error as Error).message.includes(MESSAGE), (error as Error).message);
      assert.deepEqual([gateway.ledger.calls.length, gateway.answered.length], [0, 1]);
    });
  });
}

type AiSdk = {
  generateText(options: object): Promise<{ text: string; usage: { inputTokens: number; outputTokens: number } }>;
  streamText(options: object): { text: Promise<string> };
  generateObject?: unknown;
};

test('the AI SDK as a client: text, a stream and an error, over Chat Completions and Anthropic Messages [GTW-2, GTW-11]', { skip }, async () => {
  assert.ok('folder' in found);
  const ai = (await import(pathToFileURL(join(found.folder, 'node_modules/ai/dist/index.js')).href)) as AiSdk;
  const { createAnthropic } = await import('@ai-sdk/anthropic');
  const { createOpenAI } = await import('@ai-sdk/openai');
  await using gateway = await testGateway();
  const anthropic = createAnthropic({ baseURL: `${gateway.url}/gateway/anthropic/v1`, apiKey: gateway.secret })('claude-sonnet-5-5');
  const openai = createOpenAI({ baseURL: `${gateway.url}/gateway/openai/v1`, apiKey: gateway.secret }).chat('gpt-5');
  const lab = PROTOCOLS.find(({ name }) => name === 'lab') ?? assert.fail();
  const whole = {
    choices: [{ index: 0, message: { role: 'assistant', content: 'Yes.' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 7, completion_tokens: 2, total_tokens: 9 },
  };
  gateway.upstream.next({ status: 200, body: JSON.stringify({ id: 'c', object: 'chat.completion', created: 1, model: 'm', ...whole }) });
  const said = await ai.generateText({ model: openai, prompt: 'Well?', maxRetries: 0 });
  assert.deepEqual([said.text, said.usage.inputTokens, said.usage.outputTokens], ['Yes.', 7, 2]);
  gateway.upstream.next({ events: lab.events({ text: 'A stream.' }) });
  assert.equal(await ai.streamText({ model: openai, prompt: 'Well?', maxRetries: 0 }).text, 'A stream.');
  const message = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'm',
    stop_reason: 'end_turn',
    stop_sequence: null,
    content: [{ type: 'text', text: 'Good day.' }],
  };
  gateway.upstream.next({ status: 200, body: JSON.stringify({ ...message, usage: { input_tokens: 9, output_tokens: 5 } }) });
  assert.equal((await ai.generateText({ model: anthropic, prompt: 'Well?', maxRetries: 0 })).text, 'Good day.');
  gateway.ledger.refuse({
    ...{ budget: 'bud_1', scope: 'org', unit: 'tokens', period: 'day', limit: 1, spent: 1, reserved: 0, left: 0 },
    ...{ resetsAtMs: null, retryAfterMs: null, why: 'exhausted', message: MESSAGE },
  });
  await assert.rejects(ai.generateText({ model: anthropic, prompt: 'Well?' }), (error: Error) => error.message.includes(MESSAGE));
  assert.equal(gateway.answered.length, 4, 'a refusal is not tried again');
});
