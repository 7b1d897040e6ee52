/**
 * What every part of the server stands on: clock, ids, log, secrets to scrub, the database; and how what was opened is closed.
 * Only the composition root reads it.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config, Environment } from './config.ts';
import type { Clock } from './kernel/clock.ts';
import { systemClock } from './kernel/clock.ts';
import { createIds, pooled } from './kernel/ids.ts';
import { createRecordAdmin } from './platform/identity/admin-event.ts';
import { createScrubber } from './platform/secrets/scrub.ts';
import type { Log } from './platform/telemetry/log.ts';
import { createLog } from './platform/telemetry/log.ts';
import type { Blobs } from './storage/blobs.ts';
import { createFolderBlobs } from './storage/blobs-folder.ts';
import { createNoBlobs } from './storage/blobs-none.ts';
import { createDatabase } from './storage/database.ts';
import { homeFault } from './storage/embedded-place.ts';
import { startEmbedded } from './storage/embedded-postgres.ts';
import { migrate } from './storage/migrate.ts';

/** `log` takes finished lines. */
export type StartOptions = {
  log: (line: string) => void;
  env: Environment;
  /** Makes another owner key: for who lost the printed one and can open the database itself. */
  newOwnerKey?: boolean;
};

export type Closer = { what: string; close: () => Promise<unknown> };

/** Environment variables that hold secrets by their name: their values never leave. */
const SECRET_NAME = /(?:KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS?)$/;
/** In the home folder: where the server of this home listens. */
export const SERVER_FILE = 'server.json';
const POOL_SIZE = 10;
const PEER_MS = 1_000;

/** Where programs are looked for. */
export function pathOf(env: Environment): string {
  return env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin';
}

/** Last opened, first closed. */
export async function closeAll(closers: Closer[], failed: (what: string, error: unknown) => void): Promise<void> {
  for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) {
    try {
      await closer.close();
    } catch (error) {
      failed(closer.what, error); // the rest must be closed all the same
    }
  }
}

export function createBase(config: Config, { log: write, env }: StartOptions) {
  const clock = systemClock;
  const secrets = Object.keys(env).filter((name) => SECRET_NAME.test(name));
  const scrubber = createScrubber(() => secrets.map((name) => ({ name, value: env[name] ?? '' })));
  const draw = pooled(randomBytes);
  return {
    clock,
    env,
    scrubber,
    ids: createIds({ nowMs: () => clock.nowMs(), randomBytes: draw }),
    log: createLog({ clock, level: config.log, scrub: (line) => scrubber.text(line), write }),
    recordAdmin: createRecordAdmin({ randomBytes }),
    random: () => Buffer.from(draw(4)).readUInt32BE() / 2 ** 32,
  };
}
export type Base = ReturnType<typeof createBase>;

export async function openDatabase(config: Config, deps: { clock: Clock; closers: Closer[] }) {
  const { clock, closers } = deps;
  await mkdir(config.home, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw homeFault(config.home, error);
  });
  let url = config.databaseUrl;
  let description = 'PostgreSQL by DATABASE_URL';
  if (url === null) {
    const embedded = await startEmbedded({ home: config.home, clock, spawn });
    closers.push({ what: 'embedded database', close: embedded.stop });
    url = embedded.url;
    description = `embedded PostgreSQL ${embedded.version} in ${embedded.folder}`;
  }
  await migrate({ url: config.databaseDirectUrl ?? url });
  const direct = config.databaseDirectUrl === null ? {} : { directUrl: config.databaseDirectUrl };
  const db = createDatabase({ url, ...direct, applicationName: 'windlass', poolSize: POOL_SIZE, clock });
  closers.push({ what: 'database', close: () => db.close() });
  return { db, description };
}

export function openBlobs(config: Config): Blobs {
  return config.blobs === 'none' ? createNoBlobs() : createFolderBlobs({ folder: blobsFolder(config), randomBytes });
}

export function blobsFolder(config: Config): string {
  return join(config.home, 'blobs');
}

type Announcing = { url: string; version: string; fetch: typeof globalThis.fetch; clock: Clock };

/** Tells programs of this home where the server is; gone when it stops. A second server of a home leaves the place of the first alone. */
export async function announce(config: Config, { url, version, fetch, clock }: Announcing): Promise<Closer> {
  const path = join(config.home, SERVER_FILE);
  const text = JSON.stringify({ url, version, pid: process.pid });
  if (!(await answersAt(path, { ownUrl: url, fetch, clock }))) await writeFile(path, text, { mode: 0o600 });
  return { what: SERVER_FILE, close: async () => ((await readFile(path, 'utf8').catch(() => '')) === text ? rm(path, { force: true }) : undefined) };
}

/** Whether the server that the file names is another one, and alive. */
async function answersAt(path: string, { ownUrl, fetch, clock }: Omit<Announcing, 'url' | 'version'> & { ownUrl: string }): Promise<boolean> {
  const asked = new AbortController();
  const answered = new AbortController();
  try {
    const { url } = JSON.parse(await readFile(path, 'utf8')) as { url: string };
    if (url === ownUrl) return false;
    void clock.sleep(PEER_MS, answered.signal).then(() => asked.abort());
    return (await fetch(`${url}/healthz`, { signal: asked.signal })).ok;
  } catch {
    return false; // no file, half a file, or nobody there any more: what a crash left
  } finally {
    answered.abort();
  }
}

/** Does something every so often until it is closed; a failure is logged and the next round tries again. */
export function repeat(options: { clock: Clock; everyMs: number; log: Log; what: string }, work: () => Promise<unknown>): Closer {
  const over = new AbortController();
  const loop = (async (): Promise<void> => {
    while (!over.signal.aborted) {
      await options.clock.sleep(options.everyMs, over.signal);
      if (over.signal.aborted) return;
      try {
        await work();
      } catch (error) {
        options.log('warn', `${options.what} failed; it is tried again`, { error });
      }
    }
  })();
  return {
    what: options.what,
    close: () => {
      over.abort();
      return loop;
    },
  };
}
