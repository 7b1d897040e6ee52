/** The fold: what it refuses, what it counts, what it costs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Entry, RunEvent } from '../../../src/kernel/events.ts';
import { NO_USAGE } from '../../../src/kernel/messages.ts';
import { fold, foldAll } from '../../../src/runtime/runs/fold.ts';
import { activeMs, emptyState } from '../../../src/runtime/runs/state.ts';
import { calls, drive, FACTS, modelPlan, queued, says, toolEntry, type Driven } from '../../support/drive-pure.ts';

const plan = modelPlan({ tools: ['look', 'write'] });
const tools = [toolEntry('look'), toolEntry('write', { sideEffect: 'reversible' })];

const driven = (): Driven => drive({ queued: queued(plan), tools, model: (n) => (n === 1 ? calls(['look', {}]) : says('ok')) });

/** The entries up to the first of a type, then this event instead. */
function after(type: RunEvent['type'], event: RunEvent): Entry[] {
  const { entries } = driven();
  const at = entries.findIndex((entry) => entry.event?.type === type);
  const last = entries[at];
  assert.ok(last !== undefined);
  return [...entries.slice(0, at + 1), { ...last, seq: last.seq + 1, event }];
}

const done: RunEvent = { type: 'tool.done', callId: 'c0', tool: 'look', text: '', labels: [], evidence: null, known: 'effect', ms: 0 };
const replied: RunEvent = {
  type: 'model.replied',
  turn: 1,
  model: 'm',
  content: [],
  finish: 'stop',
  usage: NO_USAGE,
  costMicroUsd: 0,
  rehearsed: false,
  ms: 0,
};

const BROKEN: [string, Entry[]][] = [
  ['an outcome without its intent', after('tool.done', done)],
  ['an outcome of a call that nobody asked for', after('tool.intended', { ...done, callId: 'c9' })],
  ['a reply that nothing asked for', after('run.started', replied)],
  ['run.started twice', after('run.started', { type: 'run.started', worker: 'w', attempt: 2, tools: [], models: {} })],
  ['run.queued twice', after('run.queued', queued(plan))],
  ['an effect after the end', after('run.ended', replied)],
  ['a wait before the start', after('run.queued', { type: 'run.waiting', for: 'time', untilMs: 1, reason: '' })],
  ['a gap in the sequence', driven().entries.filter((entry) => entry.seq !== 3)],
  ['an entry of another run', driven().entries.map((entry) => (entry.seq === 3 ? { ...entry, stream: 'run_9' } : entry))],
  ['an older fence', driven().entries.map((entry) => (entry.seq === 3 ? { ...entry, fence: 0 } : entry))],
  ['a journal without run.queued', driven().entries.slice(1)],
];

for (const [what, entries] of BROKEN) {
  test(`${what} is a broken journal [RUN-2]`, () => assert.throws(() => foldAll(entries), { code: 'internal' }));
}

test('a journal with a deleted payload says that it can no longer be read back [RUN-2]', () => {
  const entries = driven().entries.map((entry) => (entry.seq === 4 ? { ...entry, event: null } : entry));
  assert.throws(() => foldAll(entries), { code: 'conflict', message: /payload of entry 4/ });
});

test('words of a person reach the model after the results of open calls [RUN-2]', () => {
  const by = { actor: 'a', name: 'Ada' };
  const { state } = drive({
    queued: queued(plan),
    tools: [toolEntry('look', { kind: 'ask' })],
    model: (n, action) => {
      if (n === 1) return calls(['look', { question: 'which?' }]);
      assert.deepEqual(
        action.request.messages.map((message) => message.role),
        ['user', 'assistant', 'tool', 'user'],
      );
      return says('ok');
    },
    inbox: (_step, state) => (state.calls[0]?.phase === 'waiting' && state.pendingNotes.length === 0 ? [{ type: 'note', text: 'hurry', by }] : []),
    answer: () => ({ answer: 'answer', text: 'the first' }),
  });
  assert.equal(state.status, 'succeeded');
});

test('a call id that comes twice names two calls, in the turn and over the run', () => {
  const seen: string[][] = [];
  drive({
    queued: queued(plan),
    tools,
    model: (n, action) => {
      seen.push(action.request.messages.flatMap((message) => (message.role === 'tool' ? message.content.map((part) => part.callId) : [])));
      return n <= 2 ? calls(['look', { n }, 'same'], ['look', { n: -n }, 'same']) : says('ok');
    },
  });
  assert.deepEqual(seen.at(-1), ['same', 'same_2', 'same_3', 'same_4']);
});

test('waiting costs no active time, and a dead worker none after its last entry [HAR-2]', () => {
  const hour = 3_600_000;
  const { state, entries } = drive({
    queued: queued(modelPlan({ tools: ['look'] })),
    tools: [toolEntry('look', { kind: 'ask' })],
    model: (n) => (n === 1 ? calls(['look', { question: '?' }]) : n === 2 ? 'crash' : says('ok')),
    answer: () => ({ answer: 'answer', text: 'yes' }),
    stepMs: 1_000,
  });
  const waited = entries.find(({ event }) => event?.type === 'run.waiting');
  const resumed = entries.find(({ event }) => event?.type === 'run.resumed' && event.after === 'wait');
  assert.ok(waited !== undefined && resumed !== undefined);
  const total = (entries.at(-1)?.atMs ?? 0) - (state.startedAtMs ?? 0);
  const dead = 10_000;
  const active = activeMs(state, state.atMs + hour);
  assert.ok(active <= total - (resumed.atMs - waited.atMs) - dead, `${active} of ${total}`);
  assert.ok(active > 0);
});

test('5,000 entries fold in well under 50 ms [RUN-2]', () => {
  const events: RunEvent[] = [queued(plan), { type: 'run.started', worker: 'w', attempt: 1, tools, models: { 'test/one': FACTS } }];
  const decision = { answer: 'allow' as const, rules: [], reason: '' };
  for (let turn = 1; events.length < 5_000; turn += 1) {
    const callId = turn === 1 ? 'c0' : `c0_${turn}`;
    events.push(
      { type: 'context.assembled', turn, hash: 'h', parts: [{ name: 'history', digest: 'd', tokens: 1 }], tokens: 1 },
      { type: 'model.intended', turn, attempt: 1, model: 'm', summarises: 0, contextHash: 'h', maxOutputTokens: 1, decision, reservation: null },
      { ...replied, turn, content: calls(['look', {}, 'c0']) },
      {
        type: 'tool.intended',
        callId,
        tool: 'look',
        args: {},
        argsHash: 'a',
        sideEffect: 'read',
        recovery: 'none',
        key: 'k',
        deadlineMs: 0,
        settleMs: 0,
        decision,
        approvalId: null,
      },
      { ...done, callId },
    );
  }
  const entries = events.map((event, index): Entry => {
    return {
      org: 'o',
      stream: 'r',
      seq: index + 1,
      position: index,
      atMs: index,
      version: 1,
      actor: 'a',
      effectId: null,
      fence: 1,
      prevHash: '',
      hash: '',
      event,
    };
  });
  let best = Infinity;
  for (let round = 0; round < 10; round += 1) {
    const began = performance.now();
    const state = entries.reduce(fold, emptyState());
    best = Math.min(best, performance.now() - began);
    assert.equal(state.results.length, Math.floor((entries.length - 2) / 5));
  }
  assert.ok(best < 50, `${best.toFixed(1)} ms`);
});
