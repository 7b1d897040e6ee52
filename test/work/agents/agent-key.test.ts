/** What keys may do with agents beyond their scopes: an agent's own key, and commands that run as the server itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Principal } from '../../../src/platform/identity/principal.ts';
import type { TestAgents } from '../../support/agents.ts';
import { definition, testAgents } from '../../support/agents.ts';
import type { TestDatabase } from '../../support/database.ts';
import { testDatabase } from '../../support/database.ts';
import type { TestIdentity } from '../../support/identity.ts';
import { callerOf, testIdentity, testOwner, testPrincipal } from '../../support/identity.ts';

type World = { db: TestDatabase; identity: TestIdentity; agents: TestAgents; owner: Principal; [Symbol.asyncDispose](): Promise<void> };

async function world(): Promise<World> {
  const db = await testDatabase();
  const identity = testIdentity(db);
  const { owner } = await testOwner(identity);
  return { db, identity, owner, agents: testAgents(db, identity), [Symbol.asyncDispose]: () => db[Symbol.asyncDispose]() };
}

/** The caller that an agent's own service account is, with a key of its own. */
async function agentPrincipal({ identity, owner, agents, db }: World, name: string): Promise<Principal> {
  const { id } = await agents.handlers.get(callerOf(owner), { name });
  const [row] = await db.owner<{ id: string }>("select id from actor where kind = 'agent' and agent_id = $1", [id]);
  const { secret } = await identity.handlers.createKey(callerOf(owner), { name, actor: row?.id, role: 'operator' });
  const principal = await identity.authenticate(secret);
  assert.ok(principal?.kind === 'agent' && principal.agent === id);
  return principal;
}

test('the key of an agent runs only the agents that its definition names, and what it hands on is taken for anything [AGT-1, POL-3]', async () => {
  await using all = await world();
  const { agents, owner } = all;
  const me = callerOf(owner);
  await agents.handlers.create(me, definition({ name: 'helper' }));
  await agents.handlers.create(me, definition({ name: 'powerful' }));
  await agents.handlers.create(me, definition({ name: 'limited', agents: ['helper'] }));
  const limited = callerOf(await agentPrincipal(all, 'limited'));
  await assert.rejects(agents.handlers.run(limited, { name: 'powerful', input: {}, priority: 'normal' }), {
    code: 'denied',
    message: /not among the agents/,
  });
  await assert.rejects(agents.handlers.run(limited, { name: 'limited', input: {}, priority: 'normal' }), { code: 'denied' });
  const who = { actor: limited.principal.actor, name: 'limited', role: 'operator', channel: null } as const;
  await assert.rejects(agents.mayRun(owner.org, 'powerful', who), { code: 'denied' });
  await agents.handlers.run(limited, { name: 'helper', input: {}, priority: 'normal' });
  await agents.handlers.run(me, { name: 'powerful', input: {}, priority: 'normal' });
  assert.deepEqual(
    agents.runs.map(({ agentName, queued }) => [agentName, queued.labels]),
    [
      ['helper', ['untrusted', 'private']],
      ['powerful', []],
    ],
  );
});

test('commands run as the server itself, so only an admin defines or changes them [AGT-7, IDN-1]', async () => {
  await using all = await world();
  const { agents, identity, owner } = all;
  const me = callerOf(owner);
  const operator = callerOf(await testPrincipal(identity, owner, { role: 'operator' }));
  const command = (argv: string[], more = {}) =>
    definition({ name: 'backup', kind: 'command', instructions: '', commands: [{ name: 'go', argv }], ...more });
  const refused = { code: 'denied', message: /commands/ };
  await assert.rejects(agents.handlers.create(operator, command(['true'])), refused);
  await agents.handlers.create(me, command(['true']));
  await assert.rejects(agents.handlers.update(operator, command(['sh', '-c', 'id'])), refused);
  assert.equal((await agents.handlers.update(operator, command(['true'], { description: 'nightly' }))).version, 2, 'the commands are the same');
  await agents.handlers.update(me, command(['false']));
  await assert.rejects(agents.handlers.restore(operator, { name: 'backup', version: 1 }), refused);
  await agents.handlers.archive(operator, { name: 'backup' });
  await assert.rejects(agents.handlers.create(operator, command(['false'])), refused);
});
