/**
 * A model of `RunStore` in memory: the reference that the conformance suite holds PostgreSQL to, and what the simulation
 * runs on. Writes of a transaction are kept back until its commit, so a failing one leaves no trace.
 */
import { firstEntryOf } from '../../src/runtime/runs/projection.ts';
import { AppError } from '../../src/kernel/errors.ts';
import { EVENT_VERSION } from '../../src/kernel/events.ts';
import type { Entry, RunEvent } from '../../src/kernel/events.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import type { OrgId, RandomBytes, RunId } from '../../src/kernel/ids.ts';
import { NO_USAGE } from '../../src/kernel/messages.ts';
import { isFinal } from '../../src/kernel/run-status.ts';
import type {
  AppendRequest,
  AppendResult,
  ClaimRequest,
  InboxItem,
  Lease,
  NewRun,
  RunPatch,
  RunRow,
  RunStore,
} from '../../src/runtime/runs/store-port.ts';
import { createBudgetModel, type BudgetModel } from './budget-model.ts';
import { NO_HASH, sealEntries } from '../../src/storage/journal.ts';
import type { SealedEntry } from '../../src/storage/journal.ts';

export type CommitKind = 'transaction' | 'append' | 'claim' | 'heartbeat' | 'release';
/**
 * What becomes of a commit. `fail`: refused, known to have written nothing. `lost`: the connection broke before it.
 * `unknown`: it was made and the answer was lost. The store settles `lost` and `unknown` of an append by itself.
 */
export type CommitFate = 'commit' | 'fail' | 'lost' | 'unknown';

export type MemoryTx = {
  /** Applied at the commit of this transaction, in order; for models of what commits together with a run. */
  onCommit(apply: () => void): void;
  readonly created: Map<string, Held>;
};

/** A row as the store keeps it: the projection and what only claiming needs. */
export type Held = RunRow & { number: number; worker: string | null; leaseUntilMs: number | null };

export type MemoryStore = RunStore & {
  readonly budgets: BudgetModel;
  setLimit(limit: { org: OrgId; scope: 'org' | 'agent'; id: string; max: number | null }): void;
  /** All sealed entries of a stream, to verify the chain. */
  sealed(org: OrgId, run: RunId): SealedEntry[];
  runs(): Held[];
  /** The commit hook may also wait, in order to delay a commit. */
  setFate(hook: (kind: CommitKind) => CommitFate | Promise<CommitFate>): void;
};

const PRIORITY_RANK = { high: 0, normal: 1, low: 2 } as const;

const keyOf = (org: string, run: string): string => `${org}/${run}`;

