/** Changes of the registry: what the API changes, and what windlass.yaml declares. A repository belongs to one project, whoever says it first. */
import { isDeepStrictEqual } from 'node:util';
import type { By } from '../../kernel/events.ts';
import { remoteKey } from '../../kernel/git-remote.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Ids, OrgId } from '../../kernel/ids.ts';
import type { RecordAdmin } from '../../platform/identity/admin-event.ts';
import type { Database, Tx } from '../../storage/database.ts';
import { withoutCredentials } from './checkout.ts';
import type { ProjectView } from './contract.ts';
import type { DeclaredProject, ProjectFacts } from '../../kernel/project.ts';
import { PROJECT_LIMITS } from '../../kernel/project.ts';
import * as store from './store.ts';

export type RegistryDeps = {
  db: Database;
  ids: Ids;
  recordAdmin: RecordAdmin;
  /** Within `tx`: what waited for a project to have this repository, by its host and path. */
  onRepository: (tx: Tx, org: OrgId, found: { project: string; repository: string }) => Promise<void>;
};

/** @throws AppError `not_found`, `conflict` for a project that the file keeps, or a repository of another project. */
export function changeProject(deps: RegistryDeps, org: OrgId, change: { code: string; facts: ProjectFacts; by: By }): Promise<ProjectView> {
  return deps.db.asOrg(org, async (tx) => {
    await store.lockRegistry(tx, org);
    const known = await store.findByCode(tx, org, change.code);
    if (known === null) throw unknownProject(change.code);
    refuseDeclared(known);
    return apply(deps, tx, { org, known, changed: merge(known, change.facts), by: change.by });
  });
}

/** For other writers of what the registry holds. @throws AppError `conflict` */
export function refuseDeclared({ code, declared }: Pick<ProjectView, 'code' | 'declared'>): void {
  if (!declared) return;
  throw new AppError('conflict', `${code} is kept in windlass.yaml, which is the one place to change it.`, {
    next: 'Change it there and start the server again, or take it out of the file.',
  });
}

export type Declared = { added: string[]; changed: string[]; released: string[] };

/**
 * Makes the registry say what the file says: entries are added or changed, all or none; a project that left the file stays and is
 * changed over the API again. Saying the same again changes nothing. @throws AppError `configuration` with every conflict.
 */
export function declareProjects(
  deps: RegistryDeps,
  org: OrgId,
  declared: { projects: Readonly<Record<string, DeclaredProject>>; by: By },
): Promise<Declared> {
  return deps.db.asOrg(org, async (tx) => {
    await store.lockRegistry(tx, org);
    const done: Declared = { added: [], changed: [], released: await store.releaseDeclared(tx, org, Object.keys(declared.projects)) };
    for (const [code, { path, ...facts }] of Object.entries(declared.projects)) {
      const found = await store.findByCode(tx, org, code);
      const known = found ?? (await addDeclared(deps, tx, { org, code, name: facts.name ?? code }));
      const place = path === undefined ? known.path : path;
      const changed = { ...merge(known, withDefaults(facts, code)), path: place, declared: true };
      await apply(deps, tx, { org, known, changed, by: declared.by }).catch((error: unknown) => {
        if (error instanceof AppError && error.code === 'conflict')
          throw new AppError('configuration', `projects.${code} of windlass.yaml: ${error.message}`, { next: error.next ?? '', cause: error });
        throw error;
      });
      if (found === null) done.added.push(code);
      else if (!isDeepStrictEqual(known, changed)) done.changed.push(code);
    }
    return done;
  });
}

/** What an entry of the file leaves out is empty, but for its repositories: those of the checkout stay. */
function withDefaults(facts: ProjectFacts, code: string): ProjectFacts {
  return { name: code, capabilities: [], secretsPath: null, designSpec: null, environments: [], status: 'active', platform: false, ...facts };
}

async function addDeclared(deps: RegistryDeps, tx: Tx, { org, code, name }: { org: OrgId; code: string; name: string }): Promise<ProjectView> {
  const made = await store.insertProject(tx, org, { id: deps.ids.next('prj'), code, name, path: null, remote: null });
  if (made === null) throw new AppError('internal', `${code} was added while the registry was locked.`);
  return made;
}

function merge(known: ProjectView, facts: ProjectFacts): ProjectView {
  const given = Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
  const changed = { ...known, ...(given as Partial<ProjectView>) };
  const repositories = [...new Map(changed.repositories.map((remote) => [remoteKey(remote), withoutCredentials(remote)])).values()];
  return { ...changed, repositories, remote: repositories[0] ?? null, capabilities: [...new Set(changed.capabilities)].toSorted() };
}

type Apply = { org: OrgId; known: ProjectView; changed: ProjectView; by: By };

async function apply(deps: RegistryDeps, tx: Tx, { org, known, changed, by }: Apply): Promise<ProjectView> {
  const platform = changed.platform ? await store.findPlatform(tx, org) : null;
  if (platform !== null && platform.id !== known.id)
    throw new AppError('conflict', `${platform.code} is the platform project already.`, { next: 'Take it from that one first.' });
  if (isDeepStrictEqual(known, changed)) return known;
  const keys = changed.repositories.map((remote) => remoteKey(remote) ?? remote);
  await refuseTaken(tx, org, { keys, except: known.id });
  await store.writeProject(tx, org, changed);
  for (const repository of keys) await deps.onRepository(tx, org, { project: known.id, repository });
  const names = Object.keys(changed).filter((name) => !isDeepStrictEqual(known[name as keyof ProjectView], changed[name as keyof ProjectView]));
  await deps.recordAdmin(tx, org, { type: 'project.changed', subject: known.id, by, detail: { code: known.code, changed: names } });
  return changed;
}

/** @throws AppError `conflict`, naming the repository and the project that has it. */
export async function refuseTaken(tx: Tx, org: OrgId, wanted: { keys: readonly string[]; except: string | null }): Promise<void> {
  if (wanted.keys.length === 0) return;
  const others = (await store.listRemotes(tx, org, REMOTES_MAX)).filter(({ id }) => id !== wanted.except);
  const taken = others.find(({ remote }) => wanted.keys.includes(remoteKey(remote) ?? remote));
  if (taken === undefined) return;
  throw new AppError('conflict', `The repository ${remoteKey(taken.remote) ?? taken.remote} belongs to the project ${taken.code}.`, {
    next: `Use ${taken.code}, or take the repository from it with \`windlass project set ${taken.code} --repositories …\`.`,
  });
}

/** Remotes that are compared with a repository's. */
export const REMOTES_MAX = PROJECT_LIMITS.projects * PROJECT_LIMITS.repositories;

export function unknownProject(wanted: string): AppError {
  return new AppError('not_found', `There is no project ${wanted}.`, { next: '`windlass project list` shows what there is.' });
}
