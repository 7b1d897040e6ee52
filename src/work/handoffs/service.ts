/** Use cases of handoffs: proposed from what happened, written with the end of their session, settled in a project's queue. */
import { AppError } from '../../kernel/errors.ts';
import type { Ids, OrgId, ProjectId } from '../../kernel/ids.ts';
import type { Caller, Handlers } from '../../kernel/operation.ts';
import { decodeCursor, encodeCursor } from '../../kernel/page.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Database } from '../../storage/database.ts';
import type { SessionView } from '../sessions/contract.ts';
import type { Sessions } from '../sessions/service.ts';
import type { ReadCommits } from './commits.ts';
import { noCommits } from './commits.ts';
import type { HandoffDetail, HandoffParts, HandoffPayload, HandoffView, Proposal, handoffOperations } from './contract.ts';
import { HANDOFF_LIMITS, HandoffPayload as PayloadSchema } from './contract.ts';
import { draftOf, fileNameOf, renderMarkdown, sealPayload } from './handoff.ts';
import type { WhyNoForge } from '../work-queue/forge-login.ts';
import type { ReadPulls } from './pulls.ts';
import { noPulls } from './pulls.ts';
import type { RunsSince } from './runs.ts';
import * as store from './store.ts';

export type HandoffsDeps = {
  db: Database;
  ids: Ids;
  sessions: Sessions;
  projects: {
    /** By id or code. @throws AppError `not_found` */
    find(org: OrgId, wanted: string): Promise<ProjectId | null>;
    checkoutOf(org: OrgId, project: ProjectId): Promise<string | null>;
    codeOf(org: OrgId, project: ProjectId): Promise<string>;
  };
  readCommits: ReadCommits;
  readPulls: ReadPulls;
  whyNoForge: WhyNoForge;
  runsSince: RunsSince;
};

export type Handoffs = { handlers: Handlers<Principal, typeof handoffOperations> };

const SCHEMA_VERSION = 1;

export function createHandoffs(deps: HandoffsDeps): Handoffs {
  const { db } = deps;
  return {
    handlers: {
      propose: (caller, { id }) => propose(deps, caller, id),
      write: (caller, input) => write(deps, caller, input),
      list: ({ principal }, input) => list(deps, principal.org, input),
      get: ({ principal }, { id }) => db.asOrg(principal.org, async (tx) => detailOf(await find(tx, principal.org, id))),
      take: ({ principal }, { id }) => settle(deps, principal, { id, to: 'taken', reason: '' }),
      dismiss: ({ principal }, { id, reason }) => settle(deps, principal, { id, to: 'dismissed', reason }),
    },
  };
}

async function propose(deps: HandoffsDeps, caller: Caller<Principal>, id: string): Promise<Proposal> {
  const { org } = caller.principal;
  const session = await deps.sessions.handlers.get(caller, { id });
  const view: SessionView = { ...session, claims: [...session.claims] };
  const project = await deps.projects.find(org, view.project);
  if (project === null) throw new AppError('not_found', `There is no project ${view.project}.`);
  const [commits, pulls, runs, notes] = await Promise.all([
    commitsOf(deps, org, { project, view }),
    pullsOf(deps, view),
    deps.runsSince(org, project, view.startedAtMs),
    notesOf(deps, caller.principal, { project, sinceMs: view.startedAtMs }),
  ]);
  const claimed = view.claims.filter(({ kind }) => kind === 'issue').map(({ name }) => name);
  const issues = [...new Set([...(view.issue === null ? [] : [view.issue]), ...claimed])];
  return { session: view, commits, pulls, runs, notes, issues, draft: draftOf(view, { commits, pulls, runs, notes }) };
}

async function pullsOf(deps: HandoffsDeps, { repository, branch, startedAtMs }: SessionView): Promise<Proposal['pulls']> {
  const fault = await deps.whyNoForge();
  if (fault !== null) return noPulls(fault);
  return deps.readPulls({ repository, branch, sinceMs: startedAtMs });
}

async function commitsOf(deps: HandoffsDeps, org: OrgId, { project, view }: { project: ProjectId; view: SessionView }): Promise<Proposal['commits']> {
  const path = await deps.projects.checkoutOf(org, project);
  const head = view.commit ?? view.branch;
  if (path === null) return noCommits("the project has no checkout on the server's machine");
  if (view.startCommit === null || head === null) return noCommits('the session named no commit');
  return deps.readCommits({ path, since: view.startCommit, head });
}

async function notesOf(
  { db }: HandoffsDeps,
  { org, actor }: Principal,
  { project, sinceMs }: { project: ProjectId; sinceMs: number },
): Promise<Proposal['notes']> {
  const limit = HANDOFF_LIMITS.proposedMax + 1;
  const found = await db.asOrg(org, (tx) => store.notesSince(tx, org, { project, actor, sinceMs, limit }));
  const items = found.slice(0, HANDOFF_LIMITS.proposedMax);
  return { items, total: { kind: found.length === limit ? 'at_least' : 'exact', value: items.length }, fault: null };
}

