/**
 * The tool calls of the current turn, in the model's order (spec HAR-5): reads side by side, writes one at a time and each after all that
 * came before it; questions are put together, children run beside each other. Nothing here carries anything out.
 */
import { digestOf } from '../../kernel/canonical-json.ts';
import type { Decision } from '../../kernel/events.ts';
import { MAX_DEPTH, type ToolManifestEntry } from '../../kernel/plan.ts';
import type { Action, PlannedCall } from './action.ts';
import { afterAnswer, approvalFor, askApproval, askInput, askOutcome, failed } from './approval-rule.ts';
import { end } from './ending.ts';
import { allotment, limitReached, remaining } from './limits.ts';
import { judgeCall } from './judge-call.ts';
import { AGENT_TOOL_PREFIX } from './manifest.ts';
import { readResult, RESULT_READ } from './result-read.ts';
import type { Context } from './rules.ts';
import { isSettled, type Call, type RunState } from './state.ts';
import { waitFor } from './waiting.ts';

/** Spec HAR-5. */
export const MAX_PARALLEL_READS = 8;

/** The next step of the turn's calls; null when all are settled. */
export function advanceCalls(context: Context): Action | null {
  const { state } = context;
  const reads: PlannedCall[] = [];
  const blocking: Call[] = [];
  for (const call of state.calls) {
    if (isSettled(call)) continue;
    const step = considerCall(context, call);
    if (step.kind === 'blocked') {
      blocking.push(call);
    } else if (step.kind === 'act' || step.kind === 'ask') {
      // A question may be put while others are open, an act that comes after an undecided write may not be begun.
      if (reads.length > 0) break;
      if (step.kind === 'act' && blocking.some((other) => other.phase !== 'child')) continue;
      return step.action;
    } else if (step.call.tool.sideEffect === 'read') {
      if (blocking.some((other) => other.phase !== 'child')) continue;
      if (reads.push(step.call) === Math.min(MAX_PARALLEL_READS, remaining(state, context.nowMs).toolCalls)) break;
    } else {
      if (reads.length > 0 || blocking.length > 0) break;
      return { do: 'call_tools', calls: [step.call], parallel: false };
    }
  }
  if (reads.length > 0) return { do: 'call_tools', calls: reads, parallel: reads.length > 1 };
  return blocking.length > 0 ? waitForBlocking(blocking) : null;
}

type Step =
  /** Waits for a person or a child. */
  | { kind: 'blocked' }
  /** Something for the journal, or a child to start. */
  | { kind: 'act'; action: Action }
  | { kind: 'ask'; action: Action }
  | { kind: 'ready'; call: PlannedCall };

function considerCall(context: Context, call: Call): Step {
  const { state, nowMs } = context;
  const act = (action: Action): Step => ({ kind: 'act', action });
  if (call.phase === 'child') return { kind: 'blocked' };
  if (call.phase === 'waiting') return expireOrBlock(call, nowMs);
  if (call.phase === 'unknown') return { kind: 'ask', action: askOutcome(context, call) };
  const answered = afterAnswer(state, call);
  if (answered !== null) return act(answered);
  const verdict = judgeCall(context, call);
  if (verdict.kind === 'invalid') return act(failed(call, { class: 'invalid_input', message: verdict.message }));
  const { entry, decision } = verdict;
  if (entry === null || decision.answer === 'deny') return act(deny(call, decision));
  if (entry.kind === 'ask') return { kind: 'ask', action: askInput(context, call, decision) };
  const approvalId = approvalFor(call, decision);
  if (decision.answer === 'confirm' && approvalId === null) return { kind: 'ask', action: askApproval(context, call, decision) };
  const limit = limitReached(state, nowMs, 'call');
  if (limit !== null) return act(end(state, { status: 'limited', reason: limit }));
  if (entry.kind === 'agent') return act(startChild(context, call, entry));
  const planned = plan(state, call, { entry, decision, approvalId });
  return entry.name === RESULT_READ.name ? act(readOn(state, call, planned)) : { kind: 'ready', call: planned };
}

function deny(call: Call, decision: Pick<Decision, 'reason' | 'rules'>): Action {
  return {
    do: 'record',
    events: [{ type: 'tool.denied', callId: call.callId, tool: call.tool, reason: decision.reason, rules: [...decision.rules] }],
  };
}

function plan(state: RunState, call: Call, granted: { entry: ToolManifestEntry; decision: Decision; approvalId: string | null }): PlannedCall {
  const { entry, decision, approvalId } = granted;
  return {
    callId: call.callId,
    tool: entry,
    args: call.args,
    intent: {
      type: 'tool.intended',
      callId: call.callId,
      tool: entry.name,
      args: call.args,
      argsHash: digestOf(call.args),
      sideEffect: entry.sideEffect,
      recovery: entry.recovery,
      key: `${state.run}/${call.callId}`,
      settleMs: entry.settleMs,
      decision,
      approvalId,
    },
  };
}

function readOn(state: RunState, call: Call, planned: PlannedCall): Action {
  const read = readResult(state, call);
  if (!read.ok) return failed(call, { class: 'invalid_input', message: read.message });
  const settled = { callId: call.callId, tool: call.tool };
  return {
    do: 'record',
    events: [
      { ...planned.intent, deadlineMs: 0 },
      { type: 'tool.done', ...settled, text: read.text, labels: [], evidence: null, known: 'effect', ms: 0 },
    ],
  };
}

/** A child takes an equal share of what is left with the other children still to start (spec RUN-8). */
function startChild({ state, nowMs }: Context, call: Call, entry: ToolManifestEntry): Action {
  const depth = (state.queued?.parent?.depth ?? 0) + 1;
  if (depth > MAX_DEPTH) return deny(call, { reason: `sub-agents may be nested ${MAX_DEPTH} deep, no deeper`, rules: ['depth'] });
  const toStart = state.calls.filter((other) => other.tool.startsWith(AGENT_TOOL_PREFIX) && (other.phase === 'asked' || other.phase === 'answered'));
  const share = allotment(state, nowMs, Math.max(1, toStart.length));
  if (share === null) return deny(call, { reason: "not enough is left of this run's limits for a sub-agent", rules: ['limits'] });
  return { do: 'start_child', callId: call.callId, agent: entry.name.slice(AGENT_TOOL_PREFIX.length), input: call.args, allotment: share, depth };
}

function expireOrBlock(call: Call, nowMs: number): Step {
  const asked = call.question?.asked;
  if (asked === undefined || nowMs < asked.deadlineMs) return { kind: 'blocked' };
  const { approvalId, callId, onExpiry } = asked;
  return { kind: 'act', action: { do: 'record', events: [{ type: 'approval.expired', approvalId, callId, onExpiry }] } };
}

/** Waits for what a person must do before what a child will do; wakes at the first deadline. */
function waitForBlocking(blocking: readonly Call[]): Action {
  const questions = blocking.flatMap((call) => (call.phase === 'waiting' && call.question !== null ? [call.question.asked] : []));
  const first = questions.find((asked) => asked.kind === 'outcome') ?? questions.find((asked) => asked.kind === 'approval') ?? questions[0];
  if (first === undefined) {
    const children = blocking.flatMap((call) => (call.child === null ? [] : [call.child.agent]));
    return waitFor({ for: 'child', untilMs: null, reason: `waits for ${children.join(', ')}` });
  }
  return waitFor({ for: first.kind, untilMs: Math.min(...questions.map((asked) => asked.deadlineMs)), reason: first.question });
}
