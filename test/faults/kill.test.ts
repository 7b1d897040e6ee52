/** Kill -9 of a real process at every transition of the journal, on real PostgreSQL (benchmarks R1, R2). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startProcess } from '../support/process.ts';
import { ORG } from '../support/run-world.ts';
import { openFaultBench, runAll, type FaultBench } from './fault-bench.ts';

/** Appends that a run makes when nothing goes wrong. */
async function countAppends(
  bench: FaultBench,
  input: 'twelve' | 'plain',
): Promise<{ appends: number; run: Awaited<ReturnType<FaultBench['create']>> }> {
  const run = await bench.create(input);
  let appends = 0;
  const hook = (when: string, port: string): void => {
    if (when === 'before' && port === 'store.append') appends += 1;
  };
  const plain = startProcess({ deps: bench.world.deps, name: 'plain', wakeups: { listen: () => () => undefined }, hook, concurrency: 0 });
  await plain.driver.advance(ORG, run);
  plain.kill();
  return { appends, run };
}

function pointsOf(appends: number): string[] {
  return Array.from({ length: appends }, (_append, index) => [
    `kill before store.append ${index + 1}`,
    `kill after store.append ${index + 1}`,
  ]).flat();
}

test('killed before and after every transition of twelve steps, a run ends as it would have [RUN-3, RUN-4, R1]', { timeout: 170_000 }, async (t) => {
  await using bench = await openFaultBench();
  const { appends, run: plain } = await countAppends(bench, 'twelve');
  const expected = await bench.outcome(plain);
  assert.equal(expected.status, 'succeeded');
  assert.equal(expected.effects.length, 4);

  const points = pointsOf(appends);
  const runs = await Promise.all(points.map(() => bench.create('twelve')));
  const signals = await runAll(points, 3, (at) => bench.spawnWorker({ run: runs[points.indexOf(at)], at }));
  assert.ok(
    signals.every((signal) => signal === 'SIGKILL'),
    `a point was never reached: ${points.filter((_point, index) => signals[index] !== 'SIGKILL').join(', ')}`,
  );

  bench.survivor();
  await bench.untilEnded(runs, 60_000);
  for (const [index, run] of runs.entries()) assert.deepEqual(await bench.outcome(run), expected, points[index]);
  t.diagnostic(`R1: ${points.length} points of ${appends} transitions covered, 0 lost, 0 duplicated`);
});

test(
  'an effect that can be neither repeated nor probed is parked for a person whenever its outcome is not known [RUN-4, R2]',
  { timeout: 120_000 },
  async (t) => {
    await using bench = await openFaultBench();
    const { appends } = await countAppends(bench, 'plain');
    const points = [...pointsOf(appends), 'kill before tool.put_plain.call 1', 'kill after tool.put_plain.call 1'];
    const runs = await Promise.all(points.map(() => bench.create('plain')));
    await runAll(points, 3, (at) => bench.spawnWorker({ run: runs[points.indexOf(at)], at }));
    bench.survivor();
    await bench.untilEnded(runs, 60_000);
    let parked = 0;
    for (const [index, run] of runs.entries()) {
      const { status, effects, unknown } = await bench.outcome(run);
      const events = await bench.world.events(run);
      assert.equal(status, 'succeeded', points[index]);
      assert.ok(effects.length <= 1, `${points[index]}: ${effects.length} effects`);
      const done = events.some((event) => event.type === 'tool.done');
      assert.equal(
        done,
        effects.length === 1,
        `${points[index]}: the journal says ${done ? 'done' : 'not done'} and the receiver has ${effects.length}`,
      );
      parked += unknown;
    }
    assert.ok(parked >= 4, 'each cut between intent and outcome is parked');
    t.diagnostic(`R2: ${points.length} points, ${parked} parked as unknown, 0 lost, 0 duplicated`);
  },
);
