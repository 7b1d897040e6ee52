/** Idempotency keys on the real server (R4): one execution, the same answer byte for byte, clear errors, nothing across tenants. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentOperations } from '../../../src/work/agents/contract.ts';
import { AppError } from '../../../src/kernel/errors.ts';
import type { Answer, KeptAnswer, OnceStore } from '../../../src/surfaces/http/idempotency.ts';
import { MAX_KEPT_BODY_BYTES, once, scopeOf } from '../../../src/surfaces/http/idempotency.ts';
import { problemOf } from '../../support/api-operations.ts';
import { testIds } from '../../support/identity.ts';
import type { TestServer } from '../../support/server.ts';
import { testServer } from '../../support/server.ts';

async function serverWithAgent(): Promise<TestServer> {
  const server = await testServer({ workers: 0 });
  await server.api().call(agentOperations.create, { name: 'worker', instructions: 'Work.', model: 'rehearsal/none' });
  return server;
}

const start = (server: TestServer, options: { idempotency: string; body?: unknown; key?: string; path?: string }): Promise<Response> =>
  server.request(options.path ?? '/agents/worker/runs', {
    method: 'POST',
    body: options.body ?? { input: { n: 1 } },
    headers: { 'idempotency-key': options.idempotency },
    ...(options.key === undefined ? {} : { key: options.key }),
  });

const runsOf = async (server: TestServer): Promise<number> => (await server.db.owner('select id from run')).length;

test('50 at once with one key start one run and hear the same, or that it is still running [R4, HND-3]', async () => {
  await using server = await serverWithAgent();
  const answers = await Promise.all(
    Array.from({ length: 50 }, async () => {
      const response = await start(server, { idempotency: 'fifty' });
      return { status: response.status, replayed: response.headers.get('idempotency-replayed'), text: await response.text() };
    }),
  );
  const done = answers.filter(({ status }) => status === 202);
  const told = answers.filter(({ status }) => status === 409);
  assert.equal(done.length + told.length, 50);
  assert.equal(new Set(done.map(({ text }) => text)).size, 1);
  assert.equal(done.filter(({ replayed }) => replayed === null).length, 1);
  for (const { text } of told) assert.equal((JSON.parse(text) as { code: string }).code, 'idempotency_in_flight');
  assert.equal(await (await start(server, { idempotency: 'fifty' })).text(), done[0]?.text);
  assert.equal(await runsOf(server), 1);
});

test('another body under the same key is a clear error; another actor, organization or endpoint has keys of its own [R4, HND-3]', async () => {
  await using server = await serverWithAgent();
  const first = await (await start(server, { idempotency: 'same' })).text();
  const mismatch = await start(server, { idempotency: 'same', body: { input: { n: 2 } } });
  assert.equal(mismatch.status, 422);
  assert.equal((await problemOf(mismatch)).code, 'idempotency_mismatch');
  const colleague = await server.key({ role: 'owner' });
  const theirs = await (await start(server, { idempotency: 'same', key: colleague.secret })).text();
  assert.notEqual(theirs, first);
  const other = await server.addOrganization();
  const refused = await start(server, { idempotency: 'same', key: other.ownerKey });
  assert.equal(refused.status, 404, 'the other organization has no such agent, and no such answer');
  const elsewhere = await start(server, { idempotency: 'same', path: '/agents/worker/pause', body: { reason: 'tea' } });
  assert.equal(elsewhere.status, 200);
  assert.equal(await (await start(server, { idempotency: 'same' })).text(), first, 'a replay does not ask whether the agent takes runs now');
  assert.equal(await runsOf(server), 2);
});

test('a refusal is not kept: the key is free once the cause is mended [R4, HND-3]', async () => {
  await using server = await testServer({ workers: 0 });
  assert.equal((await start(server, { idempotency: 'early' })).status, 404);
  await server.api().call(agentOperations.create, { name: 'worker', instructions: 'Work.', model: 'rehearsal/none' });
  assert.equal((await start(server, { idempotency: 'early' })).status, 202);
  for (const bad of ['', 'a b', 'a\tb', 'x'.repeat(256)]) {
    const response = await start(server, { idempotency: bad });
    assert.equal(response.status, 400, bad);
    await problemOf(response);
  }
});

test('a server that dies between doing and keeping starts no second run [R4, HND-3]', async () => {
  await using server = await serverWithAgent();
  const first = await (await start(server, { idempotency: 'crash' })).text();
  // as if the process had ended before the answer was kept, and the time of a first request were over
  await server.db.owner("update http_once set status = null, body = null, body_sha256 = null where key = 'crash'");
  const early = await start(server, { idempotency: 'crash' });
  assert.equal((await problemOf(early)).code, 'idempotency_in_flight');
  assert.equal(early.headers.get('retry-after'), '1');
  await server.db.owner("update http_once set taken_at = taken_at - interval '10 minutes'");
  const again = await start(server, { idempotency: 'crash' });
  assert.equal(await again.text(), first);
  assert.equal(await runsOf(server), 1);

  const run = (JSON.parse(first) as { id: string }).id;
  const rerun = async (): Promise<string> => (await start(server, { idempotency: 'again', path: `/runs/${run}/rerun`, body: {} })).text();
  const rerunFirst = await rerun();
  await server.db.owner('delete from http_once');
  assert.equal(await rerun(), rerunFirst);
  assert.equal(await runsOf(server), 2);
});

test('after a day the key is a new one [R4, HND-3]', async () => {
  await using server = await serverWithAgent();
  const first = await (await start(server, { idempotency: 'daily' })).text();
  await server.db.owner("update http_once set taken_at = taken_at - interval '25 hours'");
  await server.db.owner("update run_request set at = at - interval '25 hours'");
  const next = await start(server, { idempotency: 'daily', body: { input: { n: 2 } } });
  assert.equal(next.status, 202);
  assert.notEqual(await next.text(), first);
  assert.equal(await runsOf(server), 2);
});

test('a secret is in no kept answer, and its replay says how to rotate [R4, HND-3]', async () => {
  await using server = await testServer({ workers: 0 });
  const make = () => start(server, { idempotency: 'mint', path: '/keys', body: { name: 'ci', role: 'viewer' } });
  const { secret } = (await (await make()).json()) as { secret: string };
  const replay = await make();
  assert.equal(replay.headers.get('idempotency-replayed'), 'true');
  const said = await replay.text();
  assert.equal(said.includes(secret), false);
  assert.match(said, /rotate/);
  const kept = JSON.stringify(await server.db.owner('select * from http_once'));
  assert.equal(kept.includes(secret), false);
  assert.equal((await server.db.owner("select id from api_key where name = 'ci'")).length, 1);
});

/** A store in memory whose `keep` and `forget` can be made to throw. */
function memoryOnce(faults: { keep?: boolean; forget?: boolean } = {}) {
  const rows = new Map<string, { requestHash: string; answer: KeptAnswer | null }>();
  const store: OnceStore = {
    take: async ({ key }, requestHash) => {
      const row = rows.get(key);
      if (row === undefined) {
        rows.set(key, { requestHash, answer: null });
        return { state: 'taken' };
      }
      return row.answer === null
        ? { state: 'in_flight', requestHash: row.requestHash }
        : { state: 'done', requestHash: row.requestHash, answer: row.answer };
    },
    keep: async ({ key }, answer) => {
      if (faults.keep === true) throw new AppError('unavailable', 'The database cannot be reached.');
      rows.set(key, { requestHash: rows.get(key)?.requestHash ?? '', answer });
    },
    forget: async ({ key }) => {
      if (faults.forget === true) throw new AppError('unavailable', 'The database cannot be reached.');
      rows.delete(key);
    },
  };
  return store;
}

