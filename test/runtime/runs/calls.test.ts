/** The calls of a turn: order, refusal, questions to people, children. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventOf } from '../../../src/kernel/events.ts';
import type { Action } from '../../../src/runtime/runs/action.ts';
import { approvalHash } from '../../../src/runtime/runs/approval-rule.ts';
import { calls, drive, modelPlan, queued, RULES, says, toolEntry, type Driven, type ScriptedCall, type World } from '../../support/drive-pure.ts';

const TOOLS = [
  toolEntry('look'),
  toolEntry('secret', { taints: ['private'] }),
  toolEntry('web', { taints: ['untrusted'] }),
  toolEntry('write', { sideEffect: 'reversible' }),
  toolEntry('send', { sideEffect: 'external', recovery: 'key' }),
  toolEntry('ask_human', { kind: 'ask' }),
  toolEntry('agent_kid', { kind: 'agent' }),
  toolEntry('agent_other', { kind: 'agent' }),
];
const plan = modelPlan({ tools: TOOLS.map((tool) => tool.name).filter((name) => !name.startsWith('agent_')), agents: ['kid', 'other'] });

function run(world: Pick<World, 'model'> & Partial<World>): Driven {
  return drive({ queued: queued(plan), tools: TOOLS, ...world });
}

const called = (driven: Driven): string[][] =>
  driven.actions.flatMap((action) => (action.do === 'call_tools' ? [action.calls.map((call) => call.tool.name)] : []));

const results = (driven: Driven): string[] =>
  driven.state.messages.flatMap((message) => (message.role === 'tool' ? message.content.map((part) => part.text) : []));

const asked = (driven: Driven): EventOf<'approval.asked'>[] =>
  driven.entries.flatMap(({ event }) => (event?.type === 'approval.asked' ? [event] : []));

/** One turn of calls, then the end. */
const once =
  (...list: ScriptedCall[]): World['model'] =>
  (n) =>
    n === 1 ? calls(...list) : says('done');

test('reads of a turn go side by side, eight at most; writes one by one, in order, between them [HAR-5]', () => {
  const reads = Array.from({ length: 10 }, (_unused, index): [string, { n: number }] => ['look', { n: index }]);
  assert.deepEqual(
    called(run({ model: once(...reads) })).map((batch) => batch.length),
    [8, 2],
  );
  const mixed = run({ model: once(['look', { n: 1 }], ['look', { n: 2 }], ['write', {}], ['look', { n: 3 }], ['write', { n: 2 }]) });
  assert.deepEqual(called(mixed), [['look', 'look'], ['write'], ['look'], ['write']]);
});

test('results reach the model in the order it asked, with what failed [HAR-6]', () => {
  const driven = run({
    model: once(['look', { n: 1 }], ['look', { n: 2 }]),
    tool: (call) => (call.args['n'] === 1 ? { failed: 'tool_error', message: 'gone' } : 'two'),
  });
  assert.deepEqual(results(driven), ['Failed (tool_error): gone', 'two']);
});

test('a tool that is not allowlisted or not there is denied with what there is [AGT-3] [HAR-6]', () => {
  const driven = drive({
    queued: queued(modelPlan({ tools: ['look'] })),
    tools: TOOLS,
    model: once(['write', {}], ['nothing', {}]),
    tool: () => assert.fail('it was called'),
  });
  assert.match(results(driven)[0] ?? '', /^Denied: write is not among what this agent may use; it has look, result_read/);
  assert.match(results(driven)[1] ?? '', /^Denied: nothing is not among/);
});

test('arguments that are no JSON, or do not match the schema, go back to the model [HAR-6]', () => {
  const driven = run({
    model: (n) =>
      n === 1 ? [{ type: 'tool_call', callId: 'c0', tool: 'look', args: {}, invalid: '{"at": ' }, ...calls(['look', { at: 1 }, 'c1'])] : says('done'),
    rules: { validate: (_schema, value) => (JSON.stringify(value) === '{"at":1}' ? ['at must be string'] : []) },
    tool: () => assert.fail('it was called'),
  });
  assert.match(results(driven)[0] ?? '', /^Failed \(invalid_input\): The arguments are not a JSON object/);
  assert.match(results(driven)[1] ?? '', /at must be string/);
});

