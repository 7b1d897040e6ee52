/**
 * Waits: short ones hold the worker, longer ones give it back (design, "Wait without holding").
 */
import type { EventOf } from '../../kernel/events.ts';
import type { Action } from './action.ts';

/** Up to this long a worker sleeps in place instead of giving the run back. */
export const HELD_WAIT_MS = 3_000;

/**
 * Whether a failure names a time before which its provider is not to be called again (spec GTW-10), beyond what is slept through in place: then
 * the run goes elsewhere or waits, and it is no retry.
 */
export function isHold({ event, atMs }: { event: EventOf<'model.failed'>; atMs: number }): boolean {
  return event.retryable && event.notBeforeMs !== null && event.notBeforeMs - atMs > HELD_WAIT_MS;
}

type Wait = Extract<Action, { do: 'wait' }>;

/** A wait for a moment. */
export function waitUntil(nowMs: number, wait: { for: Wait['for']; untilMs: number; reason: string }): Wait {
  return { do: 'wait', ...wait, release: wait.untilMs - nowMs > HELD_WAIT_MS };
}

/** A wait for an event; the run is also due at `untilMs` when that is not null. */
export function waitFor(wait: Omit<Wait, 'do' | 'release'>): Wait {
  return { do: 'wait', ...wait, release: true };
}
