/**
 * Drives a run: reads what came in, asks the pure core what to do, carries it out, until the run ends, waits or is lost to
 * another worker (design, "A run, step by step"). It decides nothing itself and may be called any number of times at once.
 */
import { AppError, toAppError, unreachable } from '../../kernel/errors.ts';
import type { EventOf } from '../../kernel/events.ts';
import { NO_USAGE } from '../../kernel/messages.ts';
import type { RunId } from '../../kernel/ids.ts';
import { isFinal } from '../../kernel/run-status.ts';
import type { Action } from './action.ts';
import { ask, startChild } from './ask-and-delegate.ts';
import { begin, resume } from './begin-run.ts';
import { callModel } from './call-model.ts';
import { callTools, recover } from './call-tools.ts';
import type { DriveDeps } from './drive-deps.ts';
import { DRIVE_LIMITS } from './drive-limits.ts';
import { end } from './ending.ts';
import { endRun } from './end-run.ts';
import type { Advance, Advanced } from './engine.ts';
import { commit, write, type HeldRun } from './held-run.ts';
import { nap } from './interrupts.ts';
import { journalInbox } from './journal-inbox.ts';
import { createLeaseKeeper, type Hold } from './lease-keeper.ts';
import { loadState } from './load-run.ts';
import { isSameWait, next } from './next.ts';
import { emptyState } from './state.ts';
import type { Lease, RunStore, StoreTx } from './store-port.ts';

export type AdvanceDeps = Omit<DriveDeps, 'halted' | 'store'> & {
  store: DriveDeps['store'] & Pick<RunStore, 'claim' | 'heartbeat'>;
  leaseMs: number;
  pools: readonly string[];
};

export type Driver = {
  /** Takes the lease itself; does nothing when another holds it. */
  advance: Advance;
  /** Drives a run whose lease was claimed (at `claimedAtMs` or later). */
  drive(lease: Lease, claimedAtMs: number): Promise<Advanced>;
  /** Something came for a run: true when it is held here and will see it. */
  nudge(run: RunId): boolean;
  /** Takes nothing on any more, lets steps finish, aborts what still runs after `drainMs`. May be called twice. */
  drain(): Promise<void>;
  /** Runs held now, and leases lost to others since the start. */
  counts(): { held: number; lost: number };
};

export function createDriver(given: AdvanceDeps): Driver {
  const halt = new AbortController();
  const deps: DriveDeps = { ...given, halted: halt.signal };
  const keeper = createLeaseKeeper(given);
  const driving = new Set<Promise<unknown>>();
  let draining: Promise<void> | null = null;

  const driveHeld = async (hold: Hold): Promise<Advanced> => {
    const held = await load(deps, hold);
    if (held === null) return { is: 'again' };
    await takeSteps(deps, held, () => draining !== null || hold.lost.signal.aborted);
    if (held.over?.why === 'refused') await endRefused(deps, held, held.over.cause);
    return conclude(deps, held);
  };

  const drive = async (lease: Lease, claimedAtMs: number): Promise<Advanced> => {
    if (draining !== null) {
      await deps.store.release(lease);
      return { is: 'again' };
    }
    const hold = keeper.hold(lease, claimedAtMs);
    const work = driveHeld(hold).finally(() => keeper.drop(hold));
    driving.add(work);
    return work.finally(() => driving.delete(work));
  };

  const drain = async (): Promise<void> => {
    for (const hold of keeper.holds()) keeper.nudge(hold.lease.run);
    const over = new AbortController();
    const all = Promise.allSettled(driving).then(() => over.abort());
    await deps.clock.sleep(DRIVE_LIMITS.drainMs, over.signal);
    halt.abort();
    const late = new AbortController();
    await Promise.race([all, deps.clock.sleep(DRIVE_LIMITS.abortedMs, late.signal)]);
    late.abort();
  };

  return {
    async advance(org, run) {
      const claimedAtMs = deps.clock.nowMs();
      const [lease] = await given.store.claim({ worker: deps.worker, leaseMs: given.leaseMs, limit: 1, pools: given.pools, only: { org, run } });
      if (lease !== undefined) return drive(lease, claimedAtMs);
      const row = await deps.store.getRun(org, run);
      if (row === null || isFinal(row.status)) return { is: 'ended' };
      // held by another, or not due: a lease runs out by itself, a due time is in the row
      const waits = row.status === 'waiting' || row.status === 'paused' || row.status === 'queued';
      return { is: 'waiting', untilMs: waits ? row.runnableAtMs : Math.max(row.runnableAtMs ?? 0, claimedAtMs + given.leaseMs) };
    },
    drive,
    nudge: (run) => keeper.nudge(run),
    drain: () => (draining ??= drain()),
    counts: () => ({ held: keeper.holds().length, lost: keeper.lostCount() }),
  };
}

/** Step after step until the worker is through with the run. A fault of ours is the run's end, not a run tried for ever. */
async function takeSteps(deps: DriveDeps, held: HeldRun, isOver: () => boolean): Promise<void> {
  try {
    for (let step = 0; held.over === null && step < DRIVE_LIMITS.stepsPerDrive; step += 1) {
      if (isOver()) return;
      await journalInbox(deps, held);
      if (held.over === null) await carryOut(deps, held, next(held.state, deps.clock.nowMs(), rulesFor(deps, held)));
    }
  } catch (cause) {
    // the store is away: the lease runs out and the run is folded anew
    if (toAppError(cause).code === 'unavailable') throw cause;
    held.over ??= { why: 'refused', cause };
  }
}

