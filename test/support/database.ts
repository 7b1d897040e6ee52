/**
 * A fresh, migrated database for each test, on a real PostgreSQL: `await using db = await testDatabase()`.
 *
 * All test processes of this user share one cluster in the temp folder; the last to end stops it. A template is migrated
 * once per state of the migrations, each test gets a copy of it (some 30 ms). What a killed run left behind is taken over
 * by the next one. WINDLASS_TEST_DATABASE=server runs the same on an installed PostgreSQL instead of the embedded one.
 */
import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, DatabaseError } from 'pg';
import { sha256Hex } from '../../src/kernel/canonical-json.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import { AppError } from '../../src/kernel/errors.ts';
import type { OrgId } from '../../src/kernel/ids.ts';
import { startCluster } from '../../src/storage/cluster.ts';
import { createDatabase } from '../../src/storage/database.ts';
import type { Database } from '../../src/storage/database.ts';
import { copyBinaries, findBinaries } from '../../src/storage/embedded-binaries.ts';
import type { Binaries } from '../../src/storage/embedded-binaries.ts';
import { BUILTIN_LOCALE, SETTINGS_NOT_DURABLE, settingsFor } from '../../src/storage/embedded-postgres.ts';
import { findPlace, findSocketFolder } from '../../src/storage/embedded-place.ts';
import { migrate, readMigrations } from '../../src/storage/migrate.ts';
import { isAlive, removeStaleHomes } from './home.ts';
import { until } from './until.ts';

export type TestDatabase = Database & {
  /** Connection URL as the owner of the tables, for what opens a database of its own. */
  readonly url: string;
  /** A statement as the owner of the cluster: past row-level security. For arranging and inspecting. */
  owner<T extends object>(text: string, values?: readonly unknown[]): Promise<T[]>;
  /** Inserts an organization and gives back its id. */
  addOrg(org: OrgId, name?: string): Promise<OrgId>;
  /** From now on clock_now() of this database is this instant, until it is set again; null gives real time back. */
  setTime(nowMs: number | null): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};
export type TestDatabaseOptions = {
  poolSize?: number;
  clock?: Clock;
  /** Leaves the database empty, without a single migration. */
  empty?: boolean;
};

const TEST_DATABASE = /^test_(\d+)_\d+$/;
const TEMPLATE = /^template_[0-9a-f]{12}$/;
/** Templates of other checkouts and former states are kept up to this number. */
const TEMPLATES_MAX = 12;
/** Many test processes share the cluster. */
const CONNECTIONS_MAX = 300;
const SERVERS = '/usr/lib/postgresql';
const COPY_WITHIN_MS = 5_000;

type Shared = { url(database: string): string; stop: () => Promise<void> };
let shared: Promise<Shared> | null = null;
let made = 0;

export async function testDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const cluster = await (shared ??= openCluster());
  const name = `test_${process.pid}_${(made += 1)}`;
  const template = options.empty === true ? 'template0' : await ensureTemplate(cluster);
  await copyTemplate(cluster, template, name);
  const url = cluster.url(name);
  const owner = new Client({ connectionString: url });
  owner.on('error', () => {}); // a test that stops the server; the next call fails
  await owner.connect();
  const database = createDatabase({ url, applicationName: name, poolSize: options.poolSize ?? 5, clock: options.clock ?? systemClock });
  const run = async <T extends object>(text: string, values: readonly unknown[] = []): Promise<T[]> => {
    const { rows } = await owner.query(text, values.length === 0 ? undefined : [...values]);
    return rows as T[];
  };
  return {
    ...database,
    url,
    owner: run,
    async addOrg(org, orgName = 'Test') {
      await run('insert into org (id, name) values ($1, $2)', [org, orgName]);
      return org;
    },
    async setTime(nowMs) {
      const time = nowMs === null ? 'statement_timestamp()' : `timestamptz '${new Date(nowMs).toISOString()}'`;
      await run(`create or replace function clock_now() returns timestamptz language sql stable parallel safe return ${time}`);
    },
    async [Symbol.asyncDispose]() {
      await database.close();
      await owner.end().catch(() => {}); // the server may have been stopped by the test
      await asAdmin(cluster, (admin) => admin.query(`drop database if exists ${name} with (force)`));
    },
  };
}

