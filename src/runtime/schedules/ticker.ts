/**
 * Fires schedules: any number of tickers in any number of processes, and still each slot once, because its record is unique
 * and commits with its run. Survives its own death at any point: what has no record is planned again.
 */
import type { Clock } from '../../kernel/clock.ts';
import { AppError, toAppError } from '../../kernel/errors.ts';
import type { OrgId, RunId } from '../../kernel/ids.ts';
import { isFinal } from '../../kernel/run-status.ts';
import type { Log } from '../../platform/telemetry/log.ts';
import type { RunRow, StoreTx } from '../runs/store-port.ts';
import { LATE_AFTER_MS, nextDue, planFirings } from './schedule.ts';
import type { Firing, Progress, ScheduleRow, ScheduleStore } from './schedule-port.ts';

export type FireRequest = {
  schedule: ScheduleRow;
  slotMs: number;
  /** Runs of one lane go one after the other; null for none. */
  lane: string | null;
  /** In the transaction that creates the run. Throws when the slot is taken: the run must not be kept. */
  companion: (tx: StoreTx, run: RunId) => Promise<void>;
};

export type TickerDeps = {
  store: ScheduleStore;
  /** Creates the run of a firing. @throws AppError with the reason when the agent takes none now. */
  fire(request: FireRequest): Promise<void>;
  getRun(org: OrgId, run: RunId): Promise<Pick<RunRow, 'status'> | null>;
  cancel(org: OrgId, run: RunId, reason: string): Promise<void>;
  /** A schedule did not fire when it was due (spec ENG-1). */
  onAlert(schedule: ScheduleRow, firing: Firing): void;
  clock: Clock;
  log: Log;
};

/** Schedules fired in one tick; the rest follows in the next. */
const TICK_MAX = 50;
const LOOK_EVERY_MS = 15_000;
const RETRY_MS = 1_000;
/** Of the longest sleep, so that a schedule made meanwhile is not late. */
const SLEEP_LEAST_MS = 50;

/** Fires what is due; answers how many schedules it looked at. */
export async function tick(deps: TickerDeps): Promise<number> {
  const { nowMs, rows } = await deps.store.due(TICK_MAX);
  for (const row of rows) {
    try {
      await fireDue(deps, row, nowMs);
    } catch (cause) {
      // one schedule's fault must not keep the others waiting; without a record it is planned again
      deps.log('error', 'A schedule could not be fired.', { schedule: row.id, agent: row.agentName, cause });
    }
  }
  return rows.length;
}

export function startTicker(deps: TickerDeps): { nudge(): void; stop(): Promise<void> } {
  const over = new AbortController();
  let nudged = new AbortController();
  const sleepMs = async (): Promise<number> => {
    try {
      if ((await tick(deps)) === TICK_MAX) return 0;
      const nextMs = await deps.store.untilNextMs();
      return Math.min(LOOK_EVERY_MS, Math.max(SLEEP_LEAST_MS, nextMs ?? LOOK_EVERY_MS));
    } catch (cause) {
      deps.log('warn', 'The store did not say which schedules are due.', { cause });
      return RETRY_MS;
    }
  };
  const ticking = (async (): Promise<void> => {
    while (!over.signal.aborted) {
      nudged = new AbortController();
      await deps.clock.sleep(await sleepMs(), AbortSignal.any([over.signal, nudged.signal]));
    }
  })();
  return {
    nudge: () => nudged.abort(),
    async stop() {
      over.abort();
      await ticking;
    },
  };
}

async function fireDue(deps: TickerDeps, row: ScheduleRow, nowMs: number): Promise<void> {
  const plan = planFirings(row, nowMs);
  const missed = plan.missed.map(({ slotMs, reason }): Firing => ({ slotMs, outcome: 'missed', run: null, reason, alert: true }));
  const last = missed.at(-1);
  if (last !== undefined) await record(deps, row, missed);
  if (plan.fire === null) {
    // due by the store and not by the rule: the row is older than the schedule's definition
    if (last === undefined) await deps.store.record(row, [], progressTo(row, row.afterMs));
    return;
  }
  const { slotMs, late } = plan.fire;
  const reason = late ? `Fired ${Math.round((nowMs - plan.fire.dueMs) / 1_000)} s after it was due.` : '';
  await start(deps, row, { slotMs, outcome: late ? 'late' : 'ran', run: null, reason, alert: late });
}

async function start(deps: TickerDeps, row: ScheduleRow, firing: Firing): Promise<void> {
  const previous = await openPrevious(deps, row);
  const { overlap } = row.spec;
  if (previous !== null && overlap === 'skip') return record(deps, row, [skipped(firing, `The run before it, ${previous}, still goes on.`)]);
  if (previous !== null && overlap === 'cancel_previous') await deps.cancel(row.org, previous, 'its schedule fired again');
  let taken = false;
  const companion = async (tx: StoreTx, run: RunId): Promise<void> => {
    taken = !(await deps.store.claim(tx, row, { firing: { ...firing, run }, progress: progressTo(row, firing.slotMs) }));
    if (taken) throw new AppError('conflict', 'This due time has been dealt with.');
  };
  try {
    await deps.fire({ schedule: row, slotMs: firing.slotMs, lane: overlap === 'skip' ? null : row.id, companion });
    if (firing.alert) deps.onAlert(row, firing);
  } catch (thrown) {
    if (taken) return; // another ticker was faster
    const error = toAppError(thrown);
    // what may pass by itself is tried again; what a person must mend is on record
    if (error.code === 'unavailable' || error.code === 'internal') throw thrown;
    await record(deps, row, [skipped(firing, error.message)]);
  }
}

/** The last run, while it goes on. */
async function openPrevious(deps: TickerDeps, row: ScheduleRow): Promise<RunId | null> {
  if (row.lastRun === null) return null;
  const run = await deps.getRun(row.org, row.lastRun);
  return run === null || isFinal(run.status) ? null : row.lastRun;
}

function skipped(firing: Firing, reason: string): Firing {
  return { ...firing, outcome: 'skipped', run: null, reason };
}

async function record(deps: TickerDeps, row: ScheduleRow, firings: readonly Firing[]): Promise<void> {
  const last = firings.at(-1);
  await deps.store.record(row, firings, progressTo(row, last?.slotMs ?? row.afterMs));
  for (const firing of firings) if (firing.alert) deps.onAlert(row, firing);
}

function progressTo(row: ScheduleRow, afterMs: number): Progress {
  const due = nextDue({ ...row, afterMs });
  return { afterMs, nextSlotMs: due?.slotMs ?? null, dueMs: due?.dueMs ?? null };
}

/** A schedule whose due time has passed by more than this and has no record: nobody ticks. */
export const OVERDUE_MS = LATE_AFTER_MS + LOOK_EVERY_MS;
