/**
 * Retention by class (spec STO-5): each domain registers what it keeps, for how long, and how to delete a batch of what
 * is older. This file knows no table; it runs the classes in batches and reports honestly what is left.
 */
import type { Clock } from '../kernel/clock.ts';
import { AppError, invariant } from '../kernel/errors.ts';

export type RetentionClass = {
  /** As in `sessions`, `traces`, `request_log`. */
  readonly name: string;
  /** Days kept when nothing else is configured; null keeps until deleted. */
  readonly defaultDays: number | null;
  /**
   * Deletes at most `limit` of what is older than `olderThanMs` (epoch milliseconds), in one transaction, oldest
   * first; gives back how many. Fewer than `limit` means that nothing is left.
   */
  deleteBatch(olderThanMs: number, limit: number): Promise<number>;
};
/** `remaining` says whether the sweep stopped at its limit with more to delete; `failed` why the class stopped early. */
export type RetentionReport = {
  readonly class: string;
  readonly deleted: number;
  readonly remaining: 'none' | 'some' | 'unknown';
  readonly failed: string | null;
};

export const RETENTION_BATCH = 500;
/** Per class and sweep; the rest waits for the next sweep, so that one class cannot starve the others. */
export const RETENTION_BATCHES_MAX = 200;
const DAY_MS = 86_400_000;

/** `days` overrides the default of a class by name; null keeps until deleted. */
export function createRetention(options: { clock: Clock; classes: readonly RetentionClass[]; days?: Readonly<Record<string, number | null>> }) {
  const names = options.classes.map((each) => each.name);
  invariant(new Set(names).size === names.length, 'a retention class is registered once');
  const unknown = Object.keys(options.days ?? {}).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new AppError('configuration', `There is no retention class "${unknown}".`, { next: `Use one of: ${names.join(', ')}.` });
  }

  const daysOf = (each: RetentionClass): number | null => {
    const days = options.days?.[each.name];
    return days === undefined ? each.defaultDays : days;
  };
  return {
    /** Deletes what is due, class by class; one that fails does not keep the others from theirs. */
    async sweep(signal?: AbortSignal): Promise<RetentionReport[]> {
      const reports: RetentionReport[] = [];
      for (const each of options.classes) {
        const days = daysOf(each);
        if (days !== null) reports.push(await sweepClass(each, { olderThanMs: options.clock.nowMs() - days * DAY_MS, signal }));
      }
      return reports;
    },
    /** Each class with the days that hold, for `doctor` and the documentation. */
    list: (): { class: string; days: number | null }[] => options.classes.map((each) => ({ class: each.name, days: daysOf(each) })),
  };
}

export type Retention = ReturnType<typeof createRetention>;

async function sweepClass(each: RetentionClass, options: { olderThanMs: number; signal: AbortSignal | undefined }): Promise<RetentionReport> {
  let deleted = 0;
  try {
    for (let batch = 0; batch < RETENTION_BATCHES_MAX; batch += 1) {
      if (options.signal?.aborted === true) return { class: each.name, deleted, remaining: 'unknown', failed: null };
      const count = await each.deleteBatch(options.olderThanMs, RETENTION_BATCH);
      deleted += count;
      if (count < RETENTION_BATCH) return { class: each.name, deleted, remaining: 'none', failed: null };
    }
    return { class: each.name, deleted, remaining: 'some', failed: null };
  } catch (error) {
    // reported, not thrown: the other classes have their own due rows, and the next sweep tries again
    return { class: each.name, deleted, remaining: 'unknown', failed: error instanceof Error ? error.message : String(error) };
  }
}
