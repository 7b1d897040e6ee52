/**
 * Keeps the leases of this process alive: one heartbeat statement for all of them, three in a lease. A lost lease aborts
 * its work. It holds no run's state: that is `held-run.ts`.
 */
import type { Clock } from '../../kernel/clock.ts';
import type { RunId, WorkerId } from '../../kernel/ids.ts';
import type { Log } from '../../platform/telemetry/log.ts';
import { DRIVE_LIMITS } from './drive-limits.ts';
import type { Lease, RunStore } from './store-port.ts';

export type Hold = {
  /** Moves on with every append. */
  lease: Lease;
  /** By this process's clock, counted from before the store was asked: until then nobody else may act for the run. */
  validUntilMs: number;
  /** Aborted once another may hold the run. */
  readonly lost: AbortController;
  /** A row may have come into the run's inbox since it was last read. */
  nudged: boolean;
  /** Called when that happens: ends a nap. */
  onNudge: (() => void) | null;
};

export type LeaseKeeper = {
  hold(lease: Lease, claimedAtMs: number): Hold;
  drop(hold: Hold): void;
  nudge(run: RunId): boolean;
  holds(): readonly Hold[];
  /** Leases lost to others since the start, for the statistics. */
  lostCount(): number;
};

type KeeperDeps = { store: Pick<RunStore, 'heartbeat'>; clock: Clock; worker: WorkerId; leaseMs: number; log: Log };

export function createLeaseKeeper(deps: KeeperDeps): LeaseKeeper {
  const held = new Map<RunId, Hold>();
  let beating: AbortController | null = null;
  let lost = 0;

  const lose = (run: RunId): void => {
    const hold = held.get(run);
    if (hold === undefined || hold.lost.signal.aborted) return;
    lost += 1;
    hold.lost.abort();
  };

  return {
    hold(lease, claimedAtMs) {
      const hold: Hold = { lease, validUntilMs: claimedAtMs + deps.leaseMs, lost: new AbortController(), nudged: true, onNudge: null };
      // claimed anew by this very process after it was lost: the older work must stop like any other's
      lose(lease.run);
      held.set(lease.run, hold);
      if (beating === null) {
        beating = new AbortController();
        void beatOn(deps, { held, lose, over: beating.signal });
      }
      return hold;
    },
    drop(hold) {
      if (held.get(hold.lease.run) === hold) held.delete(hold.lease.run);
      if (held.size > 0) return;
      beating?.abort();
      beating = null;
    },
    nudge(run) {
      const hold = held.get(run);
      if (hold === undefined) return false;
      hold.nudged = true;
      hold.onNudge?.();
      return true;
    },
    holds: () => [...held.values()],
    lostCount: () => lost,
  };
}

type Beating = { held: ReadonlyMap<RunId, Hold>; lose: (run: RunId) => void; over: AbortSignal };

async function beatOn(deps: KeeperDeps, beating: Beating): Promise<void> {
  const everyMs = Math.floor(deps.leaseMs / DRIVE_LIMITS.heartbeatsPerLease);
  for (;;) {
    await deps.clock.sleep(everyMs, beating.over);
    if (beating.over.aborted) return;
    try {
      await beat(deps, beating);
    } catch (cause) {
      // the store is away: nobody can take the runs over either, and the fence refuses us if somebody did
      deps.log('warn', 'The heartbeat of this worker did not reach the store.', { cause });
    }
  }
}

async function beat(deps: KeeperDeps, { held, lose }: Beating): Promise<void> {
  const askedAtMs = deps.clock.nowMs();
  const holds = [...held.values()];
  const leases = holds.map(({ lease }) => lease);
  const gone = new Set(await deps.store.heartbeat(deps.worker, leases, deps.leaseMs));
  for (const hold of holds) {
    if (!gone.has(hold.lease.run)) hold.validUntilMs = askedAtMs + deps.leaseMs;
    else if (held.get(hold.lease.run) === hold) lose(hold.lease.run);
  }
}
