/**
 * Phases, percent and time to go (spec HAR-10): said at every phase change, estimated from past runs of the same agent.
 */
import { unreachable } from '../../kernel/errors.ts';
import type { Action } from './action.ts';
import { planOf, type PastRun, type Rules } from './rules.ts';
import { activeMs, type RunState } from './state.ts';

/** `initialising` from `run.started` until the first step. */
export type Phase = 'initialising' | 'working' | 'waiting' | 'concluding';

/** The phase an action belongs to; null when it says nothing about it. */
function phaseOf(action: Action): Phase | null {
  switch (action.do) {
    case 'call_model':
    case 'call_tools':
    case 'start_child':
    case 'recover':
      return 'working';
    case 'ask':
      return 'waiting';
    case 'wait':
      return action.release ? 'waiting' : null;
    case 'end':
      return 'concluding';
    case 'begin':
    case 'record':
    case 'resume':
      return null;
    default:
      return unreachable(action);
  }
}

/** The entries that announce the phase an action begins; null when the run is in it. */
export function enterPhase(state: RunState, action: Action, { nowMs, rules }: { nowMs: number; rules: Rules }): Action | null {
  const phase = phaseOf(action);
  if (phase === null || phase === state.phase || !state.started || state.waiting !== null) return null;
  const etaMs = phase === 'concluding' ? 0 : eta(rules.history, state, nowMs);
  return {
    do: 'record',
    events: [
      { type: 'phase.entered', phase },
      { type: 'progress', phase, percent: percentDone(state, phase, { nowMs, etaMs }), message: messageOf(action), etaMs },
    ],
  };
}

function messageOf(action: Action): string {
  switch (action.do) {
    case 'wait':
      return action.reason;
    case 'ask':
      return action.asked.question;
    case 'end':
      return action.ended.reason;
    case 'call_model':
      return `asks ${action.intended.model}, turn ${action.intended.turn}`;
    case 'call_tools':
      return `calls ${action.calls.map((call) => call.tool.name).join(', ')}`;
    case 'recover':
      return `recovers ${action.effect.intent.tool}`;
    case 'start_child':
      return `starts ${action.agent}`;
    default:
      return action.do;
  }
}

/** Active milliseconds still to go by the median of past runs; null without any, or once this run takes longer than they did. */
export function eta(history: readonly PastRun[], state: RunState, nowMs: number): number | null {
  const sorted = history.map((run) => run.activeMs).toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)];
  if (median === undefined) return null;
  const left = median - activeMs(state, nowMs);
  return left > 0 ? left : null;
}

/** Never backwards, and never 100 before the end. */
function percentDone(state: RunState, phase: Phase, { nowMs, etaMs }: { nowMs: number; etaMs: number | null }): number {
  const used = activeMs(state, nowMs);
  const guess = etaMs === null ? (state.own.turns / planOf(state).limits.turns) * 100 : (used / (used + etaMs)) * 100;
  return Math.max(state.percent ?? 0, phase === 'concluding' ? 95 : Math.min(90, Math.round(guess)));
}
