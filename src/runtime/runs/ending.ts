/**
 * How a run ends: one sentence a person understands, what was used, and for a halt an escalation of exactly three parts (spec RUN-7, HAR-8).
 */
import type { Escalation, EventOf } from '../../kernel/events.ts';
import type { Action } from './action.ts';
import { lastAssistantText, type RunState, type Spent } from './state.ts';
import { addUsage } from '../../kernel/messages.ts';

type Ending = Pick<EventOf<'run.ended'>, 'status' | 'reason'> & Partial<Pick<EventOf<'run.ended'>, 'answer' | 'output' | 'failure' | 'escalation'>>;

/** Ends with what the model said last as a partial answer, unless an answer is given. */
export function end(state: RunState, ending: Ending): Extract<Action, { do: 'end' }> {
  const final = ending.status === 'succeeded';
  const answer = ending.answer === undefined ? lastAssistantText(state) : ending.answer;
  return {
    do: 'end',
    ended: {
      type: 'run.ended',
      status: ending.status,
      reason: ending.reason,
      answer,
      ...(ending.output === undefined ? {} : { output: ending.output }),
      partial: !final && answer !== null,
      rehearsed: state.rehearsed,
      failure: ending.failure ?? null,
      escalation: ending.escalation ?? null,
      evidence: state.evidence.map((known) => known.evidence),
      // The run's own: its children have journals of their own, and a sum over runs must not count them twice.
      usage: state.own.usage,
      cost: { microUsd: state.own.costMicroUsd, known: state.own.costKnown },
    },
  };
}

/** The run with its ended children: what counts against its parent (`child.ended` is made of it). */
export function totalsOf(state: RunState): Spent {
  const { own, ofChildren } = state;
  return {
    turns: own.turns + ofChildren.turns,
    toolCalls: own.toolCalls + ofChildren.toolCalls,
    activeMs: own.activeMs + ofChildren.activeMs,
    usage: addUsage(own.usage, ofChildren.usage),
    costMicroUsd: own.costMicroUsd + ofChildren.costMicroUsd,
    costKnown: own.costKnown && ofChildren.costKnown,
  };
}

export function halt(state: RunState, escalation: Escalation, failure: EventOf<'run.ended'>['failure']): Extract<Action, { do: 'end' }> {
  return end(state, { status: 'halted', reason: escalation.blocked, failure, escalation });
}

const MAX_TRIED = 6;
const SHOWN_CHARS = 160;

/** What was tried, from the journal: each attempt with its arguments, its outcome and its entry. */
export function triedText(state: RunState, which: (attempt: RunState['attempts'][number]) => boolean): string {
  const attempts = state.attempts.filter(which);
  if (attempts.length === 0) return 'No tool call was made.';
  const lines = attempts.slice(-MAX_TRIED).map((attempt) => {
    const outcome = attempt.failure === null ? 'done' : `${attempt.failure.class}: ${cut(attempt.failure.message)}`;
    return `${attempt.tool} ${cut(JSON.stringify(attempt.args))} -> ${outcome} (entry ${attempt.seq})`;
  });
  const more = attempts.length - lines.length;
  return (more > 0 ? [`${more} earlier attempts`, ...lines] : lines).join('; ');
}

function cut(text: string): string {
  return text.length <= SHOWN_CHARS ? text : `${text.slice(0, SHOWN_CHARS)}…`;
}
