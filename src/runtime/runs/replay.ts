/**
 * Replay (spec RUN-6): asks the pure core again on each prefix of a journal and reports the first entry that it would not have written.
 * Recorded results stand in for models, tools and people; nothing is written and nothing is spent. With another plan or other rules it
 * answers what would have been decided differently.
 */
import { canonicalJson } from '../../kernel/canonical-json.ts';
import type { Entry, EventOf, RunEvent } from '../../kernel/events.ts';
import type { RunPlan } from '../../kernel/plan.ts';
import type { Action } from './action.ts';
import { fold } from './fold.ts';
import { CIRCUIT_OPEN } from './model-turn.ts';
import { next } from './next.ts';
import type { Rules } from './rules.ts';
import { emptyState, type RunState } from './state.ts';

export type Replayed = {
  /** Decisions that were made again. */
  steps: number;
  diverged: { seq: number; expected: string; found: string } | null;
};

export type ReplayOptions = {
  rules: Omit<Rules, 'openUntilMs' | 'history'>;
  /** The state a fork or retry began with. */
  from?: RunState;
  /** Another plan than the recorded one; then prompts are not compared, since they differ by intent. */
  plan?: RunPlan;
};

const SHOWN_CHARS = 400;

/** @throws AppError `internal` for a broken journal, `conflict` for one with deleted payloads. */
export function replay(entries: readonly Entry[], options: ReplayOptions): Replayed {
  const planned = options.plan === undefined ? entries : entries.map((entry) => withPlan(entry, options.plan));
  let state = options.from ?? emptyState();
  let steps = 0;
  let index = 0;
  while (index < planned.length) {
    const entry = planned[index];
    if (entry === undefined) break;
    if (entry.event === null || isGiven(state, entry.event)) {
      state = fold(state, entry);
      index += 1;
      continue;
    }
    const decided = decidedAt(state, planned.slice(index, index + MOST_TOGETHER), options);
    if (decided.diverged !== null) return { steps, diverged: decided.diverged };
    steps += 1;
    for (const together of planned.slice(index, index + decided.length)) state = fold(state, together);
    index += decided.length;
  }
  return { steps, diverged: null };
}

/** No action writes more entries at once than this: eight reads, or a turn's records. */
const MOST_TOGETHER = 16;

function withPlan(entry: Entry, plan: RunPlan | undefined): Entry {
  return plan !== undefined && entry.event?.type === 'run.queued' ? { ...entry, event: { ...entry.event, plan } } : entry;
}

/** Entries that come from outside the core: what was asked for, what happened, what people and the platform said. */
function isGiven(state: RunState, event: RunEvent): boolean {
  switch (event.type) {
    case 'run.resumed':
      return event.after === 'takeover' || event.after === 'upgrade';
    case 'model.replied':
    case 'model.failed':
      return true;
    case 'tool.done':
    case 'tool.failed':
    case 'tool.outcome_unknown':
      return state.calls.some(
        (call) =>
          call.callId === event.callId && call.phase === 'intended' && (event.type !== 'tool.outcome_unknown' || isProbed(call.intent?.event)),
      );
    case 'run.ended':
      // Only the worker ends a run so: the core never calls a fault its own.
      return event.failure === 'internal';
    case 'run.started':
    case 'run.waiting':
    case 'context.assembled':
    case 'context.compacted':
    case 'model.intended':
    case 'model.fellback':
    case 'output.rejected':
    case 'tool.intended':
    case 'tool.denied':
    case 'approval.asked':
    case 'stop_rule.tripped':
    case 'phase.entered':
    case 'child.started':
      return false;
    default:
      return true;
  }
}

function isProbed(intent: EventOf<'tool.intended'> | undefined): boolean {
  return intent?.recovery === 'probe';
}

type Decided = { length: number; diverged: null } | { length: 0; diverged: NonNullable<Replayed['diverged']> };

/**
 * What the core decides here, against what stands there. It decided at some moment between the last entry and this one, so an agreement at either
 * end is one.
 */