test('an external effect waits for a person and is carried out as approved [APR-1] [POL-2]', () => {
  const driven = run({ model: once(['send', { to: 'ops' }]), answer: () => ({ answer: 'approve' }) });
  const [question] = asked(driven);
  assert.equal(question?.hash, approvalHash({ tool: 'send', args: { to: 'ops' }, rules: ['external_confirmed'] }));
  const intent = driven.entries.flatMap(({ event }) => (event?.type === 'tool.intended' ? [event] : []))[0];
  assert.equal(intent?.approvalId, question?.approvalId);
  assert.equal(driven.state.status, 'succeeded');
  assert.ok(driven.actions.some((action) => action.do === 'wait' && action.for === 'approval' && action.release));
});

test('an edited approval replaces the arguments; a denial goes back with its reason [APR-1]', () => {
  const edited = run({ model: once(['send', { to: 'all' }]), answer: () => ({ answer: 'edit', args: { to: 'ops' } }) });
  assert.deepEqual(
    edited.actions.flatMap((action) => (action.do === 'call_tools' ? action.calls.map((call) => call.args) : [])),
    [{ to: 'ops' }],
  );
  const denied = run({ model: once(['send', {}]), answer: () => ({ answer: 'deny', text: 'not today' }), tool: () => assert.fail('it was sent') });
  assert.deepEqual(results(denied), ['Denied: Grace denied it: not today']);
});

test('an answer bound to another hash is none, and the question expires [APR-1] [APR-2]', () => {
  const driven = run({ model: once(['send', {}]), answer: () => ({ hash: 'of something else' }), tool: () => assert.fail('it was sent') });
  assert.deepEqual(results(driven), ['Denied: Nobody approved it in time']);
  assert.ok(driven.entries.some(({ event }) => event?.type === 'approval.expired'));
});

test('an expired question halts where the agent says so, with a decision as what it needs [APR-2]', () => {
  const driven = run({ queued: queued({ ...plan, onApprovalExpiry: 'halt' }), model: once(['send', {}]) });
  assert.equal(driven.state.status, 'halted');
  assert.match(driven.state.ended?.event.escalation?.need ?? '', /^a decision/);
});

test('policy is asked again after the approval, and a deny wins [APR-1]', () => {
  let questions = 0;
  const driven = run({
    model: once(['send', {}]),
    answer: () => ({ answer: 'approve' }),
    rules: {
      decide: (question) => {
        if (question.action === 'model') return RULES.decide(question);
        questions += 1;
        // The first is for the question, told twice since the phase is announced before it.
        return questions <= 2 ? RULES.decide(question) : { answer: 'deny', rules: ['switched_off'], reason: 'sending was switched off' };
      },
    },
    tool: () => assert.fail('it was sent'),
  });
  assert.deepEqual(results(driven), ['Denied: sending was switched off']);
});

test('an approval given before the run turned private and untrusted is asked for again [APR-1] [POL-3]', () => {
  let labelled = false;
  const driven = run({
    model: once(['send', {}]),
    answer: () => {
      labelled = true;
      return { answer: 'approve' };
    },
    rules: { decide: (question) => RULES.decide({ ...question, labels: labelled ? ['untrusted', 'private'] : [] }) },
  });
  assert.deepEqual(
    asked(driven).map((question) => question.decision.rules),
    [['external_confirmed'], ['two_of_three', 'external_confirmed']],
  );
});

