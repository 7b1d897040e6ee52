import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storedId } from '../../../src/kernel/ids.ts';
import type { EndedRun } from '../../../src/runtime/runs/drive-deps.ts';
import type { Principal } from '../../../src/platform/identity/principal.ts';
import type { FinalStatus } from '../../../src/kernel/run-status.ts';
import { DEFAULT_LIMITS } from '../../../src/kernel/plan.ts';
import type { RunRow } from '../../../src/runtime/runs/store-port.ts';
import type { TestAgents } from '../../support/agents.ts';
import { definition, testAgents } from '../../support/agents.ts';
import type { TestDatabase } from '../../support/database.ts';
import { testDatabase } from '../../support/database.ts';
import type { TestIdentity } from '../../support/identity.ts';
import { callerOf, testIdentity, testIds, testOwner, testPrincipal } from '../../support/identity.ts';

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

/** An ended run, as far as its agent's health goes by it. */
function ended(run: { org: string; agent: string; purpose: string; status: FinalStatus }): EndedRun {
  return { row: { ...run, id: 'run_1' }, ended: { status: run.status, reason: 'no disk' } } as unknown as EndedRun;
}

test('every change is a new version with author and time that nobody can rewrite [AGT-2]', async () => {
  await using all = await world();
  const { agents, owner, db } = all;
  const me = callerOf(owner);
  const made = await agents.handlers.create(me, definition({ name: 'foo', limits: { turns: 3 } }));
  assert.deepEqual([made.version, made.state, made.by.name, made.drifted], [1, 'active', 'owner', null]);
  const changed = await agents.handlers.update(me, { ...definition({ name: 'foo', limits: { turns: 4 } }), baseVersion: 1 });
  assert.equal(changed.version, 2);
  assert.equal((await agents.handlers.update(me, definition({ name: 'foo', limits: { turns: 4 } }))).version, 2, 'nothing changed');
  await assert.rejects(agents.handlers.update(me, { ...definition({ name: 'foo' }), baseVersion: 1 }), { code: 'precondition_failed' });
  assert.deepEqual((await agents.handlers.compare(me, { name: 'foo', from: 1, to: 2 })).differences, [{ path: 'limits.turns', before: 3, after: 4 }]);
  const restored = await agents.handlers.restore(me, { name: 'foo', version: 1 });
  assert.deepEqual([restored.version, restored.definition.limits?.turns], [3, 3]);
  assert.equal((await agents.handlers.version(me, { name: 'foo', version: 2 })).definition.limits?.turns, 4);
  const versions = await agents.handlers.versions(me, { name: 'foo', limit: 2 });
  assert.deepEqual([versions.items.map((each) => each.source), versions.total, versions.shown], [['restore', 'api'], { kind: 'exact', value: 3 }, 2]);
  const rest = await agents.handlers.versions(me, { name: 'foo', limit: 2, cursor: versions.next ?? '' });
  assert.deepEqual([rest.items.map((each) => each.version), rest.next], [[1], null]);
  for (const statement of ['update agent_version set definition = definition', 'delete from agent_version']) {
    await assert.rejects(
      db.asOrg(owner.org, (tx) => tx.query(statement)),
      /permission denied/,
    );
  }
  await assert.rejects(agents.handlers.version(me, { name: 'foo', version: 9 }), { code: 'not_found' });
  assert.deepEqual(
    all.identity.events.filter(({ event }) => event.type.startsWith('agent.')).map(({ event }) => [event.type, event.detail['version']]),
    [
      ['agent.created', 1],
      ['agent.changed', 2],
      ['agent.changed', 3],
    ],
  );
});

