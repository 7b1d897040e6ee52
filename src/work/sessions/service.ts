/** Use cases of sessions: started or resumed, kept alive, changed, ended; claims on what they work on. */
import { AppError } from '../../kernel/errors.ts';
import type { Ids, OrgId, RandomBytes } from '../../kernel/ids.ts';
import type { Caller, Handlers } from '../../kernel/operation.ts';
import { decodeCursor, encodeCursor } from '../../kernel/page.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Database, Tx } from '../../storage/database.ts';
import { handOver } from '../projects/boundary.ts';
import { repositoryOf, resolveProject } from '../projects/resolve.ts';
import type { ProjectLookup } from '../projects/resolve.ts';
import { releaseClaim } from './claim-store.ts';
import { assertClaims, take } from './claims.ts';
import type { ClaimOutput, ClaimRef, HeldClaim, SessionView, StartInput, StartOutput, sessionOperations } from './contract.ts';
import { SESSION_LIMITS } from './contract.ts';
import { branchPrefix, issueWarnings, nextHeartbeatInMs, sessionLine } from './session.ts';
import type { State } from './session.ts';
import { resumeOrCreate } from './start.ts';
import type { SessionRow } from './store.ts';
import * as store from './store.ts';
import type { Target, TransitionDeps } from './transitions.ts';
import { beat, change, close, lockOwn, record, requireActive, unknownSession } from './transitions.ts';

export type SessionsDeps = {
  db: Database;
  ids: Ids;
  randomBytes: RandomBytes;
  /** In [0, 1). */
  random: () => number;
  projects: ProjectLookup;
  /** SESSION_LIMITS.staleAfterMs when left out. */
  staleAfterMs?: number;
};

export type Sessions = {
  handlers: Handlers<Principal, typeof sessionOperations>;
  /** A heartbeat, for surfaces: a tool call counts as one (spec SES-3). Nothing happens to a session that is over. */
  touch(principal: Principal, id: string): Promise<void>;
  /** For what is written of a session elsewhere, a handoff: the caller's session, locked until `tx` ends. @throws AppError `not_found`, `denied` */
  lockOwn(tx: Tx, principal: Principal, id: string): Promise<Target>;
  /** Within `tx`: keeps the handoff with the session, ends it when it is active, releases its claims. */
  endWith(tx: Tx, target: Target, handoff: string): Promise<void>;
  /** Within `tx`, before a write that is made under claims. @throws AppError `conflict` */
  assertClaims(tx: Tx, target: Target, under: readonly HeldClaim[]): Promise<void>;
};

type Deps = SessionsDeps & TransitionDeps;

export function createSessions(given: SessionsDeps): Sessions {
  const deps: Deps = { ...given, staleMs: given.staleAfterMs ?? SESSION_LIMITS.staleAfterMs };
  const { db } = deps;
  const own = <T>(principal: Principal, id: string, work: (tx: Tx, target: Target) => Promise<T>): Promise<T> =>
    db.asOrg(principal.org, async (tx) => work(tx, await lockOwn(deps, tx, { principal, id })));
  return {
    handlers: {
      start: ({ principal }, input) => start(deps, principal, input),
      list: ({ principal }, input) => list(deps, principal.org, input),
      get: ({ principal }, { id }) => db.asOrg(principal.org, (tx) => get(deps, tx, { org: principal.org, id })),
      heartbeat: ({ principal }, { id }) =>
        own(principal, id, async (tx, target) => {
          requireActive(target.row);
          await beat(deps, tx, target);
          return nextHeartbeat(deps, target.row.nowMs);
        }),
      update: ({ principal }, { id, under, ...changes }) =>
        own(principal, id, async (tx, target) => {
          const { org, row } = target;
          requireActive(row);
          await assertClaims(tx, org, { session: id, project: row.projectId, under });
          await change(deps, tx, { ...target, changes });
          await beat(deps, tx, target);
          const others = changes.issue === undefined ? [] : (await othersOf(deps, tx, { org, row })).rows;
          return { session: await get(deps, tx, { org, id }), warnings: issueWarnings(changes.issue, others) };
        }),
      end: ({ principal }, { id, reason }) =>
        own(principal, id, async (tx, target) => {
          await close(deps, tx, { ...target, reason, handoff: null });
          return { session: await get(deps, tx, { org: target.org, id }), changed: target.row.stored === 'active' };
        }),
      claim: (caller, input) => claim(deps, caller, input),
      release: ({ principal }, { id, kind, name }) =>
        own(principal, id, async (tx, { org, actor, row }) => {
          const fence = await releaseClaim(tx, org, { session: id, project: row.projectId, kind, name });
          if (fence !== null) await record(deps, tx, { org, id, actor, events: [{ type: 'session.released', kind, name, fence }] });
          return { released: fence !== null };
        }),
    },
    touch: (principal, id) =>
      own(principal, id, async (tx, target) => {
        if (target.row.state === 'active') await beat(deps, tx, target);
      }),
    lockOwn: (tx, principal, id) => lockOwn(deps, tx, { principal, id }),
    endWith: (tx, target, handoff) => close(deps, tx, { ...target, reason: 'manual', handoff }),
    assertClaims: (tx, { org, row }, under) => assertClaims(tx, org, { session: row.id, project: row.projectId, under }),
  };
}

