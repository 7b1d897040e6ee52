/** Effects without an outcome: repeated, probed or given to a person, and never beside a worker that may still act. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventOf } from '../../../src/kernel/events.ts';
import type { ToolManifestEntry } from '../../../src/kernel/plan.ts';
import { calls, drive, modelPlan, queued, says, toolEntry, type Driven, type World } from '../../support/drive-pure.ts';

/** One call of `tool`, whose worker dies the first `crashes` times. */
function run(tool: Partial<ToolManifestEntry>, crashes: number, world: Partial<World> = {}): Driven {
  return drive({
    queued: queued(modelPlan({ tools: ['act'] })),
    tools: [toolEntry('act', tool)],
    model: (n) => (n === 1 ? calls(['act', { n }]) : says('done')),
    tool: (_call, n) => (n <= crashes ? null : 'ok'),
    ...world,
  });
}

const of = <T extends 'tool.intended' | 'tool.done' | 'tool.outcome_unknown' | 'approval.asked' | 'tool.failed'>(
  driven: Driven,
  type: T,
): { event: EventOf<T>; atMs: number }[] =>
  driven.entries.flatMap(({ event, atMs }) => (event?.type === type ? [{ event: event as EventOf<T>, atMs }] : []));

test('a read is repeated at once [RUN-4]', () => {
  const driven = run({}, 1);
  assert.equal(of(driven, 'tool.intended').length, 2);
  assert.equal(driven.actions.filter((action) => action.do === 'wait').length, 0);
  assert.equal(driven.state.own.toolCalls, 1, 'one call, however often it was begun');
});

test('a write with a key is repeated with the same key, not before its deadline [RUN-4]', () => {
  const driven = run({ sideEffect: 'reversible', recovery: 'key', timeoutMs: 60_000 }, 1);
  const [first, second] = of(driven, 'tool.intended');
  assert.ok(first !== undefined && second !== undefined);
  assert.equal(second.event.key, first.event.key);
  assert.ok(second.atMs >= first.event.deadlineMs, 'a frozen worker could still have acted');
});

test('a write with a probe is looked at once its deadline and settling time have passed, and not done again [RUN-4]', () => {
  const driven = run({ sideEffect: 'reversible', recovery: 'probe', timeoutMs: 60_000, settleMs: 30_000 }, 1);
  const [intent] = of(driven, 'tool.intended');
  const [done] = of(driven, 'tool.done');
  assert.equal(of(driven, 'tool.intended').length, 1);
  assert.equal(done?.event.known, 'probe');
  assert.ok(done.atMs >= (intent?.event.deadlineMs ?? Infinity) + 30_000);
});

test('a write with neither is parked for a person, whose word settles it [RUN-4]', () => {
  for (const recovery of [{ sideEffect: 'reversible' as const }, { sideEffect: 'reversible' as const, recovery: 'probe' as const }]) {
    const done = run(recovery, 1, { probe: () => 'unknown', answer: () => ({ answer: 'done', text: 'I see it' }) });
    assert.equal(of(done, 'tool.intended').length, 1, 'never silently repeated');
    assert.equal(of(done, 'tool.outcome_unknown').length, 1);
    assert.equal(of(done, 'approval.asked')[0]?.event.kind, 'outcome');
    assert.equal(of(done, 'tool.done')[0]?.event.known, 'human');
    const not = run(recovery, 1, { probe: () => 'unknown', answer: () => ({ answer: 'not_done', text: '' }) });
    assert.match(of(not, 'tool.failed')[0]?.event.message ?? '', /it was not done/);
    assert.equal(not.state.status, 'succeeded', 'the model decides what to do then');
  }
});

test('nobody saying whether it happened halts the run, never repeats it [RUN-4]', () => {
  const driven = run({ sideEffect: 'reversible' }, 1);
  assert.equal(driven.state.status, 'halted');
  assert.equal(of(driven, 'tool.intended').length, 1);
});

test('what kills its worker every time is begun three times, then a read fails and a write is a question [RUN-4]', () => {
  const read = run({}, 99);
  assert.equal(of(read, 'tool.intended').length, 3);
  assert.equal(of(read, 'tool.failed')[0]?.event.class, 'internal');
  const write = run({ sideEffect: 'reversible', recovery: 'key' }, 99, { answer: () => ({ answer: 'not_done' }) });
  assert.equal(of(write, 'tool.intended').length, 3);
  assert.equal(of(write, 'tool.outcome_unknown').length, 1);
});

test('of reads side by side only those without an outcome are repeated [RUN-3] [RUN-4]', () => {
  const seen: string[] = [];
  const driven = drive({
    queued: queued(modelPlan({ tools: ['act'] })),
    tools: [toolEntry('act')],
    model: (n) => (n === 1 ? calls(['act', { n: 1 }], ['act', { n: 2 }], ['act', { n: 3 }]) : says('done')),
    tool: (call, n) => {
      seen.push(call.callId);
      return n === 2 ? null : 'ok';
    },
  });
  assert.deepEqual(seen, ['c0', 'c1', 'c1', 'c2']);
  assert.equal(driven.state.status, 'succeeded');
});
