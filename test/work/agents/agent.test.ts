import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { FinalStatus } from '../../../src/kernel/run-status.ts';
import type { AgentAction, AgentState } from '../../../src/work/agents/agent.ts';
import { afterRun, beyondOwn, budgetIsMore, mayUse, refuseHalted, transition } from '../../../src/work/agents/agent.ts';
import type { AgentDefinition } from '../../../src/work/agents/definition.ts';
import type { StoredAgent } from '../../../src/work/agents/difference.ts';
import { compare, planChanges } from '../../../src/work/agents/difference.ts';
import { leastLimits } from '../../../src/work/agents/run-plan.ts';
import { isListed } from '../../../src/platform/policy/policy.ts';
import { definition } from '../../support/agents.ts';

const STATES: AgentState[] = ['active', 'paused', 'error', 'archived'];

test('people pause, resume, archive and revive; nothing else leads anywhere [AGT-4]', () => {
  const allowed: Record<AgentAction, Partial<Record<AgentState, AgentState>>> = {
    pause: { active: 'paused', error: 'paused', paused: 'paused' },
    resume: { paused: 'active', error: 'active', active: 'active' },
    archive: { active: 'archived', paused: 'archived', error: 'archived', archived: 'archived' },
    revive: { archived: 'active', active: 'active' },
  };
  for (const action of Object.keys(allowed) as AgentAction[]) {
    for (const state of STATES) {
      const to = allowed[action][state];
      if (to === undefined) assert.throws(() => transition(state, action), { code: 'conflict' }, `${action} from ${state}`);
      else assert.equal(transition(state, action), to);
    }
  }
});

test('only an active agent takes runs; the refusal says what to do [AGT-4]', () => {
  refuseHalted({ name: 'a', state: 'active', stateReason: '' });
  for (const state of ['paused', 'error', 'archived'] as const) {
    assert.throws(
      () => refuseHalted({ name: 'a', state, stateReason: 'why' }),
      (thrown: { code: string; next: string; message: string }) =>
        thrown.code === 'agent_halted' && thrown.next !== '' && thrown.message.includes('why'),
    );
  }
});

test('three failures in a row, and no fewer, stop an agent; a success resets, other ends say nothing [AGT-4]', () => {
  const ends = fc.array(fc.constantFrom(...FinalStatus.options), { maxLength: 30 });
  fc.assert(
    fc.property(ends, (statuses) => {
      let agent: { state: AgentState; failures: number } = { state: 'active', failures: 0 };
      let inRow = 0;
      let stopped = false;
      for (const status of statuses) {
        agent = afterRun(agent, status);
        if (status === 'failed' || status === 'halted') inRow += 1;
        if (status === 'succeeded') inRow = 0;
        stopped ||= inRow >= 3;
        assert.equal(agent.failures, inRow);
        assert.equal(agent.state, stopped ? 'error' : 'active');
      }
    }),
  );
  assert.equal(afterRun({ state: 'paused', failures: 5 }, 'failed').state, 'paused');
});

test('who may use an agent: everybody, or whom it names by person, role or channel [AGT-3]', () => {
  const ada = { actor: 'act_1', name: 'ada', role: 'member', channel: null } as const;
  assert.ok(mayUse({ access: undefined }, ada));
  const access = (fields: Partial<NonNullable<AgentDefinition['access']>>): Pick<AgentDefinition, 'access'> => ({
    access: { people: [], roles: [], channels: [], ...fields },
  });
  assert.ok(mayUse(access({ people: ['ada'] }), ada) && mayUse(access({ people: ['act_1'] }), ada) && mayUse(access({ roles: ['member'] }), ada));
  assert.ok(!mayUse(access({}), ada) && !mayUse(access({ people: ['bob'] }), ada) && !mayUse(access({ roles: ['owner'] }), ada));
  const chat = { ...ada, channel: '#ops' };
  assert.ok(mayUse(access({ channels: ['#ops'] }), chat));
  assert.ok(!mayUse(access({ channels: ['#dev'] }), chat) && !mayUse(access({ channels: ['#ops'] }), ada));
  assert.ok(!mayUse(access({ channels: ['#dev'], people: ['ada'] }), chat));
});

