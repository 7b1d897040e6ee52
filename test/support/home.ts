/**
 * An empty home folder of a test, removed with everything in it. What a killed run left behind, its database server
 * included, is removed by a later one.
 */
import { randomUUID } from 'node:crypto';
import { readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type TestHome = AsyncDisposable & {
  readonly path: string;
  /** Runs at the end, last registered first: to stop what uses the home before it is removed. */
  atEnd(stop: () => Promise<void>): void;
};

const NAME = /^windlass-home-(\d+)-/;

export function testHome(): TestHome {
  const path = join(tmpdir(), `windlass-home-${process.pid}-${randomUUID().slice(0, 8)}`);
  const stops: (() => Promise<void>)[] = [];
  return {
    path,
    atEnd: (stop) => void stops.push(stop),
    async [Symbol.asyncDispose]() {
      for (const stop of stops.toReversed()) await stop();
      await rm(path, { recursive: true, force: true });
    },
  };
}

/** Homes of test processes that are gone: stops a server that still works in one, and removes it. */
export async function removeStaleHomes(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const owner = NAME.exec(name)?.[1];
    if (owner === undefined || isAlive(Number(owner))) continue;
    const data = join(tmpdir(), name, 'postgres', 'data');
    try {
      const pid = Number.parseInt(await readFile(join(data, 'postmaster.pid'), 'utf8'), 10);
      if ((await readlink(`/proc/${pid}/cwd`)) === data) process.kill(pid, 'SIGQUIT');
    } catch {
      // no server, or it has ended
    }
    await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => {}); // still ending, or another process removes it: the next run does
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false; // no such process
  }
}
