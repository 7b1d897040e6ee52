/**
 * What every `RunStore` does with what appends take from budgets (spec BUD-2, BUD-9): refused alone, settled once, with the entries or not at all.
 * The rules of budgets themselves are held to their model in test/platform/budgets.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_USAGE } from '../../src/kernel/messages.ts';
import type { SpendOp } from '../../src/platform/budgets/spend.ts';
import type { Lease, RunStore } from '../../src/runtime/runs/store-port.ts';
import { newRun } from '../support/run-fixtures.ts';
import { A, append, appended, claimOne, create, opened, request, run, START_MS } from './run-store-harness.ts';
import type { OpenStore, StoreUnderTest } from './run-store-harness.ts';

const DAY_MS = 86_400_000;

const opOf = (lease: Lease, over: object): SpendOp => {
  const { agent, actor } = newRun(A, lease.run);
  const place = { org: A, project: null, agent, key: null, actor, root: run('run_1'), child: lease.run !== 'run_1' };
  return { id: lease.run, place, ...over } as unknown as SpendOp;
};
const reserve = (lease: Lease, tokens: number, microUsd: number | null = null): SpendOp =>
  opOf(lease, { kind: 'reserve', model: 'provider/model', rehearsed: false, tokens, microUsd });
const settle = (lease: Lease, tokens: number, microUsd: number | null = null): SpendOp =>
  opOf(lease, {
    ...{ kind: 'settle', model: 'provider/model', rehearsed: false, microUsd, failed: false, counts: true, atMs: START_MS },
    usage: { ...NO_USAGE, outputTokens: tokens },
  });
const spend = (store: RunStore, lease: Lease, op: SpendOp): ReturnType<typeof append> => append(store, request(lease, { spend: op }));

async function withBudget(open: OpenStore, budget: Partial<Parameters<StoreUnderTest['setBudget']>[0]>): Promise<StoreUnderTest> {
  const under = await opened(open);
  await under.setBudget({ org: A, id: 'bud_1', scope: 'org', subject: A, unit: 'tokens', period: 'day', amount: 100, ...budget });
  return under;
}

export function budgetSuite(name: string, open: OpenStore): void {
  test(`${name}: what a budget refuses is not appended, and the rest of its batch is [BUD-2]`, async () => {
    await using under = await withBudget(open, {});
    const { store } = under;
    await create(store, newRun(A, 'run_1'), newRun(A, 'run_2'), newRun(A, 'run_3'));
    const [one, two, three] = [await claimOne(store, A, 'run_1'), await claimOne(store, A, 'run_2'), await claimOne(store, A, 'run_3')];
    const results = await store.append([
      request(one, { spend: reserve(one, 60) }),
      request(two, { spend: reserve(two, 60) }),
      request(three, { spend: reserve(three, 40) }),
    ]);
    assert.deepEqual(results.map(({ ok }) => ok).toSorted(), ['appended', 'appended', 'over_budget']);
    const refused = results.find((result) => result.ok === 'over_budget');
    assert.ok(refused?.ok === 'over_budget');
    const { spent, reserved, left, limit, resetsAtMs, retryAfterMs } = refused.refusal;
    assert.equal(spent + reserved + left, limit);
    assert.equal(resetsAtMs, START_MS + DAY_MS);
    assert.equal(retryAfterMs, 5_000, 'it would fit once the others have settled');
    const loser = results.indexOf(refused) === 0 ? one : two;
    assert.equal((await store.readEntries(A, loser.run, { afterSeq: 0, limit: 10 })).length, 1, 'nothing of it was written');
    await appended(store, request(loser));
  });

  test(`${name}: a reservation settles once at what was used, and the rest is free again [BUD-2]`, async () => {
    await using under = await withBudget(open, {});
    const { store } = under;
    await create(store, newRun(A, 'run_1'));
    let lease = await claimOne(store, A, 'run_1');
    lease = await appended(store, request(lease, { spend: reserve(lease, 90) }));
    assert.equal((await spend(store, lease, reserve({ ...lease, run: run('run_1') }, 20))).ok, 'over_budget');
    lease = await appended(store, request(lease, { spend: settle(lease, 30) }));
    assert.deepEqual(await under.counter('bud_1'), { spent: 30, reserved: 0 });
    lease = await appended(store, request(lease, { spend: settle(lease, 30) }));
    assert.deepEqual(await under.counter('bud_1'), { spent: 30, reserved: 0 }, 'what reserved nothing takes nothing');
    lease = await appended(store, request(lease, { spend: reserve(lease, 70) }));
    lease = await appended(store, request(lease, { spend: opOf(lease, { ...settle(lease, 5), kind: 'lapse' }) }));
    assert.deepEqual(await under.counter('bud_1'), { spent: 100, reserved: 0 }, 'nobody knows: at what was reserved');
    const refused = await spend(store, lease, reserve(lease, 1));
    assert.ok(refused.ok === 'over_budget' && refused.refusal.retryAfterMs === null);
  });

  test(`${name}: a stale append takes nothing [BUD-2, RUN-3]`, async () => {
    await using under = await withBudget(open, {});
    const { store } = under;
    await create(store, newRun(A, 'run_1'));
    const lease = await claimOne(store, A, 'run_1');
    assert.equal((await spend(store, { ...lease, fence: 0 }, reserve(lease, 60))).ok, 'stale');
    assert.deepEqual(await under.counter('bud_1'), { spent: 0, reserved: 0 });
    const failing = request(lease, { spend: reserve(lease, 60), companion: () => Promise.reject(new Error('no')) });
    assert.equal((await append(store, failing)).ok, 'refused');
    assert.deepEqual(await under.counter('bud_1'), { spent: 0, reserved: 0 }, 'nor does one whose companion fails');
  });

  test(`${name}: 80% is said once in a period, by whoever crosses it [BUD-3]`, async () => {
    await using under = await withBudget(open, {});
    const { store } = under;
    await create(store, newRun(A, 'run_1'));
    let lease = await claimOne(store, A, 'run_1');
    const warned: number[] = [];
    const use = async (tokens: number): Promise<void> => {
      lease = await appended(store, request(lease, { spend: reserve(lease, tokens) }));
      const result = await spend(store, lease, settle(lease, tokens));
      assert.ok(result.ok === 'appended');
      ({ lease } = result);
      warned.push(...result.warned.map(({ usedShare }) => usedShare));
    };
    await use(79);
    assert.deepEqual(warned, []);
    await use(1);
    await use(10);
    assert.deepEqual(warned, [0.8]);
    await under.setTime(DAY_MS);
    lease = await claimOne(store, A, 'run_1');
    await use(85);
    assert.deepEqual(warned, [0.8, 0.85]);
    assert.deepEqual(await under.counter('bud_1'), { spent: 85, reserved: 0 });
  });

  test(`${name}: a child counts to its parent's tree and to the agents above it [BUD-2, RUN-8]`, async () => {
    await using under = await withBudget(open, { scope: 'agent', subject: 'agt_boss', period: 'run' });
    const { store } = under;
    await create(store, newRun(A, 'run_1', { agent: 'agt_boss' as never }));
    await create(store, newRun(A, 'run_2', { parent: run('run_1'), root: run('run_1'), depth: 1 }));
    const [parent, child] = [await claimOne(store, A, 'run_1'), await claimOne(store, A, 'run_2')];
    await appended(store, request(child, { spend: reserve(child, 70) }));
    const boss = reserve(parent, 40);
    const refused = await spend(store, parent, { ...boss, place: { ...boss.place, agent: 'agt_boss' as never } });
    assert.ok(refused.ok === 'over_budget');
    assert.deepEqual(await under.counter('bud_1', 'run_1'), { spent: 0, reserved: 70 });
  });

  test(`${name}: without a price money cannot be capped, unless tokens are; a run is counted at its start [BUD-8, BUD-9]`, async () => {
    await using under = await withBudget(open, { unit: 'micro_usd', amount: 1_000 });
    const { store } = under;
    await create(store, newRun(A, 'run_1'), newRun(A, 'run_2'));
    const [lease, other] = [await claimOne(store, A, 'run_1'), await claimOne(store, A, 'run_2')];
    const refused = await spend(store, lease, reserve(lease, 10));
    assert.ok(refused.ok === 'over_budget' && refused.refusal.why === 'unpriced');
    await under.setBudget({ org: A, id: 'bud_2', scope: 'agent', subject: newRun(A, 'x').agent, unit: 'tokens', period: 'total', amount: 100 });
    const begun = await appended(store, request(lease, { spend: reserve(lease, 10) }));
    await appended(store, request(begun, { spend: settle(begun, 10) }));
    assert.deepEqual(await under.counter('bud_1'), { spent: 0, reserved: 0 });
    assert.deepEqual(await under.counter('bud_2'), { spent: 10, reserved: 0 });
    await under.setBudget({ org: A, id: 'bud_3', scope: 'org', subject: A, unit: 'runs', period: 'five_hours', amount: 1 });
    const started = await claimOne(store, A, 'run_2').catch(() => other);
    const counted = await appended(store, request(started, { spend: opOf(started, { kind: 'start' }) }));
    const second = await spend(store, counted, opOf(counted, { kind: 'start' }));
    assert.ok(second.ok === 'over_budget' && second.refusal.unit === 'runs' && second.refusal.resetsAtMs === START_MS + 5 * 3_600_000);
  });
}
