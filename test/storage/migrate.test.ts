/** Migrations: once each, whoever starts at the same time, and never on a database that they do not fit. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { systemClock } from '../../src/kernel/clock.ts';
import { AppError } from '../../src/kernel/errors.ts';
import type { OrgId } from '../../src/kernel/ids.ts';
import { createDatabase } from '../../src/storage/database.ts';
import { migrate, MIGRATIONS_FOLDER, readMigrations } from '../../src/storage/migrate.ts';
import { testDatabase } from '../support/database.ts';
import { testHome } from '../support/home.ts';
import type { TestHome } from '../support/home.ts';

const run = promisify(execFile);
const MODULE = join(import.meta.dirname, '../../src/storage/migrate.ts');
const refuses = (pattern: RegExp) => (error: unknown) =>
  error instanceof AppError && error.code === 'configuration' && pattern.test(error.message) && error.next !== undefined;

async function folderWith(home: TestHome, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(home.path, 'migrations');
  await mkdir(folder, { recursive: true });
  await cp(MIGRATIONS_FOLDER, folder, { recursive: true });
  for (const [name, sql] of Object.entries(files)) await writeFile(join(folder, name), sql);
  return folder;
}

test('an empty database gets every migration once, and a second start none [STO-1]', async () => {
  await using db = await testDatabase({ empty: true });
  const migrations = await readMigrations();
  const first = await migrate({ url: db.url });
  assert.deepEqual(
    first.applied,
    migrations.map((each) => each.name),
  );
  assert.deepEqual(await migrate({ url: db.url }), { applied: [], version: first.version });
});

test('three processes that start at once apply each migration once [STO-1]', async () => {
  await using db = await testDatabase({ empty: true });
  const script = `import { migrate } from ${JSON.stringify(MODULE)}; const report = await migrate({ url: process.argv[1] }); console.log(report.applied.length)`;
  const starts = await Promise.all([1, 2, 3].map(() => run(process.execPath, ['--input-type=module', '-e', script, db.url])));
  const counts = starts.map((start) => Number(start.stdout)).toSorted((a, b) => a - b);
  assert.deepEqual(counts, [0, 0, (await readMigrations()).length]);
});

test('a changed migration and a database newer than the release are refused, and nothing is touched [STO-1]', async () => {
  await using db = await testDatabase();
  await using home = testHome();
  const folder = await folderWith(home, { '9998_create_tomorrow.sql': 'create table tomorrow (id int);' });
  await migrate({ url: db.url, folder });
  await assert.rejects(migrate({ url: db.url }), refuses(/9998_create_tomorrow.*newer/));
  await folderWith(home, {
    '9998_create_tomorrow.sql': 'create table tomorrow (id bigint);',
    '9999_create_after.sql': 'create table after (id int);',
  });
  await assert.rejects(migrate({ url: db.url, folder }), refuses(/9998_create_tomorrow.*text has changed/));
  assert.deepEqual(await db.owner("select 1 from pg_class where relname = 'after'"), []);
});

test('a migration that fails leaves nothing of itself and names its fault [STO-1]', async () => {
  await using db = await testDatabase();
  await using home = testHome();
  const folder = await folderWith(home, { '9998_create_half.sql': 'create table half (id int); select 1 / 0;' });
  await assert.rejects(migrate({ url: db.url, folder }), refuses(/9998_create_half failed: division by zero/));
  assert.deepEqual(await db.owner("select 1 from pg_class where relname = 'half'"), []);
  await folderWith(home, { '9998_create_half.sql': 'create table half (id int);' });
  assert.deepEqual((await migrate({ url: db.url, folder })).applied, ['9998_create_half']);
});

test('files without a number of their own are refused [STO-1]', async () => {
  await using home = testHome();
  const folder = await folderWith(home, { '0001_create_double.sql': 'select 1;' });
  await assert.rejects(readMigrations(folder), /no number of its own/);
  assert.ok((await readdir(MIGRATIONS_FOLDER)).every((name) => /^\d{4}_[a-z0-9]+(_[a-z0-9]+)+\.sql$/.test(name)));
});

test('an ordinary login without superuser rights migrates and works once an administrator made the roles [STO-1]', async () => {
  await using db = await testDatabase({ empty: true });
  const login = `login_${process.pid}`;
  const name = new URL(db.url).pathname.slice(1);
  await db.owner(`create role ${login} login; alter database ${name} owner to ${login}`);
  const url = db.url.replace('//windlass@', `//${login}@`);
  try {
    await db.owner('create role windlass_app nologin').catch(() => {}); // other tests of this cluster made it
    await assert.rejects(migrate({ url }), refuses(/may not create Windlass's roles/));
    await db.owner(`grant windlass_app, windlass_worker, windlass_identity, windlass_search to ${login}`);
    assert.equal((await migrate({ url })).applied.length, (await readMigrations()).length);
    const plain = createDatabase({ url, applicationName: login, poolSize: 1, clock: systemClock });
    await plain.asIdentity((tx) => tx.query("insert into org (id, name) values ('org_a', 'A'), ('org_b', 'B')"));
    assert.deepEqual(await plain.asOrg('org_b' as OrgId, (tx) => tx.query('select id from org')), [{ id: 'org_b' }]);
    await plain.close();
  } finally {
    await db.owner(`alter database ${name} owner to windlass; drop owned by ${login} cascade; drop role ${login}`);
  }
});
