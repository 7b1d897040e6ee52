/** Model calls that fail, models that are away, limits on what a call may take, answers that are not accepted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventOf } from '../../../src/kernel/events.ts';
import { DEFAULT_LIMITS } from '../../../src/kernel/plan.ts';
import type { Action } from '../../../src/runtime/runs/action.ts';
import { countedTokens } from '../../../src/platform/budgets/cost.ts';
import { calls, drive, FACTS, modelPlan, queued, says, toolEntry, type Driven, type World } from '../../support/drive-pure.ts';

const TOOLS = [toolEntry('look'), toolEntry('write', { sideEffect: 'reversible' })];

function run(plan: Parameters<typeof modelPlan>[0], world: Pick<World, 'model'> & Partial<World>): Driven {
  return drive({ queued: queued(modelPlan({ tools: ['look', 'write'], ...plan })), tools: TOOLS, ...world });
}

const ended = (driven: Driven): EventOf<'run.ended'> => driven.state.ended?.event ?? assert.fail('it has not ended');
const intents = (driven: Driven): EventOf<'model.intended'>[] =>
  driven.entries.flatMap(({ event }) => (event?.type === 'model.intended' ? [event] : []));
const waits = (driven: Driven): Extract<Action, { do: 'wait' }>[] => driven.actions.flatMap((action) => (action.do === 'wait' ? [action] : []));

test('a retryable failure is tried again after 1 2 4 8 16 s and a quarter of jitter at most, five times [HAR-7]', () => {
  const driven = run({}, { model: () => ({ kind: 'overloaded', retryable: true }) });
  assert.equal(intents(driven).length, 6);
  const failures = driven.entries.filter(({ event }) => event?.type === 'model.failed').map((entry) => entry.atMs);
  const begun = driven.entries.filter(({ event }) => event?.type === 'context.assembled').map((entry) => entry.atMs);
  [1, 2, 4, 8, 16].forEach((seconds, index) => {
    const pause = (begun[index + 1] ?? 0) - (failures[index] ?? 0);
    assert.ok(pause >= seconds * 1_000 && pause <= seconds * 1_250 + 100, `${pause} ms before retry ${index + 1}`);
  });
  assert.equal(ended(driven).failure, 'model_error');
  assert.equal(driven.state.own.turns, 1, 'one turn, however often it was tried');
});

test('a wait of a few seconds holds the worker, a longer one gives it back [HAR-7]', () => {
  const driven = run({}, { model: (n) => (n <= 4 ? { kind: 'rate_limited', retryable: true } : says('ok')) });
  assert.deepEqual(
    waits(driven).map((wait) => [wait.for, wait.release]),
    [
      ['rate_limit', false],
      ['rate_limit', false],
      ['rate_limit', true],
      ['rate_limit', true],
    ],
  );
  const waiting = driven.entries.filter(({ event }) => event?.type === 'run.waiting');
  assert.equal(waiting.length, 2, 'only what gives the worker back is journaled');
});

test('the fallback takes over after the retries, and at once where a retry is of no use [HAR-6] [HAR-7]', () => {
  const plan = { fallbacks: ['test/two'] };
  const tired = run(plan, { model: (_n, action) => (action.intended.model === 'test/one' ? { kind: 'overloaded', retryable: true } : says('ok')) });
  assert.deepEqual(
    intents(tired).map((intent) => intent.model),
    [...Array.from({ length: 6 }, () => 'test/one'), 'test/two'],
  );
  const refused = run(plan, {
    model: (_n, action) => (action.intended.model === 'test/one' ? { kind: 'invalid_request', retryable: false } : says('ok')),
  });
  assert.deepEqual(
    intents(refused).map((intent) => intent.model),
    ['test/one', 'test/two'],
  );
  assert.equal(ended(refused).status, 'succeeded');
  assert.ok(refused.entries.some(({ event }) => event?.type === 'model.fellback' && /invalid_request/.test(event.why)));
});

test('an open circuit is not called: the fallback is, or the run waits for it to close [HAR-7]', () => {
  const away = { openUntilMs: (model: string) => (model === 'test/one' ? 1_060_000 : null) };
  const other = run({ fallbacks: ['test/two'] }, { model: () => says('ok'), rules: away });
  assert.deepEqual(
    intents(other).map((intent) => intent.model),
    ['test/two'],
  );
  const alone = run({}, { model: () => says('ok'), rules: away });
  assert.equal(waits(alone)[0]?.untilMs, 1_060_000);
  assert.equal(ended(alone).status, 'succeeded');
});

const HOUR_MS = 3_600_000;
const held = (holdMs = HOUR_MS) => ({ kind: 'rate_limited', retryable: true, holdMs }) as const;
const notBefore = (driven: Driven): (number | null)[] =>
  driven.entries.flatMap(({ event }) => (event?.type === 'model.failed' ? [event.notBeforeMs] : []));

test('a provider that says not before T is waited for until T, as often as it says so, and is no retry [GTW-10]', () => {
  const driven = run({}, { model: (n) => (n <= 12 ? held() : says('ok')) });
  assert.equal(ended(driven).answer, 'ok');
  const waited = driven.entries.flatMap(({ event }) => (event?.type === 'run.waiting' ? [event] : []));
  assert.deepEqual(
    waited.map((wait) => [wait.for, wait.untilMs]),
    notBefore(driven).map((untilMs) => ['rate_limit', untilMs]),
  );
  assert.equal(waited.length, 12);
  assert.match(waited[0]?.reason ?? '', /^test\/one is not to be called before 1970-01-01 01:1\d UTC: the model is rate_limited$/);
  const never = run({}, { model: () => held() });
  assert.equal(ended(never).failure, 'model_error');
  assert.equal(intents(never).length, 51, 'patience has an end');
});

test('other models of the agent are tried first, and the first whose time comes is gone back to [GTW-10]', () => {
  const one = run({ fallbacks: ['test/two'] }, { model: (_n, action) => (action.intended.model === 'test/one' ? held() : says('ok')) });
  assert.deepEqual([intents(one).map(({ model }) => model), waits(one)], [['test/one', 'test/two'], []]);
  assert.match(one.entries.flatMap(({ event }) => (event?.type === 'model.fellback' ? [event.why] : []))[0] ?? '', /not to be called before 1970/);
  const both = run(
    { fallbacks: ['test/two'] },
    { model: (n, action) => (n > 2 ? says(action.intended.model) : held(action.intended.model === 'test/one' ? HOUR_MS : 2 * HOUR_MS)) },
  );
  assert.equal(ended(both).answer, 'test/one');
  assert.deepEqual(
    waits(both).map(({ for: what, untilMs }) => [what, untilMs]),
    [['rate_limit', notBefore(both)[0]]],
  );
  assert.match(waits(both)[0]?.reason ?? '', /none of its fallbacks can be called/);
  const later = run(
    { fallbacks: ['test/two'] },
    { model: (n, action) => (n > 2 ? says(action.intended.model) : held(action.intended.model === 'test/one' ? 2 * HOUR_MS : HOUR_MS)) },
  );
  assert.equal(ended(later).answer, 'test/two');
});

test('a fallback that cannot be used leaves the run waiting for the model that is only held [GTW-10]', () => {
  const driven = run(
    { fallbacks: ['test/two'] },
    {
      model: (n, action) => (action.intended.model === 'test/two' ? { kind: 'credential', retryable: false } : n === 1 ? held() : says('ok')),
    },
  );
  assert.deepEqual(
    intents(driven).map(({ model }) => model),
    ['test/one', 'test/two', 'test/one'],
  );
  assert.equal(ended(driven).answer, 'ok');
  const dead = run(
    { fallbacks: ['test/two'] },
    {
      model: (n, action) =>
        action.intended.model === 'test/two'
          ? { kind: 'credential', retryable: false }
          : n === 1
            ? held()
            : { kind: 'invalid_request', retryable: false },
    },
  );
  assert.equal(ended(dead).status, 'halted', 'what is left for good is not gone back to');
  assert.ok(intents(dead).length <= 4);
});

test('an agent that is not to wait fails at once, but still tries its other models [GTW-10]', () => {
  const alone = run({ waitForProvider: false }, { model: () => held() });
  assert.deepEqual([ended(alone).status, ended(alone).failure, waits(alone)], ['failed', 'model_error', []]);
  assert.match(ended(alone).reason, /not to wait for that \(waitForProvider\)/);
  const other = run(
    { waitForProvider: false, fallbacks: ['test/two'] },
    { model: (_n, action) => (action.intended.model === 'test/one' ? held() : says('ok')) },
  );
  assert.equal(ended(other).answer, 'ok');
});

test('a wait of a few seconds that a provider asks for is a retry in place [GTW-10] [HAR-7]', () => {
  const driven = run({ fallbacks: ['test/two'] }, { model: (n) => (n === 1 ? held(2_000) : says('ok')) });
  assert.deepEqual(
    intents(driven).map(({ model }) => model),
    ['test/one', 'test/one'],
  );
});

test('a deadline that comes before the time ends the run as limited [GTW-10]', () => {
  const driven = drive({ queued: queued(modelPlan(), { deadlineMs: 1_000_000 + HOUR_MS / 2 }), model: () => held() });
  assert.equal(ended(driven).status, 'limited');
});

test('a model without a credential halts with what is needed [HAR-6] [HAR-8]', () => {
  const end = ended(run({}, { model: () => ({ kind: 'credential', retryable: false }) }));
  assert.equal(end.status, 'halted');
  assert.equal(end.escalation?.need, 'a credential for test/one');
});

test('a model that policy refuses is not called [POL-1]', () => {
  const end = ended(
    run({}, { model: () => assert.fail('it was called'), rules: { decide: () => ({ answer: 'deny', rules: ['off'], reason: 'switched off' }) } }),
  );
  assert.equal(end.failure, 'denied');
});

test('a call cut off by a crash is charged at its worst case and tried again [RUN-3]', () => {
  const driven = run({}, { model: (n) => (n === 1 ? 'crash' : says('ok')) });
  const failed = driven.entries.flatMap(({ event }) => (event?.type === 'model.failed' ? [event] : []))[0];
  const [intent] = intents(driven);
  assert.equal(failed?.kind, 'interrupted');
  assert.equal(failed.usage.estimated, true);
  assert.equal(countedTokens(failed.usage), intent?.reservation?.tokens);
  assert.equal(failed.costMicroUsd, intent?.reservation?.microUsd);
  assert.equal(ended(driven).answer, 'ok');
});

const LIMITS: [string, Partial<typeof DEFAULT_LIMITS>, RegExp][] = [
  ['turns', { turns: 3 }, /3 model turns/],
  ['tool calls', { toolCalls: 2 }, /2 tool calls/],
  ['tokens', { tokens: 3_000 }, /limit of 3000 tokens/],
  ['cost', { costMicroUsd: 3_000 }, /limit of 0\.00 USD/],
  ['active time', { activeMs: 60_000 }, /1 minutes of active time/],
];

for (const [what, limits, reason] of LIMITS) {
  test(`the limit of ${what} ends the run as limited, with the partial answer and the reason [HAR-2]`, () => {
    const driven = run(
      { limits: { ...DEFAULT_LIMITS, ...limits } },
      { model: (n) => [...says(`so far ${n}`), ...calls(['look', { n }])], tool: () => 'x'.repeat(300), stepMs: what === 'active time' ? 3_000 : 5 },
    );
    const end = ended(driven);
    assert.equal(end.status, 'limited', end.reason);
    assert.match(end.reason, reason);
    assert.match(end.answer ?? '', /^so far \d+$/);
    assert.equal(end.partial, true);
    assert.ok(driven.state.own.turns >= 2);
  });
}

test('an answer given with the last turn is whole, not limited [HAR-2]', () => {
  const driven = run({ limits: { ...DEFAULT_LIMITS, turns: 1 } }, { model: () => says('ok') });
  assert.equal(ended(driven).status, 'succeeded');
});

test('cached input does not count against the limit of tokens [HAR-2]', () => {
  assert.equal(
    countedTokens({ inputTokens: 100, cachedInputTokens: 90, cacheWriteTokens: 0, outputTokens: 5, reasoningTokens: 0, estimated: false }),
    15,
  );
});

test('a call asks for no more output than window, money and tokens allow [HAR-2]', () => {
  const tight = run({ limits: { ...DEFAULT_LIMITS, tokens: 1_000 } }, { model: () => says('ok') });
  const [intent] = intents(tight);
  assert.ok(intent !== undefined && intent.maxOutputTokens < FACTS.maxOutputTokens);
  assert.equal(intent.reservation?.tokens, 1_000);
});

test('an answer that does not match the schema is repaired once, then the run fails [AGT-3] [HAR-6]', () => {
  const plan = { outputSchema: { type: 'object' } };
  const validate = (_schema: object, value: unknown): string[] => (typeof value === 'object' ? [] : ['must be object']);
  const mended = run(plan, { model: (n) => says(n === 1 ? '"text"' : '```json\n{"a":1}\n```'), rules: { validate } });
  assert.equal(ended(mended).status, 'succeeded');
  assert.deepEqual(ended(mended).output, { a: 1 });
  const message = mended.state.messages[2];
  assert.match(message?.role === 'user' && message.content[0]?.type === 'text' ? message.content[0].text : '', /must be object/);
  const broken = run(plan, { model: () => says('no json'), rules: { validate } });
  assert.equal(ended(broken).failure, 'invalid_output');
  assert.equal(intents(broken).length, 2);
});

test('an empty answer and one that was cut off get one more try [HAR-6]', () => {
  assert.equal(ended(run({}, { model: (n) => says(n === 1 ? ' ' : 'ok') })).answer, 'ok');
  assert.equal(ended(run({}, { model: () => says('') })).failure, 'invalid_output');
  const cut = run({}, { model: () => ({ content: says('half'), finish: 'length' }) });
  assert.equal(ended(cut).status, 'limited');
  assert.equal(intents(cut).length, 2);
});

test('required evidence must be there and newer than the last change, after one reminder [RUN-11]', () => {
  const observed = (atMs: number) => ({ text: 'green', evidence: { level: 'observed' as const, what: 'tests pass', atMs } });
  const plan = { evidence: 'observed' as const };
  const none = run(plan, { model: () => says('done') });
  assert.equal(ended(none).failure, 'invalid_output');
  assert.match(ended(none).reason, /no evidence of level "observed"/);
  const stale = run(plan, {
    model: (n) => (n === 1 ? calls(['look', {}]) : n === 2 ? calls(['write', {}]) : n === 4 ? calls(['look', {}]) : says('done')),
    tool: (call) => (call.tool.name === 'look' ? observed(1) : 'written'),
  });
  assert.deepEqual(stale.state.rejections, ['evidence']);
  assert.equal(ended(stale).status, 'succeeded');
  assert.equal(ended(stale).evidence.length, 2);
});

test('the deadline ends a run that waits, over budget as such [RUN-7]', () => {
  const ask = { tools: [toolEntry('look', { kind: 'ask' })], model: () => calls(['look', { question: '?' }]) };
  const late = run({}, { ...ask, queued: queued(modelPlan({ tools: ['look'] }), { deadlineMs: 1_500_000 }) });
  assert.deepEqual([ended(late).status, ended(late).failure], ['limited', 'timeout']);
  const poor = run(
    {},
    {
      model: () => says('ok'),
      queued: queued(modelPlan(), { deadlineMs: 1_500_000 }),
      inbox: (step) =>
        step === 2 ? [{ type: 'budget.exhausted', budget: 'day', resetsAtMs: 9_000_000, message: 'The budget of today is used up.' }] : [],
    },
  );
  assert.equal(ended(poor).status, 'budget_exhausted');
});

test('an answer that came before the deadline counts after it, a repair of it does not [RUN-7]', () => {
  const start = 1_000_000;
  const late = { queued: queued(modelPlan(), { deadlineMs: start + 132 }) };
  assert.equal(ended(run({}, { ...late, model: () => says('ok') })).status, 'succeeded');
  assert.equal(ended(run({}, { ...late, model: () => says('') })).failure, 'timeout');
});

test('a run over budget waits for the period, and goes on at once when more is granted [RUN-7]', () => {
  const exhausted: EventOf<'budget.exhausted'> = { type: 'budget.exhausted', budget: 'day', resetsAtMs: 2_000_000, message: 'used up' };
  const grant: EventOf<'run.signalled'> = { type: 'run.signalled', signal: 'grant', reason: '', by: { actor: 'a', name: 'Ada' } };
  const reset = run({}, { model: () => says('ok'), inbox: (step) => (step === 2 ? [exhausted] : []) });
  assert.equal(waits(reset)[0]?.untilMs, 2_000_000);
  assert.equal(ended(reset).status, 'succeeded');
  const granted = run({}, { model: () => says('ok'), inbox: (step) => (step === 2 ? [exhausted] : step === 3 ? [grant] : []) });
  assert.equal(ended(granted).status, 'succeeded');
  assert.ok(granted.nowMs < 2_000_000);
});

test('cancel wins over all else and names who; pause waits for resume [RUN-5] [RUN-7]', () => {
  const by = { actor: 'a', name: 'Ada' };
  const cancelled = run(
    {},
    {
      model: () => calls(['look', {}]),
      inbox: (step) => (step === 5 ? [{ type: 'run.signalled', signal: 'cancel', reason: 'wrong repo', by }] : []),
    },
  );
  assert.equal(ended(cancelled).reason, 'Cancelled by Ada: wrong repo.');
  const paused = run(
    {},
    {
      model: () => says('ok'),
      inbox: (step, state) =>
        step === 3
          ? [{ type: 'run.signalled', signal: 'pause', reason: '', by }]
          : state.status === 'paused'
            ? [{ type: 'run.signalled', signal: 'resume', reason: '', by }]
            : [],
    },
  );
  assert.equal(ended(paused).status, 'succeeded');
  assert.ok(paused.entries.some(({ event }) => event?.type === 'run.waiting' && event.for === 'pause'));
});
