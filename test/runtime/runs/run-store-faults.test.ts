/** The run store on PostgreSQL under what only a database does: lost connections, unknown commits, several processes. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { systemClock } from '../../../src/kernel/clock.ts';
import { AppError } from '../../../src/kernel/errors.ts';
import type { AgentId, OrgId, WorkerId } from '../../../src/kernel/ids.ts';
import { createRunStore, databaseTx } from '../../../src/runtime/runs/store.ts';
import type { AppendResult, Lease, RunStore } from '../../../src/runtime/runs/store-port.ts';
import { createRunViews } from '../../../src/runtime/runs/views-store.ts';
import { createDatabaseClock } from '../../../src/storage/database-clock.ts';
import { createDatabase } from '../../../src/storage/database.ts';
import type { Database } from '../../../src/storage/database.ts';
import { append, appended, claim, claimOne, create, ended, ids, request, run } from '../../conformance/run-store-harness.ts';
import { testDatabase } from '../../support/database.ts';
import { until } from '../../support/until.ts';
import { newRun, noteEvent } from '../../support/run-fixtures.ts';

const A = 'org_a' as OrgId;
const B = 'org_b' as OrgId;

function storeOn(db: Database): RunStore {
  return createRunStore({ db, clock: createDatabaseClock({ db, clock: systemClock }), randomBytes, onAppended: () => {} });
}

/** A database whose next worker transaction loses its connection during the commit, which is made or not. */
function losing(db: Database, made: () => boolean | null): Database {
  const lost = (): AppError => new AppError('unavailable', 'lost', { cause: { kind: 'storage_fault', commitUnknown: true, cause: null } });
  return {
    ...db,
    async asWorker(work) {
      const fate = made();
      if (fate === null) return db.asWorker(work);
      if (fate) await db.asWorker(work);
      throw lost();
    },
  };
}

test('a commit of unknown outcome is settled by reading back: made counts, not made is fenced off [RUN-3, R7]', async () => {
  await using db = await testDatabase();
  await db.addOrg(A);
  const plan: (boolean | null)[] = [];
  const store = storeOn(losing(db, () => plan.shift() ?? null));
  await create(store, newRun(A, 'run_1'));
  const first = await claimOne(store, A, 'run_1');
  plan.push(true);
  const second = await appended(store, request(first));
  const [entry] = await store.readEntries(A, run('run_1'), { afterSeq: 1, limit: 1 });
  assert.equal(entry?.hash, second.headHash);

  plan.push(false);
  assert.equal((await append(store, request(second))).ok, 'stale');
  assert.equal((await append(store, request(second))).ok, 'stale', 'the lost write cannot come true later');
  const [next] = await claim(store);
  assert.equal(next?.run, 'run_1', 'and the run is free at once');
  assert.deepEqual([next?.headSeq, next?.fence], [2, second.fence + 2]);

  // the answer of the settling commit is lost as well
  assert.ok(next !== undefined);
  plan.push(false, true);
  assert.equal((await append(store, request(next))).ok, 'stale');
  assert.deepEqual(ids(await claim(store)), ['run_1']);
});

test('what was acknowledged is there once, though the database drops connections all the time [RUN-3, R7]', async () => {
  await using db = await testDatabase();
  await db.addOrg(A);
  const store = storeOn(db);
  const names = Array.from({ length: 12 }, (_, index) => `run_${index}`);
  await create(store, ...names.map((id) => newRun(A, id)));
  const acknowledged = new Map<string, string[]>(names.map((id) => [id, []]));
  const left = { runs: names.length };

  const work = async (id: string): Promise<void> => {
    let lease: Lease | undefined;
    for (let step = 0; step < 40;) {
      try {
        lease ??= (await claim(store, { only: { org: A, run: run(id) }, worker: `wrk_${id}` as WorkerId }))[0];
        if (lease === undefined) continue; // fenced off by a settling that is still under way
        const text = `${id} step ${step} ${randomBytes(3).toString('hex')}`;
        const result: AppendResult = await append(store, request(lease, { events: [{ event: noteEvent(text), effectId: null }] }));
        if (result.ok === 'appended') {
          acknowledged.get(id)?.push(text);
          lease = result.lease;
          step += 1;
        } else {
          lease = undefined;
        }
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'unavailable') throw error;
      }
    }
    left.runs -= 1;
  };
  const killing = (async () => {
    for (let kills = 0; left.runs > 0 && kills < 60; kills += 1) {
      const others = 'from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()';
      await db.owner(`select pg_terminate_backend(pid) ${others}`);
      const before = [...acknowledged.values()].flat().length;
      // let some commits through before the next one
      for (let turn = 0; turn < 500 && left.runs > 0 && [...acknowledged.values()].flat().length < before + 8; turn += 1) await db.owner('select 1');
    }
  })();
  await Promise.all([...names.map(work), killing]);

  const views = createRunViews(db);
  for (const id of names) {
    const entries = await store.readEntries(A, run(id), { afterSeq: 1, limit: 1_000 });
    const texts = entries.map((entry) => (entry.event?.type === 'note' ? entry.event.text : ''));
    assert.deepEqual(texts, acknowledged.get(id), 'every acknowledged entry once and in order, and no other');
    assert.equal((await views.verify(A, id)).ok, true);
  }
});

