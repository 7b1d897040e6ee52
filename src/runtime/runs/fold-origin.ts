/**
 * How a run's history begins: with its input, with a summary in place of older turns, or with the state of the run it was
 * forked from (spec RUN-6). Labels and done effects carry over; costs, failures, waits and signals stay with the origin.
 */
import type { Entry, EventOf } from '../../kernel/events.ts';
import { joinLabels } from '../../kernel/labels.ts';
import type { Message } from '../../kernel/messages.ts';
import { emptyState, isSettled, type Call, type RunState } from './state.ts';

/** Marks what a person changed in a fork, so that the model and readers can tell. */
export const EDITED_MARK = '[This result was edited by a person for this fork.]\n';

function inputText(input: EventOf<'run.queued'>['input']): string {
  if (input === null) return 'Begin.';
  return typeof input === 'string' ? input : JSON.stringify(input, null, 2);
}

export function initialMessage(queued: EventOf<'run.queued'>): Message {
  return { role: 'user', content: [{ type: 'text', text: inputText(queued.input) }] };
}

/** The input again, then what the summed-up turns came to. */
export function summaryMessage(queued: EventOf<'run.queued'>, summary: string): Message {
  return {
    role: 'user',
    content: [
      { type: 'text', text: inputText(queued.input) },
      { type: 'text', text: `What happened so far, summed up (earlier messages are left out):\n${summary}` },
    ],
  };
}

/** The state a fork or retry begins with: `origin` is the fold of its origin's prefix. */
export function foldOrigin(origin: RunState, entry: Entry, event: EventOf<'run.queued'>): RunState {
  const edits = new Map(event.origin?.edited.map((edit) => [edit.callId, EDITED_MARK + edit.text]));
  const edited = (callId: string, text: string): string => edits.get(callId) ?? text;
  return {
    ...emptyState(),
    run: entry.stream,
    seq: entry.seq,
    fence: entry.fence,
    atMs: entry.atMs,
    queuedAtMs: entry.atMs,
    queued: event,
    labels: joinLabels(origin.labels, event.labels),
    messages: origin.messages.map((message) =>
      message.role === 'tool'
        ? { role: 'tool', content: message.content.map((part) => ({ ...part, text: edited(part.callId, part.text) })) }
        : message,
    ),
    pendingNotes: origin.pendingNotes,
    referenced: origin.referenced,
    results: origin.results.map((result) => (edits.has(result.callId) ? withText(result, edited(result.callId, result.text)) : result)),
    callIds: origin.callIds,
    calls: origin.calls.map((call) => reopen(call, edited)),
    // A turn that the prefix left without a reply is taken again under its number.
    model: {
      ...emptyState().model,
      turn: origin.model.replied,
      replied: origin.model.replied,
      name: event.plan.kind === 'model' ? event.plan.model : '',
      finish: origin.model.finish,
    },
    // Evidence that was older than the origin's last change proves nothing here either.
    evidence: origin.evidence.filter((known) => known.seq >= origin.lastWriteSeq).map((known) => ({ ...known, seq: 0 })),
    lastWriteSeq: 0,
    rehearsed: origin.rehearsed,
  };
}

/**
 * A settled call stays settled; a write whose outcome the prefix does not hold stays a question, since it may have happened; what a person was
 * asked, a child or a read is asked, started or read anew.
 */
function reopen(call: Call, edited: (callId: string, text: string) => string): Call {
  if (isSettled(call)) return call.result === null ? call : { ...call, result: { ...call.result, text: edited(call.callId, call.result.text) } };
  const mayHaveHappened = call.phase === 'intended' && call.intent?.event.sideEffect !== 'read';
  if (mayHaveHappened || call.phase === 'unknown' || call.question?.asked.kind === 'outcome') return { ...call, phase: 'unknown', question: null };
  return { ...call, phase: 'asked', tries: 0, question: null, intent: null, child: null };
}

/** The data of an edited result would still say what the text no longer does. */
function withText({ callId, tool }: RunState['results'][number], text: string): RunState['results'][number] {
  return { callId, tool, text };
}
