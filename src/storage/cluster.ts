/**
 * One PostgreSQL cluster in one folder, shared by every process that uses the folder: made, started, adopted, stopped.
 * The database itself is the lock: who is present holds a shared advisory lock on a connection of its own, and the
 * last to leave, alone able to take it exclusively, stops the server. A killed process loses its lock with its
 * connection, so nothing has to be tidied up after it.
 */
import type { spawn as nodeSpawn } from 'node:child_process';
import { chown, mkdtemp, readFile, readlink, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Binaries } from './embedded-binaries.ts';
import type { RunAs } from './embedded-place.ts';

export type Spawn = typeof nodeSpawn;
export type ClusterOptions = {
  /** Owned by `runAs`; holds data/, log and, where short enough, socket/. */
  folder: string;
  socketFolder: string;
  runAs: RunAs | null;
  binaries: Binaries;
  initdbArguments: readonly string[];
  /** Lines of postgresql.conf, rewritten at each start. */
  settings: Readonly<Record<string, string>>;
  clock: Clock;
  spawn: Spawn;
};
export type Cluster = {
  /** For a database of this cluster. */
  url(database: string): string;
  /** False when the server was running already; of two that start it at once, both say true. */
  owner: boolean;
  /** Leaves; the last process to leave stops the server. Idempotent. */
  stop: () => Promise<void>;
};

export const CLUSTER_USER = 'windlass';
const PORT = 5432;
/** "windlass" in ASCII, as far as a positive bigint holds it. */
const PRESENCE_LOCK = '8604520202148967795';
const ARRIVE_DEADLINE_MS = 60_000;
const START_ATTEMPTS = 3;
const STOP_DEADLINE_MS = 30_000;
const POLL_MS = 50;
const READY_POLL_MS = 10;
const RETURN_POLL_MS = 500;
const CONNECT_TIMEOUT_MS = 5_000;
const LOG_MAX_BYTES = 5_000_000;
const LOG_TAIL_LINES = 5;

/** Idempotent; safe under concurrent calls from several processes. @throws AppError `configuration` with the next step. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const data = join(options.folder, 'data');
  await makeData(options, data);
  await checkVersion(options, data);
  const leaving = new AbortController();
  let presence = await arrive(options, { data, signal: leaving.signal });
  const owner = presence.started;
  let lost = false;
  let returning: Promise<void> | null = null;
  let stopping: Promise<void> | null = null;

  const watch = (): void => {
    presence.client.unref(); // being present is no reason to go on
    presence.client.on('error', () => {}); // 'end' follows and is what counts
    presence.client.once('end', () => {
      lost = true;
      returning = comeBack();
    });
  };
  // The server crashed or was stopped under us: start it again, so that the others recover by themselves.
  const comeBack = async (): Promise<void> => {
    while (!leaving.signal.aborted) {
      try {
        presence = await arrive(options, { data, signal: leaving.signal });
        lost = false;
        watch();
        return;
      } catch {
        await options.clock.sleep(RETURN_POLL_MS, leaving.signal); // still away: callers get `unavailable` meanwhile
      }
    }
  };
  const stop = async (): Promise<void> => {
    leaving.abort();
    await returning;
    // a server that crashed and came back by itself has forgotten who was present
    const client = lost ? await rejoin(options, data) : presence.client;
    if (client !== null) await leave(options, data, client);
  };
  watch();

  return { owner, url: (database) => clusterUrl(presence.socketFolder, database), stop: () => (stopping ??= stop()) };
}

/** pg's own typing leaves these two out. */
type PresenceClient = Client & { ref(): void; unref(): void };
type Presence = { client: PresenceClient; socketFolder: string; started: boolean };

async function arrive(options: ClusterOptions, { data, signal }: { data: string; signal: AbortSignal }): Promise<Presence> {
  const deadline = options.clock.nowMs() + ARRIVE_DEADLINE_MS;
  let started = false;
  let attempts = 0;
  while (options.clock.nowMs() < deadline && !signal.aborted) {
    const server = await readServer(data);
    const found = server === null ? 'absent' : await tryPresence(server.socketFolder);
    if (typeof found !== 'string' && server !== null) return { client: found, socketFolder: server.socketFolder, started };
    if (found === 'absent') {
      attempts += 1;
      const fault = await launch(options, data);
      if (fault === null) started = true;
      else if (attempts >= START_ATTEMPTS && (await readServer(data)) === null) throw await startFault(options, fault);
      else await options.clock.sleep(RETURN_POLL_MS, signal);
    } else {
      await options.clock.sleep(POLL_MS, signal); // starting or stopping: it will be one or the other soon
    }
  }
  throw await startFault(options, `not ready after ${ARRIVE_DEADLINE_MS / 1000} s`);
}

