/**
 * The engine in the server process: claims due runs in batches and drives them, as many side by side as there is room for.
 * Any number of processes share one store. Woken by notifications, by the next due time, and by a sweep every few seconds.
 */
import type { Clock } from '../../kernel/clock.ts';
import type { WorkerId } from '../../kernel/ids.ts';
import type { Log } from '../../platform/telemetry/log.ts';
import type { Driver } from './advance.ts';
import { DRIVE_LIMITS } from './drive-limits.ts';
import type { Engine, Wakeups } from './engine.ts';
import type { Lease, RunStore } from './store-port.ts';

export type LocalEngineDeps = {
  store: Pick<RunStore, 'claim' | 'nextDueMs'>;
  driver: Pick<Driver, 'drive' | 'nudge' | 'drain'>;
  wakeups: Wakeups;
  clock: Clock;
  worker: WorkerId;
  log: Log;
  /** Machine pools this process serves, beside runs that need none. */
  pools: readonly string[];
  concurrency: number;
  leaseMs: number;
};

export function createLocalEngine(deps: LocalEngineDeps): Engine {
  const { driver } = deps;
  const bell = createBell(deps.clock);
  const ending = new AbortController();
  const work = createWorkplace(deps, bell.ring);
  const hear = (run: Parameters<Driver['nudge']>[0]): void => {
    // a run held here sees its inbox by itself; anything else may be due
    if (!driver.nudge(run)) bell.ring();
  };
  const unlisten = deps.wakeups.listen((hint) => (hint === null ? bell.ring() : hear(hint.run)));

  const claiming = (async (): Promise<void> => {
    while (!ending.signal.aborted) {
      bell.hush();
      await bell.wait(await work.claim(), ending.signal);
    }
  })();

  const stop = async (): Promise<void> => {
    unlisten();
    ending.abort();
    await driver.drain();
    await claiming; // what a last claim brought, the drained driver has released
    await work.done();
  };
  let stopping: Promise<void> | null = null;

  return { wake: (_org, run) => hear(run), stop: () => (stopping ??= stop()) };
}

type Bell = { ring: () => void; hush: () => void; wait: (ms: number, over: AbortSignal) => Promise<void> };

/** A rest that can be rung out of; a ring while nobody rests shortens the next one to nothing. */
function createBell(clock: Clock): Bell {
  let rung = new AbortController();
  return {
    ring: () => rung.abort(),
    hush: () => {
      rung = new AbortController();
    },
    wait: (ms, over) => (ms === 0 ? Promise.resolve() : clock.sleep(ms, AbortSignal.any([rung.signal, over]))),
  };
}

function createWorkplace(deps: LocalEngineDeps, freed: () => void): { claim(): Promise<number>; done(): Promise<unknown> } {
  const { store, driver, clock, log } = deps;
  const driving = new Set<Promise<void>>();

  const carry = async (lease: Lease, claimedAtMs: number): Promise<void> => {
    try {
      await driver.drive(lease, claimedAtMs);
    } catch (cause) {
      // the store is away, or a fault of ours: the lease runs out and the run is taken again, here or elsewhere
      log('error', 'Driving a run failed.', { run: lease.run, cause });
    }
  };

  const start = (lease: Lease, claimedAtMs: number): void => {
    const work = carry(lease, claimedAtMs).finally(() => {
      driving.delete(work);
      freed();
    });
    driving.add(work);
  };

  /** Claims what there is room for; answers how long nothing else can be expected. */
  const claimDue = async (): Promise<number> => {
    const room = deps.concurrency - driving.size;
    if (room <= 0) return DRIVE_LIMITS.sweepMs;
    const claimedAtMs = clock.nowMs();
    const leases = await store.claim({ worker: deps.worker, leaseMs: deps.leaseMs, limit: room, pools: deps.pools });
    for (const lease of leases) start(lease, claimedAtMs);
    if (leases.length > 0) return 0;
    const dueMs = await store.nextDueMs();
    if (dueMs === null) return DRIVE_LIMITS.sweepMs;
    const inMs = dueMs - clock.nowMs();
    // the claim found nothing due, so a due time that has passed here means that the store's clock is behind this one
    return inMs <= 0 ? DRIVE_LIMITS.storeRetryMs : Math.min(DRIVE_LIMITS.sweepMs, inMs);
  };

  return {
    claim: () =>
      claimDue().catch((cause: unknown) => {
        log('warn', 'The store did not answer a claim.', { cause });
        return DRIVE_LIMITS.storeRetryMs;
      }),
    done: () => Promise.all(driving),
  };
}
