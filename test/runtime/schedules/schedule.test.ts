import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { AppError } from '../../../src/kernel/errors.ts';
import { storedId, type RunId } from '../../../src/kernel/ids.ts';
import { LATE_AFTER_MS, nextDue, nextSlot, planFirings, type ScheduleSpec } from '../../../src/runtime/schedules/schedule.ts';
import type { Firing, Progress, ScheduleRow, ScheduleStore } from '../../../src/runtime/schedules/schedule-port.ts';
import { tick, type TickerDeps } from '../../../src/runtime/schedules/ticker.ts';
import { createManualClock } from '../../support/manual-clock.ts';

const SPEC: ScheduleSpec = { timezone: 'UTC', jitterSeconds: 0, overlap: 'queue', catchUp: 'once' };
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const utc = (text: string): number => Date.parse(`${text}:00Z`);

/** Slots after `from` up to `to`. */
function slots(spec: ScheduleSpec, from: number, to: number): number[] {
  const found: number[] = [];
  for (
    let slot = nextSlot(spec, { afterMs: from, createdMs: from });
    slot !== null && slot <= to;
    slot = nextSlot(spec, { afterMs: slot, createdMs: from })
  ) {
    found.push(slot);
  }
  return found;
}

test('a local time that a change of clocks skips or repeats comes due once [ENG-1, R9]', () => {
  const daily = { ...SPEC, cron: '30 2 * * *', timezone: 'Europe/Berlin' };
  assert.deepEqual(slots(daily, utc('2026-03-28T12:00'), utc('2026-03-30T12:00')), [utc('2026-03-29T01:00'), utc('2026-03-30T00:30')]);
  assert.deepEqual(slots(daily, utc('2026-10-24T12:00'), utc('2026-10-26T12:00')), [utc('2026-10-25T00:30'), utc('2026-10-26T01:30')]);
  const midnight = { ...SPEC, cron: '0 0 * * *' };
  assert.deepEqual(slots(midnight, utc('2026-01-30T23:59'), utc('2026-02-01T00:00')), [utc('2026-01-31T00:00'), utc('2026-02-01T00:00')]);
});

test('an interval counts from the creation, a one-off comes due once in its time zone [ENG-1]', () => {
  const created = utc('2026-05-01T10:07');
  assert.deepEqual(slots({ ...SPEC, every: '2h' }, created, created + 5 * HOUR), [created + 2 * HOUR, created + 4 * HOUR]);
  assert.deepEqual(slots({ ...SPEC, at: '2026-05-02T08:00', timezone: 'Europe/Berlin' }, created, created + 90 * HOUR), [utc('2026-05-02T06:00')]);
});

test('jitter is the same everywhere, and due times keep their order [ENG-1]', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3_600 }), fc.integer({ min: 0, max: 10_000 }), (jitterSeconds, offset) => {
      const timed = {
        id: `sch_${offset}`,
        spec: { ...SPEC, cron: '*/5 * * * *', jitterSeconds },
        createdMs: 0,
        afterMs: utc('2026-05-01T10:00') + offset,
      };
      const due = nextDue(timed);
      assert.ok(due);
      assert.deepEqual(nextDue(timed), due);
      const later = nextDue({ ...timed, afterMs: due.slotMs });
      assert.ok(later && due.dueMs >= due.slotMs && due.dueMs <= due.slotMs + jitterSeconds * 1_000 && due.dueMs < later.dueMs);
    }),
  );
});

test('after downtime the newest missed slot runs once, the others are recorded as missed [ENG-1]', () => {
  const created = utc('2026-05-01T10:00');
  const timed = { id: 'sch_1', spec: { ...SPEC, every: '1h' }, createdMs: created, afterMs: created };
  const plan = planFirings(timed, created + 3 * HOUR + 10 * MINUTE);
  assert.deepEqual(
    plan.missed.map(({ slotMs }) => slotMs),
    [created + HOUR, created + 2 * HOUR],
  );
  assert.deepEqual(plan.fire, { slotMs: created + 3 * HOUR, dueMs: created + 3 * HOUR, late: true });
  const none = planFirings({ ...timed, spec: { ...timed.spec, catchUp: 'none' } }, created + 3 * HOUR + 10 * MINUTE);
  assert.equal(none.missed.length, 3);
  assert.equal(none.fire, null);
  assert.equal(planFirings(timed, created + HOUR + LATE_AFTER_MS).fire?.late, false);
});

type Bench = { store: ScheduleStore; firings: Map<number, Firing[]>; runs: { slotMs: number }[]; row: ScheduleRow };

