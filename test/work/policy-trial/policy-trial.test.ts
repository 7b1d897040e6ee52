/** What the policy would decide of a call that nobody makes: the same answer, rules and reason as the harness gives when it is made. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Decision } from '../../../src/kernel/events.ts';
import { ruleWords } from '../../../src/platform/policy/policy.ts';
import { runOperations } from '../../../src/runtime/runs/contract.ts';
import { agentOperations } from '../../../src/work/agents/contract.ts';
import { policyOperations } from '../../../src/work/policy-trial/contract.ts';
import { problemOf } from '../../support/api-operations.ts';
import type { TestServer } from '../../support/server.ts';
import { testServer } from '../../support/server.ts';
import { until } from '../../support/until.ts';

const CALLS = [
  { tool: 'checkpoint_list', args: {} },
  { tool: 'shell', args: {} },
  { tool: 'http_send', args: { method: 'POST', url: 'https://example.com/hook' } },
  { tool: 'checkpoint_set', args: { name: 'a', value: 1, version: 0 } },
];
const OUTSIDE = { method: 'POST', url: 'https://example.com/hook' };

let server: TestServer;
before(async () => {
  const calls = CALLS.map((call) => JSON.stringify(call)).join(', ');
  server = await testServer({ rehearsals: { caller: `turns:\n  - calls: [${calls}]\n  - text: done\n` } });
  const tools = ['http_send', 'http_request', 'checkpoint_*'].flatMap((name) =>
    name.endsWith('*') ? ['checkpoint_list', 'checkpoint_set'] : [name],
  );
  const base = { instructions: 'x', model: 'rehearsal/caller', tools };
  await server.api().call(agentOperations.create, { ...base, name: 'caller', confirm: ['checkpoint_set'] });
  await server.api().call(agentOperations.create, { ...base, name: 'first', tier: 1, agents: ['caller'] });
});
after(() => server[Symbol.asyncDispose]());

const trial = (input: object) => server.api().call(policyOperations.try, input as never);

/** What the journal of a run says was decided of a tool. */
async function decisionOf(run: string, tool: string): Promise<Decision | undefined> {
  const { items } = await server.api().call(runOperations.events, { id: run, limit: 200 });
  return items.flatMap(({ event }): Decision[] => {
    if (event?.type === 'tool.denied' && event.tool === tool) return [{ answer: 'deny', rules: event.rules, reason: event.reason }];
    return (event?.type === 'approval.asked' || event?.type === 'tool.intended') && event.tool === tool ? [event.decision] : [];
  })[0];
}

test('every call that a run makes is decided as the trial said, for its agent and for the run itself [POL-1]', async () => {
  const run = await server.api().call(agentOperations.run, { name: 'caller', input: null });
  for (const call of CALLS) {
    const { answer, rules, reason } = await trial({ agent: 'caller', ...call });
    const decided = await until(`a decision on ${call.tool}`, 20_000, () => decisionOf(run.id, call.tool));
    assert.deepEqual({ answer, rules, reason }, decided, call.tool);
    const later = await trial({ run: run.id, ...call });
    assert.deepEqual([later.run, later.answer], [run.id, answer]);
  }
  const { items } = await server.api().call(runOperations.list, {});
  assert.equal(items.length, 1, 'a trial starts nothing');
});

test('labels, tier and arguments count in a trial as they do in a run [POL-1, POL-3]', async () => {
  const get = { agent: 'caller', tool: 'http_request' };
  assert.deepEqual([(await trial(get)).answer, (await trial(get)).labelsAfter], ['allow', ['untrusted']]);
  assert.equal((await trial({ ...get, labels: ['private'] })).answer, 'allow');
  const both = await trial({ ...get, labels: ['private', 'untrusted'] });
  assert.deepEqual([both.answer, both.rules, both.labels], ['confirm', ['two_of_three'], ['untrusted', 'private']]);
  assert.deepEqual((await trial({ agent: 'first', tool: 'checkpoint_set' })).rules, ['tier1_confirmed']);
  assert.equal((await trial({ agent: 'first', tool: 'agent_caller', args: { task: 'x' } })).answer, 'allow');
  const unfit = await trial({ agent: 'caller', tool: 'http_send', args: { ...OUTSIDE, method: 7 } });
  assert.equal(unfit.answer, 'invalid');
  assert.match(unfit.faults.join(), /method/);
  const unknown = await trial({ agent: 'caller', tool: 'http_sned' });
  assert.deepEqual([unknown.answer, unknown.rules, unknown.sideEffect], ['deny', ['allowlist'], null]);
  assert.match(unknown.reason, /it has .*http_send/);
});

test('a trial says what is missing, and shows rules in the order in which they decide', async () => {
  for (const [body, status] of [
    [{ tool: 'x' }, 400],
    [{ agent: 'caller', run: 'run_01jd2m7x9c4qf8w3v5k6t1z0ab', tool: 'x' }, 400],
    [{ agent: 'nobody', tool: 'x' }, 404],
    [{ run: 'run_01jd2m7x9c4qf8w3v5k6t1z0ab', tool: 'x' }, 404],
    [{ agent: 'caller', tool: 'x', labels: ['secret'] }, 400],
  ] as const) {
    const response = await server.request('/policy/try', { method: 'POST', body });
    assert.equal(response.status, status, JSON.stringify(body));
    await problemOf(response);
  }
  const { items } = await server.api().call(policyOperations.rules, {});
  assert.deepEqual(items, ruleWords());
  assert.deepEqual(
    items.map(({ answer }) => answer).filter((answer, index, all) => answer !== all[index - 1]),
    ['deny', 'confirm', 'allow', 'deny'],
  );
});
