/** A clock that stands still until it is moved; sleepers wake when it passes them. */
import type { Clock } from '../../src/kernel/clock.ts';

export type ManualClock = Clock & { set(ms: number): void };

export function createManualClock(startMs: number): ManualClock {
  let nowMs = startMs;
  let sleepers: { atMs: number; wake: () => void }[] = [];
  return {
    nowMs: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true || ms <= 0) return resolve();
        sleepers.push({ atMs: nowMs + ms, wake: resolve });
        signal?.addEventListener('abort', () => resolve(), { once: true });
      }),
    set(ms) {
      nowMs = ms;
      const due = sleepers.filter((sleeper) => sleeper.atMs <= ms);
      sleepers = sleepers.filter((sleeper) => sleeper.atMs > ms);
      for (const sleeper of due) sleeper.wake();
    },
  };
}
