/** Use cases of projects: registering a checkout, finding the one a run works in, changing what is known, finding clones. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { By } from '../../kernel/events.ts';
import { remoteKey } from '../../kernel/git-remote.ts';
import type { OrgId, ProjectId } from '../../kernel/ids.ts';
import { isId, storedId } from '../../kernel/ids.ts';
import type { Handlers } from '../../kernel/operation.ts';
import { decodeCursor, encodeCursor } from '../../kernel/page.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import { byOf } from '../../platform/identity/principal.ts';
import type { Tx } from '../../storage/database.ts';
import type { Checkout, FindCheckout } from './checkout.ts';
import { codeFrom } from './checkout.ts';
import type { ProjectView, projectOperations, ScanView } from './contract.ts';
import type { DeclaredProjects } from '../../kernel/project.ts';
import type { Declared, RegistryDeps } from './registry.ts';
import { changeProject, declareProjects, refuseTaken, REMOTES_MAX, unknownProject } from './registry.ts';
import { scanFolder } from './scan.ts';
import * as store from './store.ts';

export type ProjectsDeps = RegistryDeps & { findCheckout: FindCheckout; clock: Pick<Clock, 'nowMs'> };

export type AddProject = { path: string; code?: string | undefined; name?: string | undefined; by: By };

export type Projects = {
  handlers: Handlers<Principal, typeof projectOperations>;
  add(org: OrgId, wish: AddProject): Promise<ProjectView>;
  /** Makes the registry say what windlass.yaml says. @throws AppError `configuration` */
  declare(org: OrgId, declared: { projects: DeclaredProjects; by: By }): Promise<Declared>;
  /** By id or code; the first project when none is named, null when there is none at all. @throws AppError `not_found` */
  find(org: OrgId, wanted: string | undefined): Promise<ProjectId | null>;
  /** Every project of that git remote, however it is written (spec PRJ-2). */
  findByRemote(org: OrgId, remote: string): Promise<{ id: ProjectId; code: string }[]>;
  /** Every project with the host and path of its remote, null without one; of one code or all. @throws AppError `not_found` */
  repositories(org: OrgId, code: string | null): Promise<{ project: string; repository: string | null }[]>;
  /** @throws AppError `not_found` */
  codeOf(org: OrgId, project: ProjectId): Promise<string>;
  /** Absolute path of the checkout on this machine; null when the project has none here. */
  checkoutOf(org: OrgId, project: ProjectId): Promise<string | null>;
};

/** Codes tried before giving up on a name that others have: `repo`, `repo-2` … */
const CODES_TRIED = 50;

export function createProjects(deps: ProjectsDeps): Projects {
  const { db } = deps;
  const add = (org: OrgId, wish: AddProject): Promise<ProjectView> => addProject(deps, org, wish);
  return {
    add,
    declare: (org, declared) => declareProjects(deps, org, declared),
    find: (org, wanted) =>
      db.asOrg(org, async (tx) => {
        if (wanted === undefined) {
          const first = await store.findFirst(tx, org);
          return first === null ? null : storedId('prj', first.id);
        }
        const found = isId('prj', wanted) ? await store.findById(tx, org, wanted) : await store.findByCode(tx, org, wanted);
        if (found === null) throw unknownProject(wanted);
        return storedId('prj', found.id);
      }),
    findByRemote: async (org, remote) => {
      const wanted = remoteKey(remote);
      const known = wanted === null ? [] : await db.asOrg(org, (tx) => store.listRemotes(tx, org, REMOTES_MAX));
      const codes = new Map(known.filter((each) => remoteKey(each.remote) === wanted).map(({ id, code }) => [id, code]));
      return [...codes].map(([id, code]) => ({ id: storedId('prj', id), code }));
    },
    repositories: (org, code) =>
      db.asOrg(org, async (tx) => {
        if (code !== null && (await store.findByCode(tx, org, code)) === null) throw unknownProject(code);
        const known = await store.listCodes(tx, org, { code, limit: REMOTES_MAX });
        return known.map((each) => ({ project: each.code, repository: each.remote === null ? null : remoteKey(each.remote) }));
      }),
    codeOf: (org, project) =>
      db.asOrg(org, async (tx) => {
        const found = await store.findById(tx, org, project);
        if (found === null) throw unknownProject(project);
        return found.code;
      }),
    checkoutOf: (org, project) => db.asOrg(org, async (tx) => (await store.findById(tx, org, project))?.path ?? null),
    handlers: {
      list: ({ principal }, input) => listProjects(deps, principal.org, input),
      get: ({ principal }, { code }) =>
        db.asOrg(principal.org, async (tx) => {
          const found = await store.findByCode(tx, principal.org, code);
          if (found === null) throw unknownProject(code);
          return found;
        }),
      add: ({ principal }, input) => add(principal.org, { ...input, by: byOf(principal) }),
      update: ({ principal }, { code, ...facts }) => changeProject(deps, principal.org, { code, facts, by: byOf(principal) }),
      scan: ({ principal }, { folder }) => scan(deps, principal.org, folder),
    },
  };
}

