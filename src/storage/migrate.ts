/**
 * Brings a database to the schema of this release: numbered SQL files, each once, in order, in a transaction of its
 * own, under a lock that lets one process at a time do it (spec STO-1). Forward only: there is no way back but a restore.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, DatabaseError } from 'pg';
import { sha256Hex } from '../kernel/canonical-json.ts';
import { AppError } from '../kernel/errors.ts';

export type Migration = { readonly number: number; readonly name: string; readonly sql: string; readonly checksum: string };
export type MigrationReport = { readonly applied: readonly string[]; readonly version: number };

export const MIGRATIONS_FOLDER = join(import.meta.dirname, 'migrations');
const ROLES_FILE = join(import.meta.dirname, 'roles.sql');
const FILE_NAME = /^(\d{4})_[a-z0-9_]+\.sql$/;
const MIGRATION_LOCK = '8604520202148967796';
/** Longer than any migration should take; another process may be busy with one. */
const LOCK_TIMEOUT_MS = 120_000;
const CONNECT_TIMEOUT_MS = 10_000;
const OLDEST_SERVER = 150_000;
const LEDGER = `create table if not exists schema_migration (
  number integer primary key,
  name text not null,
  checksum text not null,
  applied_at timestamptz not null
)`;

/**
 * Runs as the login of `url`, which owns the tables. Idempotent, safe under concurrent starts.
 * @throws AppError `configuration`: a changed migration, a database newer than this release, a login without the rights,
 * a server older than PostgreSQL 15; `unavailable` when the server cannot be reached.
 */
export async function migrate(options: { url: string; folder?: string }): Promise<MigrationReport> {
  const migrations = await readMigrations(options.folder ?? MIGRATIONS_FOLDER);
  const client = new Client({ connectionString: options.url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS, application_name: 'windlass migrate' });
  client.on('error', () => {}); // the failing call reports it
  try {
    await client.connect();
  } catch (error) {
    throw new AppError('unavailable', `The database cannot be reached: ${error instanceof Error ? error.message : String(error)}`, {
      next: 'Check DATABASE_URL and that the server runs.',
      cause: error,
    });
  }
  try {
    await checkServer(client);
    await client.query(`set lock_timeout = ${LOCK_TIMEOUT_MS}; set client_min_messages = warning`);
    await client.query(`select pg_advisory_lock(${MIGRATION_LOCK})`);
    await ensureRoles(client);
    await client.query(LEDGER);
    const applied = await applyPending(client, migrations);
    return { applied, version: migrations.at(-1)?.number ?? 0 };
  } finally {
    await client.end().catch(() => {}); // releases the lock as well; a lost connection has released it
  }
}

/** By number; numbers may leave gaps, because branches reserve them. @throws AppError `internal` for a wrong name or a double. */
export async function readMigrations(folder: string = MIGRATIONS_FOLDER): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.sql')).toSorted();
  const migrations = await Promise.all(
    files.map(async (file) => {
      const sql = await readFile(join(folder, file), 'utf8');
      return { number: Number(FILE_NAME.exec(file)?.[1]), name: file.replace(/\.sql$/, ''), sql, checksum: sha256Hex(sql.replaceAll('\r\n', '\n')) };
    }),
  );
  const wrong = migrations.find((each, index) => !(each.number > (migrations[index - 1]?.number ?? 0)));
  if (wrong !== undefined) {
    throw new AppError('internal', `${wrong.name}.sql has no number of its own.`, { next: 'Name migrations NNNN_verb_noun.sql, each number once.' });
  }
  return migrations;
}

async function applyPending(client: Client, migrations: readonly Migration[]): Promise<string[]> {
  const { rows } = await client.query<{ number: number; name: string; checksum: string }>(
    'select number, name, checksum from schema_migration order by number',
  );
  for (const row of rows) {
    const ours = migrations.find((each) => each.number === row.number);
    if (ours === undefined) {
      throw new AppError('configuration', `The database has migration ${row.name}, which this release does not know: it is newer.`, {
        next: 'Start the release that made it or a later one. Nothing was changed.',
      });
    }
    if (ours.checksum !== row.checksum) {
      throw new AppError('configuration', `Migration ${row.name} is not the one that was applied to this database: its text has changed.`, {
        next: 'Restore the file as it was released and put the change in a new migration. Nothing was changed.',
      });
    }
  }
  const applied: string[] = [];
  for (const migration of migrations) {
    if (rows.some((row) => row.number === migration.number)) continue;
    await applyOne(client, migration);
    applied.push(migration.name);
  }
  return applied;
}

async function applyOne(client: Client, migration: Migration): Promise<void> {
  await client.query('begin');
  try {
    await client.query(migration.sql);
    await client.query('insert into schema_migration (number, name, checksum, applied_at) values ($1, $2, $3, clock_now())', [
      migration.number,
      migration.name,
      migration.checksum,
    ]);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => {}); // a lost connection has rolled back
    throw new AppError('configuration', `Migration ${migration.name} failed: ${error instanceof Error ? error.message : String(error)}`, {
      next: 'Nothing of it was stored. Mend the cause and start again.',
      cause: error,
    });
  }
}

async function ensureRoles(client: Client): Promise<void> {
  const sql = await readFile(ROLES_FILE, 'utf8');
  try {
    await client.query(sql);
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.code !== '42501') throw error;
    const { rows } = await client.query<{ login: string }>('select current_user as login');
    const login = rows[0]?.login ?? 'the login of DATABASE_URL';
    throw new AppError('configuration', `The login ${login} may not create Windlass's roles (${error.message}).`, {
      next: `Let an administrator run once: create role windlass_app nologin; create role windlass_worker nologin; create role windlass_identity nologin; create role windlass_search nologin; grant windlass_app, windlass_worker, windlass_identity, windlass_search to "${login}";`,
      cause: error,
    });
  }
}

async function checkServer(client: Client): Promise<void> {
  const { rows } = await client.query<{ number: number; version: string }>(
    "select current_setting('server_version_num')::int as number, current_setting('server_version') as version",
  );
  const server = rows[0];
  if (server !== undefined && server.number >= OLDEST_SERVER) return;
  throw new AppError('configuration', `The server is PostgreSQL ${server?.version ?? 'of an unknown version'}; Windlass needs 15 or newer.`, {
    next: 'Upgrade the server, or unset DATABASE_URL to use the embedded database.',
  });
}
