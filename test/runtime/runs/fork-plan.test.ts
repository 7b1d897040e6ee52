/** Forks and retries: what they start from and what they carry over. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { EventOf } from '../../../src/kernel/events.ts';
import { planFork, planRetry, type Continued } from '../../../src/runtime/runs/fork-plan.ts';
import { foldAll } from '../../../src/runtime/runs/fold.ts';
import { EDITED_MARK } from '../../../src/runtime/runs/fold-origin.ts';
import { replay } from '../../../src/runtime/runs/replay.ts';
import { calls, drive, modelPlan, queued, RULES, says, toolEntry, type Driven, type World } from '../../support/drive-pure.ts';
import { makeWorld, spec } from './random-world.ts';

const TOOLS = [toolEntry('look', { taints: ['untrusted'] }), toolEntry('write', { sideEffect: 'reversible' })];
const plan = modelPlan({ tools: ['look', 'write'] });

/** Drives a run that continues `origin` from its entry `seq` on. */
function continueRun(origin: Driven, from: Continued, world: Omit<World, 'queued'>): Driven {
  const prefix = foldAll(origin.entries.slice(0, from.origin.seq));
  return drive({
    tools: TOOLS,
    ...world,
    run: 'run_2',
    from: prefix,
    queued: queued(from.plan, { input: from.input, labels: from.labels, origin: from.origin }),
  });
}

const looked = (): Driven =>
  drive({ queued: queued(plan), tools: TOOLS, model: (n) => (n === 1 ? calls(['look', { at: 'a' }]) : says('It says A.')), tool: () => 'A' });

test('a fork replaces a tool result, marks it edited, and leaves cost and effects with the origin [RUN-6]', () => {
  const origin = looked();
  const from = planFork({ entries: origin.entries }, origin.entries.findLastIndex(({ event }) => event?.type === 'tool.done') + 1, {
    result: { callId: 'c0', text: 'B' },
  });
  const fork = continueRun(origin, from, {
    model: (_n, action) => {
      const last = action.request.messages.at(-1);
      assert.equal(last?.role === 'tool' ? last.content[0]?.text : '', `${EDITED_MARK}B`);
      return says('It says B.');
    },
    tool: () => assert.fail('the call was done in the origin'),
  });
  assert.equal(fork.state.ended?.event.answer, 'It says B.');
  assert.equal(fork.state.own.turns, 1);
  assert.equal(fork.state.own.toolCalls, 0);
  assert.deepEqual(fork.state.labels, ['untrusted'], 'labels carry over');
  assert.equal(from.origin.hash, origin.entries[from.origin.seq - 1]?.hash);
});

test('a fork with other instructions asks the model with them from that step on [RUN-6]', () => {
  const origin = looked();
  const from = planFork({ entries: origin.entries }, 2, { instructions: 'Be brief.', model: 'test/two' });
  const fork = continueRun(origin, from, {
    model: (_n, action) => {
      assert.match(action.request.instructions, /^Be brief\./);
      assert.equal(action.intended.model, 'test/two');
      return says('ok');
    },
  });
  assert.equal(fork.state.ended?.event.status, 'succeeded');
});

test('a fork in the middle of an effect starts before it, and refuses what is not there [RUN-6]', () => {
  const origin = looked();
  const intended = origin.entries.findIndex(({ event }) => event?.type === 'tool.intended') + 1;
  assert.equal(planFork({ entries: origin.entries }, intended, {}).origin.seq, intended - 1);
  assert.throws(() => planFork({ entries: origin.entries }, 99, {}), { code: 'invalid_input' });
  assert.throws(() => planFork({ entries: origin.entries }, 2, { result: { callId: 'c0', text: '' } }), { code: 'invalid_input' });
});

test('a retry after a model failure keeps what was done and asks the model again [RUN-6]', () => {
  const origin = drive({
    queued: queued(plan),
    tools: TOOLS,
    model: (n) => (n === 1 ? calls(['write', {}]) : { kind: 'invalid_request', retryable: false }),
  });
  assert.equal(origin.state.ended?.event.failure, 'model_error');
  const retry = continueRun(origin, planRetry({ entries: origin.entries }), { model: () => says('done'), tool: () => assert.fail('written twice') });
  assert.equal(retry.state.ended?.event.answer, 'done');
});