async function start(deps: Deps, principal: Principal, input: StartInput): Promise<StartOutput> {
  const { org } = principal;
  const project = await resolveProject(deps.projects, org, input);
  if (project.elsewhere !== null) throw notItsRepository(project.elsewhere, input.project ?? '');
  const place = {
    ...{ actor: principal.actor, agent: input.agent, project: project.id, machine: input.machine, track: input.track ?? null },
    repository: input.repository === undefined ? '' : repositoryOf(input.repository),
    clientSession: input.clientSession ?? '',
  };
  return deps.db.asOrg(org, async (tx) => {
    const { row, outcome, closed } = await resumeOrCreate(deps, tx, { principal, place, input });
    const others = await othersOf(deps, tx, { org, row });
    return {
      session: viewOf(row),
      ...{ outcome, closed },
      others: others.rows.map(viewOf),
      othersTotal: { kind: 'exact', value: others.total },
      warnings: issueWarnings(row.issue, others.rows),
      branchPrefix: branchPrefix(row),
      ...nextHeartbeat(deps, row.nowMs),
    };
  });
}

/** A session stands in one repository: of another project it would write there what belongs here (spec POL-4). */
function notItsRepository(active: string, target: string): AppError {
  return new AppError('denied', `A session of ${target} is out of bounds here: the active project is ${active}, whose repository this is.`, {
    next: `Start it in a repository of ${target}, or as ${active}. ${handOver(target)}`,
  });
}

async function claim(
  deps: Deps,
  { principal }: Caller<Principal>,
  { id, kind, name, onHeld }: ClaimRef & { id: string; onHeld: 'warn' | 'refuse' | 'take' },
): Promise<ClaimOutput> {
  return deps.db.asOrg(principal.org, async (tx) => {
    const target = await lockOwn(deps, tx, { principal, id });
    const { org, actor, row } = target;
    requireActive(row);
    await beat(deps, tx, target);
    const { granted, claim: now, before } = await take(tx, org, { project: row.projectId, kind, name, session: id, force: onHeld === 'take' });
    const holder = before === null ? null : await get(deps, tx, { org, id: before });
    const { fence, expiresAtMs } = now;
    if (granted) await record(deps, tx, { org, id, actor, events: [{ type: 'session.claimed', kind, name, fence, from: before }] });
    if (!granted && onHeld === 'refuse' && holder !== null) {
      throw new AppError('conflict', `${kind} ${name} is held by ${sessionLine(holder)}.`, {
        next: 'Work on something else, or ask for it to be released.',
      });
    }
    const warning = granted ? `You took ${kind} ${name} from` : `${kind} ${name} is held by`;
    return { granted, claim: { kind, name, fence, expiresAtMs }, holder, warnings: holder === null ? [] : [`${warning} ${sessionLine(holder)}.`] };
  });
}

async function list(
  deps: Deps,
  org: OrgId,
  input: {
    project?: string | undefined;
    repository?: string | undefined;
    machine?: string | undefined;
    state: State | 'all';
    cursor?: string | undefined;
    limit: number;
  },
): Promise<{ items: SessionView[]; shown: number; total: { kind: 'exact'; value: number }; next: string | null }> {
  const [before = null] = input.cursor === undefined ? [] : (decodeCursor(input.cursor) ?? [0]);
  if (before !== null && typeof before !== 'string')
    throw new AppError('invalid_input', 'This cursor is not one of ours.', { next: 'Use `next` of the page before, or none.' });
  const project = input.project === undefined ? null : await deps.projects.find(org, input.project);
  const filter = {
    ...{ project, machine: input.machine ?? null, except: null, staleMs: deps.staleMs },
    repository: input.repository === undefined ? null : repositoryOf(input.repository),
    state: input.state === 'all' ? null : input.state,
  };
  const found = await deps.db.asOrg(org, (tx) => store.listSessions(tx, org, { filter, before, limit: input.limit + 1 }));
  const items = found.rows.slice(0, input.limit).map(viewOf);
  const next = found.rows.length > input.limit ? encodeCursor([items.at(-1)?.id ?? '']) : null;
  return { items, shown: items.length, total: { kind: 'exact', value: found.total }, next };
}

/** Other live sessions of the project, the newest first. */
function othersOf(deps: Deps, tx: Tx, { org, row }: { org: OrgId; row: SessionRow }): Promise<{ rows: SessionRow[]; total: number }> {
  const filter = { project: row.projectId, repository: null, machine: null, state: 'active', except: row.id, staleMs: deps.staleMs } as const;
  return store.listSessions(tx, org, { filter, before: null, limit: SESSION_LIMITS.othersMax });
}

async function get(deps: Deps, tx: Tx, { org, id }: { org: OrgId; id: string }): Promise<SessionView> {
  const row = await store.getSession(tx, org, { id, staleMs: deps.staleMs });
  if (row === null) throw unknownSession(id);
  return viewOf(row);
}

function nextHeartbeat(deps: Deps, nowMs: number): { nextHeartbeatAtMs: number; nextHeartbeatInMs: number } {
  const inMs = nextHeartbeatInMs(deps.random());
  return { nextHeartbeatAtMs: nowMs + inMs, nextHeartbeatInMs: inMs };
}

function viewOf({ actorId: _actor, projectId: _project, stored: _stored, nowMs: _now, ...view }: SessionRow): SessionView {
  return view;
}
