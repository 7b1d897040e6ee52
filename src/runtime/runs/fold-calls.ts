/**
 * The part of the fold that is about the tool calls of a turn: effects in three states, questions to people, child runs.
 */
import { invariant, unreachable } from '../../kernel/errors.ts';
import type { Entry, EventOf } from '../../kernel/events.ts';
import { joinLabels } from '../../kernel/labels.ts';
import { addUsage, type ToolResultPart } from '../../kernel/messages.ts';
import { isSettled, type Attempt, type Call, type CallPhase, type RunState } from './state.ts';

type CallEvent = EventOf<
  | 'tool.intended'
  | 'tool.done'
  | 'tool.failed'
  | 'tool.denied'
  | 'tool.outcome_unknown'
  | 'approval.asked'
  | 'approval.answered'
  | 'approval.expired'
  | 'child.started'
  | 'child.ended'
>;

/** Which phases an event may find its call in. */
const FROM: Record<CallEvent['type'], readonly CallPhase[]> = {
  // An intent may be renewed: recovery repeats an effect under a later deadline.
  'tool.intended': ['asked', 'answered', 'intended'],
  'tool.done': ['asked', 'answered', 'intended', 'unknown'],
  'tool.failed': ['asked', 'answered', 'intended', 'unknown'],
  'tool.denied': ['asked', 'answered'],
  'tool.outcome_unknown': ['intended'],
  'approval.asked': ['asked', 'answered', 'unknown'],
  'approval.answered': ['waiting'],
  'approval.expired': ['waiting'],
  'child.started': ['asked', 'answered'],
  'child.ended': ['child'],
};

export function foldCallEvent(state: RunState, entry: Entry, event: CallEvent): RunState {
  const call = state.calls.find((candidate) => candidate.callId === event.callId);
  const late = event.type === 'approval.answered' || event.type === 'approval.expired' || event.type === 'child.ended';
  // Answers and children may come after what they belong to is over (a cancel, an expiry that was faster): they change nothing.
  if (late && (call === undefined || !FROM[event.type].includes(call.phase))) return state;
  invariant(call !== undefined, `${event.type} for ${event.callId}, which is no call of this turn`);
  invariant(FROM[event.type].includes(call.phase), `${event.type} for ${event.callId}, which is ${call.phase}`);
  switch (event.type) {
    case 'tool.intended':
      return foldIntended(state, { call, entry, event });
    case 'tool.done':
      return foldDone(state, { call, entry, event });
    case 'tool.failed':
      return settle(
        { ...state, labels: joinLabels(state.labels, event.labels), attempts: [...state.attempts, attempt(state, { call, entry, failure: event })] },
        { ...call, phase: 'failed', result: { text: `Failed (${event.class}): ${event.message}`, failed: true } },
      );
    case 'tool.denied':
      return settle(
        {
          ...state,
          attempts: [...state.attempts, attempt(state, { call, entry, failure: { class: 'denied', message: event.reason, rules: event.rules } })],
        },
        { ...call, phase: 'denied', result: { text: `Denied: ${event.reason}`, failed: true } },
      );
    case 'tool.outcome_unknown':
      return put(state, { ...call, phase: 'unknown' });
    case 'approval.asked':
      return put(state, { ...call, phase: 'waiting', question: { asked: event, answer: null, expired: false } });
    case 'approval.answered':
      return foldAnswered(state, call, event);
    case 'approval.expired':
      return put(state, { ...call, phase: 'answered', question: call.question && { ...call.question, expired: true } });
    case 'child.started':
      return {
        ...put(state, { ...call, phase: 'child', child: event }),
        own: { ...state.own, toolCalls: state.own.toolCalls + 1 },
        children: [...state.children, { callId: event.callId, run: event.run, agent: event.agent, allotment: event.allotment, ended: false }],
      };
    case 'child.ended':
      return foldChildEnded(state, { call, entry, event });
    default:
      return unreachable(event);
  }
}

type Step<E> = { call: Call; entry: Entry; event: E };

function foldIntended(state: RunState, { call, entry, event }: Step<EventOf<'tool.intended'>>): RunState {
  const renewed = call.phase === 'intended';
  return {
    ...put(state, { ...call, args: event.args, phase: 'intended', tries: call.tries + 1, intent: { event, fence: entry.fence, seq: entry.seq } }),
    own: renewed ? state.own : { ...state.own, toolCalls: state.own.toolCalls + 1 },
  };
}

