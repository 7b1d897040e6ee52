/**
 * Use cases of approvals: asked by a run's commit, answered by a person, expired by time. An answer is a row and a row of the
 * run's inbox in one transaction; the run's holder journals it, or a worker that takes the run up for it.
 */
import { AppError } from '../../kernel/errors.ts';
import type { Entry, EventOf, RunEvent } from '../../kernel/events.ts';
import type { ActorId, OrgId, RunId } from '../../kernel/ids.ts';
import { isId } from '../../kernel/ids.ts';
import type { Caller, Handlers } from '../../kernel/operation.ts';
import { decodeCursor, encodeCursor } from '../../kernel/page.ts';
import type { Database, Tx } from '../../storage/database.ts';
import type { Principal } from '../identity/principal.ts';
import { byOf } from '../identity/principal.ts';
import type { Answer, Cause } from './approval.ts';
import { refuseMalformed, storyOf, whyNotAnswer } from './approval.ts';
import type { ApprovalDetail, ApprovalView, approvalOperations } from './contract.ts';
import type { ApprovalRow, NewApproval } from './store.ts';
import * as store from './store.ts';

/** Ports to the runs that ask. */
export type AskingRuns = {
  /** False when the run has ended. */
  putInbox(tx: Tx, item: { org: OrgId; run: RunId; kind: 'answer' | 'expired' | 'note'; event: RunEvent; actor: ActorId }): Promise<boolean>;
  /** In order from `afterSeq` (exclusive), at most `limit`. */
  readEntries(org: OrgId, run: RunId, range: { afterSeq: number; limit: number }): Promise<Entry[]>;
  /** Tells the engine, after the commit. Only a hint. */
  wake(org: OrgId, run: RunId): void;
  /** Continues an ended run as a new one. */
  retry(caller: Caller<Principal>, run: RunId): Promise<{ id: string }>;
};

export type ApprovalsDeps = { db: Database; runs: AskingRuns };

export type Approvals = {
  handlers: Handlers<Principal, typeof approvalOperations>;
  /** In the commit of `approval.asked`, as a worker. */
  ask: (tx: Tx, row: NewApproval) => Promise<void>;
  /** In the commit of a run's end: nobody needs to answer any more. */
  withdraw: (tx: Tx, org: OrgId, run: RunId) => Promise<void>;
  /** Expires what is overdue and tells the runs; answers how many. For a timer: every few seconds, by every process. */
  expireDue: () => Promise<number>;
};

/** Entries before a question that are looked at for its story. */
const STORY_ENTRIES = 60;
/** Questions expired by one sweep; the next one goes on. */
const SWEEP_MAX = 100;

export function createApprovals(deps: ApprovalsDeps): Approvals {
  return {
    handlers: {
      list: ({ principal }, input) => listApprovals(deps, principal, input),
      get: (caller, { id }) => showApproval(deps, caller, id),
      answer: (caller, { id, hash, ...answer }) => giveAnswer(deps, caller, { id, hash, answer }),
      askAgain: (caller, { id }) => askAgain(deps, caller, id),
    },
    ask: (tx, row) => store.insertApproval(tx, row),
    withdraw: (tx, org, run) => store.withdrawOfRun(tx, org, run),
    async expireDue() {
      const overdue = await store.findOverdue(deps.db, SWEEP_MAX);
      let expired = 0;
      for (const { org, id } of overdue) if (await expire(deps, org, id)) expired += 1;
      return expired;
    },
  };
}

async function listApprovals(
  deps: ApprovalsDeps,
  principal: Principal,
  input: { state: ApprovalView['state']; run?: string | undefined; cursor?: string | undefined; limit: number },
): Promise<{ items: ApprovalView[]; shown: number; total: { kind: 'exact'; value: number }; next: string | null }> {
  const [after = null] = input.cursor === undefined ? [] : (decodeCursor(input.cursor) ?? [0]);
  if (after !== null && typeof after !== 'string')
    throw new AppError('invalid_input', 'This cursor is not one of ours.', { next: 'Use `next` of the page before, or none.' });
  const page = { state: input.state, run: input.run ?? null, after, limit: input.limit + 1 };
  const found = await deps.db.asOrg(principal.org, (tx) => store.listApprovals(tx, principal.org, page));
  const items = found.rows.slice(0, input.limit);
  const next = found.rows.length > input.limit ? encodeCursor([items.at(-1)?.id ?? '']) : null;
  return { items: items.map(viewOf), shown: items.length, total: { kind: 'exact', value: found.total }, next };
}

