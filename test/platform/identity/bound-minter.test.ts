/** A key that is bound cannot free itself by making or rotating another. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '../../support/database.ts';
import { callerOf, testIdentity, testOwner } from '../../support/identity.ts';

test('a bound key makes and rotates only keys that are bound as tightly [GTW-2, POL-4]', async () => {
  await using db = await testDatabase();
  const identity = testIdentity(db);
  const { org, owner } = await testOwner(identity);
  await db.owner(`insert into project (org_id, id, code, name) values ($1, 'prj_01jd2m7x9c4qf8w3v5k6t1z0ab', 'mill', 'Mill')`, [org]);
  const bound = { name: 'k', role: 'admin', scopes: ['admin', 'gateway'], project: 'mill', models: ['fast'], tokensPerMinute: 100 } as const;
  const wanted = { ...bound, scopes: [...bound.scopes], models: [...bound.models] };
  const { secret } = await identity.handlers.createKey(callerOf(owner), wanted);
  const free = await identity.handlers.createKey(callerOf(owner), { name: 'free', role: 'member', scopes: ['gateway'] });
  const minter = await identity.authenticate(secret);
  assert.ok(minter);
  const make = (over: object) => identity.handlers.createKey(callerOf(minter), { ...wanted, ...over });
  for (const over of [
    { project: undefined },
    { models: undefined },
    { models: ['fast', '*'] },
    { tokensPerMinute: undefined },
    { tokensPerMinute: 101 },
  ])
    await assert.rejects(make(over), /You may not make/, JSON.stringify(over));
  await assert.rejects(identity.handlers.rotateKey(callerOf(minter), { id: free.key.id, overlapHours: 1 }), /You may not make/);
  const made = await make({ tokensPerMinute: 50 });
  await identity.handlers.rotateKey(callerOf(minter), { id: made.key.id, overlapHours: 1 });
  await identity.handlers.rotateKey(callerOf(owner), { id: free.key.id, overlapHours: 1 });
});
