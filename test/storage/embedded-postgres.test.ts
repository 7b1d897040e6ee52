/**
 * The embedded database as a process: who starts it, who joins, what a killed parent leaves behind, what a home that
 * cannot be used says. Real processes and real signals throughout.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client } from 'pg';
import { systemClock } from '../../src/kernel/clock.ts';
import { AppError } from '../../src/kernel/errors.ts';
import type { OrgId } from '../../src/kernel/ids.ts';
import { createDatabase } from '../../src/storage/database.ts';
import { startEmbedded } from '../../src/storage/embedded-postgres.ts';
import type { Embedded } from '../../src/storage/embedded-postgres.ts';
import { migrate } from '../../src/storage/migrate.ts';
import { testHome } from '../support/home.ts';
import type { TestHome } from '../support/home.ts';
import { until } from '../support/until.ts';

const isRoot = process.getuid?.() === 0;
const MODULES = join(import.meta.dirname, '../../src');

async function start(home: TestHome, path = home.path): Promise<Embedded> {
  const embedded = await startEmbedded({ home: path, clock: systemClock, spawn, durable: false });
  home.atEnd(embedded.stop);
  return embedded;
}
async function ask(url: string, sql: string): Promise<unknown> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<Record<string, unknown>>(sql);
  await client.end();
  return Object.values(rows[0] ?? {})[0];
}
const pidOf = async (embedded: Embedded): Promise<number> =>
  Number((await readFile(join(embedded.folder, 'data', 'postmaster.pid'), 'utf8')).split('\n')[0]);
const isRunning = (embedded: Embedded): Promise<boolean> =>
  access(join(embedded.folder, 'data', 'postmaster.pid')).then(
    () => true,
    () => false, // the server removes it when it ends
  );
const refuses = (pattern: RegExp) => (error: unknown) =>
  error instanceof AppError && error.code === 'configuration' && pattern.test(error.message) && error.next !== undefined;

test('a new home gets a UTF-8 database on a private socket and no port; stopping leaves nothing running [STO-1]', async () => {
  await using home = testHome();
  const embedded = await start(home);
  assert.equal(embedded.owner, true);
  assert.equal(await ask(embedded.url, 'show server_encoding'), 'UTF8');
  assert.equal(await ask(embedded.url, "select upper('ä') || lower('É')"), 'Äé');
  assert.equal(await ask(embedded.url, 'show listen_addresses'), '');
  const socket = new URL(embedded.url).searchParams.get('host') ?? '';
  assert.equal((await stat(socket)).mode & 0o777, 0o700);
  await embedded.stop();
  await embedded.stop();
  assert.equal(await isRunning(embedded), false);
});

test('a second start joins the running server, and the last to leave stops it [STO-1]', async () => {
  await using home = testHome();
  const [first, second] = await Promise.all([start(home), start(home)]);
  const third = await start(home);
  assert.deepEqual([first.owner || second.owner, third.owner], [true, false]);
  assert.equal(new Set([first.url, second.url, third.url]).size, 1);
  await first.stop();
  assert.equal(await ask(second.url, 'select 1'), 1);
  await Promise.all([second.stop(), third.stop()]);
  assert.equal(await isRunning(second), false);
});

test('after kill -9 of its parent the server is adopted with its data, and stopped by the adopter [STO-1]', async () => {
  await using home = testHome();
  const script = `
    import { spawn } from 'node:child_process';
    import { systemClock } from '${MODULES}/kernel/clock.ts';
    import { startEmbedded } from '${MODULES}/storage/embedded-postgres.ts';
    const { url } = await startEmbedded({ home: process.argv[1], clock: systemClock, spawn });
    console.log(url);
    process.stdin.resume();`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script, home.path], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const url = line.toString().trim();
  await ask(url, 'create table kept as select 42 as n');
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  const embedded = await start(home);
  assert.equal(embedded.owner, false);
  assert.equal(embedded.url, url);
  assert.equal(await ask(embedded.url, 'select n from kept'), 42);
  await embedded.stop();
  assert.equal(await isRunning(embedded), false);
});

test('a server that was killed comes back by itself, and calls meanwhile are unavailable [STO-1]', async () => {
  await using home = testHome();
  const embedded = await start(home);
  await migrate({ url: embedded.url });
  const db = createDatabase({ url: embedded.url, applicationName: 'test', poolSize: 2, clock: systemClock });
  home.atEnd(() => db.close());
  let gaps = 0;
  await db.listen(
    'wake',
    () => {},
    () => (gaps += 1),
  );
  await db.asIdentity((tx) => tx.query("insert into org (id, name) values ('org_a', 'A')"));
  const killed = await pidOf(embedded);
  process.kill(killed, 'SIGKILL');
  const failure = await until('a call that fails', 3_000, () =>
    db.health().then(
      () => null,
      (error: unknown) => error,
    ),
  );
  assert.ok(failure instanceof AppError && failure.code === 'unavailable' && failure.next !== undefined);
  const kept = await until('the return of the database', 10_000, () =>
    db.asOrg('org_a' as OrgId, (tx) => tx.query('select 1 from org')).catch(() => null),
  );
  assert.equal(kept.length, 1);
  assert.notEqual(await pidOf(embedded), killed);
  await until('the listener', 3_000, () => gaps === 2);
});

test('a process id file of a former life of the machine does not keep the server from starting [STO-1]', async () => {
  await using home = testHome();
  const embedded = await start(home);
  await embedded.stop();
  const data = join(embedded.folder, 'data');
  await writeFile(join(data, 'postmaster.pid'), `${process.pid}\n${data}\n1\n5432\n${join(embedded.folder, 'socket')}\n\n0 0\nready\n`);
  const again = await start(home);
  assert.equal(await ask(again.url, 'select 1'), 1);
});

test('a home with a long path gets its socket elsewhere [STO-1]', async () => {
  await using home = testHome();
  const embedded = await start(home, join(home.path, 'a'.repeat(60), 'b'.repeat(60)));
  const socket = new URL(embedded.url).searchParams.get('host') ?? '';
  home.atEnd(() => rm(socket, { recursive: true, force: true }));
  assert.equal(await ask(embedded.url, 'select 1'), 1);
  assert.ok(embedded.folder.length > 100 && socket.length < 100);
});

test('a database of another major version is refused with the next step [STO-1]', async () => {
  await using home = testHome();
  const embedded = await start(home);
  await embedded.stop();
  await writeFile(join(embedded.folder, 'data', 'PG_VERSION'), '15\n');
  await assert.rejects(start(home), refuses(/made by PostgreSQL 15; this release brings PostgreSQL 18/));
});

test('a home that cannot be written says so [STO-1]', { skip: process.platform !== 'linux' && 'needs /sys' }, async () => {
  await using home = testHome();
  await assert.rejects(start(home, '/sys/windlass'), refuses(/cannot be written|read-only/));
  await writeFile(home.path, 'a file');
  await assert.rejects(start(home), refuses(/a file is in the way/));
});

test('a home of mode 500 says so [STO-1]', { skip: isRoot && 'root may write everywhere' }, async () => {
  await using home = testHome();
  await mkdir(home.path, { mode: 0o500 });
  await assert.rejects(start(home), refuses(/cannot be written/));
  await chmod(home.path, 0o700);
});

test(
  'as root the server runs as another user, and a home that this user cannot enter is no obstacle [STO-1]',
  { skip: !isRoot && 'not root' },
  async () => {
    await using home = testHome();
    await mkdir(home.path, { mode: 0o700 });
    const closed = await start(home, join(home.path, 'closed'));
    home.atEnd(() => rm(closed.folder, { recursive: true, force: true }));
    assert.ok(!closed.folder.startsWith(home.path));
    assert.notEqual((await stat(join(closed.folder, 'data'))).uid, 0);
    await ask(closed.url, 'create table kept as select 42 as n');
    await closed.stop();
    const again = await start(home, join(home.path, 'closed'));
    assert.equal(await ask(again.url, 'select n from kept'), 42);
    await again.stop();

    await rename(closed.folder, `${closed.folder}-away`);
    await assert.rejects(start(home, join(home.path, 'closed')), refuses(/is gone/));
    await rename(`${closed.folder}-away`, closed.folder);
  },
);