async function showApproval(deps: ApprovalsDeps, caller: Caller<Principal>, id: string): Promise<ApprovalDetail> {
  const { org } = caller.principal;
  const row = await find(deps, org, id);
  const cause = await causeOf(deps, org, row);
  const afterSeq = Math.max(0, row.afterSeq - STORY_ENTRIES);
  const story = await deps.runs.readEntries(org, row.runId, { afterSeq, limit: row.afterSeq - afterSeq });
  const whyNotYou = whyNotAnswer(caller.principal, { kind: row.kind, cause, surface: caller.surface });
  return { ...viewOf(row), tier: cause.tier, startedBy: cause.by, trigger: cause.trigger, story: storyOf(story), whyNotYou };
}

type Given = { id: string; hash: string; answer: Answer };
/** What became of an answer inside its transaction; a refusal that leaves a trace is thrown only after the commit. */
type Outcome = { done: 'answered' } | { done: 'expired' } | { done: 'withdrawn' };

async function giveAnswer(deps: ApprovalsDeps, caller: Caller<Principal>, given: Given): Promise<ApprovalView> {
  const { principal } = caller;
  const { org } = principal;
  const seen = await find(deps, org, given.id);
  const cause = await causeOf(deps, org, seen);
  const why = whyNotAnswer(principal, { kind: seen.kind, cause, surface: caller.surface });
  if (why !== null)
    throw new AppError('denied', `You may not answer this: ${why}.`, { next: "Let another person answer, with that person's own key." });
  refuseMalformed(seen.kind, given.answer);
  const outcome = await deps.db.asOrg(org, async (tx): Promise<Outcome> => {
    const row = await store.lockApproval(tx, org, given.id);
    if (row === null) throw unknownApproval(given.id);
    if (row.state !== 'expired') refuseSettled(row);
    if (row.hash !== given.hash) {
      throw new AppError('precondition_failed', 'This is not the action you were shown: tool, arguments, target or rules differ.', {
        next: 'Look at the question again and answer that.',
      });
    }
    if (row.state === 'expired') return (await expireIn(deps, tx, { org, row })) === 'run ended' ? { done: 'withdrawn' } : { done: 'expired' };
    const event = answeredEvent(row, principal, given.answer);
    const taken = await deps.runs.putInbox(tx, { org, run: row.runId, kind: 'answer', event, actor: principal.actor });
    if (!taken) {
      await store.markWithdrawn(tx, org, row.id);
      return { done: 'withdrawn' };
    }
    await store.writeAnswer(tx, org, { ...given.answer, id: row.id, by: event.by });
    return { done: 'answered' };
  });
  deps.runs.wake(org, seen.runId);
  const now = await find(deps, org, given.id);
  if (outcome.done !== 'answered') refuseSettled({ ...now, state: outcome.done });
  return viewOf(now);
}

function answeredEvent(row: ApprovalRow, principal: Principal, answer: Answer): EventOf<'approval.answered'> {
  return {
    type: 'approval.answered',
    approvalId: row.id,
    callId: row.callId,
    answer: answer.answer,
    ...(answer.args === undefined ? {} : { args: answer.args as EventOf<'approval.asked'>['args'] }),
    text: answer.text,
    hash: row.hash,
    by: byOf(principal),
  };
}

/** Its time is over: the row says so and the run hears of it, once. */
async function expireIn(
  deps: ApprovalsDeps,
  tx: Tx,
  { org, row }: { org: OrgId; row: ApprovalRow },
): Promise<'expired' | 'was expired' | 'run ended'> {
  if (!(await store.markExpired(tx, org, row.id))) return 'was expired';
  const event = { type: 'approval.expired', approvalId: row.id, callId: row.callId, onExpiry: row.onExpiry } as const;
  const told = await deps.runs.putInbox(tx, { org, run: row.runId, kind: 'expired', event, actor: SYSTEM_ACTOR });
  return told ? 'expired' : 'run ended';
}