export function createMemoryStore(deps: { clock: Clock; randomBytes: RandomBytes }): MemoryStore {
  const runs = new Map<string, Held>();
  const journal = new Map<string, { entry: Entry; sealed: SealedEntry }[]>();
  const inbox = new Map<number, InboxItem>();
  const limits = new Map<string, number>();
  const budgets = createBudgetModel({ agentsAbove: (org, run) => agentsAbove(runs, org, run) });
  let fate: (kind: CommitKind) => CommitFate | Promise<CommitFate> = () => 'commit';
  let numbers = 0;
  let positions = 0;
  let inboxIds = 0;
  let claimedAtMs = 0;
  const now = (): number => deps.clock.nowMs();

  const beginTx = (): { tx: MemoryTx; applies: (() => void)[] } => {
    const applies: (() => void)[] = [];
    return { tx: { onCommit: (apply) => void applies.push(apply), created: new Map() }, applies };
  };

  /** Runs `apply` as one commit, as the fault hook has it. */
  const commit = async <T>(kind: CommitKind, apply: () => T): Promise<T> => {
    const outcome = await fate(kind);
    if (outcome === 'fail' || outcome === 'lost') throw new AppError('unavailable', 'The store did not commit.');
    const value = apply();
    if (outcome === 'unknown') throw new AppError('unavailable', 'The store went away while it committed.');
    return value;
  };

  const write = (row: Held, actor: string, drafts: readonly { event: RunEvent; effectId: string | null }[]): Entry[] => {
    const head = { seq: row.headSeq, hash: row.headHash };
    const context = {
      org: row.org,
      stream: row.id,
      head,
      fence: row.fence,
      actor,
      version: EVENT_VERSION,
      atMs: now(),
      randomBytes: deps.randomBytes,
    };
    const sealed = sealEntries(
      context,
      drafts.map(({ event, effectId }) => ({ payload: event, effectId })),
    );
    const stored = sealed.map((entry, index) => {
      const draft = drafts[index];
      if (draft === undefined || entry.payload === null) throw new AppError('internal', 'An entry was sealed without its draft.');
      positions += 1;
      const { org, stream, seq, atMs, version, effectId, fence, prevHash, hash } = entry;
      return {
        sealed: entry,
        entry: {
          org,
          stream,
          seq,
          position: positions,
          atMs,
          version,
          actor,
          effectId,
          fence,
          prevHash,
          hash,
          event: JSON.parse(entry.payload) as RunEvent,
        },
      };
    });
    const list = journal.get(keyOf(row.org, row.id)) ?? [];
    journal.set(keyOf(row.org, row.id), [...list, ...stored]);
    const last = sealed.at(-1);
    if (last !== undefined) Object.assign(row, { headSeq: last.seq, headHash: last.hash });
    return stored.map(({ entry }) => entry);
  };

  const matching = (lease: Lease): Held | undefined => {
    const row = runs.get(keyOf(lease.org, lease.run));
    return row !== undefined && row.fence === lease.fence && row.headSeq === lease.headSeq ? row : undefined;
  };
  const consumable = (request: AppendRequest): boolean =>
    request.consumed.every((id) => {
      const item = inbox.get(id);
      return item !== undefined && item.org === request.lease.org && item.run === request.lease.run;
    });

  const applyRequest = (request: AppendRequest, companion: readonly (() => void)[]): AppendResult => {
    const row = matching(request.lease);
    if (row === undefined || !consumable(request)) return { ok: 'stale' };
    const verdict = request.spend === undefined ? undefined : budgets.apply([request.spend], now()).get(0);
    const over = verdict?.refused ?? null;
    if (over !== null) return { ok: 'over_budget', ...over };
    let entries: Entry[];
    try {
      entries = write(row, request.actor, request.events);
    } catch (error) {
      return { ok: 'refused', cause: error }; // what cannot be sealed harms its own run only
    }
    for (const apply of companion) apply();
    applyPatch(row, typeof request.patch === 'function' ? request.patch(now()) : request.patch);
    for (const id of request.consumed) inbox.delete(id);
    return { ok: 'appended', entries, warned: verdict?.warned ?? [], lease: { ...request.lease, headSeq: row.headSeq, headHash: row.headHash } };
  };

  return {
    async transaction(_org, work) {
      const { tx, applies } = beginTx();
      const value = await work(tx);
      await commit('transaction', () => applies.forEach((apply) => apply()));
      return value;
    },
    async createRun(tx, run) {
      const held = newRow(run, now());
      const mine = tx as MemoryTx;
      mine.created.set(keyOf(run.org, run.id), held);
      mine.onCommit(() => {
        numbers += 1;
        held.number = numbers;
        runs.set(keyOf(run.org, run.id), held);
        write(held, run.actor, [{ event: firstEntryOf(run), effectId: null }]);
      });
    },
    async putInbox(tx, item) {
      const mine = tx as MemoryTx;
      const row = runs.get(keyOf(item.org, item.run)) ?? mine.created.get(keyOf(item.org, item.run));
      if (row === undefined || isFinal(row.status)) return false;
      mine.onCommit(() => {
        inboxIds += 1;
        inbox.set(inboxIds, { ...item, id: inboxIds });
      });
      return true;
    },
    async readInbox(org, run) {
      return [...inbox.values()].filter((item) => item.org === org && item.run === run);
    },
    async claim(request) {
      return commit('claim', () => {
        if (request.only === undefined) claimedAtMs = now();
        const waiting = new Set([...inbox.values()].map((item) => keyOf(item.org, item.run)));
        for (const row of runs.values()) {
          const woken = row.worker === null && !isFinal(row.status) && waiting.has(keyOf(row.org, row.id));
          if (woken) row.runnableAtMs = Math.min(row.runnableAtMs ?? Infinity, now());
        }
        return pick({ rows: [...runs.values()], limits, nowMs: now() }, request).map((row): Lease => {
          row.fence += 1;
          row.worker = request.worker;
          row.leaseUntilMs = now() + request.leaseMs;
          return {
            org: row.org,
            run: row.id,
            fence: row.fence,
            headSeq: row.headSeq,
            headHash: row.headHash,
            untilMs: row.leaseUntilMs,
            attempt: row.fence,
          };
        });
      });
    },
    async heartbeat(worker, leases, leaseMs) {
      return commit('heartbeat', () =>
        leases.flatMap((lease) => {
          const row = runs.get(keyOf(lease.org, lease.run));
          const holds = row !== undefined && row.fence === lease.fence && row.worker === worker && (row.leaseUntilMs ?? 0) > now();
          if (holds) row.leaseUntilMs = now() + leaseMs;
          return holds ? [] : [lease.run];
        }),
      );
    },
    async release(lease) {
      await commit('release', () => {
        const row = runs.get(keyOf(lease.org, lease.run));
        if (row === undefined || row.fence !== lease.fence || row.worker === null) return;
        Object.assign(row, { worker: null, leaseUntilMs: null, runnableAtMs: now() });
      });
    },
    async append(requests) {
      const prepared: { request: AppendRequest; refused: AppendResult | null; applies: readonly (() => void)[] }[] = [];
      for (const request of requests) {
        const { tx, applies } = beginTx();
        let refused: AppendResult | null = null;
        try {
          if (request.companion !== undefined && matching(request.lease) !== undefined) await request.companion(tx);
        } catch (error) {
          refused = { ok: 'refused', cause: error }; // its run alone fails
        }
        prepared.push({ request, refused, applies });
      }
      const outcome = await fate('append');
      if (outcome === 'fail') throw new AppError('unavailable', 'The store did not commit.');
      const carryOut = ({ request, refused, applies }: (typeof prepared)[number]): AppendResult => {
        if (refused !== null) return refused;
        if (outcome !== 'lost') return applyRequest(request, applies);
        // read back and not found: fenced off, so that the lost commit cannot come true later, and free to be taken
        const row = matching(request.lease);
        if (row !== undefined) Object.assign(row, { fence: row.fence + 1, worker: null, leaseUntilMs: null, runnableAtMs: now() });
        return { ok: 'stale' };
      };
      // what settles makes room for what reserves beside it
      const isFirst = ({ spend }: AppendRequest): boolean => spend !== undefined && spend.kind !== 'reserve' && spend.kind !== 'start';
      const results = new Map<AppendRequest, AppendResult>();
      for (const each of prepared.toSorted((a, b) => Number(isFirst(b.request)) - Number(isFirst(a.request))))
        results.set(each.request, carryOut(each));
      return prepared.map(({ request }) => results.get(request) ?? { ok: 'stale' });
    },
    async readEntries(org, run, { afterSeq, limit }) {
      const list = journal.get(keyOf(org, run)) ?? [];
      return list.slice(afterSeq, afterSeq + limit).map(({ entry }) => entry);
    },
    async getRun(org, run) {
      const row = runs.get(keyOf(org, run));
      if (row === undefined) return null;
      const { number: _number, worker: _worker, leaseUntilMs: _until, ...projection } = row;
      return projection;
    },
    async nextDueMs() {
      const due = [...runs.values()].map(dueMs);
      const next = Math.min(...due.filter((ms) => ms > (claimedAtMs || now())));
      return next === Infinity ? null : next;
    },
    setLimit({ org, scope, id, max }) {
      if (max === null) limits.delete(`${scope}/${org}/${id}`);
      else limits.set(`${scope}/${org}/${id}`, max);
    },
    budgets,
    sealed: (org, run) => (journal.get(keyOf(org, run)) ?? []).map(({ sealed }) => sealed),
    runs: () => [...runs.values()],
    setFate(hook) {
      fate = hook;
    },
  };
}

