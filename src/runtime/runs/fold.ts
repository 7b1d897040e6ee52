/**
 * Folds a run's journal into its state, entry by entry (spec RUN-2). Pure and cheap per entry. An entry that cannot follow
 * what came before throws `internal`: the journal is broken, and going on from it would be guessing.
 */
import { AppError, invariant, unreachable } from '../../kernel/errors.ts';
import type { Entry, EventOf, RunEvent } from '../../kernel/events.ts';
import { joinLabels } from '../../kernel/labels.ts';
import { foldCallEvent } from './fold-calls.ts';
import { foldModelEvent, sayToModel } from './fold-model.ts';
import { foldOrigin, initialMessage } from './fold-origin.ts';
import { commandCalls } from './manifest.ts';
import { emptyState, type RunState } from './state.ts';

/** The state after one more entry. @throws AppError `internal` for an entry that cannot follow, `conflict` for a deleted payload. */
export function fold(state: RunState, entry: Entry): RunState {
  const event = entry.event;
  if (event === null) {
    throw new AppError('conflict', `The payload of entry ${entry.seq} of ${entry.stream} was deleted, so this run can no longer be read back.`, {
      next: 'Its chain still verifies; rerun it to have one that replays.',
    });
  }
  if (event.type === 'run.queued') return queue(state, entry, event);
  invariant(state.queued !== null, `${event.type} before run.queued`);
  invariant(entry.seq === state.seq + 1, `entry ${entry.seq} follows ${state.seq}`);
  invariant(entry.stream === state.run, `an entry of ${entry.stream} in the journal of ${state.run}`);
  invariant(entry.fence >= state.fence, `fence ${entry.fence} after ${state.fence}`);
  invariant(state.ended === null || AFTER_END.has(event.type), `${event.type} after run.ended`);
  const after = apply(state, entry, event);
  return { ...after, seq: entry.seq, fence: entry.fence, atMs: Math.max(entry.atMs, state.atMs) };
}

/** The state after all of them, from nothing or, for a fork, from the state after its origin's prefix. */
export function foldAll(entries: readonly Entry[], from: RunState = emptyState()): RunState {
  return entries.reduce(fold, from);
}

/** What may still be written once a run has ended. */
const AFTER_END = new Set<RunEvent['type']>(['artefact.failed', 'note', 'run.signalled', 'approval.answered', 'approval.expired', 'child.ended']);

function queue(state: RunState, entry: Entry, event: EventOf<'run.queued'>): RunState {
  invariant(entry.seq === 1, `run.queued is entry ${entry.seq}`);
  if (event.origin !== null) {
    invariant(
      state.run === event.origin.run && state.seq === event.origin.seq,
      `a fork of ${event.origin.run} at ${event.origin.seq} folded onto ${state.run} at ${state.seq}`,
    );
    return foldOrigin(state, entry, event);
  }
  invariant(state.queued === null, 'run.queued twice');
  return {
    ...emptyState(),
    run: entry.stream,
    seq: entry.seq,
    fence: entry.fence,
    atMs: entry.atMs,
    queuedAtMs: entry.atMs,
    queued: event,
    labels: joinLabels(event.labels),
    messages: [initialMessage(event)],
    calls: event.plan.kind === 'command' ? commandCalls(event.plan) : [],
    model: { ...emptyState().model, name: event.plan.kind === 'model' ? event.plan.model : '' },
  };
}

function apply(state: RunState, entry: Entry, event: Exclude<RunEvent, { type: 'run.queued' }>): RunState {
  switch (event.type) {
    case 'run.started':
    case 'run.resumed':
    case 'run.waiting':
    case 'run.ended':
    case 'run.signalled':
      return foldLifecycle(state, entry, event);
    case 'context.assembled':
    case 'context.compacted':
    case 'model.intended':
    case 'model.replied':
    case 'model.failed':
    case 'model.fellback':
    case 'output.rejected':
      return foldModelEvent(state, entry, event);
    case 'tool.intended':
    case 'tool.done':
    case 'tool.failed':
    case 'tool.denied':
    case 'tool.outcome_unknown':
    case 'approval.asked':
    case 'approval.answered':
    case 'approval.expired':
    case 'child.started':
    case 'child.ended':
      return foldCallEvent(state, entry, event);
    case 'budget.exhausted':
      return { ...state, budget: event, refusals: state.refusals + 1, uncounted: event.unit === 'runs' };
    case 'budget.spiked':
      return { ...state, spike: { event, open: true } };
    case 'stop_rule.tripped':
      return { ...state, tripped: event };
    case 'phase.entered':
      return { ...state, phase: event.phase };
    case 'progress':
      return { ...state, percent: event.percent };
    case 'note':
      return state.ended === null ? sayToModel(state, `${event.by.name} says: ${event.text}`) : state;
    case 'budget.warned':
    case 'guardrail.fired':
    case 'guardrail.overridden':
    case 'memory.read':
    case 'memory.written':
    case 'skill.activated':
    case 'skill.unloaded':
    case 'artefact.failed':
      return state;
    default:
      return unreachable(event);
  }
}

type Lifecycle = EventOf<'run.started' | 'run.resumed' | 'run.waiting' | 'run.ended' | 'run.signalled'>;

function foldLifecycle(state: RunState, entry: Entry, event: Lifecycle): RunState {
  switch (event.type) {
    case 'run.started':
      invariant(!state.started, 'run.started twice');
      return {
        ...state,
        status: 'running',
        started: true,
        startedAtMs: entry.atMs,
        attempt: event.attempt,
        tools: event.tools,
        models: event.models,
        activeSinceMs: entry.atMs,
        phase: 'initialising',
      };
    case 'run.resumed':
      invariant(state.started, 'run.resumed before run.started');
      return {
        ...stopClock(state, state.atMs),
        status: 'running',
        waiting: null,
        budget: state.waiting?.event.for === 'budget' ? null : state.budget,
        uncounted: false,
        attempt: event.attempt,
        tools: event.tools ?? state.tools,
        models: event.models ?? state.models,
        // Other tools show results at other lengths, so the history is digested anew.
        assembled: event.tools === undefined ? state.assembled : null,
        activeSinceMs: entry.atMs,
      };
    case 'run.waiting':
      invariant(state.started, 'run.waiting before run.started');
      return { ...stopClock(state, entry.atMs), status: event.for === 'pause' ? 'paused' : 'waiting', waiting: { event, atMs: entry.atMs } };
    case 'run.ended':
      return { ...stopClock(state, entry.atMs), status: event.status, waiting: null, ended: { event, atMs: entry.atMs } };
    case 'run.signalled':
      return state.ended === null ? signal(state, event) : state;
    default:
      return unreachable(event);
  }
}

/** Adds the running stretch of active time; after a crash it ends at the last entry, not at the takeover. */
function stopClock(state: RunState, atMs: number): RunState {
  if (state.activeSinceMs === null) return state;
  return { ...state, activeSinceMs: null, own: { ...state.own, activeMs: state.own.activeMs + Math.max(0, atMs - state.activeSinceMs) } };
}

function signal(state: RunState, event: EventOf<'run.signalled'>): RunState {
  switch (event.signal) {
    case 'cancel':
      return { ...state, cancel: state.cancel ?? event };
    case 'pause':
    case 'switch':
      return { ...state, pause: event };
    case 'resume':
      return { ...state, pause: null, spike: state.spike === null ? null : { ...state.spike, open: false } };
    case 'grant':
      return { ...state, budget: null };
    default:
      return unreachable(event.signal);
  }
}
