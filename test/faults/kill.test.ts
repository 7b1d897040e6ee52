/** Kill -9 of a real process at every transition of the journal, on a real PostgreSQL (benchmarks R1, R2). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storedId } from '../../src/kernel/ids.ts';
import { countedTokens } from '../../src/platform/budgets/cost.ts';
import { insertBudget, readCounter } from '../support/budgets.ts';
import { ORG } from '../support/run-world.ts';
import { openFaultBench, type FaultBench } from './fault-bench.ts';
import { killEverywhere } from './kill.ts';

const AT_ONCE = 4;

/** Nothing stays reserved of the killed, and the budget says what the journals say: what nobody knows counts as reserved. */
async function checkBudget(bench: FaultBench): Promise<void> {
  const runs = await bench.owner<{ id: string }>('select id from run');
  const events = (await Promise.all(runs.map(({ id }) => bench.events(storedId('run', id))))).flat();
  const spent = events.reduce(
    (sum, event) => (event.type === 'model.replied' || event.type === 'model.failed' ? sum + countedTokens(event.usage) : sum),
    0,
  );
  assert.deepEqual(await readCounter(bench, 'bud_1'), { spent, reserved: 0 });
}

test(
  'killed before, in and after every commit of twelve steps, a run ends as it would have [RUN-3, RUN-4, R1] [BUD-2]',
  { timeout: 280_000 },
  async (t) => {
    await using bench = await openFaultBench();
    await insertBudget(bench, { org: ORG, id: 'bud_1', scope: 'org', subject: ORG, unit: 'tokens', period: 'total', amount: 1_000_000_000 });
    const figures = await killEverywhere(bench, { job: 'twelve', calls: false, atOnce: AT_ONCE, withinMs: 60_000 });
    assert.deepEqual([figures.lost, figures.duplicated], [0, 0]);
    await checkBudget(bench);
    t.diagnostic(`R1: ${JSON.stringify(figures)}`);
  },
);

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
