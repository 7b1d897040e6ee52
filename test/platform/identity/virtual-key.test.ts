/** Virtual keys: bound to a project, an agent, models and a rate; and the memory of keys that the gateway goes by. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKeyCache, KEY_FRESH_MS, KEY_KEPT_MS } from '../../../src/platform/identity/key-cache.ts';
import type { Principal } from '../../../src/platform/identity/principal.ts';
import { testDatabase } from '../../support/database.ts';
import { callerOf, testIdentity, testOwner } from '../../support/identity.ts';

test('a virtual key is bound to a project, models and a rate, and keeps that when it is rotated [GTW-2, GTW-6]', async () => {
  await using db = await testDatabase();
  const identity = testIdentity(db);
  const { org, owner } = await testOwner(identity);
  const project = 'prj_01jd2m7x9c4qf8w3v5k6t1z0ab';
  await db.owner('insert into project (org_id, id, code, name) values ($1, $2, $3, $3)', [org, project, 'windmill']);
  const wanted = { name: 'claude', role: 'member', scopes: ['gateway'], project: 'windmill', models: ['anthropic/*', 'fast'] } as const;
  const made = await identity.handlers.createKey(callerOf(owner), {
    ...wanted,
    scopes: [...wanted.scopes],
    models: [...wanted.models],
    requestsPerMinute: 5,
    tokensPerMinute: 1_000,
    cacheSeconds: 60,
  });
  const limits = { requestsPerMinute: 5, tokensPerMinute: 1_000, cacheSeconds: 60 };
  const boundTo = { project, models: ['anthropic/*', 'fast'], limits };
  const known = await identity.authenticate(made.secret);
  assert.deepEqual({ project: known?.project, models: known?.models, limits: known?.limits }, boundTo);
  assert.deepEqual([known?.spendAgent, known?.agent], [null, null]);
  const rotated = await identity.handlers.rotateKey(callerOf(owner), { id: made.key.id, overlapHours: 0 });
  assert.deepEqual({ project: rotated.key.project, models: rotated.key.models, limits: rotated.key.limits }, boundTo);
  const created = identity.events.find(({ event }) => event.subject === made.key.id)?.event.detail;
  assert.deepEqual([created?.['project'], created?.['requestsPerMinute']], [project, 5]);
});

test('a key is not bound to a project or agent that is not there, nor to one of another organization [STO-2]', async () => {
  await using db = await testDatabase();
  const identity = testIdentity(db);
  const { owner } = await testOwner(identity);
  const other = await testOwner(identity, 'Other');
  await db.owner('insert into project (org_id, id, code, name) values ($1, $2, $3, $3)', [other.org, 'prj_01jd2m7x9c4qf8w3v5k6t1z0ab', 'theirs']);
  const make = (place: { project?: string; agent?: string }) =>
    identity.handlers.createKey(callerOf(owner), { name: 'k', role: 'member', scopes: ['gateway'], ...place });
  await assert.rejects(make({ project: 'theirs' }), /There is no project theirs/);
  await assert.rejects(make({ project: 'prj_01jd2m7x9c4qf8w3v5k6t1z0ab' }), /There is no project/);
  await assert.rejects(make({ agent: 'nobody' }), /There is no agent nobody/);
});

test('a key that was found is not asked for again while it is fresh, and ends at once in this process [GTW-2]', async () => {
  await using db = await testDatabase();
  const identity = testIdentity(db);
  const { owner } = await testOwner(identity);
  const made = await identity.handlers.createKey(callerOf(owner), { name: 'k', role: 'member', scopes: ['gateway'] });
  let nowMs = 1_000;
  let asked = 0;
  const authenticate = async (secret: string) => {
    asked += 1;
    return identity.authenticate(secret);
  };
  const { authenticate: find } = createKeyCache({ identity: { authenticate, onKeyEnded: identity.onKeyEnded }, nowMs: () => nowMs });
  await Promise.all([find(made.secret), find(made.secret)]);
  await find(made.secret);
  assert.equal(asked, 1);
  nowMs += KEY_FRESH_MS;
  assert.equal((await find(made.secret))?.key, made.key.id, 'an older one is asked for behind the answer');
  assert.equal(asked, 2);
  await identity.handlers.revokeKey(callerOf(owner), { id: made.key.id });
  assert.equal(await find(made.secret), null);
  assert.equal(await find('wl_nothing'), null);
});

test('a key that was revoked by another process works no longer than its memory here lasts, below 2 s [GTW-2]', async () => {
  assert.ok(KEY_KEPT_MS < 2_000);
  let nowMs = 0;
  let answer: Principal | null = { key: 'key_1' } as Principal;
  const { authenticate: find } = createKeyCache({ identity: { authenticate: async () => answer, onKeyEnded: () => undefined }, nowMs: () => nowMs });
  assert.ok(await find('secret'));
  answer = null;
  nowMs = KEY_KEPT_MS - 1;
  assert.ok(await find('secret'), 'within its memory');
  nowMs = KEY_KEPT_MS;
  assert.equal(await find('secret'), null);
});

test('what was found out while a key ended is not kept', async () => {
  const listeners: ((key: Principal['key']) => void)[] = [];
  const gate = Promise.withResolvers<Principal | null>();
  const answers = [gate.promise, Promise.resolve(null)];
  const { authenticate: find } = createKeyCache({
    identity: { authenticate: async () => answers.shift() ?? null, onKeyEnded: (listener) => void listeners.push(listener) },
    nowMs: () => 0,
  });
  const early = find('secret');
  for (const tell of listeners) tell('key_1' as Principal['key']);
  const late = find('secret');
  gate.resolve({ key: 'key_1' } as Principal);
  assert.ok(await early);
  assert.equal(await late, null);
});
