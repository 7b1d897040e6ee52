/** Budgets through keys that are bound to a project or an agent. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callerOf } from '../../support/identity.ts';
import { world } from './world.ts';

test('a key that is bound sees and sets the budgets of its project and agent alone, and may ask for more of what refuses it [BUD-9, POL-4, IDN-2]', async () => {
  const at = await world();
  await using _db = at;
  const { handlers, me, org, owner } = at;
  const insert = (sql: string): Promise<unknown> => at.db.owner(sql);
  for (const id of ['1', '2']) {
    await insert(`insert into project (org_id, id, code, name) values ('${org}', 'prj_${id}', 'p${id}', 'P${id}')`);
    await insert(
      `insert into agent (org_id, id, name, actor_id, state, version) values ('${org}', 'agt_${id}', 'a${id}', '${owner.actor}', 'active', 1)`,
    );
  }
  const bound = async (name: string, over: { project?: string; agent?: string }): Promise<Parameters<typeof handlers.get>[0]> => {
    const made = await at.identity.handlers.createKey(me, { name, role: 'admin', ...over });
    const principal = await at.identity.authenticate(made.secret);
    assert.ok(principal);
    return callerOf(principal);
  };
  const [inOne, inTwo, asOne, both] = [
    await bound('one', { project: 'p1' }),
    await bound('two', { project: 'p2' }),
    await bound('agent', { agent: 'a1' }),
    await bound('both', { project: 'p1', agent: 'a1' }),
  ];
  const base = { unit: 'tokens', period: 'day', limit: 1_000 } as const;
  const set = (by: typeof me, scope: 'org' | 'project' | 'agent' | 'key', subject?: string) => handlers.set(by, { ...base, scope, subject });
  const all = {
    org: await set(me, 'org'),
    p1: await set(inOne, 'project', 'p1'),
    p2: await set(inTwo, 'project', 'p2'),
    a1: await set(asOne, 'agent', 'a1'),
    own: await set(inOne, 'key', inOne.principal.key),
    other: await set(inTwo, 'key', inTwo.principal.key),
    both: await set(both, 'key', both.principal.key),
  };
  const seen = async (by: typeof me): Promise<string[]> => {
    const { items, total, nearEnd } = await handlers.list(by, { limit: 50 });
    assert.deepEqual([total, nearEnd.total.kind], [{ kind: 'exact', value: items.length }, 'exact']);
    assert.equal((await at.spend.handlers.read(by, {})).budgets.items.length, items.length);
    return items.map(({ id }) => Object.entries(all).find(([, each]) => each.id === id)?.[0] ?? '?').toSorted();
  };
  assert.equal((await seen(me)).length, 7);
  assert.deepEqual(await seen(inOne), ['both', 'own', 'p1']);
  assert.deepEqual(await seen(inTwo), ['other', 'p2']);
  assert.deepEqual(await seen(asOne), ['a1', 'both']);
  assert.deepEqual(await seen(both), ['both'], 'neither what reaches beyond its agent nor beyond its project');
  for (const [by, scope, subject] of [
    [inOne, 'org', undefined],
    [inOne, 'project', 'p2'],
    [inOne, 'agent', 'a1'],
    [inOne, 'key', owner.key],
    [asOne, 'project', 'p1'],
  ] as const)
    await assert.rejects(set(by, scope, subject), { code: 'denied', next: /bound/ });
  const asked = await handlers.request(inTwo, { id: all.p2.id, amount: 5, reason: '' });
  for (const id of [all.org.id, all.p2.id, all.other.id, all.a1.id])
    for (const beyond of [
      () => handlers.get(inOne, { id }),
      () => handlers.change(inOne, { id, limit: 5_000 }),
      () => handlers.remove(inOne, { id }),
      () => handlers.grant(inOne, { id, amount: 5, reason: '' }),
    ])
      await assert.rejects(beyond(), { code: 'not_found' }, id);
  await assert.rejects(handlers.refuse(inOne, { id: asked.id, reason: '' }), { code: 'not_found' });
  await assert.rejects(handlers.grant(inOne, { id: all.p1.id, amount: 5, reason: '', request: asked.id }), { code: 'invalid_input' });
  await assert.rejects(handlers.request(inOne, { id: all.p2.id, amount: 5, reason: '' }), { code: 'not_found' });
  await handlers.request(inOne, { id: all.org.id, amount: 5, reason: 'it refused me' });
  assert.deepEqual(
    [(await handlers.requests(inOne, { limit: 50 })).total, (await handlers.requests(me, { limit: 50 })).shown],
    [{ kind: 'exact', value: 0 }, 2],
  );
  assert.equal((await handlers.refuse(inTwo, { id: asked.id, reason: 'no' })).state, 'refused');
  assert.equal((await handlers.change(inOne, { id: all.p1.id, limit: 7 })).limit, 7);
  assert.equal((await handlers.remove(inOne, { id: all.own.id })).limit, 1_000);
});
