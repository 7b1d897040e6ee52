import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { callerOf, testIdentity, testOwner, testPrincipal } from '../../support/identity.ts';
import { testDatabase } from '../../support/database.ts';

const MINUTE_MS = 60_000;
const NOON = Date.UTC(2026, 0, 5, 12);

test('a key is shown once, stored as its SHA-256, and resolves to its actor and organization [IDN-1]', async () => {
  await using db = await testDatabase();
  const identity = testIdentity(db);
  const { org, owner, secret } = await testOwner(identity);
  assert.match(secret, /^wl_[A-Za-z0-9_-]{43}$/);
  const hash = createHash('sha256').update(secret).digest('hex');
  assert.equal(owner.fingerprint, hash.slice(0, 16));
  assert.deepEqual([owner.org, owner.kind, owner.role, owner.agent], [org, 'user', 'owner', null]);
  const stored = JSON.stringify(await db.owner('select * from api_key'));
  assert.ok(stored.includes(hash) && !stored.includes(secret));
  assert.ok(!JSON.stringify(identity.events).includes(secret));
  const listed = JSON.stringify(await identity.handlers.listKeys(callerOf(owner), { limit: 50 }));
  assert.ok(!listed.includes(secret) && !listed.includes(hash) && listed.includes(owner.fingerprint));
});

test('no key, a malformed key and a stranger key are nobody [IDN-2]', async () => {
  await using db = await testDatabase();
  const identity = testIdentity(db);
  const { secret } = await testOwner(identity);
  const wrongs = [
    '',
    'wl_',
    `${secret}x`,
    secret.slice(0, -1),
    secret.toUpperCase(),
    `wl_${'A'.repeat(43)}`,
    ` ${secret}`,
    `${secret}\0`,
    "' or 1=1 --",
  ];
  for (const wrong of wrongs) assert.equal(await identity.authenticate(wrong), null, JSON.stringify(wrong));
});

test('expired and revoked keys are nobody from that instant on, and are listed on request [IDN-1, IDN-2]', async () => {
  await using db = await testDatabase();
  await db.setTime(NOON);
  const identity = testIdentity(db);
  const { owner } = await testOwner(identity);
  const short = await identity.handlers.createKey(callerOf(owner), { name: 'short', role: 'viewer', expiresInDays: 1 });
  assert.equal(short.key.expiresAtMs, NOON + 24 * 60 * MINUTE_MS);
  await db.setTime(NOON + 24 * 60 * MINUTE_MS - 1);
  assert.ok(await identity.authenticate(short.secret));
  await db.setTime(NOON + 24 * 60 * MINUTE_MS);
  assert.equal(await identity.authenticate(short.secret), null);
  const other = await identity.handlers.createKey(callerOf(owner), { name: 'other', role: 'viewer' });
  assert.equal((await identity.handlers.revokeKey(callerOf(owner), { id: other.key.id })).state, 'revoked');
  assert.equal(await identity.authenticate(other.secret), null);
  const live = await identity.handlers.listKeys(callerOf(owner), { limit: 50 });
  assert.deepEqual([live.shown, live.total], [1, { kind: 'exact', value: 1 }]);
  const all = await identity.handlers.listKeys(callerOf(owner), { limit: 2, all: true });
  assert.deepEqual([all.shown, all.total], [2, { kind: 'exact', value: 3 }]);
  const rest = await identity.handlers.listKeys(callerOf(owner), { limit: 2, all: true, cursor: all.next ?? '' });
  assert.deepEqual([rest.shown, rest.next], [1, null]);
  await assert.rejects(identity.handlers.listKeys(callerOf(owner), { limit: 2, cursor: 'x' }), { code: 'invalid_input' });
});

test('a rotated key works on for its overlap, the new one from at once [IDN-1]', async () => {
  await using db = await testDatabase();
  await db.setTime(NOON);
  const identity = testIdentity(db);
  const { owner } = await testOwner(identity);
  const old = await identity.handlers.createKey(callerOf(owner), { name: 'ci', role: 'member', scopes: ['run'] });
  const made = await identity.handlers.rotateKey(callerOf(owner), { id: old.key.id, overlapHours: 1 });
  assert.deepEqual([made.key.role, made.key.scopes, made.key.actor, made.key.name], [old.key.role, old.key.scopes, old.key.actor, 'ci']);
  assert.ok((await identity.authenticate(old.secret)) !== null && (await identity.authenticate(made.secret)) !== null);
  await assert.rejects(identity.handlers.rotateKey(callerOf(owner), { id: old.key.id, overlapHours: 1 }), { code: 'conflict' });
  await db.setTime(NOON + 60 * MINUTE_MS);
  assert.equal(await identity.authenticate(old.secret), null);
  assert.ok(await identity.authenticate(made.secret));
  const next = await identity.handlers.rotateKey(callerOf(owner), { id: made.key.id, overlapHours: 0 });
  assert.equal(await identity.authenticate(made.secret), null);
  assert.ok(await identity.authenticate(next.secret));
});