test('what was read labels the run, and an allowed external tool is asked for once both labels are there [POL-3]', () => {
  const lenient: World['rules'] = {
    decide: (question) =>
      question.sideEffect === 'external' && question.labels.length < 2 ? { answer: 'allow', rules: ['lenient'], reason: '' } : RULES.decide(question),
  };
  const open = run({ model: once(['web', {}], ['send', {}]), rules: lenient });
  assert.equal(asked(open).length, 0);
  const closed = run({ model: once(['web', {}], ['secret', {}], ['send', {}]), rules: lenient, answer: () => ({ answer: 'deny' }) });
  assert.deepEqual(asked(closed)[0]?.decision.rules, ['two_of_three', 'external_confirmed']);
  assert.deepEqual(closed.state.labels, ['untrusted', 'private']);
});

test('questions of one turn are put together, and a later write waits for the earlier answer [APR-2]', () => {
  const order: string[] = [];
  const driven = run({
    model: once(['send', { n: 1 }], ['send', { n: 2 }], ['write', {}]),
    answer: (question) => {
      order.push(`answered ${question.callId}`);
      return { answer: 'approve' };
    },
    tool: (call) => {
      order.push(`did ${call.callId}`);
      return 'ok';
    },
  });
  const kinds = driven.entries.map(({ event }) => event?.type);
  assert.ok(kinds.lastIndexOf('approval.asked') < kinds.indexOf('approval.answered'), 'both were asked before the first answer');
  assert.deepEqual(order, ['answered c0', 'did c0', 'answered c1', 'did c1', 'did c2']);
});

test('ask_human waits for words and gives them to the model; silence is a time-out [TOL-16]', () => {
  const told = run({ model: once(['ask_human', { question: 'Which?', choices: ['a', 'b'] }]), answer: () => ({ answer: 'answer', text: 'b' }) });
  assert.deepEqual(results(told), ['b']);
  assert.deepEqual(asked(told)[0]?.choices, ['a', 'b']);
  assert.equal(asked(told)[0]?.kind, 'input');
  assert.deepEqual(results(run({ model: once(['ask_human', { question: '?' }]) })), ['Failed (timeout): Nobody answered in time.']);
});

test('sub-agents start beside each other with equal shares of what is left, and their use counts [RUN-8]', () => {
  const driven = run({
    model: once(['agent_kid', { task: 1 }], ['agent_other', { task: 2 }]),
    child: () => ({ text: 'found', labels: ['private'], turns: 3, toolCalls: 2, cost: { microUsd: 500, known: true } }),
  });
  const starts = driven.actions.filter((action): action is Extract<Action, { do: 'start_child' }> => action.do === 'start_child');
  assert.deepEqual(
    starts.map((start) => [start.agent, start.depth, start.allotment.turns]),
    [
      ['kid', 1, 11],
      ['other', 1, 12],
    ],
  );
  const kinds = driven.entries.map(({ event }) => event?.type);
  assert.ok(kinds.lastIndexOf('child.started') < kinds.indexOf('child.ended'), 'both run before one ends');
  assert.deepEqual(results(driven), ['found', 'found']);
  assert.deepEqual(driven.state.labels, ['private']);
  assert.equal(driven.state.ofChildren.turns, 6);
});

test('a sub-agent is not started before an earlier write of the turn was decided [HAR-5] [RUN-8]', () => {
  const driven = run({ model: once(['send', {}], ['agent_kid', {}]), answer: () => ({ answer: 'approve' }), child: () => ({}) });
  const kinds = driven.entries.map(({ event }) => event?.type);
  assert.ok(kinds.indexOf('tool.done') < kinds.indexOf('child.started'), kinds.join());
});

test('nesting deeper than three is denied [RUN-8]', () => {
  const deep = run({ queued: queued(plan, { parent: { run: 'run_0', callId: 'c', depth: 3 } }), model: once(['agent_kid', {}]) });
  assert.match(results(deep)[0] ?? '', /^Denied: sub-agents may be nested 3 deep/);
});

test('a sub-agent that fails is a result, not the end of its parent [RUN-8]', () => {
  const driven = run({ model: once(['agent_kid', {}]), child: () => ({ status: 'failed', text: 'no model' }) });
  assert.deepEqual(results(driven), ['The sub-agent ended as failed: no model']);
  assert.equal(driven.state.status, 'succeeded');
});