const OWN = definition({
  name: 'own',
  tools: ['git_log', 'github.*'],
  agents: ['helper'],
  skills: ['s'],
  tier: 2,
  limits: { turns: 10, costUsd: 1 },
  budget: { usd: 5, period: 'day' },
  confirm: ['github__push'],
  network: { allow: ['10.0.0.1'] },
  environment: 'test',
});

/** Each goes beyond OWN in one way; the rest stays within. */
const BEYOND: [string, Record<string, unknown>][] = [
  ['tools', { tools: ['shell'] }],
  ['tools', { tools: ['git.*'] }],
  ['tools', { tools: ['*'] }],
  ['agents', { agents: ['root'] }],
  ['skills', { skills: ['t'] }],
  ['network.allow', { network: { allow: ['10.0.0.0/8'] } }],
  ['tier', { tier: 1 }],
  ['environment', { environment: 'production' }],
  ['environment', { environment: undefined }],
  ['limits.turns', { limits: { turns: 11, costUsd: 1 } }],
  ['limits.turns', { limits: { costUsd: 1 } }],
  ['limits.costUsd', { limits: { turns: 1 } }],
  ['limits.tokens', { limits: { turns: 1, costUsd: 1, tokens: 2_000_000 } }],
  ['budget', { budget: undefined }],
  ['budget', { budget: { usd: 6, period: 'day' } }],
  ['budget', { budget: { usd: 5, period: 'month' } }],
  ['budget', { budget: { tokens: 5, period: 'day' } }],
  ['confirm', { tools: ['github__push'], confirm: [] }],
  ['confirm', { tools: ['github.*'], confirm: ['github__pull'] }],
  ['kind', { kind: 'command', commands: [{ name: 'x', argv: ['sh'] }] }],
];
const within = {
  name: 'child',
  tools: ['git_log', 'github__pull'],
  tier: 3,
  limits: { turns: 2, costUsd: 0.5 },
  budget: { usd: 1, period: 'day' },
  environment: 'test',
};

test('an agent may make an agent within its own tools, tier and budget [AGT-1]', () => {
  assert.deepEqual(beyondOwn(OWN, definition(within)), []);
  assert.deepEqual(beyondOwn(OWN, OWN), []);
  assert.deepEqual(beyondOwn(OWN, definition({ ...within, tools: ['github__push'], confirm: ['github.*'] })), []);
});

for (const [path, change] of BEYOND) {
  test(`an agent cannot go beyond its own ${path}: ${JSON.stringify(change)} [AGT-1]`, () => {
    const wanted = definition({ ...within, tools: [], ...change });
    assert.ok(
      beyondOwn(OWN, wanted).some((fault) => fault.path === path),
      JSON.stringify(beyondOwn(OWN, wanted)),
    );
  });
}

const TOOLS = ['a', 'b', 's__x', 's__y', 's.*', 't__z'];
const someDefinition = fc
  .record({
    tools: fc.subarray(TOOLS),
    confirm: fc.subarray(TOOLS),
    tier: fc.constantFrom(1, 2, 3),
    turns: fc.integer({ min: 1, max: 40 }),
    usd: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
    description: fc.string({ maxLength: 5 }),
  })
  .map(({ turns, usd, ...rest }) =>
    definition({ name: 'x', ...rest, limits: { turns }, ...(usd === undefined ? {} : { budget: { usd, period: 'day' } }) }),
  );

test('a chain of agents that make agents never gains a tool, drops a confirmation, or raises tier, turns or budget [AGT-1]', () => {
  fc.assert(
    fc.property(someDefinition, fc.array(someDefinition, { maxLength: 8 }), (first, wishes) => {
      let current = first;
      for (const wish of wishes) if (beyondOwn(current, wish).length === 0) current = wish;
      for (const tool of ['a', 'b', 's__x', 's__y', 't__z']) {
        if (!isListed(current.tools, tool)) continue;
        assert.ok(isListed(first.tools, tool), `gained ${tool}`);
        if (isListed(first.confirm, tool)) assert.ok(isListed(current.confirm, tool), `no longer confirms ${tool}`);
      }
      assert.ok(
        current.tier >= first.tier && (current.limits.turns ?? 25) <= (first.limits.turns ?? 25) && !budgetIsMore(first.budget, current.budget),
      );
    }),
  );
});

