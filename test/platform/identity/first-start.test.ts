import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createOrganization, ensureLocalKey, ensureSoloOrg, recoverOwnerKey } from '../../../src/platform/identity/first-start.ts';
import { allows } from '../../../src/platform/identity/permissions.ts';
import { testDatabase } from '../../support/database.ts';
import { testIdentity } from '../../support/identity.ts';

async function temporaryFolder(): Promise<{ path: string; [Symbol.asyncDispose](): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'windlass-identity-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

test('the first start makes one organization and one owner key, shown once, however many start at once [IDN-1]', async () => {
  await using db = await testDatabase();
  const identity = testIdentity(db);
  const starts = await Promise.all([1, 2, 3].map(() => ensureSoloOrg(identity.deps)));
  assert.equal(new Set(starts.map((start) => start.org)).size, 1);
  const shown = starts.flatMap((start) => start.ownerKey ?? []);
  assert.equal(shown.length, 1);
  const owner = await identity.authenticate(shown[0] ?? '');
  assert.equal(owner?.role, 'owner');
  assert.ok(owner !== null && allows(owner, 'approvals.answer') && allows(owner, 'keys.mint'));
  assert.deepEqual(await ensureSoloOrg(identity.deps), { org: owner.org, ownerKey: null });
});

test('a lost owner key is replaced for who reaches the database, for the same owner [IDN-1]', async () => {
  await using db = await testDatabase();
  const identity = testIdentity(db);
  const { org, ownerKey } = await ensureSoloOrg(identity.deps);
  const recovered = await identity.authenticate(await recoverOwnerKey(identity.deps, org));
  assert.equal(recovered?.role, 'owner');
  assert.equal(recovered.actor, (await identity.authenticate(ownerKey ?? ''))?.actor);
});

test('of several organizations none is the default [IDN-1]', async () => {
  await using db = await testDatabase();
  const identity = testIdentity(db);
  await createOrganization(identity.deps, 'A');
  await createOrganization(identity.deps, 'B');
  await assert.rejects(ensureSoloOrg(identity.deps), { code: 'configuration' });
});

test('local.key is private to its user, kept over starts, and holds no power [IDN-1]', async () => {
  await using db = await testDatabase();
  await using home = await temporaryFolder();
  const identity = testIdentity(db);
  const { org } = await ensureSoloOrg(identity.deps);
  const options = { org, home: home.path, place: 'host:/home' };
  const { path, made } = await ensureLocalKey(identity.deps, options);
  assert.ok(made);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(home.path), ['local.key']);
  const secret = (await readFile(path, 'utf8')).trim();
  const local = await identity.authenticate(secret);
  assert.deepEqual([local?.kind, local?.name, local?.role, local?.scopes], ['cli', 'local', 'member', ['read', 'run', 'context']]);
  assert.equal((await ensureLocalKey(identity.deps, options)).made, false);
  assert.equal((await readFile(path, 'utf8')).trim(), secret);
});

test('a lost, readable or revoked local.key is made anew and the old one ends; another home keeps its own [IDN-1]', async () => {
  await using db = await testDatabase();
  await using home = await temporaryFolder();
  await using second = await temporaryFolder();
  const identity = testIdentity(db);
  const { org } = await ensureSoloOrg(identity.deps);
  const options = { org, home: home.path, place: 'host:/home' };
  const read = async (path: string): Promise<string> => (await readFile(path, 'utf8')).trim();
  const other = await read((await ensureLocalKey(identity.deps, { org, home: second.path, place: 'host:/second' })).path);
  const { path } = await ensureLocalKey(identity.deps, options);
  const spoilers: (() => Promise<unknown>)[] = [
    () => rm(path),
    () => chmod(path, 0o644),
    () => db.owner('update api_key set revoked_at = clock_now() where name like $1', ['%host:/home%']),
  ];
  for (const spoil of spoilers) {
    const before = await read(path);
    await spoil();
    assert.ok((await ensureLocalKey(identity.deps, options)).made);
    assert.equal(await identity.authenticate(before), null);
    assert.ok(await identity.authenticate(await read(path)));
    assert.equal((await stat(path)).mode & 0o777, 0o600);
  }
  assert.ok(await identity.authenticate(other));
});