function decidedAt(state: RunState, entries: readonly Entry[], options: ReplayOptions): Decided {
  const [first] = entries;
  if (first === undefined) return { length: 0, diverged: { seq: state.seq, expected: 'an entry', found: 'none' } };
  const rules: Rules = { ...options.rules, history: [], openUntilMs: circuitOf(entries) };
  let diverged: Decided | null = null;
  for (const nowMs of [first.atMs, state.atMs]) {
    const action = next(state, nowMs, rules);
    const expected = entriesOf(action);
    const wrong = expected.findIndex((event, offset) => !agrees(event, entries[offset]?.event ?? null, options));
    if (expected.length > 0 && wrong === -1) return { length: expected.length, diverged: null };
    if (isWorkersWord(action, first.event)) return { length: 1, diverged: null };
    const at = entries[Math.max(0, wrong)];
    diverged ??= {
      length: 0,
      diverged: {
        seq: at?.seq ?? first.seq,
        expected: expected.length === 0 ? `to ${action.do}` : shown(expected[wrong] ?? null),
        found: shown(at?.event ?? null),
      },
    };
  }
  return diverged ?? { length: 0, diverged: { seq: first.seq, expected: 'an entry', found: shown(first.event) } };
}

/** Circuits are not journaled, but what they made the run do is. */
function circuitOf(entries: readonly Entry[]): Rules['openUntilMs'] {
  const event = entries.find((entry) => entry.event?.type !== 'phase.entered' && entry.event?.type !== 'progress')?.event;
  if (event?.type === 'model.fellback' && event.why === CIRCUIT_OPEN) return (model) => (model === event.from ? Number.MAX_SAFE_INTEGER : null);
  if (event?.type === 'run.waiting' && event.reason.includes(CIRCUIT_OPEN)) return () => event.untilMs;
  return () => null;
}

type Expected = { type: RunEvent['type'] } & Record<string, unknown>;

/** The entries an action writes at once, as far as the core decides them. */
function entriesOf(action: Action): Expected[] {
  switch (action.do) {
    case 'begin':
      return [{ type: 'run.started' }];
    case 'resume':
      return [{ type: 'run.resumed', after: action.after }];
    case 'record':
      return [...action.events];
    case 'call_model':
      return [action.assembled, action.intended];
    case 'call_tools':
      return action.calls.map((call) => call.intent);
    case 'ask':
      return [action.asked];
    case 'start_child':
      return [{ type: 'child.started', callId: action.callId, agent: action.agent, allotment: untimed(action.allotment) }];
    case 'wait':
      return action.release ? [{ type: 'run.waiting', for: action.for, reason: action.reason }] : [];
    case 'end':
      return [action.ended];
    case 'recover':
      return action.effect.how === 'repeat'
        ? [action.effect.intent]
        : [{ type: 'tool.intended', callId: action.effect.callId, key: action.effect.intent.key }];
  }
}

/** What is left of active time depends on the moment. */
function untimed(allotment: EventOf<'child.started'>['allotment']): Partial<EventOf<'child.started'>['allotment']> {
  const { activeMs: _activeMs, ...rest } = allotment;
  return rest;
}

/** A worker that cannot begin a run or a child says so instead, and before an end it declares writes in flight unknown. */
function isWorkersWord(action: Action, found: RunEvent | null): boolean {
  if (action.do === 'begin') return found?.type === 'run.ended';
  if (action.do === 'end') return found?.type === 'tool.outcome_unknown';
  return action.do === 'start_child' && found?.type === 'tool.failed' && found.callId === action.callId;
}

/** Fields that the moment of acting decides, or that only the worker knows. */
const NOT_DECIDED = new Set(['deadlineMs', 'reservation', 'percent', 'etaMs', 'message', 'tokens', 'parts', 'beforeTokens', 'afterTokens']);
const OF_PROMPTS = new Set(['hash', 'contextHash', 'maxOutputTokens']);

function agrees(expected: Expected, found: RunEvent | null, options: ReplayOptions): boolean {
  if (found === null || found.type !== expected.type) return false;
  const record: Record<string, unknown> = found.type === 'child.started' ? { ...found, allotment: untimed(found.allotment) } : found;
  const isPrompt = options.plan !== undefined && (found.type === 'context.assembled' || found.type === 'model.intended');
  return Object.entries(expected).every(([name, value]) => {
    const compared = !NOT_DECIDED.has(name) || (name === 'message' && found.type === 'tool.failed');
    if (!compared || (isPrompt && OF_PROMPTS.has(name))) return true;
    // a budget may have left room for less
    if (found.type === 'model.intended' && name === 'maxOutputTokens' && found.maxOutputTokens <= Number(value)) return true;
    return value === undefined || canonicalJson(value ?? null) === canonicalJson(record[name] ?? null);
  });
}

function shown(event: Expected | RunEvent | null): string {
  if (event === null) return 'nothing';
  const text = `${event.type} ${JSON.stringify({ ...event, type: undefined })}`;
  return text.length <= SHOWN_CHARS ? text : `${text.slice(0, SHOWN_CHARS)}…`;
}