test('an agent is paused, resumed by a person, archived, and brought back with its history [AGT-1, AGT-4]', async () => {
  await using all = await world();
  const { agents, identity, owner } = all;
  const me = callerOf(owner);
  await agents.handlers.create(me, definition({ name: 'foo', schedules: [{ every: '1h' }], concurrency: 2 }));
  await assert.rejects(agents.handlers.create(me, definition({ name: 'foo' })), { code: 'conflict' });
  assert.equal(agents.schedules.get('foo'), 1);
  const paused = await agents.handlers.pause(me, { name: 'foo', reason: 'holiday' });
  assert.deepEqual([paused.state, paused.stateReason], ['paused', 'paused by owner: holiday']);
  await assert.rejects(agents.handlers.run(me, { name: 'foo', input: {}, priority: 'normal' }), { code: 'agent_halted' });
  const program = await testPrincipal(identity, owner, { role: 'operator', kind: 'service' });
  await assert.rejects(agents.handlers.resume(callerOf(program), { name: 'foo' }), { code: 'denied' });
  assert.equal((await agents.handlers.resume(me, { name: 'foo' })).state, 'active');
  assert.equal((await agents.handlers.archive(me, { name: 'foo' })).state, 'archived');
  assert.equal(agents.schedules.get('foo'), 0);
  assert.deepEqual((await agents.handlers.list(me, { limit: 50 })).items, []);
  assert.equal((await agents.handlers.list(me, { limit: 50, archived: true })).shown, 1);
  await assert.rejects(agents.handlers.resume(me, { name: 'foo' }), { code: 'conflict' });
  const back = await agents.handlers.create(me, definition({ name: 'foo' }));
  assert.deepEqual([back.state, back.version], ['active', 2]);
  await assert.rejects(agents.handlers.get(me, { name: 'bar' }), { code: 'not_found' });
});

test('a faulty definition is refused with all its faults [AGT-1]', async () => {
  await using all = await world();
  const wrong = definition({ name: 'foo', instructions: '', schedules: [{}], confirm: ['x'] });
  await assert.rejects(all.agents.handlers.create(callerOf(all.owner), wrong), (thrown: { code: string; faults: { path: string }[] }) => {
    assert.deepEqual(thrown.faults.map((fault) => fault.path).toSorted(), ['confirm[0]', 'instructions', 'schedules[0]']);
    return thrown.code === 'invalid_input';
  });
});

const file = (name: string, turns: number): { path: string; text: string } => ({
  path: `agents/${name}.yaml`,
  text: `name: ${name}\ninstructions: x\nlimits:\n  turns: ${turns}\n`,
});

test('plan shows, apply does exactly that, and a second plan has nothing to do [AGT-8]', async () => {
  await using all = await world();
  const me = callerOf(all.owner);
  const { plan, apply, update, get, list } = all.agents.handlers;
  const actions = (view: { changes: { name: string; action: string }[] }): string[] =>
    view.changes.map((change) => `${change.action} ${change.name}`);
  const files = [file('a', 1), file('b', 2)];
  const first = await plan(me, { files, prune: false });
  assert.deepEqual(actions(first), ['create a', 'create b']);
  assert.equal((await list(me, { limit: 50 })).shown, 0, 'a plan changes nothing');
  assert.match((await apply(me, { files, prune: false, digest: first.digest })).message, /2 were created/);
  assert.deepEqual(actions(await plan(me, { files, prune: false })), ['unchanged a', 'unchanged b']);
  await assert.rejects(apply(me, { files, prune: false, digest: first.digest }), { code: 'precondition_failed' });

  await update(me, definition({ name: 'a', instructions: 'x', limits: { turns: 7 } }));
  assert.equal((await get(me, { name: 'a' })).drifted, true);
  const second = await plan(me, { files: [file('a', 5)], prune: false });
  assert.deepEqual(actions(second), ['update a', 'absent b']);
  assert.deepEqual(second.changes[0]?.differences, [{ path: 'limits.turns', before: 7, after: 5 }]);
  assert.deepEqual(second.changes[0]?.drift, [{ path: 'limits.turns', before: 1, after: 7 }]);
  await apply(me, { files: [file('a', 5)], prune: false, digest: second.digest });
  assert.equal((await get(me, { name: 'b' })).state, 'active', 'absent is left alone without prune');
  assert.deepEqual(actions(await apply(me, { files: [file('a', 5)], prune: true })), ['unchanged a', 'archive b']);
  assert.equal((await get(me, { name: 'b' })).state, 'archived');
  assert.equal((await get(me, { name: 'a' })).drifted, false);
});

