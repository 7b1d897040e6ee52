/** A real worker frozen past its lease, then woken, and one that is told to stop: on real PostgreSQL (benchmark R8). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../support/until.ts';
import { LEASE_MS, openFaultBench } from './fault-bench.ts';
import { FREEZES, freezeAll, takeOverMs } from './freeze.ts';

/** Spec ENG-3. */
const STOP_MS = 10_000;

test(
  'a worker frozen past its lease is taken over, and what it does when it wakes is refused [ENG-3, RUN-4, R8]',
  { timeout: 180_000 },
  async (t) => {
    await using bench = await openFaultBench();
    const tookMs = await takeOverMs(bench);
    assert.ok(tookMs <= LEASE_MS + 1_000, `taken over after ${tookMs} ms with a lease of ${LEASE_MS} ms`);
    const figures = await freezeAll(bench, FREEZES, 4);
    assert.deepEqual([figures.staleWrites, figures.duplicated, figures.lost], [0, 0, 0]);
    assert.equal(figures.parked, 3, 'what can be neither repeated nor probed: frozen before, in the middle of and after its effect');
    t.diagnostic(`R8: ${JSON.stringify({ ...figures, tookMs })}`);
  },
);

test(
  'a worker told to stop finishes or gives its runs back within ten seconds, and another goes on at once [ENG-3]',
  { timeout: 60_000 },
  async (t) => {
    await using bench = await openFaultBench();
    // a lease so long that only a release explains that another goes on
    const first = await bench.worker({ name: 'first', leaseMs: 60_000 });
    const [hanging, held] = [await bench.create('hang'), await bench.create('keyed')];
    const answer = await bench.receiver.holdNext(held);
    await until('the model call', 10_000, async () => (await bench.events(hanging)).some(({ type }) => type === 'model.intended'));
    const second = await bench.worker({ name: 'second', leaseMs: 60_000 });
    const toldMs = performance.now();
    const stopped = first.end('SIGTERM');
    answer();
    await bench.untilEnded([held], STOP_MS);
    const heldMs = Math.round(performance.now() - toldMs);
    assert.equal(await stopped, '0');
    const stoppedMs = Math.round(performance.now() - toldMs);
    assert.ok(stoppedMs <= STOP_MS, `stopping took ${stoppedMs} ms`);
    await until('the other to call the model', 1_000, async () => {
      const intents = (await bench.events(hanging)).filter(({ type }) => type === 'model.intended');
      return intents.length === 2;
    });
    const goneOnMs = Math.round(performance.now() - toldMs) - stoppedMs;
    assert.equal(bench.receiver.effects().length, 1);
    await second.end('SIGKILL');
    t.diagnostic(`ENG-3: stopped within ${stoppedMs} ms, another went on ${goneOnMs} ms later; a run between steps ended after ${heldMs} ms`);
  },
);
