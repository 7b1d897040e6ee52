/** A moment, relative to now, exact on hover and for machines. */
import { useSyncExternalStore } from 'react';
import { exactTime, relative } from '../state/format.ts';

const TICK_MS = 10_000;
const listeners = new Set<() => void>();
let nowMs = Date.now();
let ticking: ReturnType<typeof setInterval> | null = null;

function subscribe(on: () => void): () => void {
  listeners.add(on);
  ticking ??= setInterval(() => {
    nowMs = Date.now();
    for (const each of listeners) each();
  }, TICK_MS);
  return () => {
    listeners.delete(on);
    if (listeners.size > 0 || ticking === null) return;
    clearInterval(ticking);
    ticking = null;
  };
}

/** Now, to ten seconds. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => nowMs);
}

export function Time({ ms }: { ms: number }) {
  const now = Math.max(useNow(), Date.now() - TICK_MS);
  return (
    <time dateTime={new Date(ms).toISOString()} title={exactTime(ms)} className="nowrap">
      {relative(ms, now)}
    </time>
  );
}
