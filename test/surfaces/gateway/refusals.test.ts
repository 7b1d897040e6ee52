/** Who is not let in, what is not taken, and what no budget pays for: each in the client's own protocol's form. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BudgetRefusal } from '../../../src/platform/budgets/budget.ts';
import { headersBack, headersUpstream } from '../../../src/surfaces/gateway/headers.ts';
import { at } from '../../support/provider-protocols.ts';
import { testGateway } from '../../support/gateway.ts';
import { until } from '../../support/until.ts';

const MESSAGES = '/anthropic/v1/messages';
const CHAT = '/openai/v1/chat/completions';
const RESPONSES = '/openai/v1/responses';
const GEMINI = '/google/v1beta/models/gemini-4-argon:generateContent';
const hello = [{ role: 'user', content: 'Hello' }];
const BODIES = {
  [MESSAGES]: { model: 'claude-sonnet-5-5', max_tokens: 100, messages: hello },
  [CHAT]: { model: 'gpt-5', messages: hello },
  [RESPONSES]: { model: 'gpt-5', input: 'Hello' },
  [GEMINI]: { contents: [{ role: 'user', parts: [{ text: 'Hello' }] }] },
} as const;
const WHOLE = JSON.stringify({
  choices: [{ message: { content: 'Yes.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 600, completion_tokens: 500 },
});

/** Where each protocol says what kind of error it is. */
function kindOf(path: string, body: unknown): unknown {
  if (path === GEMINI) return at(body, 'error', 'status');
  return path === MESSAGES ? [at(body, 'type'), at(body, 'error', 'type')] : at(body, 'error', 'code');
}

test('no key, an unknown one, a revoked one and one without the scope are refused in each protocol [GTW-2]', async () => {
  await using gateway = await testGateway();
  const noScope = await gateway.key({ scopes: ['read'] });
  const revoked = await gateway.key({});
  assert.equal((await gateway.post(CHAT, '{}', { headers: { authorization: `Bearer ${revoked.secret}` } })).status, 400, 'it works');
  await gateway.revoke(revoked.id);
  for (const [path, body] of Object.entries(BODIES)) {
    const kinds = [];
    for (const key of [null, 'sk-something-else', revoked.secret, noScope.secret]) {
      const headers: Record<string, string> =
        key === null
          ? {}
          : path === MESSAGES
            ? { 'x-api-key': key }
            : path === GEMINI
              ? { 'x-goog-api-key': key }
              : { authorization: `Bearer ${key}` };
      const response = await gateway.post(path, body, { headers });
      const said: unknown = await response.json();
      assert.equal(response.status, key === noScope.secret ? 403 : 401);
      assert.match(String(at(said, 'error', 'message')), /key/);
      kinds.push(JSON.stringify(kindOf(path, said)));
    }
    assert.deepEqual(new Set(kinds).size, 2, kinds.join(' '));
  }
  assert.equal(gateway.upstream.requests.length, 0);
  assert.equal(gateway.ledger.calls.length, 0);
});

test('guesses of keys are limited by address before they are looked up, and a key that was good passes all the same [IDN-2]', async () => {
  await using gateway = await testGateway();
  const fresh = await gateway.key({});
  const guess = async (key: string): Promise<number> => (await gateway.post(CHAT, '{}', { headers: { authorization: `Bearer ${key}` } })).status;
  assert.equal((await gateway.post(CHAT, '{}')).status, 400, 'it works');
  const statuses: number[] = [];
  for (let count = 0; count < 62; count += 1) statuses.push(await guess(`wl_${count}`));
  assert.deepEqual([statuses.indexOf(429), statuses.at(-1)], [60, 429]);
  assert.equal(await guess(fresh.secret), 429, 'nobody looks whether this one is right');
  assert.equal((await gateway.post(CHAT, '{}')).status, 400);
});

test('an absurd number of answers or tokens is refused in the protocol’s form, and nothing is reserved [GTW-2]', async () => {
  await using gateway = await testGateway();
  const absurd: [keyof typeof BODIES, object][] = [
    [CHAT, { n: 1_000_000 }],
    [CHAT, { n: Number.MAX_SAFE_INTEGER }],
    [CHAT, { max_tokens: 1e15 }],
    [CHAT, { n: 128, max_completion_tokens: 200_000_000 }],
    [MESSAGES, { max_tokens: 9e15 }],
    [RESPONSES, { max_output_tokens: 9e15 }],
    [GEMINI, { generationConfig: { candidateCount: 1e9 } }],
    [GEMINI, { generationConfig: { maxOutputTokens: 9e15 } }],
  ];
  for (const [path, over] of absurd) {
    const response = await gateway.post(path, { ...BODIES[path], ...over });
    assert.equal(response.status, 400, JSON.stringify(over));
    assert.match(String(at(await response.json(), 'error', 'message')), /answers at once|more than any model gives/);
  }
  assert.deepEqual([gateway.ledger.calls.length, gateway.upstream.requests.length], [0, 0]);
});

