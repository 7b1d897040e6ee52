/**
 * A clock that only moves when it is told to, or when everything that runs on it sleeps: hours pass in microseconds, and in
 * the same order every time.
 */
import type { Clock } from '../../src/kernel/clock.ts';

type Sleeper = { untilMs: number; order: number; wake: () => void };

export type VirtualClock = Clock & {
  /** Moves to the next sleeper and wakes it; false when nobody sleeps. */
  step(): boolean;
  /** As an operator would set it: whoever sleeps sleeps as long as before. */
  jump(ms: number): void;
  /** Moves time until `done`, waking sleepers on the way. Fails when nothing sleeps and it is still not done. */
  until(done: () => boolean, mostMs?: number): Promise<void>;
  /** The same for a promise. */
  settle<T>(work: Promise<T>, mostMs?: number): Promise<T>;
};

export function createVirtualClock(startMs = Date.UTC(2026, 10, 20, 9)): VirtualClock {
  let nowMs = startMs;
  let order = 0;
  const sleepers = new Set<Sleeper>();

  const step = (): boolean => {
    let first: Sleeper | null = null;
    for (const one of sleepers) {
      if (first === null || one.untilMs < first.untilMs || (one.untilMs === first.untilMs && one.order < first.order)) first = one;
    }
    if (first === null) return false;
    nowMs = Math.max(nowMs, first.untilMs);
    first.wake();
    return true;
  };

  const until = async (done: () => boolean, mostMs = 24 * 3_600_000): Promise<void> => {
    const endMs = nowMs + mostMs;
    for (;;) {
      await idle();
      if (done()) return;
      if (nowMs > endMs) throw new Error(`Not done after ${mostMs} virtual milliseconds.`);
      if (!step()) throw new Error('Nothing sleeps and it is not done: it waits for something that never comes.');
    }
  };

  return {
    nowMs: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const wake = (): void => {
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        order += 1;
        const sleeper: Sleeper = { untilMs: nowMs + Math.max(0, ms), order, wake };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', wake, { once: true });
      }),
    step,
    jump(ms) {
      nowMs += ms;
      for (const one of sleepers) one.untilMs += ms; // timers count time that passes, whatever the clock is set to
    },
    until,
    async settle(work, mostMs) {
      let over = false;
      const ended = work.finally(() => {
        over = true;
      });
      ended.catch(() => undefined); // the caller awaits the same promise below
      await until(() => over, mostMs);
      return ended;
    },
  };
}

/** Lets everything run that can without time passing. */
function idle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
