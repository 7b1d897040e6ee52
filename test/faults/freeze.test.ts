/** A real worker frozen past its lease, then woken: SIGSTOP and SIGCONT on real PostgreSQL (benchmark R8). */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { ORG } from '../support/run-world.ts';
import { until } from '../support/until.ts';
import { LEASE_MS, openFaultBench } from './fault-bench.ts';

/** Where the worker freezes, with what it is in the middle of. */
const POINTS = [
  'stop before store.append 4',
  'stop after store.append 4',
  'stop before models.call 2',
  'stop after models.call 2',
  'stop before tool.put_keyed.call 1',
  'stop after tool.put_keyed.call 1',
  'stop before tool.put_probed.call 1',
  'stop after tool.put_probed.call 1',
] as const;

test(
  'a worker frozen past its lease is taken over, and what it does when it wakes is refused [ENG-3, RUN-4, R8]',
  { timeout: 120_000 },
  async (t) => {
    await using bench = await openFaultBench();
    const runs = await Promise.all(POINTS.map(() => bench.create('twelve')));
    const children = POINTS.map((at, index) => bench.spawnWorker({ run: runs[index], at }));
    await until('all workers to be frozen', 40_000, async () => (await Promise.all(children.map(({ pid }) => isStopped(pid)))).every(Boolean));
    const frozenMs = bench.world.clock.nowMs();
    bench.survivor();
    await bench.untilEnded(runs, 40_000);
    const before = await Promise.all(runs.map((run) => bench.world.store.getRun(ORG, run)));

    for (const child of children) child.kill('SIGCONT');
    await until('all workers to end', 30_000, () => children.every((child) => child.exitCode !== null));
    for (const [index, run] of runs.entries()) {
      const row = await bench.world.store.getRun(ORG, run);
      assert.equal(row?.headHash, before[index]?.headHash, `${POINTS[index]}: a stale write was accepted`);
      const { status, effects } = await bench.outcome(run);
      assert.equal(status, 'succeeded', POINTS[index]);
      assert.deepEqual(effects.toSorted(), ['put_keyed c1', 'put_keyed c4', 'put_probed c2', 'put_probed c5'], POINTS[index]);
      assert.equal((await bench.world.db.owner('select seq from journal where stream = $1 group by seq having count(*) > 1', [run])).length, 0);
    }
    const third = runs[2];
    assert.ok(third);
    const resumed = (await bench.world.events(third)).findIndex((event) => event.type === 'run.resumed');
    const entry = (await bench.world.journal(third))[resumed];
    const tookMs = (entry?.atMs ?? Infinity) - frozenMs;
    assert.ok(tookMs <= LEASE_MS + 1_000, `taken over after ${tookMs} ms with a lease of ${LEASE_MS} ms`);
    t.diagnostic(
      `R8: ${POINTS.length} freezes, 0 stale writes, 0 duplicated, a run without an open effect taken over at most ${tookMs} ms after its freeze`,
    );
  },
);

async function isStopped(pid: number | undefined): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return /^State:\s+T/m.test(status);
}