async function listProjects(deps: ProjectsDeps, org: OrgId, input: { cursor?: string | undefined; limit: number }) {
  const parts = input.cursor === undefined ? [''] : decodeCursor(input.cursor);
  if (parts === null) throw new AppError('invalid_input', 'This cursor is not one of ours.', { next: 'Use `next` of the page before, or none.' });
  return deps.db.asOrg(org, async (tx) => {
    const found = await store.listProjects(tx, org, { after: String(parts[0] ?? ''), limit: input.limit + 1 });
    const items = found.rows.slice(0, input.limit);
    const next = found.rows.length > input.limit ? encodeCursor([items.at(-1)?.code ?? '']) : null;
    return { items, shown: items.length, total: { kind: 'exact' as const, value: found.total }, next };
  });
}

async function addProject(deps: ProjectsDeps, org: OrgId, wish: AddProject): Promise<ProjectView> {
  const path = resolve(wish.path);
  const there = await stat(path).catch(() => null); // absent and unreadable are the same to who asked
  if (there?.isDirectory() !== true) throw new AppError('not_found', `There is no folder ${path} on the server's machine.`);
  const checkout = await deps.findCheckout(path);
  return deps.db.asOrg(org, async (tx) => {
    await store.lockRegistry(tx, org);
    const known = await knownAs(tx, org, checkout);
    if (known !== null) return addAgain(deps, tx, { org, known, checkout, wish });
    const project = { id: deps.ids.next('prj'), name: wish.name ?? checkout.name, path: checkout.top, remote: checkout.remote };
    const codes =
      wish.code === undefined ? Array.from({ length: CODES_TRIED }, (_, i) => codeFrom(checkout.name) + (i === 0 ? '' : `-${i + 1}`)) : [wish.code];
    for (const code of codes) {
      const made = await store.insertProject(tx, org, { ...project, code });
      if (made === null) continue;
      const repository = checkout.remote === null ? null : remoteKey(checkout.remote);
      if (repository !== null) await deps.onRepository(tx, org, { project: made.id, repository });
      await deps.recordAdmin(tx, org, { type: 'project.added', subject: made.id, by: wish.by, detail: { code, path: checkout.top } });
      return made;
    }
    throw new AppError('conflict', `The code ${codes[0]} belongs to another project.`, { next: 'Choose another one with --code.' });
  });
}

/** The project of a checkout: by its remote where it has one, else by its place (spec PRJ-2). */
async function knownAs(tx: Tx, org: OrgId, { top, remote }: Checkout): Promise<ProjectView | null> {
  const key = remote === null ? null : remoteKey(remote);
  if (key === null) return store.findByPath(tx, org, top);
  const owner = (await store.listRemotes(tx, org, REMOTES_MAX)).find((each) => remoteKey(each.remote) === key);
  return owner === undefined ? store.findByPath(tx, org, top) : store.findById(tx, org, owner.id);
}

type Again = { org: OrgId; known: ProjectView; checkout: Checkout; wish: AddProject };

/** The same project is answered; a checkout that was moved, and a remote that was added since, are noted. */
async function addAgain(deps: ProjectsDeps, tx: Tx, { org, known, checkout, wish }: Again): Promise<ProjectView> {
  const keys = checkout.remote === null ? [] : [remoteKey(checkout.remote) ?? checkout.remote];
  if (wish.code !== undefined && wish.code !== known.code) {
    await refuseTaken(tx, org, { keys, except: null });
    throw new AppError('conflict', `The checkout ${checkout.top} belongs to the project ${known.code}.`, { next: `Use ${known.code}.` });
  }
  const isGone = known.path === null || (await stat(known.path).catch(() => null)) === null;
  const path = isGone ? checkout.top : known.path;
  const remote = known.remote ?? checkout.remote;
  if (path === known.path && remote === known.remote) return known;
  const changed = { ...known, path, remote, repositories: known.remote === null && remote !== null ? [remote] : known.repositories };
  await store.writeProject(tx, org, changed);
  for (const repository of keys) await deps.onRepository(tx, org, { project: known.id, repository });
  await deps.recordAdmin(tx, org, { type: 'project.changed', subject: known.id, by: wish.by, detail: { code: known.code, path, remote } });
  return changed;
}

async function scan(deps: ProjectsDeps, org: OrgId, wanted: string): Promise<ScanView> {
  const startedMs = deps.clock.nowMs();
  const folder = resolve(wanted);
  const found = await scanFolder(folder);
  if (found === null) throw new AppError('not_found', `There is no folder ${folder} on the server's machine.`);
  const remotes = await deps.db.asOrg(org, (tx) => store.listRemotes(tx, org, REMOTES_MAX));
  const byKey = new Map(remotes.map(({ code, remote }) => [remoteKey(remote), { code, remote }]));
  const clones = found.clones.map((clone) => ({
    ...clone,
    project: clone.remote === null ? null : (byKey.get(remoteKey(clone.remote))?.code ?? null),
  }));
  const here = new Set(clones.map(({ project }) => project));
  const missing = [...byKey.values()]
    .filter(({ code }, index, all) => !here.has(code) && all.findIndex((each) => each.code === code) === index)
    .map(({ code, remote }) => ({ project: code, remote, command: `git clone ${shellWord(remote)} ${shellWord(`${folder}/${code}`)}` }));
  return { folder, clones, missing, cut: found.cut, tookMs: deps.clock.nowMs() - startedMs };
}

/** As a shell takes it for one word: the command is shown to be typed. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./~-]+$/.test(text) && !text.startsWith('-') ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
