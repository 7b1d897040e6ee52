/**
 * The real server of a test: everything main.ts composes, in this process, on a database and in a home folder of its own.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Api } from '../../src/clients/api.ts';
import { API_PREFIX, createApi } from '../../src/clients/api.ts';
import type { Config } from '../../src/config.ts';
import { loadConfig } from '../../src/config.ts';
import type { OrgId } from '../../src/kernel/ids.ts';
import type { Server } from '../../src/main.ts';
import { startServer } from '../../src/main.ts';
import { createRecordAdmin } from '../../src/platform/identity/admin-event.ts';
import type { ActorKind, Role, Scope } from '../../src/platform/identity/contract.ts';
import { identityOperations } from '../../src/platform/identity/contract.ts';
import { createOrganization } from '../../src/platform/identity/first-start.ts';
import type { TestDatabase } from './database.ts';
import { testDatabase } from './database.ts';
import { testHome } from './home.ts';
import { testIds } from './identity.ts';

export type TestServerOptions = {
  /** Runs carried out at once; 0 leaves every run queued. */
  workers?: number;
  /** Scripts of `rehearsal/<name>` models by name, as YAML. */
  rehearsals?: Readonly<Record<string, string>>;
  /** More environment for the server, such as providers' keys. */
  env?: Readonly<Record<string, string>>;
  config?: Partial<Config>;
};

export type Wanted = { role: Role; scopes?: Scope[]; kind?: Exclude<ActorKind, 'agent'>; name?: string; expiresInDays?: number };
export type TestKey = { secret: string; id: string; actor: string };
export type TestRequest = { method?: string; key?: string | null; body?: unknown; headers?: Readonly<Record<string, string>>; signal?: AbortSignal };

export type TestServer = Omit<Server, 'ownerKey'> & {
  ownerKey: string;
  localKey: string;
  home: string;
  db: TestDatabase;
  /** What the server logged, a line each. */
  logged: string[];
  /** The typed client, with the owner key unless another is given. */
  api(key?: string): Api;
  /** Any request; `path` is below /api/v1 unless it begins with `//`, as in `//healthz`. The owner key unless `key` says otherwise. */
  request(path: string, request?: TestRequest): Promise<Response>;
  /** A key of another role, by an actor of its own, made by the owner (or by `owner`, the owner key of another organization). */
  key(wanted: Wanted, owner?: string): Promise<TestKey>;
  /** Another organization in the same database, with an owner key. */
  addOrganization(name?: string): Promise<{ org: OrgId; ownerKey: string }>;
  [Symbol.asyncDispose](): Promise<void>;
};

export async function testServer(options: TestServerOptions = {}): Promise<TestServer> {
  const home = testHome();
  const db = await testDatabase();
  for (const [name, script] of Object.entries(options.rehearsals ?? {})) {
    const folder = join(home.path, 'rehearsals', name);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'rehearsal.yaml'), script);
  }
  const env = { DATABASE_URL: db.url, PATH: process.env['PATH'], WINDLASS_PORT: '0', ...options.env };
  const config = loadConfig({ flags: { home: home.path, workers: String(options.workers ?? 4) }, env, cwd: home.path });
  const logged: string[] = [];
  const server = await startServer({ ...config, ...options.config }, { log: (line) => void logged.push(line), env });
  const { ownerKey } = server;
  if (ownerKey === null) throw new Error('a new database has an owner already');
  const api = (key = ownerKey): Api => createApi({ url: server.url, key, fetch: globalThis.fetch });
  return {
    ...server,
    ...{ ownerKey, db, logged, api, home: home.path },
    localKey: (await readFile(server.localKeyFile, 'utf8')).trim(),
    request: (path, { method = 'GET', key = ownerKey, body, headers = {}, signal } = {}) =>
      fetch(server.url + (path.startsWith('//') ? path.slice(1) : API_PREFIX + path), {
        method,
        headers: {
          ...(key === null ? {} : { authorization: `Bearer ${key}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
      }),
    async key({ role, scopes, kind = 'user', name = `a ${role}`, expiresInDays }, owner = ownerKey) {
      const actor = await api(owner).call(identityOperations.createActor, { kind, name });
      const made = await api(owner).call(identityOperations.createKey, { name, actor: actor.id, role, scopes, expiresInDays });
      return { secret: made.secret, id: made.key.id, actor: actor.id };
    },
    addOrganization: (name = 'Another') =>
      createOrganization({ db, ids: testIds, randomBytes, recordAdmin: createRecordAdmin({ randomBytes }) }, name),
    async [Symbol.asyncDispose]() {
      await server.stop();
      await db[Symbol.asyncDispose]();
      await home[Symbol.asyncDispose]();
    },
  };
}
