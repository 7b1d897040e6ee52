/**
 * The boundary of a project (spec POL-4): a call that aims at another project than the active one is refused, and says how to hand over instead.
 * Active is the project that the key is bound to, the one that a coding CLI was launched on, and the one of the session that a tool is called from.
 * Writing is bounded, and so is reading documents; the rest is read freely. A handoff names its target on purpose.
 */
import { sep } from 'node:path';
import { AppError } from '../../kernel/errors.ts';
import type { OrgId, ProjectId } from '../../kernel/ids.ts';
import { storedId } from '../../kernel/ids.ts';
import type { Bound, Caller, Operation } from '../../kernel/operation.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import { roleAtLeast } from '../../platform/identity/principal.ts';
import type { Database } from '../../storage/database.ts';
import * as store from './boundary-store.ts';
import type { ProjectLookup } from './resolve.ts';

/** `active` and `target` are codes; `what` is what was aimed at, as in "The documents". @throws AppError `denied` */
export function assertInProject({ active, target, what }: { active: string; target: string; what: string }): void {
  if (active === target) return;
  throw new AppError('denied', `${what} of ${target} are out of bounds here: the active project is ${active}.`, { next: handOver(target) });
}

export function handOver(target: string): string {
  return `Leave the work to ${target}: a handoff to it waits in its queue (tool handoff, action send, to ${target}).`;
}

export type BoundaryDeps = ProjectLookup & {
  db: Database;
  codeOf: (org: OrgId, project: ProjectId) => Promise<string>;
};

/**
 * `orgWide`: whether a key that is bound to a project may write what belongs to no project. Notes, documents, duties, plans of the whole
 * organization reach every project; agents, runs and reviews are let in by role and scope.
 */
export type BoundaryRule = { orgWide: 'refused' | 'free' };

/** Of what is read, documents alone are bounded. */
const READ_WITHIN = /^documents\./;
/** A session may be begun wherever the key and the launch allow: it is what makes a project the active one. */
const BEGINS = 'sessions.start';

/** The same operations, each of which refuses to reach into another project. */
export function withinProject(bounds: readonly Bound<Principal>[], deps: BoundaryDeps, rule: BoundaryRule): Bound<Principal>[] {
  return bounds.map(({ operation, handle }) => {
    if (operation.effect === 'read' && !READ_WITHIN.test(operation.name)) return { operation, handle };
    return {
      operation,
      handle: async (caller, input) => {
        const actives = await activesOf(deps, caller, operation);
        if (actives.length > 0) await judge(deps, { caller, operation, rule, actives, input: input as Aimed });
        return handle(caller, input);
      },
    };
  });
}

type Aimed = Readonly<Record<string, unknown>>;
type Active = { project: ProjectId; isKey: boolean };

async function activesOf(deps: BoundaryDeps, { principal, within }: Caller<Principal>, operation: Operation): Promise<Active[]> {
  const { org, project } = principal;
  const launched = within?.project === undefined ? null : await deps.find(org, within.project);
  const session = within?.session === undefined || operation.name === BEGINS ? null : await projectOfSession(deps, principal, within.session);
  return [
    ...(project === null ? [] : [{ project, isKey: true }]),
    ...[launched, session].flatMap((each) => (each === null ? [] : [{ project: each, isKey: false }])),
  ];
}

/** A session that is gone binds to nothing, and says so by its heartbeat; another one's is nobody's to act from. */
async function projectOfSession(deps: BoundaryDeps, { org, actor, role }: Principal, id: string): Promise<ProjectId | null> {
  const found = await deps.db.asOrg(org, (tx) => store.findSession(tx, org, id));
  if (found === null) return null;
  if (found.actorId !== actor && !roleAtLeast(role, 'operator'))
    throw new AppError('denied', `You may not act for this session: it is a session of ${found.actor}.`, { next: 'Start one of your own.' });
  return storedId('prj', found.project);
}

type Judged = { caller: Caller<Principal>; operation: Operation; rule: BoundaryRule; actives: readonly Active[]; input: Aimed };

async function judge(deps: BoundaryDeps, { caller, operation, rule, actives, input }: Judged): Promise<void> {
  const { org } = caller.principal;
  const aims = await aimsOf(deps, org, input);
  const what = `The ${(operation.name.split('.')[0] ?? '').replaceAll('_', ' ')}`;
  for (const { project } of actives) {
    const [other] = aims.owners.find((owners) => !owners.includes(project)) ?? [];
    if (other !== undefined) assertInProject({ active: await deps.codeOf(org, project), target: await deps.codeOf(org, other), what });
  }
  const key = actives.find(({ isKey }) => isKey);
  if (key === undefined || rule.orgWide === 'free' || operation.effect === 'read' || aims.owners.length > 0 || aims.isUnknown) return;
  const code = await deps.codeOf(org, key.project);
  throw new AppError('denied', `${what} of the whole organization are out of bounds here: the key is bound to the project ${code}.`, {
    next: `Name the project ${code}, or leave it to somebody with a key that is bound to none.`,
  });
}

/** Members of an input that name a project, a repository, or a thing that has its project. */
const CODES = ['project', 'code'] as const;
const IDS = ['id', 'session'] as const;
/** `owners`: for each thing that is aimed at, whose it is; a repository may be several projects'. */
type Aims = { owners: readonly (readonly ProjectId[])[]; isUnknown: boolean };

/** `isUnknown`: something is named that is not there, which the operation itself says. @throws AppError `not_found` */
async function aimsOf(deps: BoundaryDeps, org: OrgId, input: Aimed): Promise<Aims> {
  const given = (names: readonly string[]): string[] => names.flatMap((name) => ((value) => (typeof value === 'string' ? [value] : []))(input[name]));
  const coded = (await Promise.all(given(CODES).map((wanted) => deps.find(org, wanted)))).flatMap((each) => (each === null ? [] : [[each]]));
  const remotes = await Promise.all(given(['repository']).map(async (remote) => (await deps.findByRemote(org, remote)).map(({ id }) => id)));
  const ids = given(IDS);
  const found = ids.length === 0 ? [] : await deps.db.asOrg(org, (tx) => Promise.all(ids.map((id) => store.findOwner(tx, org, id))));
  const owned = found.flatMap((owner) => (owner === null || owner.project === null ? [] : [[storedId('prj', owner.project)]]));
  return {
    owners: [...coded, ...remotes.filter((owners) => owners.length > 0), ...owned],
    isUnknown: found.includes(null) || remotes.some((owners) => owners.length === 0),
  };
}

const CHECKOUTS_MAX = 2_000;

/** What is said of a path beyond the checkout of a run: which project is active, whose it is where that is known, and how to leave it the work. */
export async function describeOutside(deps: BoundaryDeps, org: OrgId, { project, path }: { project: ProjectId; path: string }): Promise<string> {
  const active = `The active project is ${await deps.codeOf(org, project)}.`;
  const all = await deps.db.asOrg(org, (tx) => store.listCheckouts(tx, org, { except: project, limit: CHECKOUTS_MAX }));
  const target = all.find((each) => path === each.path || path.startsWith(each.path + sep))?.code;
  return target === undefined ? active : `That is of the project ${target}. ${active} ${handOver(target)}`;
}
