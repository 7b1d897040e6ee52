/**
 * What a fork or a retry starts from (spec RUN-6): a prefix of another run's journal by reference, with what a person changed. Pure; making
 * the run is its caller's.
 */
import { AppError } from '../../kernel/errors.ts';
import type { Entry, EventOf, RunEvent } from '../../kernel/events.ts';
import type { RunLimits, RunPlan } from '../../kernel/plan.ts';
import { fold } from './fold.ts';
import { planOf } from './rules.ts';
import { emptyState, type RunState } from './state.ts';

/** What the new run's `run.queued` takes from its origin; the rest is its creator's. */
export type Continued = Pick<EventOf<'run.queued'>, 'plan' | 'input' | 'labels'> & { origin: NonNullable<EventOf<'run.queued'>['origin']> };

export type ForkChanges = {
  instructions?: string | undefined;
  model?: string | undefined;
  /** Replaces the result of a call that the prefix holds. */
  result?: { callId: string; text: string } | undefined;
};

/** The origin's own entries, whole and in order; `from` is the state it began with when it is itself a fork. */
export type Source = { entries: readonly Entry[]; from?: RunState };

/**
 * A fork that keeps entries up to `seq`, or up to the last one before it where nothing is in flight: half an effect cannot be kept.
 * @throws AppError `invalid_input` for a step that is not there, or an edit of a result that the prefix does not hold.
 */
export function planFork(source: Source, seq: number, changes: ForkChanges): Continued {
  const states = prefixes(source);
  if (seq < 1 || seq > states.length)
    throw new AppError('invalid_input', `The run has entries 1 to ${states.length}; it cannot be forked at ${seq}.`);
  const at = states.slice(0, seq).findLastIndex(isQuiet);
  const state = states[at];
  const entry = source.entries[at];
  if (state === undefined || entry === undefined) throw new AppError('internal', 'Broken invariant: a run that was queued has a quiet prefix');
  const plan = changePlan(planOf(state), changes);
  if (changes.result !== undefined && !holdsResult(state, changes.result.callId)) {
    const known = state.results.map((result) => result.callId).join(', ');
    throw new AppError('invalid_input', `The steps up to ${entry.seq} hold no result of a call ${changes.result.callId}.`, {
      next: known === '' ? 'Fork at a later step.' : `Edit one of ${known}, or fork at a later step.`,
    });
  }
  return continued(state, entry, { how: 'fork', edited: changes.result === undefined ? [] : [changes.result], plan });
}

/**
 * A retry: all that was done stays done; what failed last is left out, so that it is tried again. Limits may be raised.
 * @throws AppError `conflict` for a run that has not ended, or succeeded.
 */
export function planRetry(source: Source, limits?: RunLimits): Continued {
  const states = prefixes(source);
  const ended = states.at(-1)?.ended?.event;
  if (ended === undefined)
    throw new AppError('conflict', 'The run has not ended, so there is nothing to retry.', { next: 'Cancel it first, or wait for its end.' });
  if (ended.status === 'succeeded') throw new AppError('conflict', 'The run succeeded, so there is nothing to retry.', { next: 'Fork or rerun it.' });
  const at = soundPrefix(source.entries, states);
  const state = states[at];
  const entry = source.entries[at];
  if (state === undefined || entry === undefined) throw new AppError('internal', 'Broken invariant: a run that was queued has a sound prefix');
  const plan = planOf(state);
  return continued(state, entry, { how: 'retry', edited: [], plan: limits === undefined ? plan : { ...plan, limits } });
}

function continued(
  state: RunState,
  entry: Entry,
  { how, edited, plan }: { how: 'fork' | 'retry'; edited: { callId: string; text: string }[]; plan: RunPlan },
): Continued {
  const { queued } = state;
  if (queued === null) throw new AppError('internal', 'Broken invariant: a prefix without run.queued');
  return { plan, input: queued.input, labels: [...state.labels], origin: { run: entry.stream, seq: entry.seq, hash: entry.hash, how, edited } };
}

/** The state after each entry. */
function prefixes({ entries, from }: Source): RunState[] {
  let state = from ?? emptyState();
  return entries.map((entry) => (state = fold(state, entry)));
}

function isQuiet(state: RunState): boolean {
  return state.model.open === null && state.calls.every((call) => call.phase !== 'intended' && call.phase !== 'child');
}

function holdsResult(state: RunState, callId: string): boolean {
  return state.results.some((result) => result.callId === callId) || state.calls.some((call) => call.callId === callId && call.result !== null);
}

function changePlan(plan: RunPlan, { instructions, model }: ForkChanges): RunPlan {
  if (instructions === undefined && model === undefined) return plan;
  if (plan.kind === 'command') throw new AppError('invalid_input', 'A command agent has neither instructions nor a model to change.');
  return { ...plan, instructions: instructions ?? plan.instructions, model: model ?? plan.model };
}

/** What a retry may leave out at the end of a journal: how it failed, waited and ended, not what was done or said. */
const DROPPED: ReadonlySet<RunEvent['type']> = new Set([
  'run.ended',
  'run.waiting',
  'run.resumed',
  'run.signalled',
  'phase.entered',
  'progress',
  'stop_rule.tripped',
  'budget.warned',
  'budget.exhausted',
  'context.assembled',
  'model.intended',
  'model.failed',
  'model.fellback',
  'tool.failed',
  'approval.asked',
  'approval.expired',
  'artefact.failed',
]);

function soundPrefix(entries: readonly Entry[], states: readonly RunState[]): number {
  let at = entries.length - 1;
  while (at > 0 && mayBeDropped(entries[at]?.event ?? null, states[at], states.at(-1))) at -= 1;
  return at;
}

function mayBeDropped(event: RunEvent | null, state: RunState | undefined, last: RunState | undefined): boolean {
  if (event === null || state === undefined) return false;
  // A refusal is the model's failure, not its answer.
  if (event.type === 'model.replied') return event.finish === 'refused';
  if (event.type !== 'tool.intended') return DROPPED.has(event.type);
  // A read is read again. A write is left out only when it is known not to have happened; else it stays, as a question.
  return event.sideEffect === 'read' || last?.attempts.some((attempt) => attempt.callId === event.callId && attempt.failure !== null) === true;
}
