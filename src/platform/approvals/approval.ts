/**
 * Approvals, pure: what an answer may be, who may give it, what led to the question. What an answer means for the run is
 * decided by the run's own rules (`runtime/runs`).
 */
import type { Json } from '../../kernel/canonical-json.ts';
import { AppError } from '../../kernel/errors.ts';
import type { By, Entry, EventOf, Trigger } from '../../kernel/events.ts';
import type { Principal } from '../identity/principal.ts';

export type ApprovalKind = EventOf<'approval.asked'>['kind'];
export type AnswerWord = EventOf<'approval.answered'>['answer'];
export type ApprovalState = 'open' | 'answered' | 'expired' | 'withdrawn';

export type Answer = { answer: AnswerWord; text: string; args?: { readonly [name: string]: Json } | undefined };

const ANSWERS: Record<ApprovalKind, readonly AnswerWord[]> = {
  approval: ['approve', 'edit', 'deny'],
  input: ['answer', 'deny'],
  outcome: ['done', 'not_done'],
};

/** @throws AppError `invalid_input` for an answer that is none to this kind of question, or lacks what it needs. */
export function refuseMalformed(kind: ApprovalKind, answer: Answer): void {
  const fail = (message: string, next: string): never => {
    throw new AppError('invalid_input', message, { next });
  };
  if (!ANSWERS[kind].includes(answer.answer)) fail(`"${answer.answer}" does not answer this question.`, `Answer with ${ANSWERS[kind].join(', ')}.`);
  if (answer.answer === 'edit' && answer.args === undefined) fail('An approval with edits needs the edited arguments.', 'Send them whole as args.');
  if (answer.answer !== 'edit' && answer.args !== undefined)
    fail('Only an approval with edits has arguments.', 'Answer with edit, or leave args out.');
  if (answer.answer === 'deny' && answer.text.trim() === '') fail('A refusal needs its reason: the agent is told.', 'Send it as text.');
  if (answer.answer === 'answer' && answer.text.trim() === '') fail('The answer is empty.', 'Send it as text.');
}

/** Where the run tree came from: its first run's person, key and trigger, and the tier of the run that asks. */
export type Cause = { by: By; trigger: Trigger; tier: 1 | 2 | 3 };

/**
 * Null when this caller may answer, else why not. An answer is a person's: no agent, coding CLI or other program gives one, so
 * nothing within a run tree can. A person may confirm what an agent of theirs asks for, save at tier 1, where somebody else
 * must; and the key that a program used to start the run, or that speaks through MCP, never answers for that run.
 * See docs/decisions/2026-11-21-who-answers-an-approval.md.
 */
export function whyNotAnswer(
  who: Pick<Principal, 'actor' | 'kind' | 'fingerprint'>,
  asked: { kind: ApprovalKind; cause: Cause; surface: 'http' | 'mcp' },
): string | null {
  const { cause, surface, kind } = asked;
  if (who.kind !== 'user') return "an answer is a person's, and this key belongs to a program";
  const started = cause.by.key === who.fingerprint;
  if (started && (cause.trigger !== 'manual' || surface === 'mcp')) return 'this key started the run';
  if (surface === 'mcp' && cause.tier !== 3) return `questions of a tier ${cause.tier} agent are not answered through MCP`;
  if (kind === 'approval' && cause.tier === 1 && cause.by.actor === who.actor) return 'whoever started a tier 1 run does not approve what it does';
  return null;
}

const STORY_LINES = 12;
const LINE_CHARS = 300;

/** What led to the question, latest last: what was wanted, what the model said, what its tools answered. */
export function storyOf(entries: readonly Entry[]): { seq: number; what: string }[] {
  const lines = entries.flatMap(({ seq, event }) => {
    const what = event === null ? 'a deleted entry' : lineOf(event);
    return what === null ? [] : [{ seq, what: shortened(what) }];
  });
  const first = lines[0];
  const latest = lines.slice(-STORY_LINES);
  return first === undefined || latest.includes(first) ? latest : [first, ...latest.slice(1)];
}

function lineOf(event: NonNullable<Entry['event']>): string | null {
  switch (event.type) {
    case 'run.queued':
      return `${event.by.name} started it (${event.trigger}) with ${JSON.stringify(event.input)}`;
    case 'model.replied': {
      const text = event.content.flatMap((part) => (part.type === 'text' ? [part.text] : part.type === 'tool_call' ? [`[calls ${part.tool}]`] : []));
      return text.length === 0 ? null : `${event.rehearsed ? 'rehearsed: ' : ''}${text.join(' ')}`;
    }
    case 'tool.done':
      return `${event.tool}: ${event.text}`;
    case 'tool.failed':
      return `${event.tool} failed: ${event.message}`;
    case 'tool.denied':
      return `${event.tool} was denied: ${event.reason}`;
    case 'tool.outcome_unknown':
      return `${event.tool}: outcome unknown, ${event.why}`;
    case 'approval.answered':
      return `${event.by.name} answered ${event.answer}${event.text === '' ? '' : `: ${event.text}`}`;
    case 'note':
      return `${event.by.name} noted: ${event.text}`;
    default:
      return null;
  }
}

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > LINE_CHARS ? `${line.slice(0, LINE_CHARS)}…` : line;
}
