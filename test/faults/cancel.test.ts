/** Cancel in every phase of a run, on real PostgreSQL, with every wake-up lost (benchmark R16). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunEvent } from '../../src/kernel/events.ts';
import type { RunId } from '../../src/kernel/ids.ts';
import type { ModelOutcome } from '../../src/runtime/models/model.ts';
import { databaseWorld, type DatabaseWorld } from '../support/database-world.ts';
import { calls, says } from '../support/drive-pure.ts';
import { startProcess } from '../support/process.ts';
import { ORG, readTool, writeTool } from '../support/run-world.ts';
import { until } from '../support/until.ts';

/** The run's input names the phase it is to be cancelled in. */
const PHASES: Record<string, (events: readonly RunEvent[]) => boolean> = {
  model: (events) => events.some(({ type }) => type === 'model.intended'),
  read: (events) => events.some(({ type }) => type === 'tool.intended'),
  write: (events) => events.some(({ type }) => type === 'tool.intended'),
  approval: (events) => events.some(({ type }) => type === 'run.waiting'),
  backoff: (events) => events.some(({ type }) => type === 'model.failed'),
  child: (events) => events.some(({ type }) => type === 'run.waiting'),
  paused: (events) => events.some(({ type }) => type === 'run.waiting'),
};
const LATEST_MS = 1_000;

async function open(): Promise<DatabaseWorld> {
  const busy: ModelOutcome = {
    ok: false,
    failure: { kind: 'overloaded', message: 'busy', retryable: true, retryAfterMs: 2_500, sent: true, usage: null },
  };
  return databaseWorld({
    script: ({ messages, turn }) => {
      const input = JSON.stringify(messages[0]);
      const is = (phase: string): boolean => input.includes(`"${phase}"`);
      if (is('model') || input.includes('a task')) return new Promise(() => undefined);
      if (is('backoff')) return busy;
      if (turn > 1) return says('Done.');
      const tool = ['read', 'write', 'approval'].find(is);
      return is('child') ? calls(['agent_helper', { task: 'a task' }]) : calls([tool ?? 'read', {}]);
    },
    tools: (at) => [
      readTool('read', async (_args, { signal }) => {
        await at.clock.sleep(30_000, signal);
        return { ok: false, class: 'timeout', message: 'It was stopped.' };
      }),
      { ...writeTool('write', 'none', { ...at, latencyMs: () => 4_000 }) },
      outside(writeTool('approval', 'key', at)),
    ],
  });
}

function outside(tool: ReturnType<typeof writeTool>): ReturnType<typeof writeTool> {
  return { ...tool, spec: { ...tool.spec, sideEffect: 'external' } };
}

test(
  'cancelled in any phase a run stops within a second, its children with it, and no effect follows [RUN-5, R16]',
  { timeout: 60_000 },
  async (t) => {
    await using world = await open();
    const worker = startProcess({ deps: world.deps, name: 'a', wakeups: { listen: () => () => undefined }, concurrency: 32 });
    const runs = new Map<string, RunId>();
    for (const phase of Object.keys(PHASES)) {
      const run = await world.create({ plan: { tools: ['read', 'write', 'approval'], agents: ['helper'] }, queued: { input: phase } });
      if (phase === 'paused') await world.signal(run, 'pause');
      runs.set(phase, run);
    }
    const took: string[] = [];
    for (const [phase, reached] of Object.entries(PHASES)) {
      const run = runs.get(phase) as RunId;
      await until(`the phase ${phase}`, 15_000, async () => reached(await world.events(run)));
      const cancelledMs = world.clock.nowMs();
      await world.signal(run, 'cancel');
      // a run without a worker is found by the sweep; with a wake-up it is at once
      if (phase === 'approval' || phase === 'child' || phase === 'paused') worker.engine.wake(ORG, run);
      await until(`the end of ${phase}`, 10_000, async () => (await world.store.getRun(ORG, run))?.endedAtMs !== null);
      const row = await world.store.getRun(ORG, run);
      const ms = (row?.endedAtMs ?? Infinity) - cancelledMs;
      assert.equal(row?.status, 'cancelled', phase);
      assert.ok(ms <= LATEST_MS, `${phase}: ended ${ms} ms after the cancel`);
      took.push(`${phase} ${ms} ms`);
    }
    const child = await until(
      'the child',
      5_000,
      async () =>
        (await world.db.owner<{ id: string; status: string }>('select id, status from run where parent_id is not null and ended_at is not null'))[0],
    );
    assert.equal(child.status, 'cancelled');
    assert.equal(world.effects.length, 0);
    worker.kill();
    t.diagnostic(`R16: ${took.join(', ')}`);
  },
);
