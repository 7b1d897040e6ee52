/**
 * Waits: short ones hold the worker, longer ones give it back (design, "Wait without holding").
 */
import type { Action } from './action.ts';

/** Up to this long a worker sleeps in place instead of giving the run back. */
export const HELD_WAIT_MS = 3_000;

type Wait = Extract<Action, { do: 'wait' }>;

/** A wait for a moment. */
export function waitUntil(nowMs: number, wait: { for: Wait['for']; untilMs: number; reason: string }): Wait {
  return { do: 'wait', ...wait, release: wait.untilMs - nowMs > HELD_WAIT_MS };
}

/** A wait for an event; the run is also due at `untilMs` when that is not null. */
export function waitFor(wait: Omit<Wait, 'do' | 'release'>): Wait {
  return { do: 'wait', ...wait, release: true };
}
