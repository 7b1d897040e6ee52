/**
 * The core of the harness (spec HAR-1): from a run's state to the one thing to do next. Pure: the same state, time and rules give the same
 * action. It is asked only while nothing of the run is in flight, and what it asks for is carried out before it is asked again.
 */
import { invariant } from '../../kernel/errors.ts';
import type { Action } from './action.ts';
import { advanceCalls } from './calls.ts';
import { applySummary } from './compaction.ts';
import { end } from './ending.ts';
import { callModel } from './model-turn.ts';
import { conclude, concludeCommands } from './output.ts';
import { enterPhase } from './progress.ts';
import { recoverEffects, recoverModel } from './recovery.ts';
import type { Rules } from './rules.ts';
import { isSettled, type RunState } from './state.ts';
import { checkSpike, spikeText } from './spike.ts';
import { checkStopRules, haltTripped } from './stop-rules.ts';
import { waitFor } from './waiting.ts';

/**
 * What to do next. A `wait` for what the journal already waits for needs no new entry (`isSameWait`).
 * @throws AppError `internal` for a run that is not queued or has ended: nothing follows then.
 */
export function next(state: RunState, nowMs: number, rules: Rules): Action {
  invariant(state.queued !== null, 'a run without run.queued has no next step');
  invariant(state.ended === null, 'an ended run has no next step');
  const action = untilDeadline(state, choose(state, nowMs, rules));
  if (state.waiting !== null && action.do !== 'wait' && action.do !== 'end') {
    return { do: 'resume', after: state.status === 'paused' ? 'pause' : 'wait' };
  }
  return enterPhase(state, action, { nowMs, rules }) ?? action;
}

/** The order of concerns: what a person said, what is broken off, what is forbidden, then the work itself. */
function choose(state: RunState, nowMs: number, rules: Rules): Action {
  const context = { state, nowMs, rules };
  // first of all, so that what it may have spent is settled whatever becomes of the run
  const recovered = recoverModel(state);
  if (recovered !== null) return recovered;
  if (state.cancel !== null) {
    return end(state, {
      status: 'cancelled',
      reason: `Cancelled by ${state.cancel.by.name}${state.cancel.reason === '' ? '' : `: ${state.cancel.reason}`}.`,
    });
  }
  // a run paused before its first lease begins first: a wait is part of a started run's life
  if (state.pause !== null && state.started)
    return waitFor({ for: 'pause', untilMs: null, reason: state.pause.reason || `paused by ${state.pause.by.name}` });
  if (state.spike?.open === true) return waitFor({ for: 'pause', untilMs: null, reason: spikeText(state.spike.event) });
  return (
    pastDeadline(state, nowMs) ??
    (state.started ? null : { do: 'begin' as const }) ??
    recoverEffects(context) ??
    applySummary(context) ??
    haltTripped(state) ??
    checkStopRules(context) ??
    waitForBudget(state, nowMs) ??
    (hasFinalWord(state) ? null : checkSpike(context)) ??
    (state.queued?.plan.kind === 'command' ? concludeCommands(state) : null) ??
    advanceCalls(context) ??
    (hasFinalWord(state) ? conclude(context) : callModel(context))
  );
}

function hasFinalWord(state: RunState): boolean {
  return state.calls.every(isSettled) && state.messages.at(-1)?.role === 'assistant' && state.model.finish !== null;
}

function pastDeadline(state: RunState, nowMs: number): Action | null {
  const deadlineMs = state.queued?.deadlineMs ?? null;
  // An answer that is already there is judged, not thrown away.
  if (deadlineMs === null || nowMs < deadlineMs || hasFinalWord(state)) return null;
  if (state.budget !== null) {
    return end(state, {
      status: 'budget_exhausted',
      failure: 'budget_exhausted',
      reason: `The deadline passed while the run waited for budget: ${state.budget.message}`,
    });
  }
  return end(state, { status: 'limited', failure: 'timeout', reason: 'The deadline of the run passed.' });
}

function waitForBudget(state: RunState, nowMs: number): Action | null {
  if (state.budget === null) return null;
  const untilMs = state.budget.resetsAtMs;
  if (untilMs !== null && nowMs >= untilMs) return null;
  return waitFor({ for: 'budget', untilMs, reason: state.budget.message });
}

/** A wait ends at the run's deadline at the latest, so that the deadline is noticed. */
function untilDeadline(state: RunState, action: Action): Action {
  const deadlineMs = state.queued?.deadlineMs ?? null;
  if (action.do !== 'wait' || deadlineMs === null) return action;
  return { ...action, untilMs: Math.min(action.untilMs ?? deadlineMs, deadlineMs) };
}

/** Whether the journal already says that the run waits for this. */
export function isSameWait(state: RunState, action: Extract<Action, { do: 'wait' }>): boolean {
  const event = state.waiting?.event;
  return event !== undefined && event.for === action.for && event.untilMs === action.untilMs && event.reason === action.reason;
}
