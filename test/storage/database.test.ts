/** Transactions, values and errors of the database, and that it comes back by itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../src/kernel/errors.ts';
import type { OrgId } from '../../src/kernel/ids.ts';
import { isCommitUnknown, isUniqueViolation } from '../../src/storage/database-errors.ts';
import type { Database, Tx } from '../../src/storage/database.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';

const A = 'org_a' as OrgId;
const INSERT = 'insert into project (org_id, id, code, name) values ($1, $2, $2, $2)';
const unavailable = (error: unknown): boolean => error instanceof AppError && error.code === 'unavailable';
const projects = async (db: Database): Promise<string[]> =>
  (await db.asOrg(A, (tx) => tx.query<{ id: string }>('select id from project order by id'))).map((row) => row.id);

async function databaseWithOrg(): Promise<TestDatabase> {
  const db = await testDatabase();
  await db.addOrg(A);
  return db;
}
/** Ends every connection of the database but the owner's. */
const cutAll = (db: TestDatabase) =>
  db.owner(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and application_name <> ''",
  );

test('a transaction counts whole or not at all [STO-2]', async () => {
  await using db = await databaseWithOrg();
  await assert.rejects(
    db.asOrg(A, async (tx) => {
      await tx.query(INSERT, [A, 'one']);
      throw new Error('changed my mind');
    }),
    /changed my mind/,
  );
  assert.deepEqual(await projects(db), []);
  await db.asOrg(A, (tx) => Promise.all(['one', 'two'].map((id) => tx.query(INSERT, [A, id]))));
  assert.deepEqual(await projects(db), ['one', 'two']);
});

test('the last statement travels with the commit, and its failure rolls back [STO-2]', async () => {
  await using db = await databaseWithOrg();
  const rows = await db.asOrg(A, (tx) => tx.last<{ id: string }>(`${INSERT} returning id`, [A, 'one']));
  assert.deepEqual(rows, [{ id: 'one' }]);
  const twice = db.asOrg(A, async (tx) => {
    await tx.query(INSERT, [A, 'two']);
    await tx.last(INSERT, [A, 'one']);
  });
  await assert.rejects(twice, (error) => isUniqueViolation(error, 'project_pkey') && !isUniqueViolation(error, 'other'));
  assert.deepEqual(await projects(db), ['one']);
  await assert.rejects(
    db.asOrg(A, async (tx) => {
      await tx.last('select 1');
      await tx.query('select 1');
    }),
    /no statement follows/,
  );
});

test('a swallowed failure is no success: the commit says that it was rolled back [STO-2]', async () => {
  await using db = await databaseWithOrg();
  const swallowing = db.asOrg(A, async (tx) => {
    await tx.query(INSERT, [A, 'one']);
    await tx.query('select 1 / 0').catch(() => {}); // what this test is about
    return 'stored';
  });
  await assert.rejects(swallowing, /rolled back/);
  assert.deepEqual(await projects(db), []);
});

test('numbers are exact or refused, times are milliseconds, bytes are bytes [STO-1]', async () => {
  await using db = await testDatabase();
  const [row] = await db.asWorker((tx) =>
    tx.query<Record<string, unknown>>(
      "select 9007199254740991::bigint as big, sum(x) as total, timestamptz '2026-03-29 03:30:00.123+02' as at, '\\x00ff'::bytea as raw, array[1, null]::bigint[] as list, null::bigint as nothing, '{\"a\": 1}'::jsonb as json from (values (1::bigint), (2)) v (x)",
    ),
  );
  const raw = Buffer.from([0, 255]);
  assert.deepEqual(row, {
    big: Number.MAX_SAFE_INTEGER,
    total: 3,
    at: Date.UTC(2026, 2, 29, 1, 30, 0, 123),
    raw,
    list: [1, null],
    nothing: null,
    json: { a: 1 },
  });
  await assert.rejects(
    db.asWorker((tx) => tx.query('select 9007199254740993::bigint')),
    /beyond 2\^53/,
  );
  assert.equal((await db.health()).serverVersion.length > 1, true);
});