test('headers that Connection names go no further, in either direction [GTW-2]', async () => {
  const raw: readonly string[] = ['Connection', 'keep-alive, X-Hop', 'X-Hop', 'mine', 'connection', 'x-other', 'X-Other', '1', 'X-Kept', 'yes'];
  const provider = { name: 'lab', kind: 'openai-compatible', baseUrl: 'http://127.0.0.1:1', keyNames: [] } as const;
  const sent = headersUpstream(raw, provider, { whose: 'ours', key: undefined });
  assert.deepEqual(sent, ['x-kept', 'yes', 'accept-encoding', 'identity']);
  assert.deepEqual(headersBack({ connection: 'close, X-Hop', 'x-hop': 'theirs', 'x-kept': 'yes' }), { 'x-kept': 'yes' });
});

test('over budget is 402 with what is left, the reset and the way to more; nothing is sent [GTW-11, BUD-3]', async () => {
  await using gateway = await testGateway();
  const message = 'The budget of project windmill has 12 of 5,000 tokens left until 2026-12-01. Ask for more: windlass budget request.';
  const refusal: BudgetRefusal = {
    ...{ budget: 'bud_1', scope: 'project', unit: 'tokens', period: 'day', limit: 5_000, spent: 4_988, reserved: 0, left: 12 },
    ...{ resetsAtMs: 1, retryAfterMs: null, why: 'exhausted', message },
  };
  const kinds: Record<string, unknown> = {};
  for (const [path, body] of Object.entries(BODIES)) {
    gateway.ledger.refuse(refusal);
    const response = await gateway.post(path, body);
    const said: unknown = await response.json();
    assert.deepEqual([response.status, at(said, 'error', 'message')], [402, message]);
    assert.equal(response.headers.get('x-should-retry'), 'false');
    kinds[path] = kindOf(path, said);
  }
  assert.deepEqual(kinds[MESSAGES], ['error', 'billing_error']);
  assert.equal(gateway.upstream.requests.length, 0);
  gateway.ledger.refuse({ ...refusal, retryAfterMs: 2_000 });
  assert.equal((await gateway.post(CHAT, BODIES[CHAT])).headers.get('retry-after'), '2');
});

test('too little for the thinking that was asked for is refused and given back, not sent to fail [BUD-2]', async () => {
  await using gateway = await testGateway();
  gateway.ledger.grantAtMost(1_000);
  const body = { ...BODIES[MESSAGES], max_tokens: 4_000, thinking: { type: 'enabled', budget_tokens: 2_000 } };
  const response = await gateway.post(MESSAGES, body);
  assert.equal(response.status, 402);
  assert.deepEqual(
    gateway.ledger.outcomes().map(({ kind }) => kind),
    ['not_sent'],
  );
  assert.equal(gateway.upstream.requests.length, 0);
});

test('what is no request is refused before anything is reserved [GTW-2]', async () => {
  await using gateway = await testGateway();
  const nested = `{"model":"gpt-5","messages":${'['.repeat(300)}${']'.repeat(300)}}`;
  const wrong: readonly (readonly [string | Uint8Array, number, RegExp])[] = [
    ['', 400, /no JSON/],
    ['{"model":"gpt-5"', 400, /no JSON/],
    ['[1]', 400, /no JSON object/],
    ['null', 400, /no JSON object/],
    ['{}', 400, /names no model/],
    ['{"model":7}', 400, /names no model/],
    ['{"model":"gpt-5-nano","model":"gpt-5"}', 400, /"model" twice/],
    ['{"max_tokens":1,"mod\\u0065l":"gpt-5","model":"gpt-4"}', 400, /"model" twice/],
    [nested, 400, /nested more than 200/],
    [new Uint8Array(33 * 1024 * 1024), 413, /over 32 MB/],
  ];
  for (const [body, status, why] of wrong) {
    const response = await gateway.post(CHAT, body);
    assert.equal(response.status, status, String(why));
    assert.match(String(at(await response.json(), 'error', 'message')), why);
  }
  const packed = await gateway.post(CHAT, 'x', { headers: { authorization: `Bearer ${gateway.secret}`, 'content-encoding': 'gzip' } });
  assert.equal(packed.status, 400);
  const background = await gateway.post(RESPONSES, { ...BODIES[RESPONSES], background: true });
  assert.match(String(at(await background.json(), 'error', 'message')), /background/);
  assert.equal(gateway.ledger.calls.length + gateway.upstream.requests.length, 0);
});