test('a fault in one file applies none of them [AGT-8]', async () => {
  await using all = await world();
  const me = callerOf(all.owner);
  const files = [file('a', 1), file('b', 0)];
  await assert.rejects(
    all.agents.handlers.apply(me, { files, prune: true }),
    (thrown: { code: string; faults: { path: string; line: number }[] }) => {
      assert.deepEqual([thrown.faults[0]?.path, thrown.faults[0]?.line], ['agents/b.yaml limits.turns', 4]);
      return thrown.code === 'invalid_input';
    },
  );
  assert.equal((await all.agents.handlers.list(me, { limit: 50 })).shown, 0);
});

test('a refusal in the middle of an apply leaves nothing of it [AGT-1, AGT-8]', async () => {
  await using all = await world();
  const { agents, owner } = all;
  await agents.handlers.create(callerOf(owner), definition({ name: 'maker', tools: ['git_log'] }));
  const maker = callerOf(await agentPrincipal(all, 'maker'));
  const greedy = { path: 'agents/z.yaml', text: 'name: z\ninstructions: x\ntools: [shell]\n' };
  await assert.rejects(agents.handlers.apply(maker, { files: [file('a', 1), greedy], prune: false }), { code: 'denied' });
  assert.deepEqual(
    (await agents.handlers.list(callerOf(owner), { limit: 50 })).items.map((each) => each.name),
    ['maker'],
  );
});

test('an agent makes, changes, restores, archives and resumes nothing beyond itself [AGT-1]', async () => {
  await using all = await world();
  const { agents, owner } = all;
  const me = callerOf(owner);
  await agents.handlers.create(me, definition({ name: 'maker', tools: ['git_log'], limits: { turns: 5 } }));
  await agents.handlers.create(me, definition({ name: 'strong', tools: ['shell'], tier: 1 }));
  await agents.handlers.update(me, definition({ name: 'strong', tools: ['git_log'], limits: { turns: 2 } }));
  const maker = callerOf(await agentPrincipal(all, 'maker'));
  const child = definition({ name: 'child', tools: ['git_log'], limits: { turns: 5 } });
  assert.equal((await agents.handlers.create(maker, child)).by.name, 'maker');
  await assert.rejects(agents.handlers.create(maker, { ...child, name: 'big', tools: ['shell'] }), { code: 'denied' });
  await assert.rejects(agents.handlers.update(maker, { ...child, tier: 2 }), { code: 'denied' });
  await assert.rejects(agents.handlers.update(maker, { ...child, limits: { turns: 6 } }), { code: 'denied' });
  await assert.rejects(agents.handlers.restore(maker, { name: 'strong', version: 1 }), { code: 'denied' });
  await assert.rejects(agents.handlers.resume(maker, { name: 'nobody' }), { code: 'not_found' });
  await agents.handlers.update(me, definition({ name: 'strong', tools: ['shell'] }));
  await assert.rejects(agents.handlers.archive(maker, { name: 'strong' }), { code: 'denied' });
  await assert.rejects(agents.handlers.pause(maker, { name: 'strong', reason: '' }), { code: 'denied' });
  await assert.rejects(agents.handlers.update(maker, { ...child, name: 'strong' }), { code: 'denied' }, 'not even to make it weaker');
  await agents.handlers.pause(me, { name: 'child', reason: '' });
  await assert.rejects(agents.handlers.resume(maker, { name: 'child' }), { code: 'denied' }, 'a human resumes');
});

