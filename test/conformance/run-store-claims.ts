/**
 * The part of the conformance suite of `RunStore` that is about who may take which run, and when.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AgentId, OrgId, WorkerId } from '../../src/kernel/ids.ts';
import { newRun } from '../support/run-fixtures.ts';
import { A, appended, B, claim, claimOne, create, ended, ids, LEASE_MS, opened, request, START_MS, W1 } from './run-store-harness.ts';
import type { OpenStore } from './run-store-harness.ts';

export function claimSuite(name: string, open: OpenStore): void {
  claimTests(name, open);
  shareTests(name, open);
}

function claimTests(name: string, open: OpenStore): void {
  test(`${name}: two claims at once never take the same run [ENG-2]`, async () => {
    await using under = await opened(open);
    const { store } = under;
    await create(store, ...Array.from({ length: 20 }, (_, index) => newRun(index % 2 === 0 ? A : B, `run_${index}`)));
    const workers = ['wrk_1', 'wrk_2', 'wrk_3', 'wrk_4'] as WorkerId[];
    const taken = (await Promise.all(workers.map((worker) => claim(store, { worker, limit: 7 })))).flat();
    assert.equal(taken.length, 20);
    assert.equal(new Set(ids(taken)).size, 20);
  });

  test(`${name}: a lease lasts as long as it is prolonged, then another worker takes over [ENG-3]`, async () => {
    await using under = await opened(open);
    const { store } = under;
    await create(store, newRun(A, 'run_1'));
    const lease = await claimOne(store, A, 'run_1');
    assert.equal(await store.nextDueMs(), START_MS + LEASE_MS);
    await under.setTime(LEASE_MS - 1);
    assert.deepEqual(await store.heartbeat(W1, [lease], LEASE_MS), []);
    await under.setTime(2 * LEASE_MS - 2);
    assert.deepEqual(await claim(store), []);
    await under.setTime(2 * LEASE_MS);
    assert.deepEqual(await store.heartbeat(W1, [lease], LEASE_MS), ['run_1'], 'what ran out stays lost');
    const [successor] = await claim(store, { worker: 'wrk_2' as WorkerId });
    assert.equal(successor?.fence, 2);
    assert.equal(successor?.attempt, 2);
    await store.release(lease);
    assert.deepEqual(await claim(store), [], 'a stale lease releases nothing');
    await store.release(successor ?? lease);
    assert.deepEqual(ids(await claim(store)), ['run_1']);
  });

  test(`${name}: a run waits for its time and its pool [ENG-2]`, async () => {
    await using under = await opened(open);
    const { store } = under;
    await create(store, newRun(A, 'run_later', { notBeforeMs: START_MS + 1_000 }), newRun(A, 'run_gpu', { pool: 'gpu' }));
    assert.deepEqual(await claim(store), []);
    assert.equal(await store.nextDueMs(), START_MS + 1_000);
    assert.deepEqual(ids(await claim(store, { pools: ['big', 'gpu'] })), ['run_gpu']);
    await under.setTime(1_000);
    assert.deepEqual(ids(await claim(store)), ['run_later']);
  });

  test(`${name}: a lane's runs go one after the other, in the order they came [ENG-3]`, async () => {
    await using under = await opened(open);
    const { store } = under;
    await create(
      store,
      newRun(A, 'run_b', { lane: 'talk' }),
      newRun(A, 'run_a', { lane: 'talk', priority: 'high' }),
      newRun(B, 'run_c', { lane: 'talk' }),
    );
    const first = await claim(store);
    assert.deepEqual(ids(first).toSorted(), ['run_b', 'run_c']);
    const lease = first.find((each) => each.run === 'run_b');
    assert.ok(lease !== undefined);
    const waiting = await appended(store, request(lease, { patch: { status: 'waiting', waitingFor: 'approval', release: { runnableAtMs: null } } }));
    assert.deepEqual(await claim(store), [], 'one that waits keeps its lane');
    await appended(store, ended(waiting));
    assert.deepEqual(ids(await claim(store)), ['run_a']);
  });
}

function shareTests(name: string, open: OpenStore): void {
  test(`${name}: fair share between orgs, then priority, then age [ENG-3]`, async () => {
    await using under = await opened(open);
    const { store } = under;
    await create(
      store,
      ...['a1', 'a2', 'a3'].map((id) => newRun(A, `run_${id}`)),
      newRun(A, 'run_a4', { priority: 'high' }),
      newRun(A, 'run_a5', { priority: 'low' }),
    );
    await under.setTime(10);
    await create(store, newRun(B, 'run_b1', { priority: 'low' }), newRun(B, 'run_b2'));
    assert.deepEqual(ids(await claim(store, { limit: 1 })), ['run_a4']);
    assert.deepEqual(ids(await claim(store, { limit: 2 })), ['run_b2', 'run_a1']);
    assert.deepEqual(ids(await claim(store, { limit: 9 })), ['run_b1', 'run_a2', 'run_a3', 'run_a5']);
  });

  test(`${name}: limits of agent and org are kept, also by claims at once [ENG-3]`, async () => {
    await using under = await opened(open);
    const { store } = under;
    await under.setLimit({ org: A, scope: 'agent', id: 'agt_one', max: 2 });
    await under.setLimit({ org: A, scope: 'org', id: A, max: 3 });
    const one = { agent: 'agt_one' as AgentId };
    await create(
      store,
      ...['1', '2', '3', '4'].map((id) => newRun(A, `run_one${id}`, one)),
      ...['1', '2', '3'].map((id) => newRun(A, `run_two${id}`)),
    );
    const first = (await Promise.all([claim(store, { limit: 2 }), claim(store, { limit: 2 }), claim(store, { limit: 2 })])).flat();
    assert.deepEqual(ids(first).toSorted(), ['run_one1', 'run_one2', 'run_two1']);
    const done = first.find((lease) => lease.run === 'run_one1');
    assert.ok(done !== undefined);
    await appended(store, ended(done));
    assert.deepEqual(ids(await claim(store)), ['run_one3']);
    await under.setTime(LEASE_MS);
    assert.equal((await claim(store)).length, 3, 'taking over does not add to the load');
  });

  test(`${name}: 10,000 queued over 50 orgs are shared fairly [ENG-3, R12]`, async () => {
    const orgs = Array.from({ length: 50 }, (_, index) => `org_${index}` as OrgId);
    await using under = await opened(open, orgs);
    const { store } = under;
    // the first org has most of them, and had them first
    const owner = (index: number): OrgId => orgs[index < 7_000 ? 0 : index % orgs.length] ?? A;
    for (let from = 0; from < 10_000; from += 1_000) {
      const made = Array.from({ length: 1_000 }, (_, offset) => newRun(owner(from + offset), `run_${from + offset}`));
      await Promise.all(
        orgs.map((org) =>
          store.transaction(
            org,
            async (tx) => void (await Promise.all(made.filter((each) => each.org === org).map((each) => store.createRun(tx, each)))),
          ),
        ),
      );
    }
    const taken = await claim(store, { limit: 100 });
    const counts = Object.values(Object.groupBy(taken, (lease) => lease.org)).map((leases) => leases?.length ?? 0);
    assert.deepEqual(
      counts,
      orgs.map(() => 2),
    );
  });
}
