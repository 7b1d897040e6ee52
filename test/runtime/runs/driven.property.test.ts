/** What holds in every world, whatever the model writes, tools do, people answer and workers survive. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { EventOf, RunEvent, RunEventType } from '../../../src/kernel/events.ts';
import { fold, foldAll } from '../../../src/runtime/runs/fold.ts';
import { countedTokens } from '../../../src/platform/budgets/cost.ts';
import { replay } from '../../../src/runtime/runs/replay.ts';
import { emptyState } from '../../../src/runtime/runs/state.ts';
import { drive, RULES, type Driven } from '../../support/drive-pure.ts';
import { makeWorld, spec, TOOLS } from './random-world.ts';

const RUNS = 300;

/** Drives many worlds and checks each; a failing world is shrunk and printed with its seed. */
function inEveryWorld(check: (driven: Driven, events: RunEvent[]) => void): void {
  fc.assert(
    fc.property(spec, (given) => {
      const driven = drive(makeWorld(given));
      check(
        driven,
        driven.entries.flatMap((entry) => (entry.event === null ? [] : [entry.event])),
      );
    }),
    { numRuns: RUNS },
  );
}

const isA = <T extends RunEventType>(event: RunEvent, type: T): event is EventOf<T> => event.type === type;
const isWrite = (event: EventOf<'tool.intended'>): boolean => event.sideEffect !== 'read';

test('the worlds reach every corner of the core', () => {
  const reached = new Set<string>();
  for (const given of fc.sample(spec, { numRuns: RUNS, seed: 1 })) {
    const { entries, actions } = drive(makeWorld(given));
    for (const { event } of entries)
      if (event !== null) reached.add(event.type === 'run.ended' ? event.status : event.type === 'tool.done' ? event.known : event.type);
    for (const action of actions) reached.add(action.do === 'recover' ? action.effect.how : action.do === 'wait' ? `wait ${action.for}` : action.do);
  }
  const wanted = [
    'succeeded',
    'failed',
    'halted',
    'limited',
    'cancelled',
    'human',
    'probe',
    'repeat',
    'effect',
    'resume',
    'start_child',
    'call_tools',
    'ask',
  ];
  const waits = ['approval', 'input', 'outcome', 'rate_limit', 'budget', 'pause', 'child', 'time'].map((what) => `wait ${what}`);
  const events = [
    'tool.denied',
    'tool.outcome_unknown',
    'approval.expired',
    'context.compacted',
    'model.fellback',
    'output.rejected',
    'stop_rule.tripped',
    'child.ended',
  ];
  assert.deepEqual(
    [...wanted, ...waits, ...events].filter((one) => !reached.has(one)),
    [],
  );
});

test('every run ends, with a reason a person can read [HAR-1] [RUN-7]', () => {
  inEveryWorld(({ state }) => {
    assert.ok(state.ended !== null, `it is ${state.status}: ${state.waiting?.event.reason}`);
    assert.match(state.ended.event.reason, /\S/);
    assert.equal(state.status === 'halted', state.ended.event.escalation !== null);
  });
});

test('the fold is the same whole or entry by entry, and never changes an earlier state [RUN-2]', () => {
  inEveryWorld(({ entries, state }) => {
    assert.deepEqual(foldAll(entries), state);
    const states = [emptyState()];
    for (const entry of entries) states.push(fold(states.at(-1) ?? emptyState(), entry));
    const copies = structuredClone(states);
    foldAll(entries, emptyState());
    entries.forEach((entry, index) => fold(states[index] ?? emptyState(), entry));
    assert.deepEqual(states, copies);
  });
});

test('replaying a run never diverges from what was driven [RUN-6]', () => {
  inEveryWorld(({ entries }) => {
    const replayed = replay(entries, { rules: RULES });
    assert.equal(replayed.diverged, null);
    assert.ok(replayed.steps > 0);
  });
});

test('limits are never exceeded, children and interrupted calls included [HAR-2] [RUN-8]', () => {
  inEveryWorld(({ state }) => {
    const { queued, own, ofChildren } = state;
    assert.ok(queued !== null);
    const { limits } = queued.plan;
    assert.ok(own.turns + ofChildren.turns <= limits.turns, `${own.turns} + ${ofChildren.turns} turns of ${limits.turns}`);
    assert.ok(own.toolCalls + ofChildren.toolCalls <= limits.toolCalls, `${own.toolCalls} + ${ofChildren.toolCalls} calls of ${limits.toolCalls}`);
    assert.ok(countedTokens(own.usage) <= limits.tokens, `${countedTokens(own.usage)} tokens of ${limits.tokens}`);
    if (limits.costMicroUsd !== null) assert.ok(own.costMicroUsd <= limits.costMicroUsd, `${own.costMicroUsd} of ${limits.costMicroUsd}`);
  });
});