test('raising the budget of an agent needs the permission to [AGT-1, IDN-2]', async () => {
  await using all = await world();
  const { agents, identity, owner } = all;
  const at = (usd: number | null) => definition({ name: 'foo', ...(usd === null ? {} : { budget: { usd, period: 'day' } }) });
  await agents.handlers.create(callerOf(owner), at(5));
  const operator = callerOf(await testPrincipal(identity, owner, { role: 'operator' }));
  await assert.rejects(agents.handlers.update(operator, at(6)), { code: 'denied' });
  await assert.rejects(agents.handlers.update(operator, at(null)), { code: 'denied' });
  assert.equal((await agents.handlers.update(operator, at(4))).version, 2);
  assert.equal((await agents.handlers.update(callerOf(owner), at(9))).version, 3);
});

test('a run carries version, plan, person, trigger and correlation, and the engine is woken after the commit [AGT-2, RUN-1]', async () => {
  await using all = await world();
  const { agents, owner } = all;
  await agents.handlers.create(callerOf(owner), definition({ name: 'foo', model: 'anthropic/x', tools: ['git_log'] }));
  await agents.handlers.update(callerOf(owner), definition({ name: 'foo', model: 'anthropic/x', tools: ['git_log'], limits: { turns: 2 } }));
  const caller = callerOf(owner, 'mcp');
  const started = await agents.handlers.run(caller, { name: 'foo', input: { a: 1 }, priority: 'high', lane: 'chat' });
  const [run] = agents.runs;
  assert.ok(run && run.id === started.id && started.version === 2);
  assert.deepEqual([run.agentVersion, run.priority, run.lane, run.root, run.parent, run.depth], [2, 'high', 'chat', run.id, null, 0]);
  assert.deepEqual(
    [run.queued.trigger, run.queued.purpose, run.queued.input, run.queued.correlationId],
    ['mcp', 'live', { a: 1 }, caller.correlation],
  );
  assert.deepEqual(run.queued.by, { actor: owner.actor, name: 'owner', key: owner.fingerprint, keyId: owner.key });
  assert.deepEqual([run.queued.plan.limits.turns, run.queued.plan.limits.toolCalls], [2, 100]);
  assert.deepEqual(agents.woken, [{ org: owner.org, run: started.id }]);
  await agents.handlers.create(callerOf(owner), definition({ name: 'bare' }));
  await agents.handlers.run(callerOf(owner), { name: 'bare', input: {}, priority: 'normal' });
  assert.deepEqual([agents.runs[1]?.queued.purpose, agents.runs[1]?.queued.trigger], ['rehearsal', 'manual'], 'the default model is scripted here');
});

test('who is not named under access, an input that does not fit, or an unknown agent starts nothing [AGT-3]', async () => {
  await using all = await world();
  const { agents, identity, owner } = all;
  const input = { type: 'object', required: ['since'], properties: { since: { type: 'string' } }, additionalProperties: false };
  await agents.handlers.create(callerOf(owner), definition({ name: 'foo', input, access: { people: ['ada'] }, owner: 'grace' }));
  const run = (principal: Principal, value: unknown) =>
    agents.handlers.run(callerOf(principal), { name: 'foo', input: value as never, priority: 'normal' });
  await assert.rejects(
    run(owner, { since: 'x' }),
    (thrown: { code: string; next: string }) => thrown.code === 'denied' && thrown.next.includes('grace'),
  );
  const ada = await testPrincipal(identity, owner, { role: 'member', name: 'ada' });
  await assert.rejects(
    run(ada, { until: 1 }),
    (thrown: { code: string; faults: unknown[] }) => thrown.code === 'invalid_input' && thrown.faults.length === 2,
  );
  await run(ada, { since: 'x' });
  await assert.rejects(agents.handlers.run(callerOf(owner), { name: 'none', input: {}, priority: 'normal' }), { code: 'not_found' });
  assert.equal(agents.runs.length, 1);
});

