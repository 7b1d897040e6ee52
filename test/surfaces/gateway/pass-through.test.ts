/** The same protocol in and out: every byte as it came, usage read on the way, and what becomes of half answers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, PROTOCOLS, REPORTED, type Protocol } from '../../support/provider-protocols.ts';
import { PROVIDER_KEY, testGateway, type TestGateway } from '../../support/gateway.ts';
import { until } from '../../support/until.ts';

type Side = { of: Protocol; path: string; body: (stream: boolean, model: string) => Record<string, unknown>; said: string; limit: readonly string[] };

const named = (name: string): Protocol => PROTOCOLS.find((protocol) => protocol.name === name) ?? assert.fail(name);
const ask = [{ role: 'user', content: 'Hello, 世界' }];
const SIDES: readonly Side[] = [
  {
    of: named('anthropic'),
    path: '/anthropic/v1/messages?beta=true',
    body: (stream, model) => ({ model, max_tokens: 500, messages: ask, ...(stream ? { stream } : {}) }),
    said: '/v1/messages?beta=true',
    limit: ['max_tokens'],
  },
  {
    of: named('openai'),
    path: '/openai/v1/responses',
    body: (stream, model) => ({ model, max_output_tokens: 500, input: 'Hello', ...(stream ? { stream } : {}) }),
    said: '/v1/responses',
    limit: ['max_output_tokens'],
  },
  {
    of: named('lab'),
    path: '/openai/v1/chat/completions',
    body: (stream, model) => ({ model, max_tokens: 500, messages: ask, ...(stream ? { stream, stream_options: { include_usage: true } } : {}) }),
    said: '/v1/chat/completions',
    limit: ['max_tokens'],
  },
];
const GOOGLE = {
  body: { contents: [{ role: 'user', parts: [{ text: 'Hello' }] }], generationConfig: { maxOutputTokens: 500 } },
  stream: (model: string) => `/google/v1beta/models/${model}:streamGenerateContent?alt=sse`,
};
const modelOf = (side: Side): string => (side.of.name === 'lab' ? `lab/${side.of.model}` : side.of.model);

async function settled(gateway: TestGateway, count = 1) {
  return until('the outcome', 3_000, () => (gateway.ledger.outcomes().length >= count ? gateway.ledger.outcomes() : null));
}

for (const side of SIDES) {
  test(`${side.of.name}: a stream passes byte for byte, in order, and is metered to the token [GTW-2, BUD-1]`, async () => {
    await using gateway = await testGateway();
    const events = side.of.events({ text: 'A long and winding answer: äöü 世界.', finish: 'stop' });
    gateway.upstream.next({ events });
    const body = side.body(true, modelOf(side));
    const response = await gateway.post(side.path, body);
    assert.equal(response.status, 200);
    assert.equal(await response.text(), events.join(''));
    const [sent] = gateway.upstream.requests;
    assert.equal(sent?.path, side.said);
    assert.deepEqual({ ...(sent?.body as object), model: body['model'] }, body);
    assert.equal(sent?.headers['accept-encoding'], 'identity');
    assert.ok(JSON.stringify(sent?.headers).includes(PROVIDER_KEY) && !JSON.stringify(sent?.headers).includes(gateway.secret));
    const [outcome] = await settled(gateway);
    assert.equal(outcome?.kind, 'replied');
    assert.deepEqual(
      [outcome?.usage?.inputTokens, outcome?.usage?.cachedInputTokens, outcome?.usage?.outputTokens, outcome?.usage?.estimated],
      [REPORTED.input, REPORTED.cached, REPORTED.output, false],
    );
    const [call] = gateway.ledger.calls;
    assert.equal(call?.planned.maxOutputTokens, 500);
    assert.ok((call?.planned.inputTokens ?? 0) >= Buffer.byteLength(JSON.stringify(body)));
    assert.equal(response.headers.get('x-windlass-model'), side.of.name === 'lab' ? `lab/${side.of.model}` : `${side.of.name}/${side.of.model}`);
    assert.equal(response.headers.get('x-windlass-changed'), side.of.name === 'lab' ? 'model' : null);
    assert.match(response.headers.get('x-correlation-id') ?? '', /^cor_/);
  });

  test(`${side.of.name}: a lowered output limit is sent, named in a header, and nothing else changes [GTW-2, BUD-2]`, async () => {
    await using gateway = await testGateway();
    gateway.ledger.grantAtMost(120);
    gateway.upstream.next({ events: side.of.events({ text: 'Short.' }) });
    const body = side.body(true, modelOf(side));
    const response = await gateway.post(side.path, body);
    await response.text();
    const sent = gateway.upstream.requests[0]?.body;
    assert.equal(at(sent, ...side.limit), 120);
    assert.deepEqual({ ...(sent as object), model: body['model'], [side.limit[0] ?? '']: 500 }, body);
    assert.match(response.headers.get('x-windlass-changed') ?? '', new RegExp(`${side.limit.join('\\.')}=120`));
  });

  test(`${side.of.name}: a stream whose connection breaks is told as an error of the protocol and counts what was seen [GTW-2]`, async () => {
    await using gateway = await testGateway();
    const events = side.of.events({ text: 'This will never be finished at all, whatever happens.' });
    gateway.upstream.next({ events: events.slice(0, 6), after: 'drop' });
    const response = await gateway.post(side.path, side.body(true, modelOf(side)));
    const text = await response.text();
    assert.ok(text.startsWith(events.slice(0, 6).join('')));
    assert.match(text.slice(events.slice(0, 6).join('').length), /data: \{.*broke off/);
    const [outcome] = await settled(gateway);
    assert.deepEqual([outcome?.kind, outcome?.failure, outcome?.usage?.estimated], ['failed', 'malformed', true]);
    assert.ok((outcome?.usage?.inputTokens ?? 0) > 0);
  });

  test(`${side.of.name}: a client that goes away stops the provider; tokens seen are counted as an estimate [GTW-2]`, async () => {
    await using gateway = await testGateway();
    const events = side.of.events({ text: 'x'.repeat(4_000) });
    gateway.upstream.next({ drip: events.find((event) => event.includes('xxxxxxx')) ?? assert.fail('no delta'), everyMs: 5 });
    const gone = new AbortController();
    const response = await gateway.post(side.path, side.body(true, modelOf(side)), { signal: gone.signal });
    const reader = response.body?.getReader();
    for (let count = 0; count < 4; count += 1) await reader?.read();
    gone.abort();
    const [outcome] = await settled(gateway);
    assert.deepEqual([outcome?.kind, outcome?.failure, outcome?.usage?.estimated], ['aborted', 'aborted', true]);
    assert.ok((outcome?.usage?.outputTokens ?? 0) >= 3);
  });

  test(`${side.of.name}: what the provider refuses passes with its own words and costs nothing [GTW-2]`, async () => {
    await using gateway = await testGateway();
    gateway.upstream.next({ status: 400, body: side.of.error('max_tokens is absurd'), headers: { 'x-request-id': 'req_up' } });
    const response = await gateway.post(side.path, side.body(false, modelOf(side)));
    assert.deepEqual([response.status, await response.text()], [400, side.of.error('max_tokens is absurd')]);
    assert.equal(response.headers.get('x-request-id'), 'req_up');
    const [outcome] = await settled(gateway);
    assert.deepEqual(
      [outcome?.kind, outcome?.failure, outcome?.usage?.inputTokens, outcome?.usage?.outputTokens],
      ['failed', 'invalid_request', 0, 0],
    );
  });

  test(`${side.of.name}: silence, garbage, half an answer and a closed port are errors of the protocol [GTW-2]`, async () => {
    await using gateway = await testGateway({ timeouts: { firstByteMs: 400, idleMs: 400 } });
    const post = async () => {
      const response = await gateway.post(side.path, side.body(false, modelOf(side)));
      return [response.status, await response.json()] as const;
    };
    gateway.upstream.next(
      'silent',
      { status: 200, body: '<html>hello</html>', headers: { 'content-type': 'text/html' } },
      { status: 200, body: '{"usage":' },
    );
    for (const status of [504, 502, 502]) {
      const [answered, body] = await post();
      assert.equal(answered, status);
      assert.equal(typeof at(body, 'error', 'message'), 'string');
    }
    assert.deepEqual(
      (await settled(gateway, 3)).map(({ kind, failure, usage }) => [kind, failure, usage]),
      [
        ['failed', 'timeout', null],
        ['failed', 'malformed', null],
        ['failed', 'malformed', null],
      ],
    );
    const away = await gateway.post(side.path, side.body(false, 'away/model'));
    assert.equal(away.status, 502);
  });
}

test('google: generateContent and its stream pass with the model in the path [GTW-2]', async () => {
  await using gateway = await testGateway();
  const google = named('google');
  const events = google.events({ text: 'Ein Gedicht.' });
  gateway.upstream.next({ events });
  const response = await gateway.post(GOOGLE.stream('gemini-4-argon'), GOOGLE.body);
  assert.equal(await response.text(), events.join(''));
  assert.equal(gateway.upstream.requests[0]?.path, '/v1beta/models/gemini-4-argon:streamGenerateContent?alt=sse');
  assert.equal(gateway.upstream.requests[0]?.headers['x-goog-api-key'], PROVIDER_KEY);
  const whole = JSON.stringify({
    candidates: [{ content: { parts: [{ text: 'Ja' }] }, finishReason: 'STOP' }],
    usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 3 },
  });
  gateway.upstream.next({ status: 200, body: whole });
  gateway.ledger.grantAtMost(100);
  const keyed = await fetch(`${gateway.url}/gateway/google/v1beta/models/gemini-4-argon:generateContent?key=${gateway.secret}`, {
    method: 'POST',
    body: JSON.stringify(GOOGLE.body),
  });
  assert.equal(await keyed.text(), whole);
  const sent = gateway.upstream.requests[1];
  assert.ok(!(sent?.path ?? '').includes(gateway.secret));
  assert.equal(at(sent?.body, 'generationConfig', 'maxOutputTokens'), 100);
  const outcomes = await settled(gateway, 2);
  assert.deepEqual(
    outcomes.map(({ usage }) => [usage?.inputTokens, usage?.outputTokens]),
    [
      [REPORTED.input, REPORTED.output],
      [7, 3],
    ],
  );
});

test('a Chat Completions stream without include_usage gets it, and its client never sees the extra chunk [GTW-2]', async () => {
  await using gateway = await testGateway();
  const events = named('lab').events({ text: 'Hello there.' });
  const usage = events.find((event) => event.includes('"usage"')) ?? assert.fail('no usage');
  gateway.upstream.next({ events });
  const response = await gateway.post('/openai/v1/chat/completions', { model: 'gpt-5', stream: true, messages: ask });
  assert.equal(await response.text(), events.filter((event) => event !== usage).join(''));
  assert.deepEqual(at(gateway.upstream.requests[0]?.body, 'stream_options'), { include_usage: true });
  assert.equal((await settled(gateway))[0]?.usage?.outputTokens, REPORTED.output);
});

test('a whole answer of 10 MB flows through and is metered [GTW-2]', async () => {
  await using gateway = await testGateway();
  const body = JSON.stringify({
    choices: [{ message: { content: 'y'.repeat(10 * 1024 * 1024) }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 5, completion_tokens: 9 },
  });
  gateway.upstream.next({ status: 200, body });
  const response = await gateway.post('/openai/v1/chat/completions', { model: 'gpt-5', messages: ask });
  assert.equal(await response.text(), body);
  assert.deepEqual([(await settled(gateway))[0]?.usage?.inputTokens, (await settled(gateway))[0]?.usage?.outputTokens], [5, 9]);
});

test("a client's own credential goes to its provider when the virtual key comes beside it [GTW-2]", async () => {
  await using gateway = await testGateway();
  const events = named('anthropic').events({ text: 'Yes.' });
  gateway.upstream.next({ events });
  const body = { model: 'claude-sonnet-5-5', max_tokens: 10, stream: true, messages: ask };
  const response = await gateway.post('/anthropic/v1/messages', body, {
    headers: { 'x-windlass-key': gateway.secret, authorization: 'Bearer own-subscription', 'anthropic-beta': 'x' },
  });
  assert.equal(await response.text(), events.join(''));
  const headers = gateway.upstream.requests[0]?.headers ?? {};
  assert.deepEqual([headers.authorization, headers['x-api-key'], headers['anthropic-beta']], ['Bearer own-subscription', undefined, 'x']);
  assert.ok(!JSON.stringify(headers).includes(gateway.secret) && !JSON.stringify(headers).includes(PROVIDER_KEY));
  assert.equal(gateway.ledger.calls[0]?.planned.facts['credential'], 'client');
});
