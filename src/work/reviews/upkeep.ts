/**
 * What happens to reviews by time (spec PER-7): old ones are cleaned at 03:00 of the machine's local time, more than fits is trimmed, and what a
 * crash left unsettled is settled. Every step may be done by several servers at once.
 */
import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../platform/telemetry/log.ts';
import type { Database } from '../../storage/database.ts';
import { nextCleaningMs } from './progress.ts';
import { cleanReviews, unsettledJobs, unsettledPanels } from './queue-store.ts';
import type { ReviewSettings } from './service.ts';
import type { Settle } from './settle.ts';

export type UpkeepDeps = {
  db: Database;
  /** Of this machine: 03:00 is where the people are. */
  clock: Clock;
  /** The store's time, by which age is told. */
  storeNowMs: () => number;
  localHourOf: (ms: number) => { hour: number; minute: number };
  settle: Settle;
  settings: ReviewSettings;
  log: Log;
};

const EVERY_MS = 60_000;
const DAY_MS = 86_400_000;
const BATCH = 200;
/** One round removes this much at most; the rest waits for the next. */
const BATCHES = 500;

export function createUpkeep(deps: UpkeepDeps): { byAge(): Promise<number>; bySize(): Promise<number>; settleLeft(): Promise<void> } {
  const inBatches = async (rule: Parameters<typeof cleanReviews>[1]): Promise<number> => {
    let removed = 0;
    for (let batch = 0; batch < BATCHES; batch += 1) {
      const count = await cleanReviews(deps.db, rule, BATCH);
      removed += count;
      if (count < BATCH) break;
    }
    return removed;
  };
  return {
    byAge: () => inBatches({ olderThanMs: deps.storeNowMs() - deps.settings.keepDays * DAY_MS }),
    bySize: () => inBatches({ maxBytes: deps.settings.maxBytes }),
    async settleLeft() {
      for (const { org, run } of await unsettledJobs(deps.db, BATCH)) await deps.settle.job(org, run);
      for (const { org, id } of await unsettledPanels(deps.db, BATCH)) await deps.settle.panel(org, id);
    },
  };
}

/** Goes on until closed. At the start it does all once: the machine may have been off at 03:00. */
export function startUpkeep(deps: UpkeepDeps): { what: string; close(): Promise<void> } {
  const upkeep = createUpkeep(deps);
  const over = new AbortController();
  const loop = (async (): Promise<void> => {
    let cleanAtMs = deps.clock.nowMs();
    while (!over.signal.aborted) {
      const due = deps.clock.nowMs() >= cleanAtMs;
      if (due) cleanAtMs = nextCleaningMs(deps.clock.nowMs(), deps.localHourOf);
      try {
        await upkeep.settleLeft();
        if (due) await upkeep.byAge();
        await upkeep.bySize();
      } catch (error) {
        deps.log('warn', 'Keeping up reviews failed; it is tried again', { error });
      }
      await deps.clock.sleep(Math.min(EVERY_MS, Math.max(0, cleanAtMs - deps.clock.nowMs())), over.signal);
    }
  })();
  return {
    what: 'upkeep of reviews',
    close: () => {
      over.abort();
      return loop;
    },
  };
}