type Wish = HandoffParts & { session: string; to?: string | undefined; under: Parameters<Sessions['assertClaims']>[2] };

/** One transaction: the handoff, and the end of its session. Whoever asks again, after a lost answer say, is given the first. */
async function write(
  deps: HandoffsDeps,
  caller: Caller<Principal>,
  { session: id, to: wanted, under, ...parts }: Wish,
): Promise<{ handoff: HandoffView; created: boolean; session: SessionView }> {
  const { principal } = caller;
  const { org } = principal;
  const to = wanted === undefined ? null : await deps.projects.find(org, wanted);
  const toCode = to === null ? null : await deps.projects.codeOf(org, to);
  const done = await deps.db.asOrg(org, async (tx) => {
    const target = await deps.sessions.lockOwn(tx, principal, id);
    const { row } = target;
    const place = { session: id, from: row.projectId, to: to ?? row.projectId };
    const payload = payloadOf(parts, row, toCode ?? row.project);
    const sealed = sealPayload(payload);
    const before = await store.findWritten(tx, org, { ...place, sha256: sealed.sha256 });
    if (before !== null) return { id: before, created: false };
    await deps.sessions.assertClaims(tx, target, under);
    const made = deps.ids.next('ho');
    const { status, priority, summary } = parts;
    const columns = { status, priority, summary, issue: payload.issue ?? null };
    await store.insertHandoff(tx, org, { id: made, ...place, parts: columns, schemaVersion: SCHEMA_VERSION, sealed });
    if (place.from === place.to) await deps.sessions.endWith(tx, target, made);
    return { id: made, created: true };
  });
  const handoff = await deps.db.asOrg(org, (tx) => find(tx, org, done.id));
  return { handoff: viewOf(handoff), created: done.created, session: await deps.sessions.handlers.get(caller, { id }) };
}

function payloadOf(parts: HandoffParts, row: SessionView, to: string): HandoffPayload {
  const { id: session, project, actor, agent, machine, branch, commit } = row;
  const issue = parts.issue ?? row.issue ?? undefined;
  return {
    ...parts,
    ...(issue === undefined ? {} : { issue }),
    schema: SCHEMA_VERSION,
    from: { session, project, actor, agent, machine, branch, commit },
    to,
  };
}

async function list(
  deps: HandoffsDeps,
  org: OrgId,
  input: { project?: string | undefined; view: 'all' | 'queue'; cursor?: string | undefined; limit: number },
): Promise<{ items: HandoffView[]; shown: number; total: { kind: 'exact'; value: number }; next: string | null }> {
  const [before = null] = input.cursor === undefined ? [] : (decodeCursor(input.cursor) ?? [0]);
  if (before !== null && typeof before !== 'string')
    throw new AppError('invalid_input', 'This cursor is not one of ours.', { next: 'Use `next` of the page before, or none.' });
  const project = input.project === undefined ? null : await deps.projects.find(org, input.project);
  const page = { project, queue: input.view === 'queue', before, limit: input.limit + 1 };
  const found = await deps.db.asOrg(org, (tx) => store.listHandoffs(tx, org, page));
  const items = found.rows.slice(0, input.limit);
  const next = found.rows.length > input.limit ? encodeCursor([items.at(-1)?.id ?? '']) : null;
  return { items, shown: items.length, total: { kind: 'exact', value: found.total }, next };
}

async function settle(
  deps: HandoffsDeps,
  principal: Principal,
  end: { id: string; to: 'taken' | 'dismissed'; reason: string },
): Promise<HandoffView> {
  const { org, name: by } = principal;
  return deps.db.asOrg(org, async (tx) => {
    const settled = await store.settle(tx, org, { ...end, by });
    const row = await find(tx, org, end.id);
    if (settled || (row.queue === end.to && row.settledBy === by)) return viewOf(row);
    if (row.queue === null)
      throw new AppError('conflict', `The handoff ${row.id} is to its own project and waits in no queue.`, {
        next: 'Read it; there is nothing to take.',
      });
    throw new AppError('conflict', `The handoff ${row.id} was ${row.queue} by ${row.settledBy ?? 'somebody'} already.`, {
      next: 'Look at what still waits there.',
    });
  });
}

async function find(tx: Parameters<typeof store.getHandoff>[0], org: OrgId, id: string): Promise<store.HandoffRow> {
  const row = await store.getHandoff(tx, org, id);
  if (row === null)
    throw new AppError('not_found', `There is no handoff ${id.slice(0, 60)}.`, { next: '`GET /api/v1/handoffs` lists what there is.' });
  return row;
}

function viewOf({ payload: _payload, ...view }: store.HandoffRow): HandoffView {
  return view;
}

function detailOf(row: store.HandoffRow): HandoffDetail {
  const payload = PayloadSchema.parse(JSON.parse(row.payload));
  return { ...viewOf(row), payload, markdown: renderMarkdown(payload, row), fileName: fileNameOf(row) };
}
