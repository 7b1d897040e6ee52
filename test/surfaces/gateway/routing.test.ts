/** Aliases, weights and fallbacks: which model answers, and how anybody can see it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, PROTOCOLS } from '../../support/provider-protocols.ts';
import { testGateway } from '../../support/gateway.ts';
import { until } from '../../support/until.ts';

const one = (model: string) => ({ model, weight: 1 });
const WHOLE = JSON.stringify({
  model: 'm',
  choices: [{ message: { content: 'Yes.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 11, completion_tokens: 4 },
});
const OK = { status: 200, body: WHOLE } as const;
const CHAT = '/openai/v1/chat/completions';
const ask = (model: string, more: Record<string, unknown> = {}) => ({ model, messages: [{ role: 'user', content: 'Well?' }], ...more });
const error = (status: number, headers: Record<string, string> = {}) => ({
  status,
  body: JSON.stringify({ error: { message: `it is ${status}` } }),
  headers,
});

test('an alias goes to its model; the change is named in a header and in the journal [GTW-2, GTW-3]', async () => {
  await using gateway = await testGateway({ aliases: { mine: { models: [one('openai/gpt-5')], fallbacks: [], cacheSeconds: null } } });
  gateway.upstream.next(OK);
  const response = await gateway.post(CHAT, ask('mine'));
  assert.equal(await response.text(), WHOLE);
  assert.equal(at(gateway.upstream.requests[0]?.body, 'model'), 'gpt-5');
  assert.deepEqual([response.headers.get('x-windlass-model'), response.headers.get('x-windlass-changed')], ['openai/gpt-5', 'model']);
  const { facts, model } = gateway.ledger.calls[0]?.planned ?? assert.fail();
  assert.deepEqual([model, facts['alias'], facts['requested'], facts['changed']], ['openai/gpt-5', 'mine', 'mine', ['model']]);
});

test('weights choose among the models of an alias [GTW-3]', async () => {
  const chances = [0.1, 0.74, 0.76, 0.99];
  await using gateway = await testGateway({
    aliases: { mix: { models: [{ model: 'openai/gpt-5', weight: 3 }, one('lab/qwen')], fallbacks: [], cacheSeconds: null } },
    random: () => chances.shift() ?? 0,
  });
  gateway.upstream.next(OK, OK, OK, OK);
  const models = [];
  for (let count = 0; count < 4; count += 1) models.push((await gateway.post(CHAT, ask('mix'))).headers.get('x-windlass-model'));
  assert.deepEqual(models, ['openai/gpt-5', 'openai/gpt-5', 'lab/qwen', 'lab/qwen']);
});

const CHAIN = { chain: { models: [one('openai/gpt-5')], fallbacks: ['lab/qwen', 'away/model'], cacheSeconds: null } };

test('error, overload, time-out, a closed port and a stream that begins with an error fall back to the next, visibly [GTW-3]', async () => {
  const lab = PROTOCOLS.find(({ name }) => name === 'lab') ?? assert.fail();
  const ways = [
    [error(500), 'overloaded'],
    [error(503), 'overloaded'],
    [error(429), 'rate_limited'],
    [error(401), 'credential'],
    [{ status: 200, body: 'garbage', headers: { 'content-type': 'text/plain' } }, 'malformed'],
    ['silent', 'timeout'],
  ] as const;
  for (const [behaviour, why] of ways) {
    await using gateway = await testGateway({ aliases: CHAIN, timeouts: { firstByteMs: 300, idleMs: 300 } });
    gateway.upstream.next(behaviour, OK);
    const response = await gateway.post(CHAT, ask('chain'));
    assert.deepEqual([response.status, await response.text()], [200, WHOLE], why);
    assert.deepEqual([response.headers.get('x-windlass-model'), response.headers.get('x-windlass-fallback')], ['lab/qwen', `openai/gpt-5: ${why}`]);
    const [first, second] = gateway.ledger.calls;
    assert.deepEqual([first?.outcome?.kind, first?.outcome?.failure], ['failed', why]);
    assert.deepEqual([second?.planned.facts['attempt'], second?.planned.facts['after']], [2, [{ model: 'openai/gpt-5', why }]]);
  }
  await using gateway = await testGateway({ aliases: CHAIN });
  gateway.upstream.next({ events: [lab.errorEvent] }, { events: lab.events({ text: 'Yes.' }) });
  const streamed = await gateway.post(CHAT, ask('chain', { stream: true, stream_options: { include_usage: true } }));
  assert.equal(await streamed.text(), lab.events({ text: 'Yes.' }).join(''));
  assert.equal(streamed.headers.get('x-windlass-model'), 'lab/qwen');
});

test('a request that is at fault itself is not tried elsewhere; the last failure of a chain is told [GTW-3]', async () => {
  await using gateway = await testGateway({ aliases: CHAIN });
  gateway.upstream.next(error(400));
  const bad = await gateway.post(CHAT, ask('chain'));
  assert.deepEqual([bad.status, gateway.upstream.requests.length], [400, 1]);
  gateway.upstream.next(error(500), error(500));
  const none = await gateway.post(CHAT, ask('chain'));
  assert.equal(none.status, 502);
  assert.equal(none.headers.get('x-windlass-fallback'), 'openai/gpt-5: overloaded; lab/qwen: overloaded; away/model: unreachable');
  const kinds = await until('outcomes', 2_000, () =>
    gateway.ledger.outcomes().length === 4 ? gateway.ledger.outcomes().map(({ kind }) => kind) : null,
  );
  assert.deepEqual(kinds, ['failed', 'failed', 'failed', 'not_sent']);
});

test('a provider that says `not before T` is left alone until then: others first, else Retry-After in the form of the protocol [GTW-10]', async () => {
  await using gateway = await testGateway({ aliases: CHAIN });
  gateway.upstream.next(error(429, { 'retry-after': '120' }));
  const told = await gateway.post(CHAT, ask('gpt-5'));
  assert.deepEqual(
    [told.status, told.headers.get('retry-after'), await told.text()],
    [429, '120', JSON.stringify({ error: { message: 'it is 429' } })],
  );
  const held = await gateway.post(CHAT, ask('gpt-5'));
  assert.equal(held.status, 429);
  assert.ok(Number(held.headers.get('retry-after')) > 100);
  assert.match(JSON.stringify(await held.json()), /asked not to be called before 20/);
  assert.equal(gateway.upstream.requests.length, 1, 'the provider was not asked again');
  gateway.upstream.next(OK);
  const other = await gateway.post(CHAT, ask('chain'));
  assert.deepEqual([other.headers.get('x-windlass-model'), other.headers.get('x-windlass-fallback')], ['lab/qwen', 'openai/gpt-5: not_before']);
  const google = await gateway.post('/anthropic/v1/messages', { model: 'openai/gpt-5', max_tokens: 5, messages: [{ role: 'user', content: 'x' }] });
  assert.deepEqual([google.status, at(await google.json(), 'error', 'type')], [429, 'rate_limit_error']);
});

test('five failures open the circuit, which is shared with runs; then the next model is asked at once [GTW-3, HAR-7]', async () => {
  await using gateway = await testGateway({ aliases: CHAIN });
  for (let count = 0; count < 5; count += 1) {
    gateway.upstream.next(error(500));
    assert.equal((await gateway.post(CHAT, ask('gpt-5'))).status, 500);
  }
  const open = await gateway.post(CHAT, ask('gpt-5'));
  assert.equal(open.status, 503);
  assert.match(JSON.stringify(await open.json()), /failed repeatedly/);
  gateway.upstream.next(OK);
  const other = await gateway.post(CHAT, ask('chain'));
  assert.equal(other.headers.get('x-windlass-fallback'), 'openai/gpt-5: circuit_open');
});

test('a key names only the models it is bound to [GTW-2]', async () => {
  await using gateway = await testGateway({ aliases: CHAIN });
  const bound = await gateway.key({ models: ['lab/*', 'openai/gpt-5*mini'] });
  const post = (model: string) => gateway.post(CHAT, ask(model), { headers: { authorization: `Bearer ${bound.secret}` } });
  const refused = await post('gpt-5');
  assert.equal(refused.status, 403);
  assert.match(JSON.stringify(await refused.json()), /may not use the model gpt-5.*lab\/\*/);
  gateway.upstream.next(OK, OK);
  assert.equal((await post('gpt-5-mini')).status, 200);
  assert.equal((await post('chain')).headers.get('x-windlass-model'), 'lab/qwen', 'of a chain the models that are allowed');
  assert.equal((await post('openai/gpt-5-nano')).status, 403);
});

