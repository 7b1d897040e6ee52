/**
 * New runs made from old ones: retry and fork go on from a prefix by reference, a rerun starts afresh (spec RUN-6). What may
 * be kept is decided by `fork-plan.ts`; here the run is created.
 */
import { AppError } from '../../kernel/errors.ts';
import { RULES_VERSION, type By, type Entry, type EventOf, type Purpose } from '../../kernel/events.ts';
import { type ActorId, type CorrelationId, type Ids, type OrgId, type RunId } from '../../kernel/ids.ts';
import type { Role } from '../../platform/identity/contract.ts';
import { DRIVE_LIMITS } from './drive-limits.ts';
import { planFork, planRetry, type ForkChanges, type Source } from './fork-plan.ts';
import { loadState, readJournal } from './load-run.ts';
import { earlierRun } from './request-store.ts';
import { databaseTx } from './store.ts';
import type { NewRun, RunRow, RunStore } from './store-port.ts';

export type ContinueDeps = {
  store: Pick<RunStore, 'transaction' | 'createRun' | 'readEntries' | 'getRun'>;
  ids: Ids;
  /** Tells the engine of a run that was committed. */
  wake(org: OrgId, run: RunId): void;
  /** @throws AppError `agent_halted` when the agent takes no runs now, `denied` when it is not open to `who`. */
  mayRun(org: OrgId, agentName: string, who: Requester): Promise<void>;
};

/** For "who may use it" of a definition. */
export type Requester = { actor: ActorId; name: string; role: Role; channel: null };
/** Whose wish it is, and how it came; `request` names it where it may come again. */
export type Wish = {
  org: OrgId;
  run: RunId;
  by: By;
  actor: ActorId;
  role: Role;
  trigger: 'manual' | 'mcp';
  correlation: CorrelationId;
  request?: string | undefined;
};

type Given = Pick<EventOf<'run.queued'>, 'plan' | 'input' | 'labels' | 'origin'> & { purpose: Purpose };

export async function retryRun(deps: ContinueDeps, wish: Wish): Promise<RunId> {
  const { row, source } = await loadSource(deps, wish);
  return createFrom(deps, { wish, row, given: { ...planRetry(source), purpose: row.purpose } });
}

export async function forkRun(deps: ContinueDeps, wish: Wish, changes: ForkChanges & { seq: number }): Promise<RunId> {
  const { row, source } = await loadSource(deps, wish);
  return createFrom(deps, { wish, row, given: { ...planFork(source, changes.seq, changes), purpose: 'fork' } });
}

export async function rerunRun(deps: ContinueDeps, wish: Wish): Promise<RunId> {
  const row = await existingRun(deps.store, wish);
  const queued = (await deps.store.readEntries(wish.org, wish.run, { afterSeq: 0, limit: 1 }))[0]?.event;
  if (queued?.type !== 'run.queued') {
    throw new AppError('conflict', `What run ${wish.run} was told to do was deleted.`, { next: 'Start a new run of its agent.' });
  }
  return createFrom(deps, {
    wish,
    row,
    given: { plan: queued.plan, input: queued.input, labels: queued.labels, origin: null, purpose: row.purpose },
  });
}

/** A run's own entries and, for a fork, the state it began with. @throws AppError `conflict` when it is too long to be held at once. */
export async function loadSource(deps: Pick<ContinueDeps, 'store'>, at: { org: OrgId; run: RunId }): Promise<{ row: RunRow; source: Source }> {
  const row = await existingRun(deps.store, at);
  const entries: Entry[] = await readJournal(deps.store, at);
  if (entries.length < row.headSeq && entries.length >= DRIVE_LIMITS.transcriptEntries) {
    throw new AppError('conflict', `Run ${at.run} has ${row.headSeq} entries, more than can be gone through at once.`, { next: 'Rerun it.' });
  }
  if (row.origin === null) return { row, source: { entries } };
  return { row, source: { entries, from: await loadState(deps.store, { org: at.org, run: row.origin.run, untilSeq: row.origin.seq }) } };
}

/** @throws AppError `not_found`, the same for a run of another organization. */
export async function existingRun(store: Pick<RunStore, 'getRun'>, { org, run }: { org: OrgId; run: RunId }): Promise<RunRow> {
  const row = await store.getRun(org, run);
  if (row === null) throw new AppError('not_found', `There is no run ${run}.`, { next: 'List runs: windlass runs' });
  return row;
}

async function createFrom(deps: ContinueDeps, { wish, row, given }: { wish: Wish; row: RunRow; given: Given }): Promise<RunId> {
  const { org } = wish;
  await deps.mayRun(org, row.agentName, { actor: wish.actor, name: wish.by.name, role: wish.role, channel: null });
  const id = deps.ids.next('run');
  const run: NewRun = {
    org,
    id,
    project: row.project,
    agent: row.agent,
    agentName: row.agentName,
    agentVersion: row.agentVersion,
    pool: row.pool,
    priority: row.priority,
    schedule: null,
    parent: null,
    root: id,
    depth: 0,
    lane: null,
    deadlineMs: null,
    actor: wish.actor,
    correlation: wish.correlation,
    notBeforeMs: null,
    queued: {
      type: 'run.queued',
      ...given,
      trigger: wish.trigger,
      parent: null,
      by: wish.by,
      correlationId: wish.correlation,
      rules: RULES_VERSION,
      deadlineMs: null,
    },
  };
  const made = await deps.store.transaction(org, async (tx) => {
    const earlier = wish.request === undefined ? null : await earlierRun(databaseTx(tx), org, { request: wish.request, run: id });
    if (earlier === null) await deps.store.createRun(tx, run);
    return earlier?.id ?? id;
  });
  deps.wake(org, made);
  return made;
}
