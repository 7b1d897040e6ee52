/**
 * A disk that is full, for real: a small memory file system, which only root can mount, so the test skips for others.
 */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { access, mkdir, rm, statfs, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { systemClock } from '../../src/kernel/clock.ts';
import { AppError } from '../../src/kernel/errors.ts';
import type { OrgId } from '../../src/kernel/ids.ts';
import { createDatabase } from '../../src/storage/database.ts';
import { startEmbedded } from '../../src/storage/embedded-postgres.ts';
import { migrate } from '../../src/storage/migrate.ts';
import { testHome } from '../support/home.ts';
import type { TestHome } from '../support/home.ts';
import { until } from '../support/until.ts';

const run = promisify(execFile);
const A = 'org_a' as OrgId;
const BATCH = 100;

/** Mounts a file system of that size on the home; false where that is not allowed. */
async function mountHome(home: TestHome, megabytes: number): Promise<boolean> {
  await mkdir(home.path, { mode: 0o711 });
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=711`, 'tmpfs', home.path]);
  } catch {
    return false; // not root, or a container without the right to mount
  }
  home.atEnd(async () => void (await run('umount', ['-l', home.path])));
  return true;
}

test('a disk too small for a database says so [STO-1]', async (t) => {
  await using home = testHome();
  if (!(await mountHome(home, 30))) return t.skip('mounting is not allowed here');
  await assert.rejects(
    startEmbedded({ home: home.path, clock: systemClock, spawn }),
    (error) => error instanceof AppError && /disk .*full/.test(error.message) && /Free some space/.test(error.next ?? ''),
  );
});

test('a full disk refuses before acknowledging, loses nothing, and goes on by itself once there is room [STO-1]', async (t) => {
  await using home = testHome();
  if (!(await mountHome(home, 300))) return t.skip('mounting is not allowed here');
  const embedded = await startEmbedded({ home: home.path, clock: systemClock, spawn });
  home.atEnd(embedded.stop);
  await migrate({ url: embedded.url });
  const db = createDatabase({ url: embedded.url, applicationName: 'test', poolSize: 2, clock: systemClock });
  home.atEnd(() => db.close());
  await db.asIdentity((tx) => tx.query("insert into org (id, name) values ('org_a', 'A')"));
  let acknowledged = 0;
  const insert = async (): Promise<void> => {
    await db.asOrg(A, (tx) =>
      tx.query(
        "insert into project (org_id, id, code, name, path) select 'org_a', n, n, 'x', repeat(md5(n), 100) from (select ($1::int + i)::text as n from generate_series(1, $2::int) i) v on conflict do nothing",
        [acknowledged, BATCH],
      ),
    );
    acknowledged += BATCH;
  };
  await insert();

  const filler = join(home.path, 'filler');
  await writeFile(filler, '');
  const { bavail, bsize } = await statfs(home.path);
  await run('fallocate', ['-l', String(bavail * bsize - 1_000_000), filler]);
  const refused = await until('the first refusal', 60_000, () =>
    insert().then(
      () => null,
      (error: unknown) => error,
    ),
  );
  assert.ok(refused instanceof AppError && refused.code === 'unavailable' && refused.next !== undefined);
  await truncate(filler, 0);
  await rm(filler);

  await until('the return', 15_000, () =>
    insert().then(
      () => true,
      () => false,
    ),
  );
  const kept = await db.asOrg(A, (tx) => tx.query<{ id: string }>('select id from project'));
  const ids = new Set(kept.map((row) => Number(row.id)));
  const lost = Array.from({ length: acknowledged }, (_, i) => i + 1).filter((id) => !ids.has(id));
  assert.deepEqual(lost, []);
  await embedded.stop();
  await assert.rejects(access(join(embedded.folder, 'data', 'postmaster.pid')), 'the server has ended');
});
