/** Stop rules: what trips them, what does not, and what the escalation says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventOf } from '../../../src/kernel/events.ts';
import { OTHER_PROJECT } from '../../../src/runtime/runs/stop-rules.ts';
import { calls, drive, modelPlan, queued, says, toolEntry, type Driven, type World } from '../../support/drive-pure.ts';

const TOOLS = [toolEntry('look'), toolEntry('write', { sideEffect: 'reversible' })];
const plan = modelPlan({ tools: ['look', 'write'] });

function run(world: Pick<World, 'model'> & Partial<World>): Driven {
  return drive({ queued: queued(plan), tools: TOOLS, ...world });
}

const ended = (driven: Driven): EventOf<'run.ended'> => {
  assert.ok(driven.state.ended !== null);
  return driven.state.ended.event;
};

/** The halt's escalation, after checking its form: exactly three parts, none empty, and the rule in the journal. */
function halted(driven: Driven, rule: string): { blocked: string; tried: string; need: string } {
  const end = ended(driven);
  assert.equal(end.status, 'halted', end.reason);
  assert.deepEqual(Object.keys(end.escalation ?? {}).toSorted(), ['blocked', 'need', 'tried']);
  assert.ok(Object.values(end.escalation ?? {}).every((part) => part.trim() !== ''));
  const tripped = driven.entries.find(({ event }) => event?.type === 'stop_rule.tripped')?.event;
  assert.equal(tripped?.type === 'stop_rule.tripped' ? tripped.rule : '', rule);
  assert.match(end.escalation?.need ?? '', /^(a decision|a credential|an environment)/);
  return end.escalation ?? assert.fail();
}

test('the same error three times from different attempts, whatever numbers it names [HAR-8]', () => {
  const driven = run({ model: (n) => calls(['look', { n }]), tool: (_call, n) => ({ failed: 'tool_error', message: `no such row ${n}00` }) });
  const { blocked, tried, need } = halted(driven, 'same_error');
  assert.match(blocked, /3 times: no such row/);
  assert.match(tried, /look \{"n":1\} -> tool_error: no such row 100 \(entry \d+\); look \{"n":2\}.*; look \{"n":3\}/);
  assert.match(need, /^a decision/);
  assert.equal(driven.state.own.toolCalls, 3);
});

test('an error that is overcome in between does not trip [HAR-8]', () => {
  const driven = run({
    model: (n) => (n <= 6 ? calls(['look', { n }]) : says('done')),
    tool: (_call, n) => (n % 2 === 0 ? 'ok' : { failed: 'tool_error', message: 'busy' }),
  });
  assert.equal(ended(driven).status, 'succeeded');
});

test('three different errors do not trip [HAR-8]', () => {
  const messages = ['one', 'two', 'three'];
  const driven = run({
    model: (n) => (n <= 3 ? calls(['look', { n }]) : says('done')),
    tool: (_call, n) => ({ failed: 'tool_error', message: messages[n - 1] ?? '' }),
  });
  assert.equal(ended(driven).status, 'succeeded');
});

test('the same call with the same arguments a third time is not carried out [HAR-8]', () => {
  const driven = run({ model: () => calls(['look', { at: 'a' }]), tool: () => 'A' });
  assert.match(halted(driven, 'same_call').blocked, /look with the same arguments/);
  assert.equal(driven.state.own.toolCalls, 2);
});

test('the same call three times in one turn trips before the first [HAR-8]', () => {
  const driven = run({ model: () => calls(['write', {}], ['write', {}], ['write', {}]) });
  halted(driven, 'same_call');
  assert.equal(driven.state.own.toolCalls, 0);
});

test('reading again after something was changed is not the same call [HAR-8]', () => {
  const driven = run({ model: (n) => (n > 8 ? says('done') : n % 2 === 1 ? calls(['look', {}]) : calls(['write', { n }])) });
  assert.equal(ended(driven).status, 'succeeded');
});

test('a credential that is not found halts at once and names the credential [HAR-6] [HAR-8]', () => {
  const driven = run({ model: () => calls(['look', {}]), tool: () => ({ failed: 'missing_credential', message: 'no token for github' }) });
  assert.match(halted(driven, 'missing_credential').need, /^a credential for look/);
  assert.equal(ended(driven).failure, 'missing_credential');
});

test('an environment without network halts at once [HAR-8]', () => {
  const driven = run({ model: () => calls(['look', {}]), tool: () => ({ failed: 'tool_error', message: 'connect ENETUNREACH 1.2.3.4:443' }) });
  assert.match(halted(driven, 'no_network').need, /^an environment with network/);
});

test('the wrong project twice halts, once does not [HAR-8]', () => {
  const wrong = { failed: 'denied' as const, message: `${OTHER_PROJECT}: /srv/other belongs to the project other` };
  const once = run({ model: (n) => (n === 1 ? calls(['look', { n }]) : says('done')), tool: () => wrong });
  assert.equal(ended(once).status, 'succeeded');
  halted(run({ model: (n) => calls(['look', { n }]), tool: () => wrong }), 'wrong_project');
});

test('30 minutes of active time on one problem halts [HAR-8]', () => {
  const messages = ['one', 'two', 'three', 'four', 'five'];
  const world = (stepMs: number): World => ({
    queued: queued(plan),
    tools: TOOLS,
    stepMs,
    model: (n) => (n <= 5 ? calls(['look', { n }]) : says('done')),
    tool: (_call, n) => ({ failed: 'tool_error', message: messages[n - 1] ?? '' }),
  });
  halted(drive(world(3 * 60_000)), 'blocked_30_min');
  assert.equal(ended(drive(world(10_000))).status, 'succeeded');
});

test('a denial three times for the same reason halts [HAR-8]', () => {
  halted(run({ model: (n) => calls(['remove', { n }]) }), 'same_error');
});
