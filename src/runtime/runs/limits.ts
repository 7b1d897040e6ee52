/**
 * The run's own limits (spec HAR-2): what is left, and how much of it one model call may take. Budgets shared between runs are
 * the platform's, not these.
 */
import type { ModelFacts, RunLimits } from '../../kernel/plan.ts';
import { NO_USAGE, type Usage } from '../../kernel/messages.ts';
import { affordableOutput, countedTokens, worstCaseMicroUsd } from '../../platform/budgets/cost.ts';
import { modelPlanOf, planOf } from './rules.ts';
import { activeMs, type RunState } from './state.ts';

/** Most that is asked of a model for one answer; its own maximum when that is less. */
export const MAX_OUTPUT_TOKENS = 16_000;
/** Below this an answer is not worth asking for. */
const MIN_OUTPUT_TOKENS = 64;

/**
 * What is left of each limit, never below zero: less what the run and its ended children used, less what running children were
 * allotted. Active time is the run's own: children run beside it.
 */
export function remaining(state: RunState, nowMs: number): RunLimits {
  const limits = planOf(state).limits;
  const { own, ofChildren } = state;
  const lent = state.children.filter((child) => !child.ended).map((child) => child.allotment);
  const sum = (field: 'turns' | 'toolCalls' | 'tokens'): number => lent.reduce((total, allotment) => total + allotment[field], 0);
  const lentCost = lent.reduce((total, allotment) => total + (allotment.costMicroUsd ?? 0), 0);
  const left = (limit: number, used: number): number => Math.max(0, limit - used);
  return {
    turns: left(limits.turns, own.turns + ofChildren.turns + sum('turns')),
    toolCalls: left(limits.toolCalls, own.toolCalls + ofChildren.toolCalls + sum('toolCalls')),
    activeMs: left(limits.activeMs, activeMs(state, nowMs)),
    tokens: left(limits.tokens, countedTokens(own.usage) + countedTokens(ofChildren.usage) + sum('tokens')),
    costMicroUsd: limits.costMicroUsd === null ? null : left(limits.costMicroUsd, own.costMicroUsd + ofChildren.costMicroUsd + lentCost),
  };
}

/** Why the run may do nothing more of this kind, in one sentence; null when it may. */
export function limitReached(state: RunState, nowMs: number, wanted: 'turn' | 'retry' | 'call'): string | null {
  const limits = planOf(state).limits;
  const left = remaining(state, nowMs);
  if (left.activeMs === 0) return `The run reached its limit of ${Math.round(limits.activeMs / 60_000)} minutes of active time.`;
  if (left.tokens === 0) return `The run reached its limit of ${limits.tokens} tokens.`;
  if (left.costMicroUsd === 0) return `The run reached its limit of ${usd(limits.costMicroUsd ?? 0)}.`;
  if (wanted === 'turn' && left.turns === 0) return `The run reached its limit of ${limits.turns} model turns.`;
  if (wanted === 'call' && left.toolCalls === 0) return `The run reached its limit of ${limits.toolCalls} tool calls.`;
  return null;
}

function usd(micro: number): string {
  return `${(micro / 1_000_000).toFixed(2)} USD`;
}

/** The largest answer one call may have within window and limits, with its worst case; or why there is no room for one. */
export function fitCall(
  state: RunState,
  nowMs: number,
  call: { facts: ModelFacts; inputTokens: number; mostOutputTokens: number },
): { maxOutputTokens: number; reservation: { tokens: number; microUsd: number | null } } | { why: string } {
  const { facts, inputTokens } = call;
  const left = remaining(state, nowMs);
  let most = Math.min(facts.maxOutputTokens, call.mostOutputTokens);
  const window = facts.windowTokens - inputTokens;
  if (window < MIN_OUTPUT_TOKENS) return { why: `The conversation no longer fits the model's window of ${facts.windowTokens} tokens.` };
  most = Math.min(most, window);
  const tokens = left.tokens - inputTokens;
  if (tokens < MIN_OUTPUT_TOKENS) return { why: `Another model call could exceed the run's limit of ${planOf(state).limits.tokens} tokens.` };
  most = Math.min(most, tokens);
  if (left.costMicroUsd !== null && facts.price !== null) {
    const affordable = affordableOutput(facts.price, inputTokens, left.costMicroUsd);
    if (affordable < MIN_OUTPUT_TOKENS) {
      return { why: `Another model call could exceed the run's limit of ${usd(planOf(state).limits.costMicroUsd ?? 0)}.` };
    }
    most = Math.min(most, affordable);
  }
  return { maxOutputTokens: most, reservation: { tokens: inputTokens + most, microUsd: worstCaseMicroUsd(facts.price, inputTokens, most) } };
}

/**
 * What each of `shares` children may use: an equal part of what is left, after one turn for the parent to conclude. Null when
 * there is not enough for a child to do anything.
 */
export function allotment(state: RunState, nowMs: number, shares: number): RunLimits | null {
  const left = remaining(state, nowMs);
  const part = (value: number): number => Math.floor(value / shares);
  const share = {
    turns: part(left.turns - 1),
    // the parent's other calls of the turn go on beside its children
    toolCalls: part((left.toolCalls - shares) / 2),
    activeMs: left.activeMs,
    tokens: part(left.tokens / 2),
    costMicroUsd: left.costMicroUsd === null ? null : part(left.costMicroUsd / 2),
  };
  return share.turns < 1 || share.toolCalls < 0 || share.activeMs < 1 || share.tokens < MIN_OUTPUT_TOKENS ? null : share;
}

/** Usage of a call whose outcome is unknown: as if all that was reserved had been used (spec RUN-3). */
export function reservedUsage(reservation: { tokens: number } | null, maxOutputTokens: number): Usage {
  const inputTokens = Math.max(0, (reservation?.tokens ?? maxOutputTokens) - maxOutputTokens);
  return { ...NO_USAGE, inputTokens, outputTokens: maxOutputTokens, estimated: true };
}

/** Facts of a model that the journal does not know: small and without a price, so that nothing is promised. */
export function factsOf(state: RunState): ModelFacts {
  return (
    state.models[state.model.name] ??
    state.models[modelPlanOf(state).model] ?? { windowTokens: 8_192, maxOutputTokens: 1_024, price: null, rehearsed: false }
  );
}