const scope = scopeOf({ org: testIds.next('org'), actor: testIds.next('act') }, 'POST /x', 'key');
const request = { scope, input: { a: 1 }, secret: false };

test('a fault of ours is not kept and runs again; a store that fails changes no answer [R4, HND-3]', async () => {
  let calls = 0;
  const work = async (): Promise<Answer> => {
    calls += 1;
    if (calls === 1) throw new Error('a bug');
    return { status: 201, body: '{}' };
  };
  const logged: string[] = [];
  const deps = { once: memoryOnce(), log: (_level: string, message: string) => void logged.push(message) };
  await assert.rejects(once(deps, request, work), /a bug/);
  assert.deepEqual(await once(deps, request, work), { status: 201, body: '{}', replayed: false });
  assert.deepEqual(await once(deps, request, work), { status: 201, body: '{}', replayed: true });
  assert.equal(calls, 2);

  const failing = { ...deps, once: memoryOnce({ keep: true, forget: true }) };
  assert.deepEqual(await once(failing, request, work), { status: 201, body: '{}', replayed: false });
  assert.equal(logged.length, 1);
  await assert.rejects(once(failing, request, work), { code: 'idempotency_in_flight' });
});

test('a large answer is kept as its SHA-256, and the replay says so [HND-3]', async () => {
  const deps = { once: memoryOnce(), log: () => {} };
  const body = JSON.stringify({ text: 'ü'.repeat(MAX_KEPT_BODY_BYTES / 2) });
  await once(deps, request, async () => ({ status: 200, body }));
  const replay = await once(deps, request, () => assert.fail('it ran twice'));
  assert.equal(replay.replayed, true);
  assert.match(replay.body, /"bodySha256":"[0-9a-f]{64}".*too large/);
});
