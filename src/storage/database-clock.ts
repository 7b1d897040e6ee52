/**
 * The database's time, told without asking it each time: the process's clock and an offset that is measured whenever an
 * answer carries `clock_now()`. All times of runs are of this clock, so that workers on skewed machines agree.
 */
import type { Clock } from '../kernel/clock.ts';
import type { Database } from './database.ts';

export type DatabaseClock = Clock & {
  /** The process's own time, for `observe`. */
  localMs(): number;
  /** Takes in that the database's clock showed `databaseMs` between `sentLocalMs` and now. */
  observe(databaseMs: number, sentLocalMs: number): void;
  /** Asks the database. @throws AppError `unavailable` */
  sync(): Promise<void>;
};

/** Before the first observation it shows the process's time. */
export function createDatabaseClock(deps: { db: Database; clock: Clock }): DatabaseClock {
  let offsetMs = 0;
  const localMs = (): number => deps.clock.nowMs();
  const observe = (databaseMs: number, sentLocalMs: number): void => {
    // the answer was given about half way between question and answer
    offsetMs = databaseMs - (sentLocalMs + localMs()) / 2;
  };
  return {
    nowMs: () => Math.round(localMs() + offsetMs),
    localMs,
    sleep: (ms, signal) => deps.clock.sleep(ms, signal),
    observe,
    async sync() {
      const sentLocalMs = localMs();
      const [row] = await deps.db.asWorker((tx) => tx.last<{ now: number }>('select clock_now() as now'));
      if (row !== undefined) observe(row.now, sentLocalMs);
    },
  };
}
