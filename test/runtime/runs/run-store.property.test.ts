/**
 * Random interleavings of everything that can be asked of a `RunStore` give the same answers from the model in memory and
 * from PostgreSQL. What the simulation proves on the model then holds for the real store.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { AgentId, OrgId, WorkerId } from '../../../src/kernel/ids.ts';
import type { Lease, NewRun, RunPatch } from '../../../src/runtime/runs/store-port.ts';
import { LEASE_MS, request, run, START_MS } from '../../conformance/run-store-harness.ts';
import type { StoreUnderTest } from '../../conformance/run-store-harness.ts';
import { ACTOR, newRun, noteEvent } from '../../support/run-fixtures.ts';
import { openMemory, openPostgres } from '../../support/run-stores.ts';

/** More of them on demand, when the store was changed. */
const RUNS = Number(process.env['WINDLASS_PROPERTY_RUNS'] ?? 12);
const ORGS = ['org_a', 'org_b', 'org_c'] as OrgId[];
const WORKERS = ['wrk_1', 'wrk_2'] as WorkerId[];

type Step =
  | { do: 'create'; org: number; agent: number; lane: number | null; pool: boolean; priority: NewRun['priority']; delayMs: number }
  | { do: 'claim'; worker: number; limit: number; pool: boolean }
  | { do: 'append'; lease: number; stale: boolean; end: 'no' | 'wait' | 'sleep' | 'over'; consume: boolean }
  | { do: 'inbox'; run: number }
  | { do: 'heartbeat'; worker: number }
  | { do: 'release'; lease: number }
  | { do: 'pass'; ms: number };

const index = fc.nat({ max: 30 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('create' as const),
      org: fc.nat({ max: 2 }),
      agent: fc.nat({ max: 1 }),
      lane: fc.option(fc.nat({ max: 1 }), { freq: 2 }),
      pool: fc.boolean(),
      priority: fc.constantFrom('low' as const, 'normal' as const, 'high' as const),
      delayMs: fc.constantFrom(0, 0, 5_000),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('claim' as const),
      worker: fc.nat({ max: 1 }),
      limit: fc.integer({ min: 1, max: 4 }),
      pool: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      lease: index,
      stale: fc.boolean(),
      end: fc.constantFrom('no' as const, 'wait' as const, 'sleep' as const, 'over' as const),
      consume: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('inbox' as const), run: index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('heartbeat' as const), worker: fc.nat({ max: 1 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const), lease: index }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1, 4_999, 5_000, LEASE_MS) }) },
);

/** What a store answered to a step, without what is random or numbered by itself. */
type Answers = readonly unknown[];

/** Plays one script; all state it keeps follows from the store's own answers. */
function createPlayer(under: StoreUnderTest): (step: Step) => Promise<Answers> {
  const { store } = under;
  const runs: NewRun[] = [];
  const leases: (Lease & { worker: WorkerId })[] = [];
  // what follows an end changes nothing of the projection
  const over = new Set<string>();
  let nowMs = 0;

  const play = async (step: Step): Promise<Answers> => {
    switch (step.do) {
      case 'create': {
        const made = newRun(ORGS[step.org] ?? '', `run_${runs.length}`, {
          agent: `agt_${step.agent}` as AgentId,
          lane: step.lane === null ? null : `lane_${step.lane}`,
          pool: step.pool ? 'gpu' : null,
          priority: step.priority,
          notBeforeMs: step.delayMs === 0 ? null : START_MS + nowMs + step.delayMs,
        });
        runs.push(made);
        await store.transaction(made.org, (tx) => store.createRun(tx, made));
        return [];
      }
      case 'claim': {
        const worker = WORKERS[step.worker] ?? ('wrk_1' as WorkerId);
        const claimed = await store.claim({ worker, leaseMs: LEASE_MS, limit: step.limit, pools: step.pool ? ['gpu'] : [] });
        leases.push(...claimed.map((lease) => ({ ...lease, worker })));
        return claimed.map((lease) => [lease.run, lease.fence, lease.headSeq, lease.attempt]);
      }
      case 'append': {
        const at = leases.length === 0 ? -1 : step.lease % leases.length;
        const lease = leases[at];
        if (lease === undefined) return [];
        const inbox = step.consume ? await store.readInbox(lease.org, lease.run) : [];
        const patches: Record<typeof step.end, RunPatch> = {
          no: { status: 'running' },
          wait: { status: 'waiting', waitingFor: 'approval', release: { runnableAtMs: null } },
          sleep: { status: 'waiting', waitingFor: 'time', release: { runnableAtMs: START_MS + nowMs + 5_000 } },
          over: { status: 'succeeded', reason: 'It is over.' },
        };
        const used = step.stale ? { ...lease, headSeq: lease.headSeq - 1 } : lease;
        const [result] = await store.append([
          request(used, { patch: over.has(lease.run) ? {} : patches[step.end], consumed: inbox.map((item) => item.id) }),
        ]);
        if (result?.ok === 'appended' && step.end === 'over') over.add(lease.run);
        if (result?.ok === 'appended') leases[at] = { ...result.lease, worker: lease.worker };
        return [result?.ok, result?.ok === 'appended' ? result.entries.map((entry) => [entry.seq, entry.fence, entry.atMs]) : null];
      }
      case 'inbox': {
        const target = runs.length === 0 ? undefined : runs[step.run % runs.length];
        if (target === undefined) return [];
        const item = { org: target.org, run: target.id, kind: 'note', event: noteEvent('x'), actor: ACTOR } as const;
        return [await store.transaction(target.org, (tx) => store.putInbox(tx, item)), (await store.readInbox(target.org, target.id)).length];
      }
      case 'heartbeat': {
        const worker = WORKERS[step.worker] ?? ('wrk_1' as WorkerId);
        // the latest lease of each run is the one its worker believes in
        const own = [...new Map(leases.filter((lease) => lease.worker === worker).map((lease) => [lease.run, lease])).values()];
        return (await store.heartbeat(worker, own, LEASE_MS)).toSorted();
      }
      case 'release': {
        const lease = leases.length === 0 ? undefined : leases[step.lease % leases.length];
        if (lease !== undefined) await store.release(lease);
        return [];
      }
      case 'pass':
        nowMs += step.ms;
        await under.setTime(nowMs);
        return [];
    }
  };

  return async (step) => {
    const answers = await play(step);
    const rows = await Promise.all(runs.map((each) => store.getRun(each.org, run(each.id))));
    return [...answers, await store.nextDueMs(), ...rows.map((row) => [row?.status, row?.headSeq, row?.fence, row?.runnableAtMs])];
  };
}

test('random interleavings give the same answers from the model and from PostgreSQL [RUN-3, ENG-2, ENG-3]', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
      await using memory = await openMemory();
      await using postgres = await openPostgres();
      for (const under of [memory, postgres]) {
        for (const org of ORGS) await under.addOrg(org);
        await under.setLimit({ org: 'org_a' as OrgId, scope: 'agent', id: 'agt_0', max: 1 });
        await under.setLimit({ org: 'org_b' as OrgId, scope: 'org', id: 'org_b', max: 2 });
      }
      const [model, real] = [createPlayer(memory), createPlayer(postgres)];
      for (const [at, each] of steps.entries()) {
        const [expected, found] = [await model(each), await real(each)];
        assert.deepEqual(found, expected, `step ${at}: ${JSON.stringify(each)}`);
      }
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
});