test('a child gets no more than its definition and its allotment [RUN-8]', () => {
  const limits = fc.record({ turns: fc.nat(), toolCalls: fc.nat(), activeMs: fc.nat(), tokens: fc.nat(), costMicroUsd: fc.option(fc.nat()) });
  fc.assert(
    fc.property(limits, limits, (a, b) => {
      const least = leastLimits(a, b);
      for (const each of [a, b]) {
        assert.ok(least.turns <= each.turns && least.toolCalls <= each.toolCalls && least.activeMs <= each.activeMs && least.tokens <= each.tokens);
        if (each.costMicroUsd !== null) assert.ok(least.costMicroUsd !== null && least.costMicroUsd <= each.costMicroUsd);
      }
    }),
  );
});

const named = (name: string) => someDefinition.map((each) => ({ ...each, name }));
const folder = fc
  .tuple(...['a', 'b', 'c', 'd'].map((name) => fc.option(named(name), { nil: undefined })))
  .map((each) => each.filter((one) => one !== undefined));
const storeOf = (definitions: AgentDefinition[]): StoredAgent[] =>
  definitions.map((each) => ({ name: each.name, state: 'active', version: 1, definition: each, applied: null }));

/** What applying does to a store, in the words of the plan. */
function applied(stored: StoredAgent[], files: AgentDefinition[], prune: boolean): StoredAgent[] {
  const plan = planChanges(
    files.map((each) => ({ path: `agents/${each.name}.yaml`, definition: each })),
    stored,
    prune,
  );
  const next = new Map(stored.map((each) => [each.name, each]));
  for (const { name, action } of plan.changes) {
    const file = files.find((each) => each.name === name);
    const before = next.get(name);
    if (file !== undefined) {
      const version = (before?.version ?? 0) + (action === 'unchanged' ? 0 : 1);
      next.set(name, { name, state: 'active', version, definition: file, applied: { version, definition: file } });
    } else if (action === 'archive' && before !== undefined) next.set(name, { ...before, state: 'archived' });
  }
  return [...next.values()];
}

test('after apply a plan of the same files changes nothing and sees no drift [AGT-8]', () => {
  fc.assert(
    fc.property(folder, folder, fc.boolean(), (before, files, prune) => {
      const after = applied(storeOf(before), files, prune);
      const plan = planChanges(
        files.map((each) => ({ path: `agents/${each.name}.yaml`, definition: each })),
        after,
        prune,
      );
      for (const change of plan.changes) {
        assert.ok(change.action === 'unchanged' || (change.action === 'absent' && !prune), change.action);
        assert.deepEqual([change.differences, change.drift], [[], []]);
      }
    }),
  );
});

test('a change behind the back of the files is drift, by field [AGT-8]', () => {
  const file = definition({ name: 'a', limits: { turns: 3 } });
  const stored: StoredAgent = {
    name: 'a',
    state: 'active',
    version: 3,
    definition: { ...file, limits: { turns: 9 } },
    applied: { version: 2, definition: file },
  };
  const [change] = planChanges([{ path: 'agents/a.yaml', definition: file }], [stored], false).changes;
  assert.equal(change?.action, 'update');
  assert.deepEqual(change.drift, [{ path: 'limits.turns', before: 3, after: 9 }]);
  assert.deepEqual(change.differences, [{ path: 'limits.turns', before: 9, after: 3 }]);
});

test('two definitions differ exactly where compare says so [AGT-2]', () => {
  fc.assert(
    fc.property(someDefinition, someDefinition, (a, b) => {
      assert.deepEqual(compare(a, a), []);
      const paths = compare(a, b).map((each) => each.path);
      assert.equal(paths.length === 0, JSON.stringify(a) === JSON.stringify(b));
      assert.deepEqual(
        compare(b, a).map((each) => each.path),
        paths,
      );
    }),
  );
});
