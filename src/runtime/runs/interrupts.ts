/**
 * Waiting and calling with an ear to the inbox: a cancel or a kill switch ends the call in flight within half a second even
 * when its wake-up gets lost (spec RUN-5). What the row means for the run is decided by the pure core, after it is journalled.
 */
import type { DriveDeps } from './drive-deps.ts';
import { DRIVE_LIMITS } from './drive-limits.ts';
import type { HeldRun } from './held-run.ts';

/** Carries out `work` with a signal that aborts when the lease is lost, the worker halts, or a person stops the run. */
export async function interruptibly<T>(deps: DriveDeps, held: HeldRun, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stopped = new AbortController();
  const over = new AbortController();
  void watch(deps, held, { stopped, over: over.signal });
  try {
    return await work(AbortSignal.any([stopped.signal, held.hold.lost.signal, deps.halted]));
  } finally {
    over.abort();
  }
}

/**
 * True when a failure is this worker's own end (it halts, or its lease is another's) and says nothing of the model or tool:
 * then nothing is journalled, and whoever holds the run next finds the call without an outcome.
 */
export function cutOff(deps: DriveDeps, held: HeldRun): boolean {
  if (deps.halted.aborted) held.over ??= { why: 'stopping' };
  else if (held.hold.lost.signal.aborted) held.over ??= { why: 'lost' };
  return held.over !== null;
}

async function watch(deps: DriveDeps, held: HeldRun, { stopped, over }: { stopped: AbortController; over: AbortSignal }): Promise<void> {
  for (;;) {
    await nap(deps, held, { ms: DRIVE_LIMITS.inboxPollMs, over });
    if (over.aborted) return;
    try {
      const rows = await deps.store.readInbox(held.row.org, held.row.id);
      if (rows.some((row) => row.kind === 'cancel' || row.kind === 'switch')) return stopped.abort();
    } catch {
      // the store is away: the next look will tell
    }
  }
}

/** Sleeps until a nudge, at most `ms`. Leaves `nudged` set for the next reading of the inbox. */
export async function nap(deps: DriveDeps, held: HeldRun, { ms, over }: { ms: number; over: AbortSignal }): Promise<void> {
  const woken = new AbortController();
  held.hold.onNudge = () => woken.abort();
  await deps.clock.sleep(ms, AbortSignal.any([woken.signal, over]));
  held.hold.onNudge = null;
}
