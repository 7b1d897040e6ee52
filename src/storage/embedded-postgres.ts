/**
 * The embedded database of a home folder: PostgreSQL from npm, driven by ourselves, on a Unix socket only.
 * It runs in a session of its own and outlives a killed Windlass; the next start finds it and goes on (spec STO-1).
 */
import { Client } from 'pg';
import type { Clock } from '../kernel/clock.ts';
import { startCluster } from './cluster.ts';
import type { Spawn } from './cluster.ts';
import { copyBinaries, findBinaries } from './embedded-binaries.ts';
import { findPlace, findSocketFolder, homeFault, recordPlace } from './embedded-place.ts';

export type EmbeddedOptions = {
  home: string;
  clock: Clock;
  spawn: Spawn;
  /** False gives up what survives a power failure, not what survives a kill: for tests. */
  durable?: boolean;
};
export type Embedded = {
  /** Connection URL of Windlass's database, as the cluster's owner. */
  url: string;
  /** Of the binaries, as in `18.4.0`. */
  version: string;
  /** Where the data is: in the home, or elsewhere when root's home cannot be entered by the database's user. */
  folder: string;
  /** False when the server was running already; of two that start it at once, both say true. */
  owner: boolean;
  /** Leaves the database; the last process to leave stops it. Idempotent. */
  stop: () => Promise<void>;
};

const DATABASE = 'windlass';
export const BUILTIN_LOCALE = ['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'];

/** Fit for a laptop: little memory, durable, and no values of statements in the log. */
const SETTINGS = {
  max_connections: '50',
  shared_buffers: '32MB',
  work_mem: '8MB',
  maintenance_work_mem: '32MB',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_logical_replication_workers: '0',
  min_wal_size: '64MB',
  max_wal_size: '512MB',
  checkpoint_timeout: '15min',
  max_worker_processes: '4',
  max_parallel_workers_per_gather: '0',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_min_messages: 'warning',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
} as const;
/** PostgreSQL 18 keeps three input and output workers by default: too much for an idle laptop. */
const SETTINGS_18 = { io_method: 'sync' } as const;
/** Survives every crash but that of the machine. */
export const SETTINGS_NOT_DURABLE = { fsync: 'off', full_page_writes: 'off' } as const;

/** Lines of postgresql.conf for a server of that major version. */
export function settingsFor(major: number): Readonly<Record<string, string>> {
  return major >= 18 ? { ...SETTINGS, ...SETTINGS_18 } : SETTINGS;
}

/**
 * Starts the home's database or joins the running one. Safe under concurrent starts.
 * @throws AppError `configuration` for a home that cannot be used, another major version, a server that does not start.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const installed = await findBinaries();
  const place = await findPlace(options.home);
  try {
    // another user cannot be expected to reach node_modules
    const binaries = place.runAs === null ? installed : await copyBinaries(installed, place.folder);
    const cluster = await startCluster({
      folder: place.folder,
      socketFolder: await findSocketFolder(place),
      runAs: place.runAs,
      binaries,
      initdbArguments: BUILTIN_LOCALE,
      settings: { ...settingsFor(binaries.major), ...(options.durable === false ? SETTINGS_NOT_DURABLE : {}) },
      clock: options.clock,
      spawn: options.spawn,
    });
    try {
      await recordPlace(options.home, place);
      await createDatabaseOnce(cluster.url('postgres'));
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return {
      url: cluster.url(DATABASE),
      version: installed.version.replace(/-.*/, ''),
      folder: place.folder,
      owner: cluster.owner,
      stop: cluster.stop,
    };
  } catch (error) {
    throw homeFault(options.home, error);
  }
}

async function createDatabaseOnce(adminUrl: string): Promise<void> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`create database ${DATABASE}`);
  } catch (error) {
    // 42P04 or a unique violation: another process made it in between
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code !== '42P04' && code !== '23505') throw error;
  } finally {
    await client.end();
  }
}
