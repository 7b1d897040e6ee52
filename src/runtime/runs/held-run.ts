/**
 * A run while this worker holds it: its lease, its fold, and the one way to write to its journal. What to write is decided
 * elsewhere; here is only that it is durable, carries the fence, and stops the work once the lease is another's.
 */
import type { Clock } from '../../kernel/clock.ts';
import { invariant } from '../../kernel/errors.ts';
import type { Entry, RunEvent } from '../../kernel/events.ts';
import type { WorkerId } from '../../kernel/ids.ts';
import type { Tool, ToolContext } from '../tools/tool.ts';
import { DRIVE_LIMITS } from './drive-limits.ts';
import { fold } from './fold.ts';
import type { BudgetWarning } from '../../platform/budgets/spend.ts';
import { spendOf, type Refused } from './spend.ts';
import type { Hold } from './lease-keeper.ts';
import type { PastRun } from './rules.ts';
import { changedSince, patchOf } from './run-patch.ts';
import type { RunState } from './state.ts';
import type { AppendRequest, AppendResult, RunPatch, RunRow, RunStore } from './store-port.ts';

/** Why this worker is through with a run. */
export type Over =
  | { why: 'ended' }
  | { why: 'waiting'; untilMs: number | null }
  /** Another holds it, or may. */
  | { why: 'lost' }
  /** The worker is stopping. */
  | { why: 'stopping' }
  /** The store stayed away: the lease runs out. */
  | { why: 'unavailable' }
  /** The store refuses what this run wants written. */
  | { why: 'refused'; cause: unknown };

export type HeldRun = {
  readonly row: RunRow;
  readonly hold: Hold;
  state: RunState;
  /** The tools as they can be called now, by name; the state knows only their manifest. */
  tools: ReadonlyMap<string, Tool>;
  surroundings: Pick<ToolContext, 'checkout' | 'networkAllow' | 'outside'>;
  /** Past runs of the agent, for the estimate of its end. */
  history: readonly PastRun[];
  inboxReadAtMs: number;
  /** What the projection is known to hold, so that an append writes only what changes in it. */
  shown: RunPatch;
  over: Over | null;
  /** Why a budget refused what was last written; whoever wrote it takes it. */
  refused: Refused | null;
  /** Budgets that went beyond 80% and are not in the journal yet. */
  warned: readonly BudgetWarning[];
};

/** The store gathers what the runs of this process append in one tick into one commit. */
export type WriteDeps = { store: Pick<RunStore, 'append'>; clock: Clock; worker: WorkerId; halted: AbortSignal };

export type Commit = {
  events: readonly RunEvent[];
  /** Inbox rows that these events journal. */
  consumed?: readonly number[];
  companion?: AppendRequest['companion'];
  /** Gives the lease back in the same commit. */
  release?: { runnableAtMs: number | null };
};

/** Appends events and nothing with them; see `commit`. */
export function write(deps: WriteDeps, held: HeldRun, events: readonly RunEvent[]): Promise<boolean> {
  return commit(deps, held, { events });
}

/**
 * Appends, and folds what was stored. False when the worker is through with the run (`over` says why), and nothing may be done for it
 * any more; or when a budget refused it (`refused` says which), and nothing was written. Tried again while the store is away, since a result that was paid for must not be dropped.
 */
export async function commit(deps: WriteDeps, held: HeldRun, { events, consumed, companion, release }: Commit): Promise<boolean> {
  if (held.over !== null) return false;
  let shown = held.shown;
  const spend = spendOf(held.row, held.state, events);
  const request: AppendRequest = {
    lease: held.hold.lease,
    actor: deps.worker,
    events: events.map((event) => ({ event, effectId: effectOf(event) })),
    patch: (atMs) => {
      shown = patchOf(ahead(atMs, held, events));
      return { ...changedSince(held.shown, shown), ...(release === undefined ? {} : { release }) };
    },
    consumed: consumed ?? [],
    ...(spend === null ? {} : { spend }),
    ...(companion === undefined ? {} : { companion, lockOrder: `${held.row.org}/${held.row.agent}` }),
  };
  const result = await appendPatiently(deps, held, request);
  if (result === null) return false;
  switch (result.ok) {
    case 'appended':
      held.hold.lease = result.lease;
      held.shown = shown;
      held.state = result.entries.reduce(fold, held.state);
      held.warned = [...held.warned, ...result.warned];
      return true;
    case 'stale':
      held.over = { why: 'lost' };
      held.hold.lost.abort();
      return false;
    case 'over_budget':
      held.refused = { refusal: result.refusal, room: result.room };
      return false;
    case 'refused':
      held.over = { why: 'refused', cause: result.cause };
      return false;
  }
}

async function appendPatiently(deps: WriteDeps, held: HeldRun, request: AppendRequest): Promise<AppendResult | null> {
  const untilMs = deps.clock.nowMs() + DRIVE_LIMITS.appendRetryForMs;
  for (let delayMs: number = DRIVE_LIMITS.appendRetryFirstMs; ; delayMs = Math.min(delayMs * 2, DRIVE_LIMITS.appendRetryMostMs)) {
    try {
      const [result] = await deps.store.append([request]);
      invariant(result !== undefined, 'an append has an answer');
      return result;
    } catch {
      // certainly not written: the fence still tells, when the store is back, whether it may be
      if (deps.halted.aborted || held.hold.lost.signal.aborted || deps.clock.nowMs() >= untilMs) {
        held.over = { why: 'unavailable' };
        return null;
      }
      await deps.clock.sleep(delayMs, deps.halted);
    }
  }
}

/** The state as it will be: the projection is written in the same statement as the entries it reflects. */
function ahead(atMs: number, held: HeldRun, events: readonly RunEvent[]): RunState {
  const { lease } = held.hold;
  return events.reduce((state, event, index) => {
    const entry: Entry = {
      org: lease.org,
      stream: lease.run,
      seq: lease.headSeq + index + 1,
      position: 0,
      atMs,
      version: 0,
      actor: '',
      effectId: null,
      fence: lease.fence,
      prevHash: '',
      hash: '',
      event,
    };
    return fold(state, entry);
  }, held.state);
}

/** Whether the journal could go on with these entries. */
export function follows(held: HeldRun, events: readonly RunEvent[]): boolean {
  try {
    ahead(0, held, events);
    return true;
  } catch {
    return false; // the fold names what is wrong with it; the caller knows where it came from
  }
}

/** What an entry is about, so that intent, outcome and question of one effect are found together. */
function effectOf(event: RunEvent): string | null {
  if ('callId' in event && event.callId !== undefined) return event.callId;
  return event.type.startsWith('model.') && 'turn' in event ? `turn_${event.turn}` : null;
}

/** Whether an effect may be begun now: the lease is ours and stays so long enough to say what came of it. */
export function mayAct(clock: Clock, held: HeldRun): boolean {
  return held.over === null && !held.hold.lost.signal.aborted && clock.nowMs() + DRIVE_LIMITS.leaseMarginMs < held.hold.validUntilMs;
}
