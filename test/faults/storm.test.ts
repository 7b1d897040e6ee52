import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openFaultBench } from './fault-bench.ts';
import { runStorm } from './storm.ts';

const RUNS = 400;

test(
  'hundreds of runs of eight organizations all end once, though workers are killed again and again [ENG-3, R12]',
  { timeout: 120_000 },
  async (t) => {
    await using bench = await openFaultBench();
    const storm = await runStorm(bench, { runs: RUNS, workers: 3, kills: 1, killEveryMs: 2_000, withinMs: 110_000 });
    assert.deepEqual([storm.succeeded, storm.lost, storm.duplicated], [RUNS, 0, 0]);
    assert.ok(storm.killed >= 1, 'somebody was killed');
    assert.ok(storm.waitRatio <= 2, `waits between organizations differ ${storm.waitRatio} times`);
    t.diagnostic(`R12: ${JSON.stringify(storm)}`);
  },
);