function rulesFor(deps: DriveDeps, held: HeldRun): Parameters<typeof next>[2] {
  return { ...deps.rules, history: held.history, openUntilMs: (model) => deps.models.openUntilMs(model) };
}

/** Folds the run and journals that this worker took it over, where the one before it just vanished. Null when there is nothing to drive. */
async function load(deps: DriveDeps, hold: Hold): Promise<HeldRun | null> {
  const { org, run } = hold.lease;
  const row = await deps.store.getRun(org, run);
  if (row === null) return null;
  const held: HeldRun = {
    row,
    hold,
    state: emptyState(),
    tools: new Map(),
    surroundings: { checkout: null, networkAllow: [] },
    history: [],
    inboxReadAtMs: 0,
    shown: row,
    over: null,
    refused: null,
    warned: [],
  };
  try {
    held.state = await loadState(deps.store, { org, run });
  } catch (cause) {
    if (!(cause instanceof AppError) || (cause.code !== 'internal' && cause.code !== 'conflict')) throw cause;
    await endUnreadable(deps, held, cause);
    return null;
  }
  const { state } = held;
  if (state.started && state.waiting === null && state.ended === null) await resume(deps, held, 'takeover');
  return held;
}

async function carryOut(deps: DriveDeps, held: HeldRun, action: Action): Promise<void> {
  switch (action.do) {
    case 'begin':
      return begin(deps, held);
    case 'resume':
      return resume(deps, held, action.after);
    case 'record':
      await write(deps, held, action.events);
      return;
    case 'call_model':
      return callModel(deps, held, action);
    case 'call_tools':
      return callTools(deps, held, action);
    case 'recover':
      return recover(deps, held, action.effect);
    case 'start_child':
      return startChild(deps, held, action);
    case 'ask':
      return ask(deps, held, action);
    case 'wait':
      return wait(deps, held, action);
    case 'end':
      return endRun(deps, held, action.ended);
    default:
      return unreachable(action);
  }
}

/** A short wait holds the worker; a long one gives the lease back, with a word in the journal unless it ends with that word. */
async function wait(deps: DriveDeps, held: HeldRun, action: Extract<Action, { do: 'wait' }>): Promise<void> {
  const { for: what, untilMs, reason } = action;
  if (!action.release) {
    const restMs = Math.max(0, (untilMs ?? 0) - deps.clock.nowMs());
    const over = AbortSignal.any([deps.halted, held.hold.lost.signal]);
    if (!held.hold.nudged) await nap(deps, held, { ms: Math.min(restMs, DRIVE_LIMITS.inboxPollMs), over });
    return;
  }
  const events = isSameWait(held.state, action) ? [] : [{ type: 'run.waiting' as const, for: what, untilMs, reason }];
  if (await commit(deps, held, { events, release: { runnableAtMs: untilMs } })) held.over = { why: 'waiting', untilMs };
}

async function conclude(deps: DriveDeps, held: HeldRun): Promise<Advanced> {
  switch (held.over?.why) {
    case 'ended':
      return { is: 'ended' };
    case 'waiting':
      return { is: 'waiting', untilMs: held.over.untilMs };
    case 'lost':
    case 'unavailable':
    case 'refused':
      return { is: 'again' };
    case 'stopping':
    case undefined:
      await deps.store.release(held.hold.lease);
      return { is: 'again' };
  }
}

/** What the run wants written is refused, or driving it failed: it ends with the cause, and nothing else of its batch suffers (design, step 4). */
async function endRefused(deps: DriveDeps, held: HeldRun, cause: unknown): Promise<void> {
  deps.log('error', 'A run failed by a fault of ours.', { run: held.row.id, cause });
  held.over = null;
  const reason = `The run failed by a fault of the server: ${toAppError(cause).message}`;
  await endRun(deps, held, end(held.state, { status: 'failed', failure: 'internal', reason }).ended);
  if (held.over === null || (held.over as HeldRun['over'])?.why !== 'refused') return;
  // even its end is refused (a companion that fails, say): it rests, so that it is neither lost nor tried without pause
  held.over = null;
  const restUntilMs = deps.clock.nowMs() + DRIVE_LIMITS.refusedRestMs;
  if (await commit(deps, held, { events: [], release: { runnableAtMs: restUntilMs } })) held.over = { why: 'waiting', untilMs: restUntilMs };
}

/** A journal that cannot be folded cannot be gone on from; the run ends saying so, without a fold. */
async function endUnreadable(deps: DriveDeps, held: HeldRun, cause: AppError): Promise<void> {
  deps.log('error', 'The journal of a run cannot be read back.', { run: held.row.id, cause });
  const reason = `Its journal cannot be read back: ${cause.message}`;
  const ended: EventOf<'run.ended'> = {
    type: 'run.ended',
    status: 'failed',
    reason,
    answer: null,
    partial: false,
    rehearsed: held.row.rehearsed,
    failure: 'internal',
    escalation: null,
    evidence: [],
    usage: NO_USAGE,
    cost: { microUsd: 0, known: false },
  };
  const patch = { status: 'failed', waitingFor: null, reason, endedAtMs: deps.clock.nowMs(), release: { runnableAtMs: null } } as const;
  const companion = (tx: StoreTx): Promise<void> => deps.onEnded(tx, { row: held.row, ended });
  await deps.store.append([
    { lease: held.hold.lease, actor: deps.worker, events: [{ event: ended, effectId: null }], patch, consumed: [], companion },
  ]);
}
