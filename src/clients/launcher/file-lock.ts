/** One process at a time: a lock file with the holder's process id. A holder that died is found and passed over. */
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { isAlive } from '../cli/check.ts';

export type LockDeps = { clock: Clock; pid: number; kill: (pid: number, signal: 0) => unknown };

const WAIT_MS = 10_000;
const STEP_MS = 25;

/** @throws AppError `conflict` when a living process holds it for longer than 10 s. */
export async function withLock<T>(path: string, deps: LockDeps, work: () => Promise<T>): Promise<T> {
  const { clock, pid, kill } = deps;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  for (let waitedMs = 0; !(await take(path, pid)); waitedMs += STEP_MS) {
    const holder = Number.parseInt(await readFile(path, 'utf8').catch(() => ''), 10); // just given back: try again
    if (Number.isInteger(holder) && !isAlive(holder, kill)) await rm(path, { force: true });
    else if (waitedMs >= WAIT_MS) {
      throw new AppError('conflict', `Another windlass (process ${holder}) is at work on the same files.`, {
        next: `Wait for it, or remove ${path}.`,
      });
    } else await clock.sleep(STEP_MS);
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function take(path: string, pid: number): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600);
    await file.writeFile(String(pid));
    await file.close();
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}