test('tests own the time of the database [STO-1]', async () => {
  await using db = await testDatabase();
  const now = async () => (await db.asWorker((tx) => tx.query<{ at: number }>('select clock_now() as at')))[0]?.at;
  await db.setTime(1_000_000);
  assert.equal(await now(), 1_000_000);
  await db.setTime(null);
  assert.ok((await now()) !== 1_000_000);
});

test('a deadlock is unavailable to one of the two, and passes on a second try [STO-1]', async () => {
  await using db = await databaseWithOrg();
  await db.asOrg(A, (tx) => Promise.all(['one', 'two'].map((id) => tx.query(INSERT, [A, id]))));
  const gate = Promise.withResolvers<void>();
  let arrived = 0;
  const touch = (tx: Tx, id: string) => tx.query('update project set name = $1 where id = $1', [id]);
  const cross = (first: string, second: string) =>
    db.asOrg(A, async (tx) => {
      await touch(tx, first);
      if ((arrived += 1) === 2) gate.resolve();
      await gate.promise;
      await touch(tx, second);
    });
  const results = await Promise.allSettled([cross('one', 'two'), cross('two', 'one')]);
  const failed = results.filter((result) => result.status === 'rejected');
  assert.equal(failed.length, 1);
  assert.ok(unavailable(failed[0]?.reason) && !isCommitUnknown(failed[0]?.reason));
  await cross('one', 'two');
});

test('a connection lost before the commit stored nothing; one lost in the commit says that nobody knows [STO-1]', async () => {
  await using db = await databaseWithOrg();
  const before = db.asOrg(A, async (tx) => {
    await tx.query(INSERT, [A, 'one']);
    await cutAll(db);
    await tx.query('select 1');
  });
  await assert.rejects(before, (error) => unavailable(error) && !isCommitUnknown(error));
  assert.deepEqual(await projects(db), []);

  // a deferred trigger that ends its own connection while the commit is under way
  await db.owner(`
    create function cut() returns trigger language plpgsql security definer as 'begin perform pg_terminate_backend(pg_backend_pid()); return null; end';
    create constraint trigger cut after insert on project deferrable initially deferred for each row execute function cut()`);
  await assert.rejects(
    db.asOrg(A, (tx) => tx.query(INSERT, [A, 'two'])),
    (error) => unavailable(error) && isCommitUnknown(error),
  );
  await assert.rejects(
    db.asOrg(A, (tx) => tx.last(INSERT, [A, 'three'])),
    (error) => unavailable(error) && isCommitUnknown(error),
  );
  assert.deepEqual(await projects(db), []);
});

test('a statement over its time limit is unavailable and leaves the connection usable [STO-1]', async () => {
  await using db = await databaseWithOrg();
  const slow = db.asOrg(A, async (tx) => {
    await tx.query('set local statement_timeout = 20');
    await tx.query('select count(*) from generate_series(1, 100000000)');
  });
  await assert.rejects(slow, unavailable);
  assert.deepEqual(await projects(db), []);
});

test('listeners hear, are told of every gap, and reconnect by themselves; one channel ends alone [STO-1]', async () => {
  await using db = await testDatabase();
  const heard: string[] = [];
  let gaps = 0;
  await using _one = disposable(
    await db.listen(
      'one',
      (payload) => heard.push(`one ${payload}`),
      () => (gaps += 1),
    ),
  );
  const two = await db.listen(
    'two',
    (payload) => heard.push(`two ${payload}`),
    () => {},
  );
  await db.notify('one', 'a');
  await db.notify('two', 'b');
  await until('both notifications', 2_000, () => heard.length === 2);
  assert.deepEqual(heard, ['one a', 'two b']);
  assert.equal(gaps, 1);
  await two.close();
  await cutAll(db);
  await until('the new connection', 2_000, () => gaps === 2);
  await db.notify('two', 'unheard');
  await db.notify('one', 'c');
  await until('the notification', 2_000, () => heard.length === 3);
  assert.equal(heard[2], 'one c');
});

function disposable(subscription: { close(): Promise<void> }): AsyncDisposable {
  return { [Symbol.asyncDispose]: () => subscription.close() };
}
