/** Lists, the feed, verification and statistics of runs, read as one organization. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { systemClock } from '../../../src/kernel/clock.ts';
import type { OrgId, RunId } from '../../../src/kernel/ids.ts';
import { createRunStore } from '../../../src/runtime/runs/store.ts';
import type { RunStore } from '../../../src/runtime/runs/store-port.ts';
import { createRunViews } from '../../../src/runtime/runs/views-store.ts';
import { createDatabaseClock } from '../../../src/storage/database-clock.ts';
import { appendToStream, deletePayloads } from '../../../src/storage/journal-store.ts';
import { append, appended, claim, claimOne, create, ended, request, run } from '../../conformance/run-store-harness.ts';
import { testDatabase } from '../../support/database.ts';
import type { TestDatabase } from '../../support/database.ts';
import { ACTOR, newRun, noteEvent } from '../../support/run-fixtures.ts';

const A = 'org_a' as OrgId;
const B = 'org_b' as OrgId;

async function openStore(db: TestDatabase): Promise<RunStore> {
  await db.addOrg(A);
  await db.addOrg(B);
  return createRunStore({ db, clock: createDatabaseClock({ db, clock: systemClock }), randomBytes, onAppended: () => {} });
}

test('runs are listed newest first, by filters, with exact totals, and only their own org [STO-2, RUN-12]', async () => {
  await using db = await testDatabase();
  const store = await openStore(db);
  const views = createRunViews(db);
  await create(
    store,
    ...['1', '2', '3', '4', '5'].map((id) => newRun(A, `run_${id}`, { agentName: id === '2' ? 'other' : 'test' })),
    newRun(B, 'run_b'),
  );
  await appended(store, ended(await claimOne(store, A, 'run_3')));
  const seen = async (filter: Parameters<typeof views.listRuns>[1], cursor?: string): Promise<unknown> => {
    const page = await views.listRuns(A, filter, { limit: 2, ...(cursor === undefined ? {} : { cursor }) });
    return [page.items.map((row) => row.id), page.shown, page.total, page.next !== null];
  };
  assert.deepEqual(await seen({}), [['run_5', 'run_4'], 2, { kind: 'exact', value: 5 }, true]);
  const first = await views.listRuns(A, {}, { limit: 2 });
  assert.deepEqual(await seen({}, first.next ?? ''), [['run_3', 'run_2'], 2, { kind: 'exact', value: 5 }, true]);
  assert.deepEqual(await seen({ statuses: ['succeeded'] }), [['run_3'], 1, { kind: 'exact', value: 1 }, false]);
  assert.deepEqual(await seen({ live: true, agent: 'other' }), [['run_2'], 1, { kind: 'exact', value: 1 }, false]);
  assert.deepEqual(await seen({ live: true, statuses: ['succeeded'] }), [[], 0, { kind: 'exact', value: 0 }, false]);
  await assert.rejects(views.listRuns(A, {}, { limit: 2, cursor: 'nonsense' }), { code: 'invalid_input' });
});

test('the feed has every entry of an org once, in the order of commits, over runs and other streams [RUN-5]', async () => {
  await using db = await testDatabase();
  const store = await openStore(db);
  const views = createRunViews(db);
  await create(store, newRun(A, 'run_1'), newRun(B, 'run_2'));
  await appended(store, request(await claimOne(store, A, 'run_1')));
  const admin = { org: A, id: 'admin', kind: 'org', actor: ACTOR, version: 1 } as const;
  const drafts = [{ payload: { type: 'key.created', key: 'key_1' }, effectId: null }];
  await db.asOrg(A, (tx) => appendToStream(tx, admin, { drafts, randomBytes }));
  await db.asOrg(A, (tx) => appendToStream(tx, admin, { drafts, randomBytes }));
  const feed = await views.readFeed(A, 0, 100);
  assert.deepEqual(
    feed.map((entry) => [entry.stream, entry.seq]),
    [
      ['run_1', 1],
      ['run_1', 2],
      ['admin', 1],
      ['admin', 2],
    ],
  );
  assert.deepEqual(feed.at(-1)?.event, { type: 'key.created', key: 'key_1' });
  const after = feed[1]?.position ?? 0;
  assert.deepEqual(
    (await views.readFeed(A, after, 1)).map((entry) => entry.stream),
    ['admin'],
  );
  assert.deepEqual(await views.verify(A, 'admin'), { ok: true, entries: 2, firstBad: null, why: 'All 2 entries form one unbroken chain.' });
  await assert.rejects(
    db.asOrg(A, (tx) => appendToStream(tx, { ...admin, org: B }, { drafts, randomBytes })),
    /row-level security/,
  );
});

test('a changed, removed, reordered or cut off entry is found, and the first bad one named [RUN-2, S10]', async () => {
  await using db = await testDatabase();
  const store = await openStore(db);
  const views = createRunViews(db);
  const damage: Record<string, [sql: string, firstBad: number]> = {
    payload: ["update journal set payload = replace(payload, 'step', 'stop') where stream = $1 and seq = 3", 3],
    envelope: ["update journal set actor = 'act_other' where stream = $1 and seq = 2", 2],
    hash: ["update journal set hash = decode(repeat('00', 32), 'hex') where stream = $1 and seq = 2", 2],
    removed: ['delete from journal where stream = $1 and seq = 4', 4],
    first: ['delete from journal where stream = $1 and seq = 1', 1],
    reordered: ['update journal set seq = case seq when 3 then -4 else -3 end where stream = $1 and seq in (3, 4)', 3],
    'cut off': ['delete from journal where stream = $1 and seq = 5', 5],
  };
  for (const [what, [sql, firstBad]] of Object.entries(damage)) {
    const id = `run_${what.replace(' ', '')}`;
    await create(store, newRun(A, id));
    let lease = await claimOne(store, A, id);
    for (let step = 0; step < 4; step += 1) lease = await appended(store, request(lease));
    assert.equal((await views.verify(A, id)).ok, true);
    await db.owner(sql, [id]);
    if (what === 'reordered') await db.owner('update journal set seq = -seq where stream = $1 and seq < 0', [id]);
    const verified = await views.verify(A, id);
    assert.deepEqual([what, verified.ok, verified.firstBad], [what, false, firstBad]);
  }
});

test('a payload deleted on request leaves a chain that verifies and an entry without an event [RUN-2, STO-5]', async () => {
  await using db = await testDatabase();
  const store = await openStore(db);
  const views = createRunViews(db);
  await create(store, newRun(A, 'run_1'));
  const lease = await appended(
    store,
    request(await claimOne(store, A, 'run_1'), { events: [{ event: noteEvent('y'.repeat(20_000)), effectId: null }] }),
  );
  assert.equal(await db.asWorker((tx) => deletePayloads(tx, { org: A, id: 'run_1' }, 2)), 2);
  await appended(store, request(lease));
  const entries = await store.readEntries(A, run('run_1'), { afterSeq: 0, limit: 10 });
  assert.deepEqual(
    entries.map((entry) => entry.event?.type ?? null),
    [null, null, 'note'],
  );
  assert.equal((await views.verify(A, 'run_1')).ok, true);
  assert.deepEqual(await db.owner('select 1 from payload'), []);
});

test('the role of an org can begin a run and signal it, and change nothing that was written [STO-2, RUN-2]', async () => {
  await using db = await testDatabase();
  const store = await openStore(db);
  await create(store, newRun(A, 'run_1'));
  await appended(store, request(await claimOne(store, A, 'run_1')));
  const refused = [
    "update journal set payload = '' where stream = 'run_1'",
    "delete from journal where stream = 'run_1'",
    "update run set status = 'succeeded'",
    'delete from run_inbox',
    'update stream set fence = 9',
    `insert into journal (org_id, stream, seq, at, type, version, actor, fence, prev_hash, hash, commitment)
      values ('org_a', 'run_1', 3, clock_now(), 'note', 1, 'act', 0, '', '', '')`,
  ];
  for (const sql of refused)
    await assert.rejects(
      db.asOrg(A, (tx) => tx.query(sql)),
      /permission denied|row-level security/,
      sql,
    );
  const moved = await db.asOrg(A, (tx) => tx.query('update stream set head_seq = 9 returning id'));
  assert.deepEqual(moved, [], "a run's head is its holder's");
});

test('the store reads and writes nothing of another org, whatever id it is given [STO-2, S9]', async () => {
  await using db = await testDatabase();
  const store = await openStore(db);
  const views = createRunViews(db);
  await create(store, newRun(A, 'run_1'));
  const lease = await claimOne(store, A, 'run_1');
  await assert.rejects(
    store.transaction(B, (tx) => store.createRun(tx, newRun(A, 'run_2'))),
    /row-level security/,
  );
  const signal = { org: A, run: run('run_1'), kind: 'cancel', event: noteEvent('x'), actor: ACTOR } as const;
  assert.equal(await store.transaction(B, (tx) => store.putInbox(tx, signal)), false, 'as if the run did not exist');
  assert.equal((await append(store, request({ ...lease, org: B }))).ok, 'stale');
  assert.equal(await store.getRun(B, run('run_1')), null);
  assert.deepEqual(await store.readEntries(B, run('run_1'), { afterSeq: 0, limit: 10 }), []);
  assert.deepEqual((await views.listRuns(B, {}, { limit: 10 })).items, []);
  assert.deepEqual(await views.readFeed(B, 0, 10), []);
  assert.equal((await views.verify(B, 'run_1')).entries, 0);
  assert.deepEqual(await claim(store, { only: { org: B, run: 'run_1' as RunId } }), []);
});

test('statistics count what is queued, held, waiting and over [ENG-4]', async () => {
  await using db = await testDatabase();
  const store = await openStore(db);
  const views = createRunViews(db);
  await create(store, ...['1', '2', '3', '4'].map((id) => newRun(A, `run_${id}`)));
  await appended(store, request(await claimOne(store, A, 'run_1'), { patch: { status: 'running' } }));
  await appended(store, ended(await claimOne(store, A, 'run_2')));
  const failed = request(await claimOne(store, A, 'run_3'), { patch: { status: 'failed', reason: 'It broke.' } });
  await appended(store, failed);
  const stats = await views.stats(A);
  assert.deepEqual(
    { ...stats, oldestQueuedMs: null },
    { queued: 1, running: 1, waiting: 0, oldestQueuedMs: null, workers: 1, endedLastHour: 2, failedLastHour: 1, takeoversLastHour: 0 },
  );
  assert.ok((stats.oldestQueuedMs ?? -1) >= 0);
});
