/** What stays open ends with the key or session it was opened with: both are looked at again every few seconds. */
import type { Clock } from '../../kernel/clock.ts';

export type WhileAllowed = (recheck: () => Promise<boolean>, ends: readonly AbortSignal[]) => { signal: AbortSignal; release: () => void };

const LOOK_AGAIN_MS = 5_000;

/** `signal` aborts with any of `ends`, and when `recheck` says no; call `release` when it is over. */
export function createWhileAllowed(clock: Clock): WhileAllowed {
  return (recheck, ends) => {
    const refused = new AbortController();
    const over = new AbortController();
    const signal = AbortSignal.any([...ends, refused.signal]);
    const stop = AbortSignal.any([signal, over.signal]);
    void (async () => {
      while (!stop.aborted) {
        await clock.sleep(LOOK_AGAIN_MS, stop);
        // a database that is away says nothing of the key
        if (!stop.aborted && !(await recheck().catch(() => true))) refused.abort();
      }
    })();
    return { signal, release: () => over.abort() };
  };
}
