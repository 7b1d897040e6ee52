/**
 * A recorded run as a rehearsal script (spec GTW-7): its model's replies by turn, nothing else. Reading only.
 */
import type { RunEvent } from '../../kernel/events.ts';
import { AppError } from '../../kernel/errors.ts';
import type { CassetteReply, Script } from './script.ts';

/** A run's journal, in order, as a script. The last reply of a turn counts. @throws AppError `invalid_input` when no model replied. */
export function cassetteFromEntries(entries: Iterable<{ readonly event: RunEvent | null }>): Extract<Script, { cassette: unknown }> {
  const replies = new Map<number, CassetteReply>();
  for (const { event } of entries) {
    if (event?.type !== 'model.replied') continue;
    replies.set(event.turn, { turn: event.turn, content: event.content, finish: event.finish, usage: event.usage });
  }
  if (replies.size === 0) {
    throw new AppError('invalid_input', 'This run has no reply of a model, so it makes no cassette.', {
      next: 'Record a run of an agent with a model.',
    });
  }
  return { cassette: [...replies.values()] };
}
