/** Random worlds for the pure core: plans, replies, outcomes, answers, crashes and signals, all replayable from one value. */
import * as fc from 'fast-check';
import type { EventOf } from '../../../src/kernel/events.ts';
import type { DEFAULT_LIMITS } from '../../../src/kernel/plan.ts';
import { calls, modelPlan, queued, says, toolEntry, type World } from '../../support/drive-pure.ts';

export const TOOLS = [
  toolEntry('read_a', { taints: ['untrusted'] }),
  toolEntry('read_b', { taints: ['private'] }),
  toolEntry('write_key', { sideEffect: 'reversible', recovery: 'key' }),
  toolEntry('write_probe', { sideEffect: 'reversible', recovery: 'probe', settleMs: 2_000 }),
  toolEntry('write_none', { sideEffect: 'reversible' }),
  toolEntry('send', { sideEffect: 'external', recovery: 'key' }),
  toolEntry('ask_human', { kind: 'ask' }),
  toolEntry('agent_kid', { kind: 'agent' }),
  toolEntry('unlisted'),
];

const args = fc.constantFrom<Record<string, string>>({}, { at: '1' }, { at: '2' }, { url: 'https://example.org' });
const call = fc.tuple(fc.constantFrom(...TOOLS.map((tool) => tool.name), 'no_such_tool'), args, fc.constantFrom('c0', 'c1', 'c2'));

const reply = fc.oneof(
  { weight: 6, arbitrary: fc.array(call, { minLength: 1, maxLength: 10 }).map((list) => calls(...list)) },
  { weight: 1, arbitrary: fc.constantFrom('done', '').map(says) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Pick<EventOf<'model.failed'>, 'kind' | 'retryable'>>(
      { kind: 'overloaded', retryable: true },
      { kind: 'invalid_request', retryable: false },
    ),
  },
  { weight: 1, arbitrary: fc.constant('crash' as const) },
  { weight: 1, arbitrary: fc.constantFrom('length' as const, 'refused' as const).map((finish) => ({ content: says('cut'), finish })) },
);

const outcome = fc.oneof(
  { weight: 6, arbitrary: fc.string({ maxLength: 40 }) },
  { weight: 1, arbitrary: fc.constant({ text: 'x'.repeat(9_000) }) },
  { weight: 2, arbitrary: fc.constantFrom({ failed: 'tool_error' as const, message: 'no' }, { failed: 'timeout' as const, message: 'slow' }) },
  { weight: 1, arbitrary: fc.constant(null) },
);

const answer = fc.constantFrom<Partial<EventOf<'approval.answered'>> | null>(
  {},
  {},
  { answer: 'deny' },
  { answer: 'edit', args: { at: 'edited' } },
  { hash: 'another' },
  null,
);
const signal = fc.record({
  step: fc.integer({ min: 1, max: 40 }),
  what: fc.constantFrom('pause' as const, 'note' as const, 'cancel' as const, 'budget' as const),
});

const limits = fc.record({
  turns: fc.oneof({ weight: 4, arbitrary: fc.constant(12) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 4 }) }),
  toolCalls: fc.oneof({ weight: 4, arbitrary: fc.constant(40) }, { weight: 1, arbitrary: fc.integer({ min: 0, max: 6 }) }),
  tokens: fc.oneof({ weight: 4, arbitrary: fc.constant(500_000) }, { weight: 1, arbitrary: fc.integer({ min: 500, max: 20_000 }) }),
  costMicroUsd: fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.integer({ min: 0, max: 60_000 }) }),
});

/** What a world is made of; `makeWorld` gives the same world for it every time. */
export type Spec = {
  tier: 1 | 2 | 3;
  limits: Omit<typeof DEFAULT_LIMITS, 'activeMs'>;
  replies: ReturnType<World['model']>[];
  outcomes: ReturnType<NonNullable<World['tool']>>[];
  answers: (Partial<EventOf<'approval.answered'>> | null)[];
  probes: ('done' | 'not_done' | 'unknown')[];
  signals: { step: number; what: 'pause' | 'note' | 'cancel' | 'budget' }[];
  onExpiry: 'deny' | 'halt';
  windowTokens: number;
  deadline: boolean;
};

export const spec: fc.Arbitrary<Spec> = fc.record({
  tier: fc.constantFrom(1 as const, 2 as const, 3 as const),
  limits,
  replies: fc.array(reply, { minLength: 1, maxLength: 8 }),
  outcomes: fc.array(outcome, { minLength: 1, maxLength: 8 }),
  answers: fc.array(answer, { minLength: 1, maxLength: 4 }),
  probes: fc.array(fc.constantFrom('done' as const, 'not_done' as const, 'unknown' as const), { minLength: 1, maxLength: 3 }),
  signals: fc.array(signal, { maxLength: 3 }),
  onExpiry: fc.constantFrom('deny' as const, 'halt' as const),
  windowTokens: fc.constantFrom(2_500, 20_000),
  deadline: fc.boolean(),
});

const ADA = { actor: 'act_2', name: 'Ada' };

export function makeWorld(from: Spec): World {
  let answered = 0;
  let probed = 0;
  const pick = <T>(list: readonly T[], n: number): T => {
    const item = list[n % list.length];
    if (item === undefined) throw new RangeError('an empty list');
    return item;
  };
  const plan = modelPlan({
    tier: from.tier,
    tools: TOOLS.filter((tool) => tool.kind !== 'agent' && tool.name !== 'unlisted').map((tool) => tool.name),
    agents: ['kid'],
    fallbacks: ['test/two'],
    limits: { ...from.limits, activeMs: 10 * 60_000 },
    onApprovalExpiry: from.onExpiry,
    approvalTtlMs: 3_600_000,
  });
  const facts = {
    windowTokens: from.windowTokens,
    maxOutputTokens: 200,
    price: { input: 1_000_000, cachedInput: 0, cacheWrite: 1_000_000, output: 2_000_000, date: '' },
    rehearsed: true,
  };
  return {
    queued: queued(plan, { deadlineMs: from.deadline ? 1_000_000 + 7_200_000 : null }),
    tools: TOOLS,
    models: { 'test/one': facts, 'test/two': facts },
    model: (n) => pick(from.replies, n - 1),
    tool: (_call, n) => pick(from.outcomes, n - 1),
    probe: () => pick(from.probes, (probed += 1)),
    answer: (asked) => {
      const given = pick(from.answers, (answered += 1));
      if (given === null || asked.kind === 'approval') return given;
      return { answer: asked.kind === 'input' ? 'answer' : answered % 2 === 0 ? 'done' : 'not_done', text: 'looked' };
    },
    child: (action) => ({ turns: action.allotment.turns, toolCalls: action.allotment.toolCalls }),
    inbox: (step, state) => {
      if (state.status === 'paused') return [{ type: 'run.signalled', signal: 'resume', reason: '', by: ADA }];
      if (!state.started) return [];
      return from.signals.flatMap((given): ReturnType<NonNullable<World['inbox']>> => {
        if (given.step !== step) return [];
        if (given.what === 'note') return [{ type: 'note', text: 'mind the gap', by: ADA }];
        if (given.what === 'budget') return [{ type: 'budget.exhausted', budget: 'day', resetsAtMs: state.atMs + 100_000, message: 'used up' }];
        return [{ type: 'run.signalled', signal: given.what, reason: '', by: ADA }];
      });
    },
  };
}