/** The running server's presence, without starting one; null when none runs. */
async function rejoin(options: ClusterOptions, data: string): Promise<PresenceClient | null> {
  const deadline = options.clock.nowMs() + CONNECT_TIMEOUT_MS;
  while (options.clock.nowMs() < deadline) {
    const server = await readServer(data);
    const found = server === null ? 'absent' : await tryPresence(server.socketFolder);
    if (found !== 'busy') return found === 'absent' ? null : found;
    await options.clock.sleep(POLL_MS);
  }
  return null;
}

/** A connection that holds the shared lock; `absent` when nothing listens, `busy` while it starts or stops. */
async function tryPresence(socketFolder: string): Promise<PresenceClient | 'absent' | 'busy'> {
  const client = new Client({
    connectionString: clusterUrl(socketFolder, 'postgres'),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'windlass presence',
  }) as PresenceClient;
  client.on('error', () => {}); // reported by the failing call as well
  try {
    await client.connect();
    const { rows } = await client.query<{ held: boolean }>(`select pg_try_advisory_lock_shared(${PRESENCE_LOCK}) as held`);
    if (rows[0]?.held === true) return client;
    await client.end(); // the last process is stopping it just now
    return 'busy';
  } catch (error) {
    await client.end().catch(() => {}); // never connected
    const code = error instanceof Error && 'code' in error ? error.code : '';
    return code === 'ENOENT' || code === 'ECONNREFUSED' ? 'absent' : 'busy';
  }
}

async function leave(options: ClusterOptions, data: string, client: PresenceClient): Promise<void> {
  client.ref();
  try {
    await client.query(`select pg_advisory_unlock_shared(${PRESENCE_LOCK})`);
    const { rows } = await client.query<{ alone: boolean }>(`select pg_try_advisory_lock(${PRESENCE_LOCK}) as alone`);
    // The lock is held until the server ends, so nobody can arrive at a server that is about to go.
    if (rows[0]?.alone !== true) return;
    await run(options, 'pg_ctl', ['stop', '-D', data, '-m', 'fast', '-W', '-s']);
    const deadline = options.clock.nowMs() + STOP_DEADLINE_MS;
    while ((await readServer(data)) !== null && options.clock.nowMs() < deadline) await options.clock.sleep(READY_POLL_MS);
  } catch {
    // the server is gone already: nothing is left to stop
  } finally {
    await client.end().catch(() => {}); // ended by the stop
  }
}

async function makeData(options: ClusterOptions, data: string): Promise<void> {
  if (await isThere(join(data, 'PG_VERSION'))) return;
  // Made aside and renamed, so that a half-made cluster is never used and the first of two makers wins.
  const unfinished = await mkdtemp(`${data}.`);
  if (options.runAs !== null) await chown(unfinished, options.runAs.uid, options.runAs.gid);
  const made = await run(options, 'initdb', ['-D', unfinished, '-U', CLUSTER_USER, '-A', 'trust', '--no-instructions', ...options.initdbArguments]);
  if (made.status !== 0) {
    await rm(unfinished, { recursive: true, force: true });
    const full = /No space left|disk quota/i.test(made.output);
    throw new AppError(
      'configuration',
      full ? `The disk of ${options.folder} is full.` : `The database could not be made in ${options.folder}: ${lastLines(made.output)}`,
      {
        next: full
          ? 'Free some space (a new database needs about 100 MB), or set WINDLASS_HOME to another disk.'
          : 'Mend the cause, or set WINDLASS_HOME to another folder.',
      },
    );
  }
  try {
    await rename(unfinished, data);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    if (!(await isThere(join(data, 'PG_VERSION')))) throw error; // otherwise another process made it first
  }
}

async function checkVersion(options: ClusterOptions, data: string): Promise<void> {
  const major = Number.parseInt(await readFile(join(data, 'PG_VERSION'), 'utf8'), 10);
  if (major === options.binaries.major) return;
  throw new AppError(
    'configuration',
    `The database in ${data} was made by PostgreSQL ${major}; this release brings PostgreSQL ${options.binaries.major}.`,
    {
      next: `Export with the release that brought PostgreSQL ${major} and import here, or go back to it. Nothing was changed.`,
    },
  );
}