function foldDone(state: RunState, { call, entry, event }: Step<EventOf<'tool.done'>>): RunState {
  const write = isWrite(call);
  return settle(
    {
      ...state,
      labels: joinLabels(state.labels, event.labels),
      attempts: [...state.attempts, attempt(state, { call, entry, failure: null })],
      results: [...state.results, { callId: call.callId, tool: call.tool, text: event.text, ...dataFor(state, event) }],
      evidence: event.evidence === null ? state.evidence : [...state.evidence, { evidence: event.evidence, seq: entry.seq }],
      lastWriteSeq: write ? entry.seq : state.lastWriteSeq,
    },
    { ...call, phase: 'done', result: { text: event.text, failed: false } },
  );
}

/** Only a scripted model works on a result's data; for the others it would double what a run holds in memory. */
function dataFor(state: RunState, { structured }: EventOf<'tool.done'>): { structured?: EventOf<'tool.done'>['structured'] } {
  const rehearsed = Object.values(state.models).some((facts) => facts.rehearsed);
  return rehearsed && structured !== undefined ? { structured } : {};
}

/** An answer bound to another hash is none: the question stays open until its deadline (spec APR-1). */
function foldAnswered(state: RunState, call: Call, event: EventOf<'approval.answered'>): RunState {
  const question = call.question;
  if (question === null || question.asked.approvalId !== event.approvalId || question.asked.hash !== event.hash) return state;
  const args = event.answer === 'edit' && event.args !== undefined ? event.args : call.args;
  return put(state, { ...call, args, phase: 'answered', question: { ...question, answer: event } });
}

function foldChildEnded(state: RunState, { call, entry, event }: Step<EventOf<'child.ended'>>): RunState {
  const ok = event.status === 'succeeded';
  const text = ok ? event.text : `The sub-agent ended as ${event.status}: ${event.text}`;
  const spent = state.ofChildren;
  return settle(
    {
      ...state,
      labels: joinLabels(state.labels, event.labels),
      ofChildren: {
        turns: spent.turns + event.turns,
        toolCalls: spent.toolCalls + event.toolCalls,
        activeMs: spent.activeMs + event.activeMs,
        usage: addUsage(spent.usage, event.usage),
        costMicroUsd: spent.costMicroUsd + event.cost.microUsd,
        costKnown: spent.costKnown && event.cost.known,
      },
      children: state.children.map((child) => (child.callId === event.callId ? { ...child, ended: true } : child)),
      attempts: [...state.attempts, attempt(state, { call, entry, failure: ok ? null : { class: 'tool_error', message: text } })],
      results: [...state.results, { callId: call.callId, tool: call.tool, text }],
    },
    { ...call, phase: ok ? 'done' : 'failed', result: { text, failed: !ok } },
  );
}

function isWrite(call: Call): boolean {
  return call.intent !== null && call.intent.event.sideEffect !== 'read';
}

type Failure = { class: EventOf<'tool.failed'>['class']; message: string; rules?: readonly string[] };

function attempt(state: RunState, { call, entry, failure }: { call: Call; entry: Entry; failure: Failure | null }): Attempt {
  return {
    seq: entry.seq,
    callId: call.callId,
    tool: call.tool,
    args: call.args,
    argsHash: call.intent?.event.argsHash ?? null,
    write: isWrite(call),
    failure: failure && { class: failure.class, message: failure.message, rules: failure.rules ?? [] },
    activeMs: state.own.activeMs + (state.activeSinceMs === null ? 0 : Math.max(0, entry.atMs - state.activeSinceMs)),
  };
}

function put(state: RunState, changed: Call): RunState {
  return { ...state, calls: state.calls.map((call) => (call.callId === changed.callId ? changed : call)) };
}

/** Puts a settled call; with the last one of the turn its results enter the history, in the model's order, then what people said meanwhile. */
function settle(state: RunState, changed: Call): RunState {
  const settled = put(state, changed);
  if (!settled.calls.every(isSettled)) return settled;
  const content = settled.calls.map((call): ToolResultPart => {
    return { type: 'tool_result', callId: call.callId, tool: call.tool, text: call.result?.text ?? '', failed: call.result?.failed ?? true };
  });
  return {
    ...settled,
    messages: [
      ...settled.messages,
      { role: 'tool', content },
      ...settled.pendingNotes.map((text) => ({ role: 'user' as const, content: [{ type: 'text' as const, text }] })),
    ],
    pendingNotes: [],
  };
}