/** A model of the store with one schedule: writes of a transaction are kept only when it commits. */
function createBench(row: ScheduleRow, nowMs: () => number): Bench {
  const firings = new Map<number, Firing[]>();
  const insert = (firing: Firing): boolean => {
    if (firings.has(firing.slotMs)) return false;
    firings.set(firing.slotMs, [...(firings.get(firing.slotMs) ?? []), firing]);
    return true;
  };
  const moveOn = (progress: Progress, lastRun: RunId | null): void => {
    if (progress.afterMs >= row.afterMs) Object.assign(row, progress, lastRun === null ? {} : { lastRun });
  };
  const store: ScheduleStore = {
    async due() {
      await Promise.resolve();
      return { nowMs: nowMs(), rows: row.dueMs !== null && row.dueMs <= nowMs() ? [{ ...row }] : [] };
    },
    async record(_row, list, progress) {
      await Promise.resolve();
      for (const firing of list) insert(firing);
      moveOn(progress, null);
    },
    async claim(tx, _row, { firing, progress }) {
      await Promise.resolve();
      if (firings.has(firing.slotMs)) return false;
      (tx as { commits: (() => void)[] }).commits.push(() => {
        if (!insert(firing)) throw new AppError('conflict', 'unique');
        moveOn(progress, firing.run);
      });
      return true;
    },
    untilNextMs: async () => null,
  };
  return { store, firings, runs: [], row };
}

type Crash = 'none' | 'before' | 'after';

function tickerOn(bench: Bench, options: { crash: () => Crash; refuse: () => boolean; nowMs: () => number }): TickerDeps {
  return {
    store: bench.store,
    async fire(request) {
      const { slotMs } = request;
      if (options.refuse()) throw new AppError('agent_halted', 'The agent is paused.');
      const crash = options.crash();
      if (crash === 'before') throw new AppError('internal', 'died');
      const tx = { commits: [] as (() => void)[] };
      const run = storedId('run', `run_${slotMs}_${bench.runs.length}`);
      await request.companion(tx, run);
      await Promise.resolve();
      for (const commit of tx.commits) commit();
      bench.runs.push({ slotMs });
      if (crash === 'after') throw new AppError('internal', 'died');
    },
    getRun: async () => null,
    cancel: async () => undefined,
    onAlert: () => undefined,
    clock: createManualClock(options.nowMs()),
    log: () => undefined,
  };
}

const STEP = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1_000, max: 20 * MINUTE }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: HOUR, max: 30 * HOUR }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: -3 * HOUR, max: 3 * HOUR }) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('tick' as const),
      tickers: fc.integer({ min: 1, max: 4 }),
      crash: fc.constantFrom<Crash>('none', 'none', 'before', 'after'),
      refuse: fc.boolean(),
    }),
  },
);

test('every slot has exactly one record whatever the downtime, the jumps of the clock, the number of tickers and their deaths [ENG-1, R9]', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom<Partial<ScheduleSpec>>(
        { cron: '*/7 * * * *' },
        { every: '15m' },
        { cron: '30 2 * * *', timezone: 'Europe/Berlin' },
        { every: '1h', catchUp: 'none' },
      ),
      fc.integer({ min: 0, max: 900 }),
      fc.array(STEP, { maxLength: 30 }),
      async (part, jitterSeconds, steps) => {
        const created = utc('2026-10-24T20:00');
        const time = { nowMs: created, mostMs: created };
        const spec = { ...SPEC, ...part, jitterSeconds };
        const due = nextDue({ id: 'sch_1', spec, createdMs: created, afterMs: created });
        const row: ScheduleRow = {
          org: storedId('org', 'org_1'),
          id: storedId('sch', 'sch_1'),
          agent: storedId('agt', 'agt_1'),
          agentName: 'tester',
          spec,
          createdMs: created,
          afterMs: created,
          nextSlotMs: due?.slotMs ?? null,
          dueMs: due?.dueMs ?? null,
          lastRun: null,
        };
        const bench = createBench(row, () => time.nowMs);
        const tickAll = async (tickers: number, crash: Crash, refuse: boolean): Promise<void> => {
          let crashed = false;
          const once = (): Crash => (crashed ? 'none' : ((crashed = true), crash));
          await Promise.all(
            Array.from({ length: tickers }, () => tick(tickerOn(bench, { crash: once, refuse: () => refuse, nowMs: () => time.nowMs }))),
          );
          time.mostMs = Math.max(time.mostMs, time.nowMs);
        };
        for (const step of steps) {
          if (step.kind === 'pass') time.nowMs += step.ms;
          else await tickAll(step.tickers, step.crash, step.refuse);
        }
        time.nowMs = Math.max(time.nowMs, time.mostMs);
        for (let i = 0; i < 5; i += 1) await tickAll(1, 'none', false);
        const expected = slots(spec, created, time.nowMs).filter(
          (slot) => (nextDue({ id: row.id, spec, createdMs: created, afterMs: slot - 1 })?.dueMs ?? Infinity) <= time.nowMs,
        );
        assert.deepEqual(
          [...bench.firings.keys()].toSorted((a, b) => a - b),
          expected,
        );
        const fired = [...bench.firings.values()].flat().filter(({ outcome }) => outcome === 'ran' || outcome === 'late');
        assert.deepEqual(
          bench.runs.map(({ slotMs }) => slotMs).toSorted((a, b) => a - b),
          fired.map(({ slotMs }) => slotMs).toSorted((a, b) => a - b),
          'a run for each firing and no other',
        );
      },
    ),
    { numRuns: 150 },
  );
});