test('limits and lanes are exact over several processes on one database [ENG-2, ENG-3]', async () => {
  await using db = await testDatabase({ poolSize: 2 });
  for (const org of [A, B]) await db.addOrg(org);
  await db.owner(`insert into concurrency_limit (org_id, scope, id, max) values ('org_a', 'agent', 'agt_one', 3), ('org_b', 'org', 'org_b', 4)`);
  const databases = ['one', 'two', 'three'].map((name) => createDatabase({ url: db.url, applicationName: name, poolSize: 3, clock: systemClock }));
  const stores = databases.map(storeOn);
  const store = storeOn(db);
  const agent = 'agt_one' as AgentId;
  for (let index = 0; index < 30; index += 1) {
    await create(store, newRun(A, `run_a${index}`, { agent }), newRun(B, `run_b${index}`, { lane: `lane_${index % 6}` }));
  }
  const done = { runs: 0 };
  const live = new Map<string, string>();
  const check = (): void => {
    const orgs = [...live.keys()];
    assert.ok(orgs.filter((id) => id.startsWith('run_a')).length <= 3, 'the limit of the agent');
    assert.ok(orgs.filter((id) => id.startsWith('run_b')).length <= 4, 'the limit of the org');
    const lanes = [...live.values()].filter((lane) => lane !== '');
    assert.equal(new Set(lanes).size, lanes.length, 'one of a lane at a time');
  };
  const worker = async (mine: RunStore, name: number): Promise<void> => {
    while (done.runs < 60) {
      const leases = await claim(mine, { worker: `wrk_${name}` as WorkerId, limit: 3 });
      for (const lease of leases) {
        assert.equal(live.has(lease.run), false);
        live.set(lease.run, lease.org === B ? `lane_${Number(lease.run.slice(5)) % 6}` : '');
      }
      check();
      await Promise.all(
        leases.map(async (lease) => {
          const last = await appended(mine, request(lease));
          live.delete(lease.run); // before the commit that frees its place
          await appended(mine, ended(last));
          done.runs += 1;
        }),
      );
    }
  };
  await Promise.all([...stores, ...stores].map((mine, index) => worker(mine, index)));
  assert.equal(done.runs, 60);
  await Promise.all(databases.map((each) => each.close()));
});

test('positions of concurrent writers become visible in order, so that a cursor misses nothing [RUN-5]', async () => {
  await using db = await testDatabase({ poolSize: 8 });
  await db.addOrg(A);
  const stores = [storeOn(db), storeOn(db), storeOn(db)];
  const views = createRunViews(db);
  const [first] = stores;
  assert.ok(first !== undefined);
  await create(first, ...['0', '1', '2'].map((id) => newRun(A, `run_${id}`)));
  let writing = 4;
  const write = async (mine: RunStore, index: number): Promise<void> => {
    let lease = await claimOne(mine, A, `run_${index}`);
    for (let step = 0; step < 60; step += 1) lease = await appended(mine, request(lease));
    writing -= 1;
  };
  const make = async (): Promise<void> => {
    for (let index = 0; index < 60; index += 1) await create(first, newRun(A, `run_new${index}`));
    writing -= 1;
  };
  const seen: number[] = [];
  const follow = async (): Promise<void> => {
    for (let over = false; !over;) {
      over = writing === 0; // one more look after the last write
      for (const entry of await views.readFeed(A, seen.at(-1) ?? 0, 50)) seen.push(entry.position);
    }
    for (let more = await views.readFeed(A, seen.at(-1) ?? 0, 1_000); more.length > 0; more = await views.readFeed(A, seen.at(-1) ?? 0, 1_000)) {
      seen.push(...more.map((entry) => entry.position));
    }
  };
  await Promise.all([...stores.map(write), make(), follow()]);
  assert.equal(seen.length, 3 * 61 + 60);
});

test('batches of two processes whose ends lock the same agents in opposite order do not collide [RUN-3, AGT-4]', async () => {
  await using db = await testDatabase({ poolSize: 10 });
  await db.addOrg(A);
  for (const id of ['a', 'b']) {
    await db.owner("insert into actor (org_id, id, kind, name, agent_id) values ($1, $2, 'agent', $2, $3)", [A, `act_${id}`, `agt_${id}`]);
    await db.owner("insert into agent (org_id, id, name, actor_id, state, version) values ($1, $2, $3, $4, 'active', 1)", [
      A,
      `agt_${id}`,
      id,
      `act_${id}`,
    ]);
  }
  const stores = [storeOn(db), storeOn(db)] as const;
  let begun = 0;
  const ending = async (store: RunStore, id: string, agent: string): Promise<ReturnType<typeof request>> => {
    await create(store, newRun(A, id, { agent: `agt_${agent}` as AgentId }));
    const lease = await claimOne(store, A, id);
    return request(lease, {
      lockOrder: `${A}/agt_${agent}`,
      async companion(tx) {
        await databaseTx(tx).query('select 1 from agent where org_id = $1 and id = $2 for no key update', [A, `agt_${agent}`]);
        begun += 1;
        // where both batches could begin, each now holds what the other wants next
        await until('the other batch', 300, async () => begun > 1).catch(() => {});
      },
    });
  };
  const one = [await ending(stores[0], 'run_1', 'a'), await ending(stores[0], 'run_2', 'b')];
  const two = [await ending(stores[1], 'run_3', 'b'), await ending(stores[1], 'run_4', 'a')];
  const results = (await Promise.all([stores[0].append(one), stores[1].append(two)])).flat();
  assert.deepEqual(
    results.map(({ ok }) => ok),
    ['appended', 'appended', 'appended', 'appended'],
  );
});
