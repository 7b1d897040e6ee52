/** What would be spent without being counted, or told to a provider that it is not for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inputTokensUpperBound } from '../../../src/surfaces/gateway/translate/input-bound.ts';
import { PROVIDER_KEY, testGateway } from '../../support/gateway.ts';
import { at } from '../../support/provider-protocols.ts';
import { until } from '../../support/until.ts';

const CHAT = '/openai/v1/chat/completions';
const GEMINI = '/google/v1beta/models/gemini-4-argon:generateContent';
const messages = [{ role: 'user', content: 'Hello' }];
const JSON_TYPE = { 'content-type': 'application/json' };
const contents = [{ role: 'user', parts: [{ text: 'Hello' }] }];

test('a virtual key that comes beside the header of its own does not reach the provider [GTW-2]', async () => {
  await using gateway = await testGateway();
  const { secret } = gateway;
  for (const [path, body] of [
    [CHAT, { model: 'gpt-5', messages }],
    ['/anthropic/v1/messages', { model: 'claude-sonnet-5-5', max_tokens: 10, messages }],
  ] as const) {
    gateway.upstream.next({ status: 200, body: '{}', headers: JSON_TYPE });
    await gateway.post(path, body, { headers: { 'x-windlass-key': secret, authorization: `Bearer ${secret}`, 'x-api-key': secret } });
    const sent = JSON.stringify(gateway.upstream.requests.at(-1)?.headers ?? null);
    assert.ok(!sent.includes(secret) && sent.includes(PROVIDER_KEY), path);
  }
});

test('limits that the gateway would read otherwise than the provider are refused before anything is reserved [BUD-2]', async () => {
  await using gateway = await testGateway();
  const asked: readonly (readonly [path: string, body: object])[] = [
    [GEMINI, { contents, generation_config: { candidateCount: 8, maxOutputTokens: 60_000 } }],
    [GEMINI, { contents, generationConfig: { maxOutputTokens: 1, max_output_tokens: 60_000 } }],
    [GEMINI, { contents, generationConfig: { maxOutputTokens: 1, candidate_count: 8 } }],
    [GEMINI, { contents, generationConfig: { maxOutputTokens: 1, candidateCount: '8' } }],
    [`${GEMINI}?fields=candidates`, { contents }],
    [`${GEMINI}?%24fields=candidates`, { contents }],
    [CHAT, { model: 'lab/model', messages, max_completion_tokens: 1, max_tokens: 60_000 }],
    [CHAT, { model: 'lab/model', messages, max_tokens: 1, n: '8' }],
  ];
  for (const [path, body] of asked) {
    const response = await gateway.post(path, body);
    assert.equal(response.status, 400, JSON.stringify(body));
    assert.notEqual(at(await response.json(), 'error', 'message'), undefined);
  }
  assert.deepEqual([gateway.ledger.calls.length, gateway.upstream.requests.length], [0, 0]);
});

test('headers that leave the usage out of an answer stay here [BUD-1]', async () => {
  await using gateway = await testGateway();
  gateway.upstream.next({ status: 200, body: '{}', headers: JSON_TYPE });
  const headers = { 'x-goog-api-key': gateway.secret, 'x-goog-fieldmask': 'candidates', 'x-http-method-override': 'GET' };
  await gateway.post(GEMINI, { contents }, { headers });
  const sent = Object.keys(gateway.upstream.requests[0]?.headers ?? {});
  assert.ok(sent.length > 0 && !sent.includes('x-goog-fieldmask') && !sent.includes('x-http-method-override'), sent.join(' '));
});

test('input that lies at the provider has no bound, in whatever form it is asked for [BUD-2]', () => {
  const bound = (protocol: 'google' | 'openai_chat' | 'openai_responses', body: object) =>
    inputTokensUpperBound(protocol, Buffer.from(JSON.stringify(body)), body);
  assert.equal(bound('google', { contents, tools: { url_context: {} } }), null, 'one tool in the place of a list');
  assert.equal(bound('openai_responses', { input: [{ type: 'item_reference', id: 'msg_1' }] }), null);
  assert.equal(bound('openai_chat', { messages, web_search_options: {} }), null);
  assert.notEqual(bound('google', { contents, tools: { functionDeclarations: [] } }), null);
});

test('an answer without usage counts its input at most, also where that could not be counted before [BUD-1]', async () => {
  await using gateway = await testGateway();
  const json = { candidates: [{ content: { parts: [{ text: 'Yes.' }] }, finishReason: 'STOP' }] };
  gateway.upstream.next({ status: 200, body: JSON.stringify(json), headers: JSON_TYPE });
  const parts = [{ fileData: { fileUri: 'gs://somewhere/large.pdf', mimeType: 'application/pdf' } }];
  await gateway.post(GEMINI, { contents: [{ role: 'user', parts }] });
  const [outcome] = await until('the outcome', 3_000, () => (gateway.ledger.outcomes().length > 0 ? gateway.ledger.outcomes() : null));
  assert.ok(outcome?.usage?.estimated === true && outcome.usage.inputTokens > 0, JSON.stringify(outcome?.usage));
});

test('a client that went away before its call was sent pays nothing [BUD-2]', async () => {
  await using gateway = await testGateway();
  const { ledger } = gateway;
  const begin = ledger.begin.bind(ledger);
  const [begun, gone] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  ledger.begin = async (call) => {
    begun.resolve();
    await gone.promise;
    return begin(call);
  };
  const client = new AbortController();
  const asked = gateway.post(CHAT, { model: 'gpt-5', messages }, { signal: client.signal }).catch(() => null); // it gave up
  await begun.promise;
  client.abort();
  await asked;
  await until('the gateway to notice', 3_000, () => (gateway.answered.length > 0 ? true : null));
  gone.resolve();
  const [outcome] = await until('the outcome', 3_000, () => (gateway.ledger.outcomes().length > 0 ? gateway.ledger.outcomes() : null));
  assert.deepEqual([outcome?.kind, gateway.upstream.requests.length], ['not_sent', 0]);
});

test('a key whose provider counts more than the usual bound is reserved for by bytes from then on [BUD-2]', async () => {
  await using gateway = await testGateway();
  const dense = JSON.stringify({
    choices: [{ message: { content: 'Yes.' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 9_000, completion_tokens: 5 },
  });
  gateway.upstream.next(...[1, 2].map(() => ({ status: 200, body: dense, headers: JSON_TYPE })));
  const body = { model: 'gpt-5', max_tokens: 50, messages: [{ role: 'user', content: 'the words of a house '.repeat(450) }] };
  for (let n = 0; n < 2; n += 1) await (await gateway.post('/openai/v1/chat/completions', body)).text();
  const [first = 0, second = 0] = gateway.ledger.calls.map(({ planned }) => planned.inputTokens);
  assert.ok(first < 0.75 * JSON.stringify(body).length, `${first}`);
  assert.ok(second >= JSON.stringify(body).length, `${second}`);
});