test('paths and hosts that are none of ours are refused in the form of the side that was asked', async () => {
  await using gateway = await testGateway();
  for (const path of ['/anthropic/v1/complete', '/openai/chat/completions', '/google/v1beta/models/x:embedContent', '/other/v1', '/openai']) {
    const response = await gateway.post(path, {});
    assert.equal(response.status, 404);
    assert.match(JSON.stringify(await response.json()), /base URL/);
  }
  const page = await gateway.post(CHAT, BODIES[CHAT], { headers: { authorization: `Bearer ${gateway.secret}`, origin: 'https://evil.example' } });
  assert.equal(page.status, 403);
});

test('what cannot be counted reserves the window of its model, or is refused where that is not known [BUD-2]', async () => {
  await using gateway = await testGateway();
  gateway.upstream.next({ status: 200, body: WHOLE });
  const file = { model: 'gpt-5', messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'file_1' } }] }] };
  await (await gateway.post(CHAT, file)).text();
  assert.equal(gateway.ledger.calls[0]?.planned.inputTokens, 400_000);
  const unknown = await gateway.post(CHAT, { ...file, model: 'lab/never-heard-of' });
  assert.equal(unknown.status, 400);
  assert.match(String(at(await unknown.json(), 'error', 'message')), /cannot be counted.*windlass\.yaml/);
});

test('a model without a price is begun as unpriced, with its window as the most it may say [GTW-5, BUD-9]', async () => {
  await using gateway = await testGateway();
  gateway.upstream.next({ status: 200, body: WHOLE });
  assert.equal((await gateway.post(CHAT, { ...BODIES[CHAT], model: 'lab/never-heard-of' })).status, 200);
  const planned = gateway.ledger.calls[0]?.planned;
  assert.deepEqual([planned?.price, planned?.maxOutputTokens], [null, 32_768]);
});

test('calls and tokens a minute hold for a key, with headers that say what is left and 429 beyond [GTW-6]', async () => {
  await using gateway = await testGateway();
  const slow = await gateway.key({ requestsPerMinute: 2 });
  const post = (secret: string) => gateway.post(CHAT, BODIES[CHAT], { headers: { authorization: `Bearer ${secret}` } });
  gateway.upstream.next({ status: 200, body: WHOLE }, { status: 200, body: WHOLE }, { status: 200, body: WHOLE });
  const first = await post(slow.secret);
  assert.deepEqual([first.status, first.headers.get('ratelimit-limit'), first.headers.get('ratelimit-remaining')], [200, '2', '1']);
  assert.equal((await post(slow.secret)).status, 200);
  const third = await post(slow.secret);
  assert.deepEqual([third.status, third.headers.get('ratelimit-remaining')], [429, '0']);
  assert.ok(Number(third.headers.get('retry-after')) > 0);
  assert.match(String(at(await third.json(), 'error', 'message')), /2 calls a minute/);
  const frugal = await gateway.key({ tokensPerMinute: 1_000 });
  assert.equal((await post(frugal.secret)).status, 200);
  const beyond = await until('its tokens to be counted', 2_000, async () => {
    const response = await post(frugal.secret);
    return response.status === 429 ? response : null;
  });
  assert.match(String(at(await beyond.json(), 'error', 'message')), /1000 tokens a minute/);
});

test('calls a minute hold for an actor over all its keys [GTW-6]', async () => {
  await using gateway = await testGateway({ rates: { actorRequestsPerMinute: 1 } });
  const other = await gateway.key({});
  assert.equal((await gateway.post(CHAT, '{}')).status, 400);
  const response = await gateway.post(CHAT, '{}', { headers: { authorization: `Bearer ${other.secret}` } });
  assert.equal(response.status, 429);
  assert.match(String(at(await response.json(), 'error', 'message')), /This actor/);
});

test('a provider that does not take our key is not shown as a fault of the client, and its words about it stay here', async () => {
  await using gateway = await testGateway();
  gateway.upstream.next({ status: 401, body: '{"error":{"message":"Incorrect API key provided: prov***6789"}}' });
  const response = await gateway.post(CHAT, BODIES[CHAT]);
  const text = await response.text();
  assert.equal(response.status, 502);
  assert.ok(!text.includes('6789') && /does not take the key/.test(text), text);
  const none = await gateway.post(CHAT, { ...BODIES[CHAT], model: 'keyless/m' });
  assert.match(await none.text(), /no key for keyless: set NO_SUCH_KEY/i);
});

test('every refusal is told to traffic figures with its code, and to the request log only where no journal has it', async () => {
  await using gateway = await testGateway();
  gateway.upstream.next({ status: 200, body: WHOLE });
  await (await gateway.post(CHAT, BODIES[CHAT])).text();
  await (await gateway.post(CHAT, '{}')).text();
  const answered = await until('both', 2_000, () => (gateway.answered.length === 2 ? gateway.answered : null));
  assert.deepEqual(
    answered.map(({ operation, status, code, principal }) => [operation, status, code, principal === null]),
    [
      ['gateway.openai_chat', 200, null, true],
      ['gateway.openai_chat', 400, 'invalid_input', false],
    ],
  );
});
