/** The lock of files: one at a time, whoever dies in between. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { withLock } from '../../../src/clients/launcher/file-lock.ts';

const DEAD = 4_194_300;
const kill = (pid: number): void => {
  if (pid === DEAD) throw Object.assign(new Error('no such process'), { code: 'ESRCH' });
};
const clock = {
  nowMs: () => Date.now(),
  sleep: async (): Promise<void> => {
    for (let turn = 0; turn < 25; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  },
};
const deps = { clock, kill, pid: process.pid };

function folder(): { path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), 'windlass-lock-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

test('of many at once one holds it, also over a holder that died, and nothing is left behind [LCH-1, SEC-1]', async () => {
  using at = folder();
  const path = join(at.path, 'a.lock');
  writeFileSync(path, String(DEAD));
  let [inside, most, done] = [0, 0, 0];
  await Promise.all(
    Array.from({ length: 30 }, () =>
      withLock(path, deps, async () => {
        inside += 1;
        most = Math.max(most, inside);
        await clock.sleep();
        [inside, done] = [inside - 1, done + 1];
      }),
    ),
  );
  assert.deepEqual([most, done, readdirSync(at.path)], [1, 30, []]);
});

test('a lock that a process left empty when it died is passed over once it is old, and a living one is named [LCH-1]', async () => {
  using at = folder();
  const path = join(at.path, 'a.lock');
  writeFileSync(path, '');
  utimesSync(path, new Date(Date.now() - 60_000), new Date(Date.now() - 60_000));
  assert.equal(await withLock(path, deps, async () => 'through'), 'through');
  writeFileSync(path, String(process.pid));
  await assert.rejects(
    withLock(path, deps, async () => 'through'),
    { code: 'conflict', message: new RegExp(`process ${process.pid}`) },
  );
});
