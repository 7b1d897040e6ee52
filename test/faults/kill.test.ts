/** Kill -9 of a real process at every transition of the journal, on a real PostgreSQL (benchmarks R1, R2). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openFaultBench } from './fault-bench.ts';
import { killEverywhere } from './kill.ts';

const AT_ONCE = 4;

test('killed before, in and after every commit of twelve steps, a run ends as it would have [RUN-3, RUN-4, R1]', { timeout: 280_000 }, async (t) => {
  await using bench = await openFaultBench();
  const figures = await killEverywhere(bench, { job: 'twelve', calls: false, atOnce: AT_ONCE, withinMs: 60_000 });
  assert.deepEqual([figures.lost, figures.duplicated], [0, 0]);
  t.diagnostic(`R1: ${JSON.stringify(figures)}`);
});

test(
  'killed between effect and record, nothing is done twice or lost, and what nobody can know is asked [RUN-4, R2]',
  { timeout: 120_000 },
  async (t) => {
    await using bench = await openFaultBench();
    const EACH = 3;
    for (const [job, parks] of [
      ['keyed', false],
      ['probed', false],
      ['plain', true],
    ] as const) {
      const figures = await killEverywhere(bench, { job, calls: true, only: /tool\./, each: EACH, atOnce: AT_ONCE, withinMs: 60_000 });
      assert.deepEqual([figures.lost, figures.duplicated, figures.points], [0, 0, 2 * EACH]);
      assert.equal(figures.parked, parks ? figures.points : 0, 'parked always, and only where nothing else is left');
      t.diagnostic(`R2 ${job}: ${JSON.stringify(figures)}`);
    }
  },
);
