/** How far a review is, and how long it will take (spec PER-4): from facts of its run and from how long such reviews took. Pure. */
import { z } from 'zod';

export const Phase = z.enum(['initialising', 'searching', 'analysing', 'generating', 'ended']);
export type Phase = z.infer<typeof Phase>;

/** A review that ended, for estimates. */
export type Past = { tookMs: number; chars: number };

/** Without any history: what is promised, and is replaced by what is measured. */
const FIRST_GUESS_MS = { rehearsed: 1_000, live: 90_000 } as const;
/** So many of a similar size are better than all. */
const SIMILAR_ENOUGH = 5;
const SIMILAR_FACTOR = 4;

/** Milliseconds of work; the median of past reviews, of a similar size when there are enough of them. */
export function estimateMs(past: readonly Past[], { chars, rehearsed }: { chars: number; rehearsed: boolean }): number {
  const similar = past.filter((each) => each.chars <= chars * SIMILAR_FACTOR && each.chars * SIMILAR_FACTOR >= chars);
  const sorted = (similar.length >= SIMILAR_ENOUGH ? similar : past).map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? FIRST_GUESS_MS[rehearsed ? 'rehearsed' : 'live'];
}

/** Milliseconds before a worker is free, when `ahead` reviews come first. */
export function waitMs(ahead: number, { workers, estimate }: { workers: number; estimate: number }): number {
  return workers === 0 ? 0 : Math.floor(ahead / workers) * estimate;
}

/** How far off the estimate was, in percent of the real duration. */
export function errorPercent(estimate: number, tookMs: number): number {
  return Math.round((Math.abs(estimate - tookMs) / Math.max(1, tookMs)) * 100);
}

export type Facts = {
  ended: boolean;
  startedAtMs: number | null;
  /** Type of the newest entry of the run's journal. */
  lastEvent: string | null;
  /** The model is writing just now. */
  writing: boolean;
};

export function phaseOf({ ended, startedAtMs, lastEvent, writing }: Facts): Phase {
  if (ended) return 'ended';
  if (startedAtMs === null || lastEvent === null || lastEvent.startsWith('run.')) return 'initialising';
  if (lastEvent.startsWith('tool.')) return 'searching';
  return writing || lastEvent === 'model.replied' ? 'generating' : 'analysing';
}

/** Never 100 before the end, and never backwards: it follows the clock alone. */
export function percentOf({ ended, startedAtMs }: Pick<Facts, 'ended' | 'startedAtMs'>, at: { nowMs: number; estimate: number }): number {
  if (ended) return 100;
  if (startedAtMs === null) return 0;
  const used = Math.max(0, at.nowMs - startedAtMs);
  // beyond its estimate a review comes ever nearer to 99 and never there
  const share = used <= at.estimate ? 0.9 * (used / Math.max(1, at.estimate)) : 0.99 - 0.09 * (at.estimate / used);
  return Math.floor(share * 100);
}

/** Milliseconds still to go; null once it takes longer than was thought. */
export function etaMs(
  { ended, startedAtMs }: Pick<Facts, 'ended' | 'startedAtMs'>,
  at: { nowMs: number; estimate: number; wait: number },
): number | null {
  if (ended) return 0;
  if (startedAtMs === null) return at.wait + at.estimate;
  const left = startedAtMs + at.estimate - at.nowMs;
  return left > 0 ? left : null;
}

const MINUTE_MS = 60_000;
/** Spec PER-7. */
const CLEANING_HOUR = 3;

/** The first full 03:00 of the machine's local time after `nowMs`; right over changes of summer time, since each minute is asked. */
export function nextCleaningMs(nowMs: number, localHourOf: (ms: number) => { hour: number; minute: number }): number {
  const first = Math.floor(nowMs / MINUTE_MS) * MINUTE_MS + MINUTE_MS;
  for (let at = first; at < first + 26 * 60 * MINUTE_MS; at += MINUTE_MS) {
    const { hour, minute } = localHourOf(at);
    // where the clock is put forward over 03:00, the first minute after it
    if (hour === CLEANING_HOUR && minute === 0) return at;
    if (hour > CLEANING_HOUR && localHourOf(at - MINUTE_MS).hour < CLEANING_HOUR) return at;
  }
  return first + 24 * 60 * MINUTE_MS;
}
