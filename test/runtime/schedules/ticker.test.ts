import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../../src/kernel/errors.ts';
import { storedId } from '../../../src/kernel/ids.ts';
import { createSchedules } from '../../../src/runtime/schedules/service.ts';
import type { ScheduleSpec } from '../../../src/runtime/schedules/schedule.ts';
import { createScheduleStore } from '../../../src/runtime/schedules/store.ts';
import { tick, type TickerDeps } from '../../../src/runtime/schedules/ticker.ts';
import { databaseWorld } from '../../support/database-world.ts';
import { modelPlan, queued, says } from '../../support/drive-pure.ts';
import { AGENT, newRun, ORG } from '../../support/run-world.ts';

const START = Date.UTC(2026, 5, 1, 10);
const MINUTE = 60_000;
const SPEC: ScheduleSpec = { every: '15m', timezone: 'UTC', jitterSeconds: 0, overlap: 'skip', catchUp: 'once' };

/** A database at a set time, with one agent's schedules and tickers that create real runs. */
async function open(...specs: ScheduleSpec[]) {
  const world = await databaseWorld({ script: () => says('Done.') });
  await world.db.setTime(START);
  const { syncSchedules, handlers } = createSchedules({ db: world.db, ids: world.deps.ids });
  const sync = (...wanted: ScheduleSpec[]): Promise<void> =>
    world.db.asOrg(ORG, (tx) => syncSchedules(tx, ORG, { id: AGENT, name: 'tester', schedules: wanted }));
  await sync(...specs);
  const refusal = { reason: null as string | null };
  const alerts: string[] = [];
  const deps: TickerDeps = {
    store: createScheduleStore(world.db),
    async fire({ schedule, lane, companion }) {
      if (refusal.reason !== null) throw new AppError('agent_halted', refusal.reason);
      const id = world.deps.ids.next('run');
      await world.store.transaction(ORG, async (tx) => {
        await world.store.createRun(tx, { ...newRun(id), schedule: schedule.id, lane, queued: queued(modelPlan(), { trigger: 'schedule' }) });
        await companion(tx, id);
      });
    },
    getRun: (org, run) => world.store.getRun(org, run),
    cancel: async (org, run, reason) => {
      const by = { actor: 'act_1', name: 'schedule' };
      const event = { type: 'run.signalled', signal: 'cancel', reason, by } as const;
      await world.store.transaction(org, (tx) => world.store.putInbox(tx, { org, run, kind: 'cancel', event, actor: storedId('act', 'act_1') }));
    },
    onAlert: (_row, firing) => void alerts.push(firing.outcome),
    clock: world.clock,
    log: () => undefined,
  };
  const rows = async () => {
    const caller = { principal: { org: ORG } as never, correlation: storedId('cor', 'cor_1'), surface: 'http' } as const;
    const { items } = await handlers.list(caller, {});
    const lists = await Promise.all(items.map(async ({ id }) => (await handlers.firings(caller, { id, limit: 50 })).items));
    return { items, firings: lists.flat() };
  };
  const runs = (): Promise<{ id: string; lane: string | null }[]> => world.db.owner('select id, lane from run order by number');
  const at = (minutes: number): Promise<void> => world.db.setTime(START + minutes * MINUTE);
  return { world, deps, sync, refusal, alerts, rows, runs, at, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

test('four tickers at once fire a due time once, with its record in the same commit [ENG-1]', async () => {
  await using opened = await open(SPEC);
  await opened.at(15);
  await Promise.all(Array.from({ length: 4 }, () => tick(opened.deps)));
  assert.equal((await opened.runs()).length, 1);
  const { firings, items } = await opened.rows();
  assert.deepEqual(
    firings.map(({ outcome }) => outcome),
    ['ran'],
  );
  assert.equal(items[0]?.nextSlotMs, START + 30 * MINUTE);
});

test('downtime: the newest runs late, the others are missed, somebody is told; before that it shows as overdue [ENG-1]', async () => {
  await using opened = await open(SPEC);
  await opened.at(50);
  assert.equal((await opened.rows()).items[0]?.overdue, true);
  await tick(opened.deps);
  const { firings, items } = await opened.rows();
  assert.deepEqual(
    firings.map(({ outcome }) => outcome),
    ['late', 'missed', 'missed'],
  );
  assert.ok(firings.every(({ alert, reason }) => alert && reason !== ''));
  assert.deepEqual(opened.alerts.toSorted(), ['late', 'missed', 'missed']);
  assert.equal(items[0]?.overdue, false);
});

test('an agent that takes no runs leaves skipped records with the reason [ENG-1, AGT-4]', async () => {
  await using opened = await open(SPEC);
  opened.refusal.reason = 'Agent tester is in error after three failures.';
  await opened.at(15);
  await tick(opened.deps);
  const { firings } = await opened.rows();
  assert.deepEqual(
    firings.map(({ outcome, reason }) => [outcome, reason]),
    [['skipped', opened.refusal.reason]],
  );
  assert.equal((await opened.runs()).length, 0);
});

test('overlap: skip records why, queue goes one after the other, cancel_previous cancels [ENG-1]', async () => {
  await using opened = await open(
    { ...SPEC, every: '10m' },
    { ...SPEC, every: '11m', overlap: 'queue' },
    { ...SPEC, every: '12m', overlap: 'cancel_previous' },
  );
  await opened.at(12);
  await tick(opened.deps);
  assert.equal((await opened.runs()).length, 3);
  await opened.at(24);
  await tick(opened.deps);
  const { firings } = await opened.rows();
  assert.match(firings.find(({ outcome }) => outcome === 'skipped')?.reason ?? '', /still goes on/);
  const runs = await opened.runs();
  assert.equal(runs.length, 5);
  assert.equal(new Set(runs.map(({ lane }) => lane).filter((lane) => lane !== null)).size, 2);
  const cancelled = await opened.world.db.owner<{ run_id: string }>("select run_id from run_inbox where kind = 'cancel'");
  assert.equal(cancelled.length, 1);
});

test('an agent that changes keeps the schedules that stay and forgets the due times of those that go [ENG-1, AGT-2]', async () => {
  await using opened = await open(SPEC, { ...SPEC, every: '20m' });
  const before = await opened.rows();
  await opened.at(5);
  await opened.sync(SPEC, { ...SPEC, cron: '0 9 * * 1', every: undefined });
  const after = await opened.rows();
  assert.ok(after.items.some(({ id, nextSlotMs }) => before.items.some((old) => old.id === id && old.nextSlotMs === nextSlotMs)));
  assert.deepEqual(after.items.map(({ when }) => when).toSorted(), ['0 9 * * 1', 'every 15m']);
  await opened.at(25);
  await tick(opened.deps);
  assert.equal((await opened.runs()).length, 1);
});
