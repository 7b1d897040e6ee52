import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from './simulate.ts';

/** Seeds that once failed, each with what it found. */
const REGRESSIONS: readonly (readonly [seed: number, found: string])[] = [
  [23, 'a child was lent every tool call that was left, and its parent ended as limited beside it'],
  [44, 'a note that came while a run ended'],
  [285, 'a model call aborted by a lost lease was journalled as the failure of its model'],
];
const SEEDS = 300;
/** Fewer crashes than by default let runs get far enough for the late ones: questions, children, the end. */
const RATES = { crash: 0.015 };
const FIRST = 10_000;

for (const [seed, found] of REGRESSIONS) {
  test(`seed ${seed}: ${found} [RUN-3]`, async () => {
    await simulate(seed);
  });
}

test('whatever fails, nothing acknowledged is lost, no effect happens twice, every run ends as it would have [RUN-3, RUN-4, ENG-2, ENG-3, HAR-1]', async (t) => {
  const hits = new Map<string, number>();
  for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1) {
    for (const [where, times] of (await simulate(seed, RATES)).hits) hits.set(where, (hits.get(where) ?? 0) + times);
  }
  t.diagnostic(`${SEEDS} seeds, ${[...hits.values()].reduce((sum, times) => sum + times, 0)} faults at ${hits.size} points`);
  for (const event of [
    'run.started',
    'model.intended',
    'model.replied',
    'tool.intended',
    'tool.done',
    'approval.asked',
    'child.started',
    'run.ended',
  ]) {
    for (const when of ['before', 'after']) {
      const point = [...hits.keys()].some((where) => where.startsWith(`crash ${when} store.append`) && where.includes(event));
      assert.ok(point, `no crash ${when} the append of ${event} was tried`);
    }
  }
});