test('writes are never in flight beside another effect, reads are at most eight [HAR-5]', () => {
  inEveryWorld((_driven, events) => {
    const open = new Map<string, boolean>();
    for (const event of events) {
      if (isA(event, 'tool.intended')) open.set(event.callId, isWrite(event));
      if (isA(event, 'tool.done') || isA(event, 'tool.failed') || isA(event, 'tool.outcome_unknown')) open.delete(event.callId);
      assert.ok(open.size <= 8, `${open.size} in flight`);
      assert.ok(open.size <= 1 || ![...open.values()].includes(true), 'a write beside another effect');
    }
  });
});

test('a write is begun again only by its key, or after a probe, never otherwise [RUN-4]', () => {
  inEveryWorld(({ entries }) => {
    const begun = new Map<string, number>();
    for (const { event } of entries) {
      if (event?.type !== 'tool.intended' || !isWrite(event)) continue;
      const before = begun.get(event.callId) ?? 0;
      assert.ok(before === 0 || event.recovery === 'key', `${event.tool} begun again`);
      begun.set(event.callId, before + 1);
    }
    const keys = entries.flatMap(({ event }) => (event?.type === 'tool.intended' ? [`${event.callId} ${event.key}`] : []));
    assert.equal(new Set(keys).size, new Set(keys.map((key) => key.split(' ')[1])).size, 'one key for each effect');
  });
});

test('no effect without a decision that allows it or a person who approved these arguments [POL-1] [APR-1] [APR-2]', () => {
  inEveryWorld((_driven, events) => {
    const used = new Set<string>();
    events.forEach((event, index) => {
      if (!isA(event, 'tool.intended')) return;
      assert.notEqual(event.decision.answer, 'deny');
      assert.ok(event.tool === 'result_read' || TOOLS.some((tool) => tool.name === event.tool && tool.name !== 'unlisted'), event.tool);
      if (event.decision.answer === 'allow') return;
      const before = events.slice(0, index);
      const asked = before.find((past): past is EventOf<'approval.asked'> => past.type === 'approval.asked' && past.approvalId === event.approvalId);
      const answered = before.find(
        (past): past is EventOf<'approval.answered'> =>
          past.type === 'approval.answered' && past.approvalId === event.approvalId && past.hash === asked?.hash,
      );
      assert.ok(asked !== undefined && answered !== undefined, `${event.tool} was not approved`);
      assert.deepEqual(event.args, answered.answer === 'edit' ? answered.args : asked.args);
      assert.ok(answered.answer === 'approve' || answered.answer === 'edit');
      const use = `${event.approvalId} ${event.callId}`;
      assert.ok(!used.has(String(event.approvalId)) || used.has(use), 'an approval used twice');
      used.add(String(event.approvalId)).add(use);
    });
  });
});

test('labels only grow, and nothing external is begun unasked once a run holds both [POL-3]', () => {
  inEveryWorld(({ entries }) => {
    let state = emptyState();
    for (const entry of entries) {
      const before = state.labels;
      if (entry.event?.type === 'tool.intended' && entry.event.sideEffect === 'external' && before.length === 2)
        assert.notEqual(entry.event.approvalId, null);
      state = fold(state, entry);
      assert.ok(before.every((label) => state.labels.includes(label)));
    }
  });
});

test('every result follows its call in what the model is shown', () => {
  inEveryWorld(({ actions }) => {
    for (const action of actions) {
      if (action.do !== 'call_model') continue;
      const { messages } = action.request;
      messages.forEach((message, index) => {
        if (message.role !== 'tool') return;
        const before = messages[index - 1];
        const asked = before?.role === 'assistant' ? before.content.flatMap((part) => (part.type === 'tool_call' ? [part.callId] : [])) : [];
        assert.deepEqual(
          message.content.map((part) => part.callId),
          asked,
        );
      });
      const unanswered = messages.some(
        (message, index) =>
          message.role === 'assistant' && message.content.some((part) => part.type === 'tool_call') && messages[index + 1]?.role !== 'tool',
      );
      assert.ok(!unanswered, 'a call without its result');
    }
  });
});