/** Null when it started, else why not. */
async function launch(options: ClusterOptions, data: string): Promise<string | null> {
  await removeStaleLock(join(data, 'postmaster.pid'), data);
  await removeStaleLock(join(options.socketFolder, `.s.PGSQL.${PORT}.lock`), data);
  await writeConfig(options, data);
  const log = join(options.folder, 'log');
  const size = await stat(log).then(
    (found) => found.size,
    () => 0, // no log yet
  );
  if (size > LOG_MAX_BYTES) await rename(log, `${log}.old`);
  const former = await readServer(data);
  const ended = new AbortController();
  const starting = run(options, 'pg_ctl', ['start', '-D', data, '-l', log, '-w', '-t', '60', '-s']).finally(() => ended.abort());
  starting.catch(() => {}); // awaited below unless the server is ready first
  // pg_ctl itself looks only every 100 ms
  while (!ended.signal.aborted) {
    const server = await readServer(data);
    if (server !== null && server.ready && server.pid !== former?.pid) return null;
    await options.clock.sleep(READY_POLL_MS, ended.signal);
  }
  const result = await starting;
  return result.status === 0 ? null : lastLines(result.output);
}

async function writeConfig(options: ClusterOptions, data: string): Promise<void> {
  const settings = {
    ...options.settings,
    listen_addresses: '',
    port: String(PORT),
    unix_socket_directories: options.socketFolder,
    unix_socket_permissions: '0700',
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`);
  const aside = await mkdtemp(join(options.folder, 'conf.'));
  try {
    await writeFile(join(aside, 'conf'), `# Written at each start; changes are lost.\n${lines.join('\n')}\n`, { mode: 0o600 });
    if (options.runAs !== null) await chown(join(aside, 'conf'), options.runAs.uid, options.runAs.gid);
    await rename(join(aside, 'conf'), join(data, 'postgresql.conf'));
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

/**
 * The recorded process may be dead but not yet reaped (where process 1 reaps nobody, for ever), or, after a restart of
 * the machine or container, be something else: PostgreSQL would refuse to start. A postmaster works in its data
 * folder; where it can be seen that this one does not, the file is old.
 */
async function removeStaleLock(file: string, data: string): Promise<void> {
  try {
    const pid = Number.parseInt(await readFile(file, 'utf8'), 10);
    const status = await readFile(`/proc/${pid}/stat`, 'utf8');
    const dead = /^\s[ZX]/.test(status.slice(status.lastIndexOf(')') + 1));
    if (dead || (await readlink(`/proc/${pid}/cwd`)) !== (await realpath(data))) await rm(file, { force: true });
  } catch {
    // no file, no such process, no /proc, or not ours to see: PostgreSQL's own check decides
  }
}

type Server = { pid: number; socketFolder: string; ready: boolean };

async function readServer(data: string): Promise<Server | null> {
  const text = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => ''); // not running
  const [pid, , , , socketFolder, , , state] = text.split('\n');
  if (pid === undefined || pid === '') return null;
  return { pid: Number(pid), socketFolder: socketFolder ?? '', ready: state?.trim() === 'ready' };
}

async function startFault(options: ClusterOptions, why: string): Promise<AppError> {
  const log = join(options.folder, 'log');
  const tail = lastLines(await readFile(log, 'utf8').catch(() => '')); // without a log the reason must do
  const full = /No space left/i.test(tail);
  return new AppError('configuration', `The embedded database did not start: ${why}${tail === '' ? '' : ` (${tail})`}`, {
    next: full
      ? 'Free some space on the disk and start again; nothing stored is lost.'
      : `Read ${log}, mend the cause and start again; nothing stored is lost.`,
  });
}

function clusterUrl(socketFolder: string, database: string): string {
  return `postgresql://${CLUSTER_USER}@localhost:${PORT}/${database}?host=${encodeURIComponent(socketFolder)}&sslmode=disable`;
}

function run(options: ClusterOptions, program: string, args: readonly string[]): Promise<{ status: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = options.spawn(join(options.binaries.binFolder, program), [...args], {
      cwd: options.folder,
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...options.runAs,
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.once('error', reject);
    child.once('close', (status) => resolve({ status: status ?? 1, output }));
  });
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-LOG_TAIL_LINES).join(' | ');
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false, // absence is what is asked
  );
}
