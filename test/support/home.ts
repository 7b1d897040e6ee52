/**
 * An empty home folder of a test, removed with everything in it, wherever the database had to be put.
 */
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type TestHome = AsyncDisposable & {
  readonly path: string;
  /** Runs at the end, last registered first: to stop what uses the home before it is removed. */
  atEnd(stop: () => Promise<void>): void;
};

export function testHome(): TestHome {
  const path = join(tmpdir(), `windlass-home-${randomUUID().slice(0, 8)}`);
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