async function openCluster(): Promise<Shared> {
  const kind = process.env['WINDLASS_TEST_DATABASE'] === 'server' ? 'server' : 'embedded';
  const place = await findPlace(join(tmpdir(), `windlass-test-${process.getuid?.() ?? 0}-${kind}`));
  const installed = kind === 'server' ? await findServer() : await findBinaries();
  const binaries = kind === 'server' || place.runAs === null ? installed : await copyBinaries(installed, place.folder);
  const cluster = await startCluster({
    folder: place.folder,
    socketFolder: await findSocketFolder(place),
    runAs: place.runAs,
    binaries,
    initdbArguments: binaries.major >= 17 ? BUILTIN_LOCALE : ['--encoding=UTF8', '--locale=C.UTF-8'],
    settings: { ...settingsFor(binaries.major), ...SETTINGS_NOT_DURABLE, max_connections: String(CONNECTIONS_MAX) },
    clock: systemClock,
    spawn,
  });
  await asAdmin(cluster, removeStale);
  await removeStaleHomes();
  // 'beforeExit' comes when nothing is left to do, which is when the tests of this process are over
  process.once('beforeExit', () => void cluster.stop());
  return cluster;
}

/** The newest PostgreSQL that the system's packages installed. */
async function findServer(): Promise<Binaries> {
  const versions = (await readdir(SERVERS)).filter((name) => /^\d+$/.test(name)).toSorted((a, b) => Number(a) - Number(b));
  const version = versions.at(-1);
  if (version === undefined) throw new AppError('configuration', `WINDLASS_TEST_DATABASE=server needs an installed PostgreSQL below ${SERVERS}.`);
  return { binFolder: join(SERVERS, version, 'bin'), version, major: Number(version) };
}

async function ensureTemplate(cluster: Shared): Promise<string> {
  const migrations = await readMigrations();
  const name = `template_${sha256Hex(migrations.map((each) => each.checksum).join()).slice(0, 12)}`;
  await asAdmin(cluster, async (admin) => {
    // one process makes it, the others wait for it
    await admin.query('select pg_advisory_lock(hashtext($1))', [name]);
    const { rowCount } = await admin.query('select from pg_database where datname = $1', [name]);
    if (rowCount !== 0) return;
    const unfinished = `unfinished_${process.pid}_${name}`;
    await admin.query(`drop database if exists ${unfinished} with (force)`);
    await admin.query(`create database ${unfinished}`);
    await migrate({ url: cluster.url(unfinished) });
    await admin.query(`alter database ${unfinished} rename to ${name}`);
  });
  return name;
}

async function copyTemplate(cluster: Shared, template: string, name: string): Promise<void> {
  // refused while somebody is connected to the template: the connection that migrated it may not have ended yet
  await until(`a copy of ${template}`, COPY_WITHIN_MS, async () => {
    try {
      await asAdmin(cluster, (admin) => admin.query(`create database ${name} template ${template}`));
      return true;
    } catch (error) {
      if (error instanceof DatabaseError && error.code === '55006') return false;
      throw error;
    }
  });
}

/** Databases of processes that are gone, and templates beyond the number kept. */
async function removeStale(admin: Client): Promise<void> {
  const { rows } = await admin.query<{ datname: string }>('select datname from pg_database order by oid');
  const names = rows.map((row) => row.datname);
  const stale = names.filter((name) => {
    const pid = TEST_DATABASE.exec(name)?.[1] ?? /^unfinished_(\d+)_/.exec(name)?.[1];
    return pid !== undefined && !isAlive(Number(pid));
  });
  const templates = names.filter((name) => TEMPLATE.test(name));
  for (const name of [...stale, ...templates.slice(0, Math.max(0, templates.length - TEMPLATES_MAX))]) {
    await admin.query(`drop database if exists ${name} with (force)`).catch(() => {}); // another process removes it just now
  }
}

async function asAdmin<T>(cluster: Shared, work: (admin: Client) => Promise<T>): Promise<T> {
  const admin = new Client({ connectionString: cluster.url('postgres') });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}
