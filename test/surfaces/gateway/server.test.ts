/** The gateway in the whole server: the real ledger and journal, keys over the API, aliases of the configuration for clients and for runs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verifyChain, type SealedEntry } from '../../../src/storage/journal.ts';
import { readSealed } from '../../../src/storage/journal-store.ts';
import { insertBudget, readCounter } from '../../support/budgets.ts';
import { at } from '../../support/provider-protocols.ts';
import { startProviderServer } from '../../support/provider-server.ts';
import { testServer, type TestServer } from '../../support/server.ts';
import { until } from '../../support/until.ts';

const WHOLE = JSON.stringify({
  choices: [{ message: { content: 'Yes.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 11, completion_tokens: 4 },
});
const OK = { status: 200, body: WHOLE } as const;
const SCRIPT = 'turns:\n  - text: "Said by a script."\n';

async function serverBefore(url: string): Promise<TestServer> {
  const chain = { models: [{ model: 'lab/first', weight: 1 }], fallbacks: ['lab/second'], cacheSeconds: null };
  const scripted = { models: [{ model: 'rehearsal/scripted', weight: 1 }], fallbacks: ['lab/second'], cacheSeconds: null };
  return testServer({
    rehearsals: { scripted: SCRIPT },
    config: {
      providers: { lab: { kind: 'openai-compatible', baseUrl: `${url}/v1` } },
      aliases: { chain, scripted },
      prices: { 'lab/second': { windowTokens: 10_000, maxOutputTokens: 1_000, prices: [{ input: 1, cachedInput: 1, cacheWrite: 1, output: 2 }] } },
    },
  });
}

const chat = (server: TestServer, key: string, more: Record<string, unknown> = {}): Promise<Response> =>
  fetch(`${server.url}/gateway/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'chain', max_tokens: 50, messages: [{ role: 'user', content: 'Well?' }], ...more }),
  });

async function entriesOf(server: TestServer, key: string, count: number): Promise<SealedEntry[]> {
  return until(`${count} entries of the key`, 5_000, async () => {
    const [stream] = await server.db.owner<{ id: string }>(`select id from stream where kind = 'key' and id like $1`, [`${key}/%`]);
    if (stream === undefined) return null;
    const entries = await server.db.asOrg(server.org, (tx) =>
      readSealed(tx, { org: server.org, stream: stream.id, id: stream.id } as never, { afterSeq: 0, limit: 100 }),
    );
    return entries.length >= count ? entries : null;
  });
}

test("every try is in the journal of the key's month, chained, with its fallback, its usage and its cost [BUD-1, GTW-3]", async () => {
  await using upstream = await startProviderServer();
  await using server = await serverBefore(upstream.url);
  const key = await server.key({ role: 'member', scopes: ['gateway'] });
  upstream.next({ status: 503, body: '{}' }, OK);
  const response = await chat(server, key.secret);
  assert.equal(await response.text(), WHOLE);
  const entries = await entriesOf(server, key.id, 4);
  assert.equal(verifyChain(entries), null);
  const payloads = entries.map(({ payload }) => JSON.parse(payload ?? '{}') as Record<string, unknown>);
  assert.deepEqual(
    payloads.map(({ type }) => String(type)).toSorted((a, b) => a.localeCompare(b)),
    ['call.failed', 'call.intended', 'call.intended', 'call.replied'],
  );
  assert.ok(payloads.some((payload) => JSON.stringify(payload).includes('"after":[{"model":"lab/first","why":"overloaded"}]')));
  const replied = payloads.find(({ type }) => type === 'call.replied');
  // 11 tokens in and 4 out at 1 and 2 USD a million
  assert.deepEqual(
    [at(replied, 'usage', 'inputTokens'), at(replied, 'usage', 'outputTokens'), at(replied, 'costMicroUsd')],
    [11, 4, 19],
    JSON.stringify(replied),
  );
  assert.equal(response.headers.get('x-windlass-fallback'), 'lab/first: overloaded');
});

test('over budget nothing is sent, and a key that was revoked over the API is refused at once [GTW-2, GTW-11]', async () => {
  await using upstream = await startProviderServer();
  await using server = await serverBefore(upstream.url);
  const key = await server.key({ role: 'member', scopes: ['gateway'] });
  await insertBudget(server.db, { org: server.org, id: 'bud_t', scope: 'key', subject: key.id, unit: 'calls', period: 'total', amount: 1 });
  upstream.next(OK, OK);
  assert.equal((await chat(server, key.secret)).status, 200);
  await until('the call to be counted', 5_000, async () => (await readCounter(server.db, 'bud_t')).spent === 1);
  const refused = await chat(server, key.secret);
  assert.equal(refused.status, 402);
  assert.match(String(at(await refused.json(), 'error', 'message')), /budget/i);
  assert.equal(upstream.requests.length, 1);
  assert.equal((await server.request(`/keys/${key.id}/revoke`, { method: 'POST', body: {} })).status, 200);
  assert.equal((await chat(server, key.secret)).status, 401);
});

test("a run's model may be an alias: its plan names what it stands for [GTW-3]", async () => {
  await using upstream = await startProviderServer();
  await using server = await serverBefore(upstream.url);
  const made = await server.request('/agents', {
    method: 'POST',
    body: { name: 'aliased', instructions: 'Say it.', model: 'scripted', fallbacks: ['chain'] },
  });
  assert.equal(made.status, 201, await made.clone().text());
  const started = (await (await server.request('/agents/aliased/runs', { method: 'POST', body: { input: {} } })).json()) as { id: string };
  const run = await until('the run to end', 10_000, async () => {
    const found = (await (await server.request(`/runs/${started.id}`)).json()) as { status: string };
    return found.status === 'succeeded' || found.status === 'failed' ? found : null;
  });
  assert.equal(run.status, 'succeeded', JSON.stringify(run));
  const [queued] = await server.db.owner<{ payload: string }>(`select payload from journal where stream = $1 and seq = 1`, [started.id]);
  assert.deepEqual(at(JSON.parse(queued?.payload ?? '{}'), 'plan', 'model'), 'rehearsal/scripted');
  assert.deepEqual(at(JSON.parse(queued?.payload ?? '{}'), 'plan', 'fallbacks'), ['lab/second', 'lab/first']);
});

test('a provider that breaks off while the server stops leaves no call unsettled', async () => {
  await using upstream = await startProviderServer();
  await using server = await serverBefore(upstream.url);
  const key = await server.key({ role: 'member', scopes: ['gateway'] });
  await insertBudget(server.db, { org: server.org, id: 'bud_t', scope: 'key', subject: key.id, unit: 'tokens', period: 'total', amount: 1_000_000 });
  upstream.next('silent');
  const hanging = chat(server, key.secret).catch(() => null);
  await until('the call to be reserved', 5_000, async () => (await readCounter(server.db, 'bud_t')).reserved > 0);
  await server.stop();
  await hanging;
  const { spent, reserved } = await readCounter(server.db, 'bud_t');
  assert.ok(spent > 0 && reserved === 0, `spent ${spent}, reserved ${reserved}`);
});