test('exact answers are kept where a header, the key or the alias asks for it, and given again for nothing [GTW-4]', async () => {
  await using gateway = await testGateway({ aliases: { kept: { models: [one('openai/gpt-5')], fallbacks: [], cacheSeconds: 60 } } });
  gateway.upstream.next(OK);
  assert.equal((await gateway.post(CHAT, ask('kept'))).headers.get('x-windlass-cache'), 'miss');
  const again = await until('a kept answer', 3_000, async () => {
    const response = await gateway.post(CHAT, `{"messages":[{"content":"Well?","role":"user"}],  "model":"kept"}`);
    return response.headers.get('x-windlass-cache') === 'hit' ? response : null;
  });
  assert.equal(await again.text(), WHOLE);
  assert.equal(gateway.upstream.requests.length, 1);
  const hit = gateway.ledger.calls.at(-1) ?? assert.fail();
  assert.deepEqual(
    [hit.planned.facts['cache'], (await until('its outcome', 2_000, () => hit.outcome)).usage?.inputTokens, hit.planned.inputTokens],
    ['hit', 0, 0],
  );
  gateway.upstream.next(OK, OK, OK);
  assert.equal((await gateway.post(CHAT, ask('kept', { temperature: 1 }))).headers.get('x-windlass-cache'), 'miss', 'another request');
  assert.equal((await gateway.post(CHAT, ask('gpt-5'))).headers.get('x-windlass-cache'), null, 'nobody asked');
  const bearer = { authorization: `Bearer ${gateway.secret}` };
  assert.equal((await gateway.post(CHAT, ask('kept'), { headers: { ...bearer, 'x-windlass-cache': '0' } })).headers.get('x-windlass-cache'), null);
  assert.equal((await gateway.post(CHAT, ask('kept'), { headers: { ...bearer, 'x-windlass-cache': 'yes' } })).status, 400);
  gateway.upstream.next(error(500), OK);
  const keyed = await gateway.key({ cacheSeconds: 30 });
  const post = () => gateway.post(CHAT, ask('gpt-5-mini'), { headers: { authorization: `Bearer ${keyed.secret}` } });
  assert.equal((await post()).status, 500);
  assert.equal((await post()).headers.get('x-windlass-cache'), 'miss', 'a failure is not kept');
});
