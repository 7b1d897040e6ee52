/** Use cases of projects: registering a checkout, finding the one a run works in. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { AppError } from '../../kernel/errors.ts';
import type { Ids, OrgId, ProjectId } from '../../kernel/ids.ts';
import { isId, storedId } from '../../kernel/ids.ts';
import type { Handlers } from '../../kernel/operation.ts';
import { decodeCursor, encodeCursor } from '../../kernel/page.ts';
import type { RecordAdmin } from '../../platform/identity/admin-event.ts';
import type { By } from '../../kernel/events.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import { byOf } from '../../platform/identity/principal.ts';
import type { Database } from '../../storage/database.ts';
import type { FindCheckout } from './checkout.ts';
import { codeFrom } from './checkout.ts';
import { remoteKey } from '../../kernel/git-remote.ts';
import type { ProjectView, projectOperations } from './contract.ts';
import * as store from './store.ts';

export type ProjectsDeps = { db: Database; ids: Ids; recordAdmin: RecordAdmin; findCheckout: FindCheckout };

export type AddProject = { path: string; code?: string | undefined; name?: string | undefined; by: By };

export type Projects = {
  handlers: Handlers<Principal, typeof projectOperations>;
  add(org: OrgId, wish: AddProject): Promise<ProjectView>;
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
/** Remotes that are compared with a repository's. */
const REMOTES_MAX = 10_000;

export function createProjects(deps: ProjectsDeps): Projects {
  const { db } = deps;
  const add = (org: OrgId, wish: AddProject): Promise<ProjectView> => addProject(deps, org, wish);
  return {
    add,
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
      return known.filter((each) => remoteKey(each.remote) === wanted).map(({ id, code }) => ({ id: storedId('prj', id), code }));
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
      list: ({ principal }, input) =>
        db.asOrg(principal.org, async (tx) => {
          const parts = input.cursor === undefined ? [''] : decodeCursor(input.cursor);
          if (parts === null)
            throw new AppError('invalid_input', 'This cursor is not one of ours.', { next: 'Use `next` of the page before, or none.' });
          const found = await store.listProjects(tx, principal.org, { after: String(parts[0] ?? ''), limit: input.limit + 1 });
          const items = found.rows.slice(0, input.limit);
          const next = found.rows.length > input.limit ? encodeCursor([items.at(-1)?.code ?? '']) : null;
          return { items, shown: items.length, total: { kind: 'exact', value: found.total }, next };
        }),
      get: ({ principal }, { code }) =>
        db.asOrg(principal.org, async (tx) => {
          const found = await store.findByCode(tx, principal.org, code);
          if (found === null) throw unknownProject(code);
          return found;
        }),
      add: ({ principal }, input) => add(principal.org, { ...input, by: byOf(principal) }),
    },
  };
}

async function addProject(deps: ProjectsDeps, org: OrgId, wish: AddProject): Promise<ProjectView> {
  const path = resolve(wish.path);
  const there = await stat(path).catch(() => null); // absent and unreadable are the same to who asked
  if (there?.isDirectory() !== true) throw new AppError('not_found', `There is no folder ${path} on the server's machine.`);
  const checkout = await deps.findCheckout(path);
  return deps.db.asOrg(org, async (tx) => {
    const known = await store.findByPath(tx, org, checkout.top);
    if (known !== null && (wish.code === undefined || wish.code === known.code)) return known;
    const project = { id: deps.ids.next('prj'), name: wish.name ?? checkout.name, path: checkout.top, remote: checkout.remote };
    const codes =
      wish.code === undefined ? Array.from({ length: CODES_TRIED }, (_, i) => codeFrom(checkout.name) + (i === 0 ? '' : `-${i + 1}`)) : [wish.code];
    for (const code of codes) {
      const made = await store.insertProject(tx, org, { ...project, code });
      if (made === null) continue;
      await deps.recordAdmin(tx, org, { type: 'project.added', subject: made.id, by: wish.by, detail: { code, path: checkout.top } });
      return made;
    }
    throw new AppError('conflict', `The code ${codes[0]} belongs to another project.`, { next: 'Choose another one with --code.' });
  });
}

function unknownProject(wanted: string): AppError {
  return new AppError('not_found', `There is no project ${wanted}.`, { next: '`windlass project list` shows what there is.' });
}