function agentsAbove(runs: ReadonlyMap<string, Held>, org: string, run: string): string[] {
  const parent = runs.get(keyOf(org, run))?.parent ?? null;
  if (parent === null) return [];
  const agent = runs.get(keyOf(org, parent))?.agent;
  return [...(agent === undefined ? [] : [agent]), ...agentsAbove(runs, org, parent)];
}

/** When it may be taken: Infinity for never. */
function dueMs(row: Held): number {
  if (isFinal(row.status)) return Infinity;
  return (row.worker === null ? row.runnableAtMs : row.leaseUntilMs) ?? Infinity;
}

/** A lane's runs go one after the other, in the order they came. */
function isBlocked(row: Held, rows: Iterable<Held>): boolean {
  if (row.lane === null) return false;
  for (const other of rows) {
    if (other.org === row.org && other.lane === row.lane && other.number < row.number && !isFinal(other.status)) return true;
  }
  return false;
}

/** The claim rule itself: fair share between orgs, then priority, then age, within limits, lanes and pools. */
function pick(state: { rows: readonly Held[]; limits: ReadonlyMap<string, number>; nowMs: number }, request: ClaimRequest): Held[] {
  const { rows, limits, nowMs } = state;
  const load = new Map<string, number>();
  const count = (row: Held): void => {
    for (const key of [`org/${row.org}/${row.org}`, `agent/${row.org}/${row.agent}`]) load.set(key, (load.get(key) ?? 0) + 1);
  };
  for (const row of rows) if (row.worker !== null && !isFinal(row.status) && dueMs(row) > nowMs) count(row);
  const hasRoom = (row: Held): boolean =>
    [`org/${row.org}/${row.org}`, `agent/${row.org}/${row.agent}`].every((key) => (load.get(key) ?? 0) < (limits.get(key) ?? Infinity));

  const candidates = rows
    .filter((row) => dueMs(row) <= nowMs && (row.pool === null || request.pools.includes(row.pool)))
    .filter((row) => request.only === undefined || (row.org === request.only.org && row.id === request.only.run))
    .filter((row) => !isBlocked(row, rows))
    .toSorted((a, b) => PRIORITY_RANK[a.priority] - PRIORITY_RANK[b.priority] || dueMs(a) - dueMs(b) || a.number - b.number);
  const taken: Held[] = [];
  while (taken.length < request.limit) {
    const open = candidates.filter((row) => !taken.includes(row) && hasRoom(row));
    const least = Math.min(...open.map((row) => load.get(`org/${row.org}/${row.org}`) ?? 0));
    const next = open.find((row) => (load.get(`org/${row.org}/${row.org}`) ?? 0) === least);
    if (next === undefined) break;
    count(next);
    taken.push(next);
  }
  return taken;
}

