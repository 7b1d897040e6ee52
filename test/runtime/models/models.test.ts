import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock, type Clock } from '../../../src/kernel/clock.ts';
import { AppError } from '../../../src/kernel/errors.ts';
import type { Message } from '../../../src/kernel/messages.ts';
import type { ModelOutcome, ModelRequest } from '../../../src/runtime/models/model.ts';
import { createModels, type ModelsDeps } from '../../../src/runtime/models/models.ts';
import { at, PROTOCOLS } from '../../support/provider-protocols.ts';
import { startProviderServer } from '../../support/provider-server.ts';

const user = (text: string): Message => ({ role: 'user', content: [{ type: 'text', text }] });

function request(model: string, more: Partial<ModelRequest> = {}): ModelRequest {
  const base = { instructions: 'Be brief.', messages: [user('Hi')], tools: [], maxOutputTokens: 50, outputSchema: null, temperature: null, turn: 1 };
  return { model, ...base, ...more };
}

function build(deps: Partial<ModelsDeps> = {}) {
  return createModels({
    clock: systemClock,
    fetch: globalThis.fetch,
    credential: () => 'key',
    generateId: () => 'made',
    providers: {},
    rehearsal: { folders: [] },
    ...deps,
  });
}

const options = { signal: new AbortController().signal, timeoutMs: 10_000 };
const protocol = (name: string) => {
  const found = PROTOCOLS.find((one) => one.name === name);
  assert.ok(found !== undefined);
  return found;
};

function kindOf(outcome: ModelOutcome): string {
  return outcome.ok ? 'ok' : outcome.failure.kind;
}

test('an unknown provider is told with those there are; facts and calls agree [GTW-1]', async () => {
  const models = build();
  for (const model of ['nobody/model', 'claude', 'anthropic/', '/x', '']) {
    assert.throws(
      () => models.facts(model),
      (error) => error instanceof AppError && error.code === 'invalid_input' && error.message.includes('openrouter'),
    );
    const outcome = await models.call(request(model), options);
    assert.ok(!outcome.ok && outcome.failure.kind === 'invalid_request' && !outcome.failure.sent, model);
  }
});

test('without a key nothing is sent, and the failure names the variable to set [HAR-6]', async () => {
  const models = build({ credential: () => undefined, fetch: () => Promise.reject(new Error('nothing may be sent')) });
  const outcome = await models.call(request('anthropic/claude-sonnet-5-5'), options);
  assert.ok(!outcome.ok);
  assert.deepEqual([outcome.failure.kind, outcome.failure.sent, outcome.failure.retryable], ['credential', false, false]);
  assert.match(outcome.failure.message, /ANTHROPIC_API_KEY/);
});

test('what can be called now is listed with the reason [GTW-8]', () => {
  const models = build({ credential: (name) => (name === 'GEMINI_API_KEY' ? 'k' : ''), rehearsal: { folders: [], scripts: new Map([['s', {}]]) } });
  const byName = new Map(models.available().map((entry) => [entry.provider, entry]));
  assert.deepEqual([byName.get('anthropic')?.configured, byName.get('anthropic')?.models], [false, []]);
  assert.match(byName.get('anthropic')?.why ?? '', /ANTHROPIC_API_KEY/);
  assert.equal(byName.get('google')?.models[0], 'google/gemini-4-argon');
  assert.deepEqual(byName.get('rehearsal')?.models, ['rehearsal/s']);
  assert.equal(byName.get('ollama')?.configured, true);
});

test('faults of configured providers are told together; a key that was not named goes to no new address [GTW-1]', async () => {
  assert.throws(
    () => build({ providers: { 'my lab': { kind: 'openai-compatible' }, rehearsal: { kind: 'openai' } } }),
    (error) => error instanceof AppError && error.code === 'configuration' && error.faults.length === 3,
  );
  await using server = await startProviderServer();
  server.next({ events: protocol('anthropic').events({ text: 'Hi' }) });
  const models = build({ providers: { proxy: { kind: 'anthropic', baseUrl: `${server.url}/v1/` } }, credential: () => 'secret' });
  assert.equal(kindOf(await models.call(request('proxy/claude-sonnet-5-5'), options)), 'ok');
  assert.deepEqual([server.requests[0]?.path, server.requests[0]?.headers['x-api-key']], ['/v1/messages', 'none']);
});

