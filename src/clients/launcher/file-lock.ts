/**
 * One process at a time: a lock file with the holder's process id. It appears whole, by a link, so that a process that dies at any point leaves
 * either none or one that names it; a holder that died is found and passed over.
 */
import { link, mkdir, mkdtemp, readFile, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { isAlive } from '../cli/check.ts';

export type LockDeps = { clock: Clock; pid: number; kill: (pid: number, signal: 0) => unknown };

const WAIT_MS = 10_000;
const STEP_MS = 25;
const HOLDER = 'holder';

/** @throws AppError `conflict` when a living process holds it for longer than 10 s. */
export async function withLock<T>(path: string, deps: LockDeps, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const own = await mkdtemp(`${path}.`);
  try {
    await writeFile(join(own, HOLDER), String(deps.pid), { mode: 0o600 });
    await take(path, own, deps);
  } finally {
    await rm(own, { recursive: true, force: true });
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function take(path: string, own: string, deps: LockDeps): Promise<void> {
  for (let waitedMs = 0; !(await isLinked(own, path)); waitedMs += STEP_MS) {
    if (await isDead(path, deps)) await clear(path, deps);
    else if (waitedMs >= WAIT_MS) {
      const holder = (await readFile(path, 'utf8').catch(() => '')).trim(); // given back this moment
      throw new AppError('conflict', `Another windlass (process ${holder}) is at work on the same files.`, {
        next: `Wait for it, or remove ${path}.`,
      });
    } else await deps.clock.sleep(STEP_MS);
  }
}

async function isLinked(own: string, path: string): Promise<boolean> {
  try {
    await link(join(own, HOLDER), path);
    return true;
  } catch (error) {
    if (isThere(error)) return false;
    throw error;
  }
}

/** A lock without a process id in it is what versions before left when they died at that moment. */
async function isDead(path: string, { clock, kill }: LockDeps): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch(() => null); // given back
  if (text === null) return false;
  const holder = Number.parseInt(text, 10);
  return Number.isInteger(holder) ? !isAlive(holder, kill) : isOld(path, clock);
}

/** One at a time, and looked at once more: another one may have done the same, and hold the lock by now. */
async function clear(path: string, deps: LockDeps): Promise<void> {
  const turn = `${path}.clear`;
  try {
    await mkdir(turn);
  } catch (error) {
    if (!isThere(error)) throw error;
    if (await isOld(turn, deps.clock)) await rmdir(turn).catch(() => {}); // of one that died; another one was quicker
    return deps.clock.sleep(STEP_MS);
  }
  try {
    if (await isDead(path, deps)) await rm(path, { force: true });
  } finally {
    await rmdir(turn);
  }
}

async function isOld(path: string, clock: Clock): Promise<boolean> {
  const found = await stat(path).catch(() => null); // gone
  return found !== null && clock.nowMs() - found.mtimeMs > WAIT_MS;
}

function isThere(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST';
}