test('a retry asks what a start asks, and a run reaches what its version may reach [AGT-2, AGT-3]', async () => {
  await using all = await world();
  const { agents, owner } = all;
  const me = callerOf(owner);
  const { id } = await agents.handlers.create(me, definition({ name: 'foo', access: { people: ['ada'] }, network: { allow: ['10.0.0.1'] } }));
  await agents.handlers.update(me, definition({ name: 'foo', access: { people: ['ada'] } }));
  const who = { actor: 'act_1', role: 'member', channel: null } as const;
  await agents.mayRun(owner.org, 'foo', { ...who, name: 'ada' });
  await assert.rejects(agents.mayRun(owner.org, 'foo', { ...who, name: 'bob' }), { code: 'denied' });
  await agents.handlers.pause(me, { name: 'foo', reason: '' });
  await assert.rejects(agents.mayRun(owner.org, 'foo', { ...who, name: 'ada' }), { code: 'agent_halted' });
  const allow = (version: number) => agents.networkAllow(owner.org, { id: storedId('agt', id), version });
  assert.deepEqual([await allow(1), await allow(2), await allow(3)], [['10.0.0.1'], [], []]);
});

test('when the companion of a start fails there is no run [AGT-1]', async () => {
  await using all = await world();
  await all.agents.handlers.create(callerOf(all.owner), definition({ name: 'foo' }));
  const { org, actor } = all.owner;
  const start = {
    org,
    actor,
    agent: 'foo',
    input: {},
    trigger: 'schedule',
    by: { actor, name: 'x' },
    correlation: testIds.next('cor'),
    requester: null,
  } as const;
  await assert.rejects(all.agents.startRun({ ...start, companion: (tx) => tx.query('select 1/0').then(() => {}) }), /division/);
  assert.deepEqual(all.agents.woken, []);
});

test('the third failure in a row stops the agent in the very commit, a success before it resets, a person resumes [AGT-4]', async () => {
  await using all = await world();
  const { agents, owner, db } = all;
  const me = callerOf(owner);
  const { id } = await agents.handlers.create(me, definition({ name: 'foo' }));
  const end = (status: FinalStatus, purpose: 'live' | 'eval' = 'live'): Promise<boolean> =>
    db.asWorker((tx) => agents.onRunEnded(tx, ended({ org: owner.org, agent: id, purpose, status })));
  const state = async (): Promise<unknown[]> => {
    const agent = await agents.handlers.get(me, { name: 'foo' });
    return [agent.state, agent.failures];
  };
  for (const status of ['failed', 'halted', 'succeeded', 'failed', 'cancelled', 'limited', 'halted', 'budget_exhausted'] as const)
    assert.equal(await end(status), false);
  await end('failed', 'eval');
  assert.deepEqual(await state(), ['active', 2]);
  assert.equal(await end('failed'), true);
  assert.deepEqual(await state(), ['error', 3]);
  await assert.rejects(
    agents.handlers.run(me, { name: 'foo', input: {}, priority: 'normal' }),
    (thrown: { code: string; message: string }) => thrown.code === 'agent_halted' && thrown.message.includes('no disk'),
  );
  assert.equal(await end('failed'), false, 'said once');
  await agents.handlers.resume(me, { name: 'foo' });
  assert.deepEqual(await state(), ['active', 0]);
  assert.equal((await agents.handlers.run(me, { name: 'foo', input: {}, priority: 'normal' })).status, 'queued');
});

test('failures that end at once are all counted [AGT-4]', async () => {
  await using all = await world();
  const { agents, owner, db } = all;
  const { id } = await agents.handlers.create(callerOf(owner), definition({ name: 'foo' }));
  const entered = await Promise.all(
    [1, 2, 3].map(() => db.asWorker((tx) => agents.onRunEnded(tx, ended({ org: owner.org, agent: id, purpose: 'live', status: 'failed' })))),
  );
  assert.deepEqual(entered.filter(Boolean).length, 1);
  assert.equal((await agents.handlers.get(callerOf(owner), { name: 'foo' })).state, 'error');
});

