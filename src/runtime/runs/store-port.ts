/**
 * The narrow port between the run machinery and its store: PostgreSQL in `store.ts`, a model in memory for the simulation.
 * One conformance suite holds both to the same behaviour. Everything durable about runs passes through these functions.
 * Every time is in milliseconds of the store's clock (the database's, see `storage/database-clock.ts`), not the process's.
 */
import type { Cost, Entry, EventOf, Purpose, RunEvent, Trigger } from '../../kernel/events.ts';
import type { ActorId, AgentId, ApprovalId, CorrelationId, OrgId, ProjectId, RunId, ScheduleId, WorkerId } from '../../kernel/ids.ts';
import type { Usage } from '../../kernel/messages.ts';
import type { RunStatus, WaitingFor } from '../../kernel/run-status.ts';
import type { BudgetRefusal } from '../../platform/budgets/budget.ts';
import type { BudgetWarning, Room, SpendOp } from '../../platform/budgets/spend.ts';

/** A transaction of the store: opaque here, a database's transaction in `store.ts`. */
export type StoreTx = { readonly transaction: unique symbol } | object;

export type Priority = 'low' | 'normal' | 'high';

/** The projection row of a run; rebuilt from its journal and compared by a test. */
export type RunRow = {
  org: OrgId;
  id: RunId;
  project: ProjectId | null;
  agent: AgentId;
  agentName: string;
  agentVersion: number;
  status: RunStatus;
  waitingFor: WaitingFor | null;
  /** One sentence: why it waits or how it ended. */
  reason: string;
  purpose: Purpose;
  trigger: Trigger;
  schedule: ScheduleId | null;
  parent: RunId | null;
  /** The topmost run of the tree: itself when it has no parent. */
  root: RunId;
  depth: number;
  origin: { run: RunId; seq: number; hash: string } | null;
  lane: string | null;
  pool: string | null;
  priority: Priority;
  /** When a worker may next take it: null while only an inbox row can wake it. */
  runnableAtMs: number | null;
  deadlineMs: number | null;
  actor: ActorId;
  correlation: CorrelationId;
  createdAtMs: number;
  startedAtMs: number | null;
  endedAtMs: number | null;
  rehearsed: boolean;
  phase: string | null;
  percent: number | null;
  turns: number;
  toolCalls: number;
  usage: Usage;
  cost: Cost;
  headSeq: number;
  headHash: string;
  fence: number;
  rules: number;
};

export type NewRun = Pick<
  RunRow,
  | 'org'
  | 'id'
  | 'project'
  | 'agent'
  | 'agentName'
  | 'agentVersion'
  | 'schedule'
  | 'parent'
  | 'root'
  | 'depth'
  | 'lane'
  | 'pool'
  | 'priority'
  | 'deadlineMs'
  | 'actor'
  | 'correlation'
> & {
  /** First entry of the journal; carries purpose, trigger, plan, input, origin. */
  queued: EventOf<'run.queued'>;
  notBeforeMs: number | null;
};

/** What a worker holds. Every write of the run carries `fence`; an older number is refused by the store, alone. */
export type Lease = { org: OrgId; run: RunId; fence: number; headSeq: number; headHash: string; untilMs: number; attempt: number };

export type InboxKind = 'cancel' | 'pause' | 'resume' | 'answer' | 'note' | 'grant' | 'switch' | 'child_ended' | 'expired';
/** `event` is the journal entry the holder appends for it, complete but for what only the holder knows. */
export type InboxItem = { id: number; org: OrgId; run: RunId; kind: InboxKind; event: RunEvent; actor: ActorId };

/** Fields of the projection that an append changes in the same commit. */
export type RunPatch = Partial<
  Pick<
    RunRow,
    'status' | 'waitingFor' | 'reason' | 'startedAtMs' | 'endedAtMs' | 'rehearsed' | 'phase' | 'percent' | 'turns' | 'toolCalls' | 'usage' | 'cost'
  >
> & {
  /** Gives the lease back: next runnable at that time, null for "only the inbox wakes it". An unconsumed inbox row makes it runnable at once. */
  release?: { runnableAtMs: number | null };
};

export type AppendRequest = {
  lease: Lease;
  actor: string;
  events: readonly { event: RunEvent; effectId: string | null }[];
  /** What depends on when the entries are written is told by a function of that time. */
  patch: RunPatch | ((atMs: number) => RunPatch);
  /** Inbox rows these events journal: marked consumed in the same commit, exactly once. */
  consumed: readonly number[];
  /** What it takes from budgets or settles; a refusal writes nothing of this request. */
  spend?: SpendOp;
  /** Writes that must commit with it or not at all (approval rows, agent's failure count, a child run). */
  companion?: (tx: StoreTx) => Promise<void>;
  /** Of what the companion locks beyond its own run: companions of one batch run in this order, so that two batches never wait for each other. */
  lockOrder?: string;
};

/**
 * `appended`: durable, with the entries as stored and the lease's new head. `stale`: fence or head did not match, nothing
 * was written for this request. `over_budget`: a budget refuses what it would reserve, and nothing was written either. `refused`: its
 * payload or companion failed, only this request is lost, with the cause. `warned`: budgets that it took beyond 80%.
 */
export type AppendResult =
  | { ok: 'appended'; entries: Entry[]; lease: Lease; warned: readonly BudgetWarning[] }
  | { ok: 'stale' }
  | { ok: 'over_budget'; refusal: BudgetRefusal; room: Room }
  | { ok: 'refused'; cause: unknown };

export type ClaimRequest = {
  worker: WorkerId;
  leaseMs: number;
  limit: number;
  pools: readonly string[];
  /** Only this run, when the engine wakes one by id. */
  only?: { org: OrgId; run: RunId };
};

export type RunStore = {
  transaction<T>(org: OrgId, work: (tx: StoreTx) => Promise<T>): Promise<T>;
  /** Inserts the projection and the first journal entry. */
  createRun(tx: StoreTx, run: NewRun): Promise<void>;
  /** A row for the holder, and the run made runnable, in the caller's transaction. False when the run has ended. */
  putInbox(tx: StoreTx, item: Omit<InboxItem, 'id'>): Promise<boolean>;
  readInbox(org: OrgId, run: RunId): Promise<InboxItem[]>;
  /**
   * Takes leases on due runs (runnable, or held by a worker whose lease ran out) and raises their fence: by fair share between
   * orgs, then priority, then age; never beyond the limits of agent or org; a lane's runs one after the other.
   */
  claim(request: ClaimRequest): Promise<Lease[]>;
  /** Prolongs what this worker holds; answers the runs whose lease is lost. */
  heartbeat(worker: WorkerId, leases: readonly Lease[], leaseMs: number): Promise<RunId[]>;
  /** Gives a lease back without a word in the journal (graceful stop): runnable at once. A stale lease is ignored. */
  release(lease: Lease): Promise<void>;
  /** All requests of one tick in one commit; answers in the same order. Rejects only when the commit's outcome is known to be none. */
  append(requests: readonly AppendRequest[]): Promise<AppendResult[]>;
  /** In order from `afterSeq` (exclusive), at most `limit`. */
  readEntries(org: OrgId, run: RunId, range: { afterSeq: number; limit: number }): Promise<Entry[]>;
  getRun(org: OrgId, run: RunId): Promise<RunRow | null>;
  /**
   * The earliest time after this store's last claim at which a run becomes due, for the engine's timer; null when none.
   * What was due before that claim and was left (limits, full lanes) is freed by an end or a release, not by time.
   */
  nextDueMs(): Promise<number | null>;
};

export type { ApprovalId };