test('prices and windows can be overridden [GTW-5]', () => {
  const entry = { windowTokens: 8_192, maxOutputTokens: 1_024, prices: [{ input: 1, cachedInput: 1, cacheWrite: 1, output: 2 }] };
  const models = build({ prices: { 'ollama/qwen3': entry } });
  assert.deepEqual([models.facts('ollama/qwen3').windowTokens, models.facts('ollama/qwen3').price?.output], [8_192, 2_000_000]);
  assert.equal(models.facts('openrouter/x/y').price, null);
  assert.throws(
    () => build({ prices: { 'ollama/x': { windowTokens: -1, prices: [] } } }),
    (error) =>
      error instanceof AppError && error.code === 'configuration' && error.faults.some((fault) => fault.path === 'prices.ollama/x.windowTokens'),
  );
});

test('after five failures calls are refused unsent until the pause is over, then one tries [HAR-7]', async () => {
  await using server = await startProviderServer();
  let nowMs = 1_000_000;
  const clock: Clock = { ...systemClock, nowMs: () => nowMs };
  const lab = protocol('lab');
  const models = build({ clock, providers: { lab: lab.settings(server.url) } });
  const ask = () => models.call(request('lab/m'), options);
  for (let i = 0; i < 5; i += 1) {
    server.next({ status: 429, body: lab.error('slow down'), headers: { 'retry-after': '40' } });
    assert.equal(kindOf(await ask()), 'rate_limited');
  }
  assert.equal(models.openUntilMs('lab/other'), nowMs + 40_000);
  const refused = await ask();
  assert.ok(!refused.ok);
  assert.deepEqual([refused.failure.kind, refused.failure.sent, refused.failure.retryAfterMs], ['overloaded', false, 40_000]);
  assert.equal(server.requests.length, 5);
  nowMs += 40_000;
  assert.equal(models.openUntilMs('lab/m'), null);
  server.next({ events: lab.events({ text: 'Back' }) });
  assert.equal(kindOf(await ask()), 'ok');
  assert.equal(models.openUntilMs('lab/m'), null);
});

test('Retry-After is read from a date and from Google’s words [HAR-7, GTW-10]', async () => {
  await using server = await startProviderServer();
  const clock: Clock = { ...systemClock, nowMs: () => Date.parse('2026-11-21T12:00:00Z') };
  const google = protocol('google');
  const models = build({ clock, providers: { google: google.settings(server.url) } });
  server.next({ status: 429, body: google.error('x'), headers: { 'retry-after': 'Sat, 21 Nov 2026 12:01:30 GMT' } });
  server.next({ status: 429, body: '{"error":{"code":429,"message":"quota","status":"RESOURCE_EXHAUSTED","details":[{"retryDelay":"37.5s"}]}}' });
  for (const expected of [90_000, 37_500]) {
    const outcome = await models.call(request('google/gemini-4-argon'), options);
    assert.ok(!outcome.ok);
    assert.equal(outcome.failure.retryAfterMs, expected);
  }
});

test('a thinking signature returns unchanged to its own model and to no other [GTW-1]', async () => {
  await using server = await startProviderServer();
  const anthropic = protocol('anthropic');
  const models = build({ providers: { anthropic: anthropic.settings(server.url) } });
  const reasoning = { text: 'First I think', signature: 'sig-AbC+/=' };
  server.next({ events: anthropic.events({ reasoning, text: 'Then I speak' }) });
  const first = await models.call(request('anthropic/claude-sonnet-5-5'), options);
  assert.ok(first.ok);
  assert.equal(first.reply.content[0]?.type, 'reasoning');
  const messages: Message[] = [user('Hi'), { role: 'assistant', content: JSON.parse(JSON.stringify(first.reply.content)) as never }, user('And?')];
  for (const model of ['anthropic/claude-sonnet-5-5', 'anthropic/claude-opus-5-5']) {
    server.next({ events: anthropic.events({ text: 'Yes' }) });
    assert.equal(kindOf(await models.call(request(model, { messages }), options)), 'ok');
  }
  const sent = (index: number) => at(server.requests[index]?.body, 'messages', 1, 'content');
  assert.deepEqual(sent(1), [
    { type: 'thinking', thinking: 'First I think', signature: 'sig-AbC+/=' },
    { type: 'text', text: 'Then I speak' },
  ]);
  assert.deepEqual(sent(2), [{ type: 'text', text: 'Then I speak' }]);
});