test('last use is written at most once a minute [IDN-1]', async () => {
  await using db = await testDatabase();
  await db.setTime(NOON);
  const identity = testIdentity(db);
  const { owner, secret } = await testOwner(identity);
  const lastUse = async (): Promise<unknown> =>
    (await db.owner<{ at: Date }>('select last_used_at as at from api_key where id = $1', [owner.key]))[0]?.at.getTime();
  assert.equal(await lastUse(), NOON);
  await db.setTime(NOON + MINUTE_MS - 1);
  await identity.authenticate(secret);
  assert.equal(await lastUse(), NOON);
  await db.setTime(NOON + MINUTE_MS);
  await Promise.all([identity.authenticate(secret), identity.authenticate(secret), identity.authenticate(secret)]);
  assert.equal(await lastUse(), NOON + MINUTE_MS);
});

test('nobody makes, rotates or ends a key beyond their own role and scopes [IDN-1, IDN-2]', async () => {
  await using db = await testDatabase();
  const identity = testIdentity(db);
  const { owner } = await testOwner(identity);
  const admin = callerOf(await testPrincipal(identity, owner, { role: 'admin', scopes: ['read', 'admin'] }));
  await assert.rejects(identity.handlers.createKey(admin, { name: 'x', role: 'owner' }), { code: 'denied' });
  await assert.rejects(identity.handlers.createKey(admin, { name: 'x', role: 'member', scopes: ['run'] }), { code: 'denied' });
  await assert.rejects(identity.handlers.revokeKey(admin, { id: owner.key }), { code: 'denied' });
  await assert.rejects(identity.handlers.rotateKey(admin, { id: owner.key, overlapHours: 0 }), { code: 'denied' });
  // left to itself a key gets what its maker has and its role can use
  const made = await identity.handlers.createKey(admin, { name: 'x', role: 'member' });
  assert.deepEqual(made.key.scopes, ['read']);
});

test('no program makes itself a person: no actor, key or rotated key of one [IDN-1, APR-1]', async () => {
  await using db = await testDatabase();
  const identity = testIdentity(db);
  const { owner } = await testOwner(identity);
  const person = await identity.handlers.createKey(callerOf(owner), { name: 'x', role: 'member' });
  const program = callerOf(await testPrincipal(identity, owner, { role: 'owner', kind: 'service' }));
  await assert.rejects(identity.handlers.createActor(program, { kind: 'user', name: 'me' }), { code: 'denied' });
  await assert.rejects(identity.handlers.createKey(program, { name: 'x', role: 'viewer', actor: owner.actor }), { code: 'denied' });
  await assert.rejects(identity.handlers.rotateKey(program, { id: person.key.id, overlapHours: 1 }), { code: 'denied' });
  assert.equal((await identity.handlers.revokeKey(program, { id: person.key.id })).state, 'revoked', 'ending one is no power');
  assert.equal((await identity.handlers.createActor(program, { kind: 'cli', name: 'tool' })).kind, 'cli');
});

test('the last owner key cannot be revoked, nor the last two at once [IDN-1]', async () => {
  await using db = await testDatabase();
  const identity = testIdentity(db);
  const { owner } = await testOwner(identity);
  await assert.rejects(identity.handlers.revokeKey(callerOf(owner), { id: owner.key }), { code: 'conflict' });
  const second = await identity.handlers.createKey(callerOf(owner), { name: 'second', role: 'owner' });
  const ends = await Promise.allSettled([owner.key, second.key.id].map((id) => identity.handlers.revokeKey(callerOf(owner), { id })));
  assert.deepEqual(ends.map((end) => end.status).toSorted(), ['fulfilled', 'rejected']);
});

test('keys and actors of another organization are not there [IDN-2, STO-2]', async () => {
  await using db = await testDatabase();
  const identity = testIdentity(db);
  const { owner } = await testOwner(identity);
  const other = await testOwner(identity, 'Other');
  const me = callerOf(owner);
  await assert.rejects(identity.handlers.revokeKey(me, { id: other.owner.key }), { code: 'not_found' });
  await assert.rejects(identity.handlers.rotateKey(me, { id: other.owner.key, overlapHours: 1 }), { code: 'not_found' });
  await assert.rejects(identity.handlers.createKey(me, { name: 'x', role: 'viewer', actor: other.owner.actor }), { code: 'not_found' });
  assert.equal((await identity.handlers.listKeys(me, { limit: 50, all: true })).shown, 1);
  assert.equal((await identity.handlers.listActors(me, { limit: 50 })).shown, 1);
  assert.equal((await identity.handlers.whoami(callerOf(other.owner), {})).actor.id, other.owner.actor);
});

test('what is changed of keys is recorded with who did it [IDN-1]', async () => {
  await using db = await testDatabase();
  const identity = testIdentity(db);
  const { org, owner } = await testOwner(identity);
  const made = await identity.handlers.createKey(callerOf(owner), { name: 'x', role: 'viewer' });
  await identity.handlers.rotateKey(callerOf(owner), { id: made.key.id, overlapHours: 1 });
  await identity.handlers.revokeKey(callerOf(owner), { id: made.key.id });
  const seen = identity.events.filter(({ event }) => event.by.actor === owner.actor);
  assert.deepEqual(
    seen.map(({ event }) => event.type),
    ['key.created', 'key.rotated', 'key.revoked'],
  );
  assert.ok(seen.every((each) => each.org === org && each.event.by.key === owner.fingerprint && each.event.subject === made.key.id));
});
