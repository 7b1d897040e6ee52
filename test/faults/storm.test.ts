import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runStorm } from './storm.ts';

const RUNS = 600;

test(
  'hundreds of runs of three organizations all end once, though two of three workers are killed again and again [ENG-3, R12]',
  { timeout: 120_000 },
  async (t) => {
    const storm = await runStorm({ runs: RUNS, workers: 3, kills: 2, killEveryMs: 2_500, withinMs: 110_000 });
    assert.equal(storm.succeeded, RUNS);
    assert.equal(storm.lost, 0);
    assert.equal(storm.duplicated, 0);
    assert.ok(storm.killed >= 2, 'somebody was killed');
    assert.ok(storm.waitRatio <= 2, `waits between organizations differ ${storm.waitRatio.toFixed(2)} times`);
    t.diagnostic(
      `R12: ${RUNS} runs in ${storm.seconds.toFixed(1)} s, ${storm.killed} workers killed, ${storm.takeovers} take-overs, 0 lost, 0 duplicated, waits within ${storm.waitRatio.toFixed(2)}x`,
    );
  },
);
