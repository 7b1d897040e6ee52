/** Cancel reaches another process: the call in flight there is aborted, and a command's processes are gone (benchmark R16). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunEvent } from '../../src/kernel/events.ts';
import { processesWith } from '../runtime/tools/support.ts';
import { until } from '../support/until.ts';
import { openFaultBench, PERSON } from './fault-bench.ts';

const LATEST_MS = 1_000;
const SLEEPER = { name: 'sleeper', argv: ['/bin/sh', '-c', 'sleep 300 & sleep 300'], timeoutMs: 300_000, repeatable: true };

test('a cancel ends runs of another process within a second, and no process of a command is left [RUN-5, R16]', { timeout: 60_000 }, async (t) => {
  await using bench = await openFaultBench();
  const worker = await bench.worker();
  const began = (type: RunEvent['type']) => (events: readonly RunEvent[]) => events.some((event) => event.type === type);
  const command = await bench.create('command', { plan: { kind: 'command', commands: [SLEEPER] } as never });
  const phases = [
    { what: 'command', run: command, reached: async () => processesWith(command).length >= 2 },
    ...(
      [
        ['model', 'hang', began('model.intended')],
        ['time', 'later', began('run.waiting')],
        ['child', 'parent', began('child.started')],
        ['approval', 'send', began('approval.asked')],
      ] as const
    ).map(([what, job, is]) => ({ what, job, is })),
  ];
  const took: string[] = [];
  for (const phase of phases) {
    const run = 'run' in phase ? phase.run : await bench.create(phase.job);
    await until(`the phase ${phase.what}`, 20_000, async () => ('run' in phase ? phase.reached() : phase.is(await bench.events(run))));
    const cancelledMs = performance.now();
    await bench.runs.cancel(PERSON, { id: run, reason: 'enough' });
    await until(`the end of ${phase.what}`, 10_000, async () => (await bench.row(run)).endedAtMs !== null && processesWith(run).length === 0);
    const ms = Math.round(performance.now() - cancelledMs);
    assert.equal((await bench.row(run)).status, 'cancelled', phase.what);
    assert.ok(ms <= LATEST_MS, `${phase.what}: ended ${ms} ms after the cancel`);
    took.push(`${phase.what} ${ms} ms`);
  }
  assert.equal(bench.receiver.effects().length, 0);
  await worker.end('SIGKILL');
  t.diagnostic(`R16: ${took.join(', ')}`);
});