test('cache marks stand after the stable part and after the last message [GTW-4, HAR-3]', async () => {
  await using server = await startProviderServer();
  const anthropic = protocol('anthropic');
  const models = build({ providers: { anthropic: anthropic.settings(server.url) } });
  server.next({ events: anthropic.events({ text: 'Hi' }) });
  const result = { type: 'tool_result' as const, callId: 'c', tool: 'git_log', text: 'ok', failed: true };
  const call = { type: 'tool_call' as const, callId: 'c', tool: 'git_log', args: {} };
  const messages: Message[] = [user('Hi'), { role: 'assistant', content: [call] }, { role: 'tool', content: [result] }];
  assert.equal(kindOf(await models.call(request('anthropic/claude-sonnet-5-5', { messages }), options)), 'ok');
  const body = server.requests[0]?.body;
  assert.deepEqual(at(body, 'system', 0, 'cache_control'), { type: 'ephemeral' });
  assert.deepEqual(at(body, 'messages', 2, 'content', 0, 'cache_control'), { type: 'ephemeral' });
  assert.equal(at(body, 'messages', 2, 'content', 0, 'is_error'), true);
  assert.equal(JSON.stringify(body).split('cache_control').length, 3, 'two marks, no more');
});

test('half a tool call at the limit is kept as it was written [HAR-6]', async () => {
  for (const name of ['anthropic', 'openai']) {
    await using server = await startProviderServer();
    const one = protocol(name);
    const models = build({ providers: { [name]: one.settings(server.url) } });
    server.next({ events: one.events({ calls: [{ id: 'c', name: 'git_log', json: '{"limit": 1' }], finish: 'length' }) });
    const tools = [{ name: 'git_log', description: '', inputSchema: { type: 'object' } }];
    const outcome = await models.call(request(`${name}/${one.model}`, { tools }), options);
    assert.ok(outcome.ok, kindOf(outcome));
    const [part] = outcome.reply.content;
    assert.deepEqual(part?.type === 'tool_call' && [part.args, part.invalid, outcome.reply.finish], [{}, '{"limit": 1', 'length']);
  }
});

test('a loose schema is not sent as strict, an exact one is [GTW-8]', async () => {
  await using server = await startProviderServer();
  const openai = protocol('openai');
  const models = build({ providers: { openai: openai.settings(server.url) } });
  const loose = { type: 'object', properties: { a: { type: 'string' } } };
  const exact = { ...loose, required: ['a'], additionalProperties: false };
  for (const [outputSchema, strict] of [
    [loose, false],
    [exact, true],
  ] as const) {
    server.next({ events: openai.events({ text: '{"a":"b"}' }) });
    assert.equal(kindOf(await models.call(request('openai/gpt-6.1-sol', { outputSchema }), options)), 'ok');
    assert.equal(at(server.requests.at(-1)?.body, 'text', 'format', 'strict'), strict);
    assert.equal(at(server.requests.at(-1)?.body, 'store'), false);
  }
});

test('no timer outlives its call, also when the call was given up before it began [HAR-6]', async () => {
  const sleeping = new Set<AbortSignal | undefined>();
  // Time stands still: a sleeper ends only when it is told to.
  const clock: Clock = {
    nowMs: () => 0,
    sleep: (_ms, signal) =>
      new Promise((resolve) => {
        sleeping.add(signal);
        signal?.addEventListener('abort', () => resolve(void sleeping.delete(signal)), { once: true });
      }),
  };
  await using server = await startProviderServer();
  const lab = protocol('lab');
  const models = build({ clock, providers: { lab: lab.settings(server.url) } });
  server.next({ events: lab.events({ text: 'Hi' }) }, { status: 500, body: 'no' });
  for (const signal of [options.signal, options.signal, AbortSignal.abort()]) await models.call(request('lab/m'), { signal, timeoutMs: 3_600_000 });
  assert.equal(sleeping.size, 0);
});