test('a retry after a tool failure tries that call again [RUN-6]', () => {
  const origin = drive({
    queued: queued(plan),
    tools: TOOLS,
    model: () => calls(['look', {}]),
    tool: () => ({ failed: 'missing_credential', message: 'no token' }),
  });
  assert.equal(origin.state.ended?.event.status, 'halted');
  const retry = continueRun(origin, planRetry({ entries: origin.entries }), { model: () => says('done'), tool: () => 'seen' });
  assert.deepEqual(
    retry.entries.flatMap(({ event }) => (event?.type === 'tool.done' ? [event.callId] : [])),
    ['c0'],
  );
  assert.equal(retry.state.ended?.event.status, 'succeeded');
});

test('a retry of a run cancelled during a write asks a person whether it happened [RUN-4] [RUN-6]', () => {
  const cancel: EventOf<'run.signalled'> = { type: 'run.signalled', signal: 'cancel', reason: '', by: { actor: 'a', name: 'Ada' } };
  const origin = drive({
    queued: queued(plan),
    tools: TOOLS,
    model: () => calls(['write', {}]),
    tool: () => null,
    inbox: (_step, state) => (state.calls[0]?.phase === 'intended' ? [cancel] : []),
  });
  assert.equal(origin.state.ended?.event.status, 'cancelled');
  const retry = continueRun(origin, planRetry({ entries: origin.entries }), {
    model: () => says('fine'),
    tool: () => assert.fail('written twice'),
    answer: (asked) => ({ answer: asked.kind === 'outcome' ? 'done' : 'deny' }),
  });
  assert.equal(retry.state.ended?.event.status, 'succeeded');
  assert.ok(retry.entries.some(({ event }) => event?.type === 'approval.asked' && event.kind === 'outcome'));
});

test('only an ended run that did not succeed can be retried [RUN-6]', () => {
  assert.throws(() => planRetry({ entries: looked().entries }), { code: 'conflict' });
  assert.throws(() => planRetry({ entries: looked().entries.slice(0, 5) }), { code: 'conflict' });
});

test('from any entry of any run a fork runs to its end, never repeats a write of its prefix, and replays [RUN-6]', () => {
  fc.assert(
    fc.property(spec, fc.nat(), (given, at) => {
      const origin = drive(makeWorld(given));
      const from = planFork({ entries: origin.entries }, 1 + (at % origin.entries.length), {});
      const prefix = foldAll(origin.entries.slice(0, from.origin.seq));
      const done = new Set(prefix.attempts.filter((attempt) => attempt.write && attempt.failure === null).map((attempt) => attempt.callId));
      const fork = drive({
        ...makeWorld({ ...given, signals: [] }),
        run: 'run_2',
        from: prefix,
        queued: queued(from.plan, { origin: from.origin, labels: from.labels }),
      });
      assert.ok(fork.state.ended !== null);
      assert.ok(prefix.labels.every((label) => fork.state.labels.includes(label)));
      for (const { event } of fork.entries) if (event?.type === 'tool.intended') assert.ok(!done.has(event.callId), `${event.tool} again`);
      assert.equal(replay(fork.entries, { rules: RULES, from: prefix }).diverged, null);
    }),
    { numRuns: 200 },
  );
});

test('from any failed run a retry runs to its end without repeating what was done [RUN-6]', () => {
  fc.assert(
    fc.property(spec, (given) => {
      const origin = drive(makeWorld(given));
      if (origin.state.status === 'succeeded') return;
      const from = planRetry({ entries: origin.entries });
      const prefix = foldAll(origin.entries.slice(0, from.origin.seq));
      const done = new Set(origin.state.attempts.filter((attempt) => attempt.write && attempt.failure === null).map((attempt) => attempt.callId));
      const retry = drive({
        ...makeWorld({ ...given, signals: [] }),
        run: 'run_2',
        from: prefix,
        queued: queued(from.plan, { origin: from.origin, labels: from.labels }),
      });
      assert.ok(retry.state.ended !== null);
      for (const { event } of retry.entries) if (event?.type === 'tool.intended') assert.ok(!done.has(event.callId), `${event.tool} again`);
    }),
    { numRuns: 200 },
  );
});
