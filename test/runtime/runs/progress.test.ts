/** Phases and estimates; command agents, which have no other sign of life. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_LIMITS, type RunPlan } from '../../../src/kernel/plan.ts';
import { eta } from '../../../src/runtime/runs/progress.ts';
import { calls, drive, modelPlan, queued, says, toolEntry, type Driven, type World } from '../../support/drive-pure.ts';

const phases = (driven: Driven): string[] => driven.entries.flatMap(({ event }) => (event?.type === 'phase.entered' ? [event.phase] : []));

test('every change of phase is said, with percent that never goes back [HAR-10]', () => {
  const driven = drive({
    queued: queued(modelPlan({ tools: ['ask'] })),
    tools: [toolEntry('ask', { kind: 'ask' })],
    model: (n) => (n === 1 ? calls(['ask', { question: 'May I?' }]) : says('ok')),
    answer: () => ({ answer: 'answer', text: 'yes' }),
  });
  assert.deepEqual(phases(driven), ['working', 'waiting', 'working', 'concluding']);
  const progress = driven.entries.flatMap(({ event }) => (event?.type === 'progress' ? [event] : []));
  assert.deepEqual(
    progress.map((event) => event.phase),
    phases(driven),
  );
  const percents = progress.map((event) => event.percent);
  assert.deepEqual(
    percents,
    percents.toSorted((a, b) => a - b),
  );
  assert.equal(progress[1]?.message, 'May I?');
  assert.ok(percents.every((percent) => percent < 100));
});

test('the time to go is the median of past runs less what was used; unknown without any, or once overdue [HAR-10]', () => {
  const { state } = drive({ queued: queued(modelPlan()), model: () => says('ok'), maxSteps: 2 });
  const started = state.startedAtMs ?? 0;
  const past = [30_000, 10_000, 20_000].map((ms) => ({ activeMs: ms, turns: 3, costMicroUsd: null }));
  assert.equal(eta(past, state, started + 5_000), 15_000);
  assert.equal(eta(past, state, started + 25_000), null);
  assert.equal(eta([], state, started), null);
});

const command = (name: string, repeatable = true): { name: string; argv: string[]; timeoutMs: number; repeatable: boolean } => ({
  name,
  argv: [name, '--all'],
  timeoutMs: 1_000,
  repeatable,
});

function commandRun(commands: ReturnType<typeof command>[], tool: World['tool']): Driven {
  const { agent, tier, evidence, confirm, approvalTtlMs, onApprovalExpiry } = modelPlan();
  const plan: RunPlan = { kind: 'command', agent, tier, limits: DEFAULT_LIMITS, evidence, confirm, approvalTtlMs, onApprovalExpiry, commands };
  return drive({
    queued: queued(plan),
    model: () => assert.fail('a command run asks no model'),
    ...(tool === undefined ? {} : { tool }),
    answer: () => ({ answer: 'done' }),
  });
}

test('a command agent runs its commands in order and answers with the last output [AGT-7]', () => {
  const driven = commandRun([command('fetch'), command('build')], (call) => `${JSON.stringify(call.args)} done`);
  assert.deepEqual(
    driven.actions.flatMap((action) => (action.do === 'call_tools' ? action.calls.map((call) => call.tool.name) : [])),
    ['command.fetch', 'command.build'],
  );
  assert.equal(driven.state.ended?.event.answer, '{"argv":["build","--all"]} done');
  assert.equal(driven.state.status, 'succeeded');
});

test('the first command that fails ends the run; the others are not begun [AGT-7]', () => {
  const driven = commandRun([command('fetch'), command('build')], () => ({ failed: 'tool_error', message: 'exit status 2' }));
  assert.equal(driven.state.status, 'failed');
  assert.match(driven.state.ended?.event.reason ?? '', /command\.fetch did not succeed\..*exit status 2/);
  assert.equal(driven.state.own.toolCalls, 1);
});

test('a command that was cut off is repeated when it may be, else a person is asked [AGT-7] [RUN-4]', () => {
  const crash: World['tool'] = (_call, n) => (n === 1 ? null : 'ok');
  const count = (driven: Driven): number => driven.entries.filter(({ event }) => event?.type === 'tool.intended').length;
  assert.equal(count(commandRun([command('sync')], crash)), 2);
  assert.equal(count(commandRun([command('deploy', false)], crash)), 1);
});
