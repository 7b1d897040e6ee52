/** Claims: leases with a fencing number, warned of by name, taken over on purpose, dead once they are over. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClaimOutput } from '../../../src/work/sessions/contract.ts';
import { callerOf } from '../../support/identity.ts';
import type { SessionWorld } from '../../support/sessions.ts';
import { MINUTE_MS, sessionWorld, START_MS } from '../../support/sessions.ts';

type OnHeld = 'warn' | 'refuse' | 'take';

async function two(world: SessionWorld) {
  const a = (await world.start({ machine: 'a', workingOn: 'the build' })).session.id;
  const b = (await world.start({ machine: 'b' })).session.id;
  const caller = callerOf(world.owner);
  return {
    ...{ a, b },
    claim: (id: string, onHeld: OnHeld = 'warn', name = '12') =>
      world.sessions.handlers.claim(caller, { id, kind: 'issue', name, onHeld }) as Promise<ClaimOutput>,
    release: (id: string) => world.sessions.handlers.release(caller, { id, kind: 'issue', name: '12' }),
    beat: (id: string) => world.sessions.handlers.heartbeat(caller, { id }),
    write: (id: string, fence: number) =>
      world.sessions.handlers.update(caller, { id, workingOn: `with ${fence}`, under: [{ kind: 'issue', name: '12', fence }] }),
  };
}

test('an issue that another live session holds is not given, and its holder is named; it can be refused or taken [SES-4, SES-6]', async () => {
  await using world = await sessionWorld();
  const { a, b, claim } = await two(world);
  assert.deepEqual(await claim(a).then(({ granted, claim: { fence }, holder }) => [granted, fence, holder]), [true, 1, null]);
  assert.equal((await claim(a)).claim.fence, 1);
  const warned = await claim(b);
  assert.deepEqual([warned.granted, warned.holder?.id, warned.claim.fence], [false, a, 1]);
  assert.deepEqual(warned.warnings, [`issue 12 is held by claude on a (${a}): the build.`]);
  await assert.rejects(claim(b, 'refuse'), { code: 'conflict', message: /claude on a/ });
  const taken = await claim(b, 'take');
  assert.deepEqual([taken.granted, taken.claim.fence, taken.holder?.id], [true, 2, a]);
  assert.deepEqual(await world.journal(b), ['session.started', 'session.claimed']);
  assert.equal((await claim(b, 'warn', '13')).granted, true);
});

test('of many claims at once exactly one is given [SES-6]', async () => {
  await using world = await sessionWorld();
  const ids = [];
  for (let i = 0; i < 20; i += 1) ids.push((await world.start({ machine: `m${i}` })).session.id);
  const { claim } = await two(world);
  const answers = await Promise.all(ids.map((id) => claim(id)));
  assert.equal(answers.filter(({ granted }) => granted).length, 1);
  assert.equal(new Set(answers.map(({ claim: { fence } }) => fence)).size, 1);
});

test('a zombie cannot write under a claim that went to its successor [SES-6]', async () => {
  await using world = await sessionWorld();
  await world.db.setTime(START_MS);
  const { a, b, claim, write, beat } = await two(world);
  const old = (await claim(a)).claim.fence;
  await write(a, old);
  await world.db.setTime(START_MS + 14 * MINUTE_MS);
  assert.equal((await claim(b)).granted, false);
  await beat(a);
  await world.db.setTime(START_MS + 28 * MINUTE_MS);
  await write(a, old);
  // no heartbeat for longer than the lease
  await world.db.setTime(START_MS + 44 * MINUTE_MS);
  await assert.rejects(write(a, old), { code: 'conflict', message: /its time ran out/ });
  const fresh = (await claim(b)).claim.fence;
  assert.equal(fresh, old + 1);
  await assert.rejects(write(a, old), { code: 'conflict', message: new RegExp(`${b} holds it since, with number ${fresh}`) });
  await assert.rejects(write(a, fresh), { code: 'conflict' });
  await write(b, fresh);
  const shown = await world.sessions.handlers.get(callerOf(world.owner), { id: a });
  assert.equal(shown.workingOn, `with ${old}`);
});

test('what was released, or lapsed and claimed again, has another number; numbers only grow [SES-6]', async () => {
  await using world = await sessionWorld();
  await world.db.setTime(START_MS);
  const { a, b, claim, release, write } = await two(world);
  await claim(a);
  assert.deepEqual(await release(b), { released: false });
  assert.deepEqual([await release(a), await release(a)], [{ released: true }, { released: false }]);
  await assert.rejects(write(a, 1), { code: 'conflict', message: /released/ });
  assert.equal((await claim(a)).claim.fence, 2);
  await world.db.setTime(START_MS + 16 * MINUTE_MS);
  assert.equal((await claim(a)).claim.fence, 3);
  await assert.rejects(write(a, 2), { code: 'conflict', message: /your session has it with number 3/ });
  await world.sessions.handlers.end(callerOf(world.owner), { id: a, reason: 'manual' });
  assert.equal((await claim(b)).claim.fence, 4);
});

test('a session holds at most 100 claims [SES-6]', async () => {
  await using world = await sessionWorld();
  const { a, claim } = await two(world);
  for (let i = 0; i < 100; i += 1) await claim(a, 'warn', `i${i}`);
  await assert.rejects(claim(a, 'warn', 'more'), { code: 'too_large' });
  assert.equal((await claim(a, 'warn', 'i1')).granted, true);
});
