import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openModel, providersFrom } from '../../../../src/runtime/models/providers.ts';
import { PROTOCOLS, REPORTED, type Answer, type Protocol } from '../../../support/provider-protocols.ts';
import { startProviderServer, type ProviderServer } from '../../../support/provider-server.ts';
import { sdkClients, type SdkClient, type Tool } from '../../../support/sdk-clients.ts';
import { testClients } from '../../../support/test-clients.ts';
import { startTranslationServer } from '../../../support/translation-server.ts';

const found = await testClients();
const skip = 'skip' in found ? found.skip : false;
const CLIENTS = ['anthropic', 'openai_chat', 'openai_responses', 'google'] as const;

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
const TOOLS: Tool[] = ['weather', 'clock'].map((name) => ({
  name,
  description: `Says the ${name}.`,
  schema: { type: 'object', properties: { place: { type: 'string' } }, required: ['place'], additionalProperties: false },
}));
const SCHEMA = { type: 'object', properties: { sum: { type: 'integer' } }, required: ['sum'], additionalProperties: false };
const ENDS = {
  anthropic: { stop: 'end_turn', tools: 'tool_use', length: 'max_tokens' },
  openai_chat: { stop: 'stop', tools: 'tool_calls', length: 'length' },
  openai_responses: { stop: 'completed', tools: 'completed', length: 'incomplete' },
  google: { stop: 'STOP', tools: 'STOP', length: 'MAX_TOKENS' },
};

type Pair = { client: SdkClient; upstream: ProviderServer; provider: Protocol };

/** One official client before, one provider's server behind. */
async function withPair(client: (typeof CLIENTS)[number], provider: Protocol, body: (pair: Pair) => Promise<void>): Promise<void> {
  assert.ok('folder' in found);
  await using upstream = await startProviderServer();
  const name = provider.name === 'lab' ? 'lab' : provider.name;
  const opened = providersFrom({ [name]: provider.settings(upstream.url) }, 'rehearsal').get(name);
  assert.ok(opened !== undefined);
  let made = 0;
  const model = await openModel(opened, provider.model, { apiKey: 'key', fetch: globalThis.fetch, generateId: () => `made_${(made += 1)}` });
  await using server = await startTranslationServer({ model, target: { kind: opened.kind, provider: name, model: provider.model } });
  const sdk = (await sdkClients(found.folder, server.url)).find(({ protocol }) => protocol === client);
  assert.ok(sdk !== undefined);
  await body({ client: sdk, upstream, provider });
}

const answers = (upstream: ProviderServer, provider: Protocol, answer: Answer): void => upstream.next({ events: provider.events(answer) });

for (const client of CLIENTS) {
  for (const provider of PROTOCOLS) {
    for (const stream of [true, false]) {
      const how = `${client} client, ${provider.name} provider, ${stream ? 'streamed' : 'whole'}`;

      test(`${how}: chat with an image, usage and end [GTW-2] [GTW-8]`, { skip }, async () => {
        await withPair(client, provider, async ({ client: sdk, upstream }) => {
          answers(upstream, provider, { text: 'Grüße, 漢字 and a smile' });
          const said = await sdk.ask({ system: 'Be brief.', turns: [{ user: 'What is it?', png: PNG }], stream });
          assert.equal(said.text, 'Grüße, 漢字 and a smile');
          assert.equal(said.finish, ENDS[client].stop);
          assert.deepEqual(said.usage, REPORTED);
          const [request] = upstream.requests;
          assert.ok(request !== undefined);
          const sent = provider.read(request);
          assert.match(sent.system, /Be brief\./);
          assert.ok(sent.image.includes(PNG));
          assert.equal(sent.maxTokens, 100);
        });
      });

      test(`${how}: parallel tool calls and their results [GTW-2]`, { skip }, async () => {
        await withPair(client, provider, async ({ client: sdk, upstream }) => {
          const calls = TOOLS.map(({ name }, index) => ({ id: `call_${index}`, name, json: JSON.stringify({ place: `Öland ${index}` }) }));
          answers(upstream, provider, { text: 'I look.', calls, finish: 'tool_calls' });
          const first = await sdk.ask({ turns: [{ user: 'How is it?' }], tools: TOOLS, stream });
          assert.deepEqual(
            first.calls.map(({ name, args }) => [name, args]),
            calls.map(({ name, json }) => [name, JSON.parse(json) as unknown]),
          );
          assert.equal(first.finish, ENDS[client].tools);
          const results = first.calls.map(({ id, name }, index) => ({ id, name, text: `result ${index}` }));
          answers(upstream, provider, { text: 'Fine.' });
          const second = await sdk.ask({ turns: [{ user: 'How is it?' }, { back: first.back, results }], tools: TOOLS, stream });
          assert.equal(second.text, 'Fine.');
          const request = upstream.requests[1];
          assert.ok(request !== undefined);
          const sent = provider.read(request);
          assert.deepEqual(sent.tools, ['weather', 'clock']);
          assert.deepEqual(
            sent.results,
            first.calls.map(({ id }, index) => `${id}: result ${index}`),
          );
        });
      });

      test(`${how}: an answer by schema, and one that is cut [GTW-8]`, { skip }, async () => {
        await withPair(client, provider, async ({ client: sdk, upstream }) => {
          answers(upstream, provider, { text: '{"sum":7}' });
          const said = await sdk.ask({ turns: [{ user: '3+4?' }], schema: SCHEMA, stream });
          assert.equal(said.text, '{"sum":7}');
          const [request] = upstream.requests;
          assert.ok(request !== undefined);
          assert.deepEqual((provider.read(request).schema as { required: unknown }).required, ['sum']);
          answers(upstream, provider, { text: 'A long', finish: 'length' });
          const cut = await sdk.ask({ turns: [{ user: 'Tell me.' }], stream });
          assert.deepEqual([cut.text, cut.finish], ['A long', ENDS[client].length]);
        });
      });
    }
  }
}

for (const client of CLIENTS) {
  for (const provider of PROTOCOLS.filter(({ name }) => name !== 'lab')) {
    // Chat Completions has no place for a signature of thinking.
    if (client === 'openai_chat') continue;
    test(`${client} client, ${provider.name} provider: the signature of a thought goes back unchanged [GTW-2]`, { skip }, async () => {
      await withPair(client, provider, async ({ client: sdk, upstream }) => {
        const signature = 'c2lnbmF0dXJlLW9mLXRoaW5raW5n';
        const answer: Answer = {
          reasoning: { text: 'Hm.', signature },
          calls: [{ id: 'call_1', name: 'weather', json: '{"place":"x"}' }],
          finish: 'tool_calls',
        };
        for (const stream of [true, false]) {
          answers(upstream, provider, answer);
          const first = await sdk.ask({ turns: [{ user: 'Go' }], tools: TOOLS, stream });
          if (provider.name !== 'openai') assert.equal(first.thoughts, 'Hm.');
          answers(upstream, provider, { text: 'Done.' });
          const results = first.calls.map(({ id, name }) => ({ id, name, text: 'ok' }));
          await sdk.ask({ turns: [{ user: 'Go' }, { back: first.back, results }], tools: TOOLS, stream });
          assert.ok(JSON.stringify(upstream.requests.at(-1)?.body).includes(signature), JSON.stringify(upstream.requests.at(-1)?.body));
        }
      });
    });
  }
}