test('a child run is bound by its allotment, its depth and its agent; it keeps tree, person and trust [RUN-8]', async () => {
  await using all = await world();
  const { agents, owner } = all;
  const me = callerOf(owner);
  await agents.handlers.create(me, definition({ name: 'parent', agents: ['kid', 'gone'] }));
  await agents.handlers.create(me, definition({ name: 'kid', limits: { turns: 9, tokens: 50 }, input: { type: 'object', required: ['task'] } }));
  const { id } = await agents.handlers.run(me, { name: 'parent', input: {}, priority: 'high' });
  const root = agents.runs[0];
  assert.ok(root);
  const parent = { ...root, purpose: 'live' } as unknown as RunRow;
  const request = {
    id: testIds.next('run'),
    parent,
    by: root.queued.by,
    callId: 'call_1',
    agent: 'kid',
    input: { task: 'x' },
    allotment: { ...DEFAULT_LIMITS, turns: 4 },
    depth: 1,
    labels: ['untrusted'],
  } as const;
  const made = await agents.prepareChild(request);
  assert.ok(made.ok);
  assert.deepEqual([made.run.parent, made.run.root, made.run.depth, made.run.priority, made.run.correlation], [id, id, 1, 'high', root.correlation]);
  assert.deepEqual([made.run.queued.plan.limits.turns, made.run.queued.plan.limits.tokens], [4, 50]);
  assert.deepEqual(
    [made.run.queued.labels, made.run.queued.trigger, made.run.queued.by, made.run.queued.parent],
    [['untrusted'], 'run', root.queued.by, { run: id, callId: 'call_1', depth: 1 }],
  );
  const why = async (change: object): Promise<string> => {
    const answer = await agents.prepareChild({ ...request, ...change });
    return answer.ok ? 'made' : `${answer.class}: ${answer.message}`;
  };
  assert.match(await why({ depth: 4 }), /^denied: .*3 levels/);
  assert.match(await why({ agent: 'gone' }), /^invalid_input: There is no agent gone/);
  assert.match(await why({ input: {} }), /^invalid_input: .*task/);
  await agents.handlers.pause(me, { name: 'kid', reason: '' });
  assert.match(await why({}), /^denied: Agent kid is paused/);
  const manifest = await agents.childManifest(owner.org, ['kid', 'gone', 'parent']);
  assert.deepEqual(
    manifest.entries.map((entry) => [entry.name, entry.kind]),
    [['agent_parent', 'agent']],
  );
  assert.deepEqual(
    manifest.missing.map((each) => each.tool),
    ['agent_kid', 'agent_gone'],
  );
});

test('agents of another organization are not there [STO-2, IDN-2]', async () => {
  await using all = await world();
  const { agents, identity, owner } = all;
  await agents.handlers.create(callerOf(owner), definition({ name: 'foo' }));
  const stranger = callerOf((await testOwner(identity, 'Other')).owner);
  const { handlers } = agents;
  for (const attempt of [
    () => handlers.get(stranger, { name: 'foo' }),
    () => handlers.update(stranger, definition({ name: 'foo' })),
    () => handlers.pause(stranger, { name: 'foo', reason: '' }),
    () => handlers.resume(stranger, { name: 'foo' }),
    () => handlers.archive(stranger, { name: 'foo' }),
    () => handlers.versions(stranger, { name: 'foo', limit: 5 }),
    () => handlers.version(stranger, { name: 'foo', version: 1 }),
    () => handlers.compare(stranger, { name: 'foo', from: 1, to: 1 }),
    () => handlers.restore(stranger, { name: 'foo', version: 1 }),
    () => handlers.run(stranger, { name: 'foo', input: {}, priority: 'normal' }),
  ]) {
    await assert.rejects(attempt(), { code: 'not_found' });
  }
  assert.deepEqual((await handlers.list(stranger, { limit: 50, archived: true })).total, { kind: 'exact', value: 0 });
  assert.deepEqual((await handlers.plan(stranger, { files: [], prune: true })).changes, []);
  assert.equal((await handlers.create(stranger, definition({ name: 'foo' }))).version, 1, 'each organization has names of its own');
});
