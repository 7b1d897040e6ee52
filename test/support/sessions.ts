/** Sessions and handoffs for tests: a real store, two projects, a fixed jitter. */
import { randomBytes } from 'node:crypto';
import { systemClock } from '../../src/kernel/clock.ts';
import type { OrgId, ProjectId } from '../../src/kernel/ids.ts';
import type { Principal } from '../../src/platform/identity/principal.ts';
import type { Database } from '../../src/storage/database.ts';
import { createProjects } from '../../src/work/projects/service.ts';
import type { Projects } from '../../src/work/projects/service.ts';
import type { StartInput, StartOutput } from '../../src/work/sessions/contract.ts';
import { StartInput as StartSchema } from '../../src/work/sessions/contract.ts';
import type { Sessions } from '../../src/work/sessions/service.ts';
import { createSessions } from '../../src/work/sessions/service.ts';
import type { TestDatabase } from './database.ts';
import { testDatabase } from './database.ts';
import type { TestIdentity } from './identity.ts';
import { callerOf, testIdentity, testIds, testOwner } from './identity.ts';

export const START_MS = Date.UTC(2026, 10, 21, 12, 0, 0);
export const MINUTE_MS = 60_000;
export const APP_REMOTE = 'git@github.com:acme/app.git';

export type SessionWorld = {
  db: TestDatabase;
  identity: TestIdentity;
  projects: Projects;
  sessions: Sessions;
  owner: Principal;
  org: OrgId;
  app: ProjectId;
  site: ProjectId;
  /** Starts a session of claude on laptop in the project app; as the owner unless said otherwise. */
  start(input?: Partial<StartInput>, by?: Principal): Promise<StartOutput>;
  /** The types of a session's entries in the journal, in order. */
  journal(session: string): Promise<string[]>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** `db` wraps the database that the domain is given, to let it fail. */
export async function sessionWorld(options: { db?: (db: Database) => Database; staleAfterMs?: number } = {}): Promise<SessionWorld> {
  const db = await testDatabase();
  const identity = testIdentity(db);
  const { owner, org } = await testOwner(identity);
  const projects = createProjects({
    db,
    ids: testIds,
    recordAdmin: identity.deps.recordAdmin,
    findCheckout: () => Promise.reject(new Error('no git')),
    clock: systemClock,
    onRepository: async () => {},
  });
  const addProject = async (code: string, remote: string): Promise<ProjectId> => {
    const id = testIds.next('prj');
    await db.owner('insert into project (org_id, id, code, name, remote) values ($1, $2, $3, $3, $4)', [org, id, code, remote]);
    return id;
  };
  const app = await addProject('app', 'https://github.com/Acme/App');
  const site = await addProject('site', 'https://github.com/acme/site');
  const sessions = createSessions({
    ...{ ids: testIds, randomBytes, projects },
    db: options.db?.(db) ?? db,
    random: () => 0.5,
    ...(options.staleAfterMs === undefined ? {} : { staleAfterMs: options.staleAfterMs }),
  });
  return {
    ...{ db, identity, projects, sessions, owner, org, app, site },
    start: (input = {}, by = owner) =>
      sessions.handlers.start(callerOf(by), StartSchema.parse({ project: 'app', agent: 'claude', machine: 'laptop', ...input })),
    journal: async (session) =>
      (await db.owner<{ type: string }>('select type from journal where stream = $1 order by seq', [session])).map(({ type }) => type),
    [Symbol.asyncDispose]: () => db[Symbol.asyncDispose](),
  };
}