/** Who is recorded for what only time did. */
const SYSTEM_ACTOR = 'system' as ActorId;

async function expire(deps: ApprovalsDeps, org: OrgId, id: string): Promise<boolean> {
  const row = await deps.db.asOrg(org, async (tx) => {
    const found = await store.lockApproval(tx, org, id);
    // answered or expired between the look and the lock
    if (found === null || found.state !== 'expired') return null;
    return (await expireIn(deps, tx, { org, row: found })) === 'was expired' ? null : found;
  });
  if (row !== null) deps.runs.wake(org, row.runId);
  return row !== null;
}

async function askAgain(deps: ApprovalsDeps, caller: Caller<Principal>, id: string): Promise<{ run: string; message: string }> {
  const { principal } = caller;
  const row = await find(deps, principal.org, id);
  if (row.state !== 'expired') {
    throw new AppError('conflict', `This question is ${row.state}; only an expired one is asked again.`, {
      next: row.state === 'open' ? 'Answer it.' : 'Look at its run.',
    });
  }
  await expire(deps, principal.org, id);
  const text = `Nobody answered in time whether ${row.tool} may go on. ${principal.name} lets it be asked again: call it again if it is still needed.`;
  const live = await deps.db.asOrg(principal.org, (tx) =>
    deps.runs.putInbox(tx, {
      org: principal.org,
      run: row.runId,
      kind: 'note',
      event: { type: 'note', text, by: byOf(principal) },
      actor: principal.actor,
    }),
  );
  if (live) {
    deps.runs.wake(principal.org, row.runId);
    return { run: row.run, message: 'The run goes on and was told to ask again if it still needs to.' };
  }
  const { id: run } = await deps.runs.retry(caller, row.runId);
  return { run, message: `The run had ended; ${run} continues it and will ask again.` };
}

async function find(deps: ApprovalsDeps, org: OrgId, id: string): Promise<ApprovalRow> {
  const row = isId('apr', id) ? await deps.db.asOrg(org, (tx) => store.getApproval(tx, org, id)) : null;
  if (row === null) throw unknownApproval(id);
  return row;
}

/** The tree's first run says who started it, the asking run its tier. @throws AppError `denied`: without a cause nobody can be let through. */
async function causeOf(deps: ApprovalsDeps, org: OrgId, row: ApprovalRow): Promise<Cause> {
  const first = async (run: RunId): Promise<EventOf<'run.queued'>> => {
    const [entry] = await deps.runs.readEntries(org, run, { afterSeq: 0, limit: 1 });
    if (entry?.event?.type === 'run.queued') return entry.event;
    throw new AppError('denied', 'Who started this run can no longer be read, so nobody may answer for it.', {
      next: 'Cancel the run and start it again.',
    });
  };
  const own = await first(row.runId);
  const root = row.root === row.runId ? own : await first(row.root);
  return { by: root.by, trigger: root.trigger, tier: own.plan.tier };
}

/** @throws AppError `conflict` for a question that no longer stands. */
function refuseSettled(row: ApprovalRow): void {
  if (row.state === 'open') return;
  if (row.state === 'answered') {
    throw new AppError('conflict', `${row.answer?.by.name ?? 'Somebody'} has answered this already: ${row.answer?.answer ?? ''}.`, {
      next: 'An answer counts once; look at the run.',
    });
  }
  if (row.state === 'withdrawn') throw new AppError('conflict', 'The run has ended, so nobody needs to answer.', { next: 'Look at the run.' });
  throw new AppError('conflict', 'This question has expired.', { next: `Have it asked again: POST /api/v1/approvals/${row.id}/ask-again` });
}

function unknownApproval(id: string): AppError {
  return new AppError('not_found', `There is no approval ${id.slice(0, 60)}.`, { next: 'List what is open: GET /api/v1/approvals' });
}

function viewOf(row: ApprovalRow): ApprovalView {
  const { runId: _run, root: _root, callId: _call, afterSeq: _after, ...view } = row;
  return view;
}
