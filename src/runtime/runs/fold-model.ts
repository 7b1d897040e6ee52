/**
 * The part of the fold that is about the conversation with the model: prompts, replies, failures, fallbacks, compaction.
 */
import { invariant, unreachable } from '../../kernel/errors.ts';
import type { Entry, EventOf } from '../../kernel/events.ts';
import { addUsage, type AssistantPart, type Message, type Usage } from '../../kernel/messages.ts';
import { summaryMessage } from './fold-origin.ts';
import { isSettled, textOf, type Call, type RunState, type Spent } from './state.ts';
import { isHold } from './waiting.ts';

type ModelEvent = EventOf<
  'context.assembled' | 'context.compacted' | 'model.intended' | 'model.replied' | 'model.failed' | 'model.fellback' | 'output.rejected'
>;

export function foldModelEvent(state: RunState, entry: Entry, event: ModelEvent): RunState {
  switch (event.type) {
    case 'context.assembled':
      return foldAssembled(state, event);
    case 'context.compacted':
      return foldCompacted(state, event);
    case 'model.intended':
      invariant(state.model.open === null, 'model.intended while a model call is open');
      invariant(state.calls.every(isSettled), 'model.intended while tool calls are open');
      return {
        ...state,
        // A budget that lets it through is no longer exhausted.
        budget: null,
        refusals: 0,
        own: event.summarises === 0 && event.turn > state.model.turn ? { ...state.own, turns: state.own.turns + 1 } : state.own,
        model: {
          ...state.model,
          turn: event.summarises === 0 ? event.turn : state.model.turn,
          held: without(state.model.held, event.model),
          open: { event, fence: entry.fence, atMs: entry.atMs },
        },
      };
    case 'model.replied':
      return foldReplied(state, event);
    case 'model.failed':
      invariant(state.model.open !== null, 'model.failed without model.intended');
      return {
        ...state,
        own: spend(state.own, event.usage, event.costMicroUsd),
        model: foldFailed(state.model, { event, atMs: entry.atMs }),
      };
    case 'model.fellback':
      invariant(state.model.open === null, 'model.fellback while a model call is open');
      return { ...state, model: { ...state.model, name: event.to, failures: [] } };
    case 'output.rejected':
      return { ...sayToModel(state, event.message), rejections: [...state.rejections, event.why] };
    default:
      return unreachable(event);
  }
}

/** Adds words to the history; while calls are open they wait, since results must follow their calls. */
export function sayToModel(state: RunState, text: string): RunState {
  if (!state.calls.every(isSettled)) return { ...state, pendingNotes: [...state.pendingNotes, text] };
  return { ...state, messages: [...state.messages, { role: 'user', content: [{ type: 'text', text }] }] };
}

function foldFailed(model: RunState['model'], failure: RunState['model']['failures'][number]): RunState['model'] {
  const failed = { ...model, open: null, failures: [...model.failures, failure] };
  if (!isHold(failure)) return failed;
  return { ...failed, held: { ...model.held, [failure.event.model]: failure.event.notBeforeMs ?? 0 }, holds: model.holds + 1 };
}

function without(held: RunState['model']['held'], model: string): RunState['model']['held'] {
  if (!Object.hasOwn(held, model)) return held;
  const { [model]: _called, ...others } = held;
  return others;
}

function foldAssembled(state: RunState, event: EventOf<'context.assembled'>): RunState {
  const history = event.parts.find((part) => part.name === 'history');
  if (history === undefined) return { ...state, assembled: null };
  return {
    ...state,
    assembled: { turn: event.turn, historyDigest: history.digest, historyTokens: history.tokens, messages: state.messages.length },
  };
}

function foldCompacted(state: RunState, event: EventOf<'context.compacted'>): RunState {
  const compacted = {
    ...state,
    assembled: null,
    referenced: event.referenced.length === 0 ? state.referenced : [...state.referenced, ...event.referenced],
    summary: null,
  };
  if (event.summary === null || state.queued === null) return compacted;
  invariant(event.upTo > 0 && event.upTo <= state.messages.length, `compacted up to message ${event.upTo} of ${state.messages.length}`);
  const messages: Message[] = [summaryMessage(state.queued, event.summary), ...state.messages.slice(event.upTo)];
  return { ...compacted, messages };
}

function foldReplied(state: RunState, event: EventOf<'model.replied'>): RunState {
  invariant(state.model.open !== null, 'model.replied without model.intended');
  const { summarises } = state.model.open.event;
  if (summarises > 0) {
    return {
      ...state,
      summary: { upTo: summarises, text: textOf(event.content) },
      own: spend(state.own, event.usage, event.costMicroUsd),
      model: { ...state.model, open: null, failures: [], holds: 0 },
    };
  }
  const { content, calls, callIds } = takeCalls(state.callIds, event.content);
  return {
    ...state,
    messages: [...state.messages, { role: 'assistant', content }],
    calls,
    callIds,
    own: spend(state.own, event.usage, event.costMicroUsd),
    model: { ...state.model, replied: event.turn, open: null, failures: [], holds: 0, finish: event.finish },
    rehearsed: state.rehearsed || event.rehearsed,
  };
}

/** The calls of a reply with ids unique in the run, since results and read-on refer to them; models do repeat ids. */
function takeCalls(
  known: readonly string[],
  parts: readonly AssistantPart[],
): { content: AssistantPart[]; calls: Call[]; callIds: readonly string[] } {
  const calls: Call[] = [];
  const callIds = [...known];
  const content = parts.map((part): AssistantPart => {
    if (part.type !== 'tool_call') return part;
    let callId = part.callId;
    // Begun at the number of calls, so that a model which always says `call_0` costs one look, not one for each turn.
    for (let copy = callIds.length + 1; callIds.includes(callId); copy += 1) callId = `${part.callId}_${copy}`;
    callIds.push(callId);
    calls.push({
      callId,
      tool: part.tool,
      args: part.args,
      invalid: part.invalid ?? null,
      phase: 'asked',
      tries: 0,
      question: null,
      intent: null,
      child: null,
      result: null,
    });
    return callId === part.callId ? part : { ...part, callId };
  });
  return { content, calls, callIds: calls.length === 0 ? known : callIds };
}

export function spend(spent: Spent, usage: Usage, costMicroUsd: number | null): Spent {
  return {
    ...spent,
    usage: addUsage(spent.usage, usage),
    costMicroUsd: spent.costMicroUsd + (costMicroUsd ?? 0),
    costKnown: spent.costKnown && costMicroUsd !== null,
  };
}