function applyPatch(row: Held, patch: RunPatch): void {
  const { release, ...fields } = patch;
  Object.assign(row, fields);
  if (release !== undefined) Object.assign(row, { worker: null, leaseUntilMs: null, runnableAtMs: release.runnableAtMs });
  if (isFinal(row.status)) Object.assign(row, { worker: null, leaseUntilMs: null, runnableAtMs: null });
}

function newRow(run: NewRun, nowMs: number): Held {
  const { queued, notBeforeMs, ...given } = run;
  return {
    ...given,
    status: 'queued',
    waitingFor: null,
    reason: '',
    purpose: queued.purpose,
    trigger: queued.trigger,
    origin: queued.origin === null ? null : { run: queued.origin.run as RunId, seq: queued.origin.seq, hash: queued.origin.hash },
    runnableAtMs: notBeforeMs ?? nowMs,
    createdAtMs: nowMs,
    startedAtMs: null,
    endedAtMs: null,
    rehearsed: false,
    phase: null,
    percent: null,
    turns: 0,
    toolCalls: 0,
    usage: NO_USAGE,
    cost: { microUsd: 0, known: true },
    headSeq: 0,
    headHash: NO_HASH,
    fence: 0,
    rules: queued.rules,
    number: 0,
    worker: null,
    leaseUntilMs: null,
  };
}
