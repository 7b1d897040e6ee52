/**
 * Long results: shown cut to the model, with a note how to read on, and read on by a tool of the core's own, which needs nothing but
 * the state (spec HAR-4). Not a tool of the registry.
 */
import type { ToolResultPart } from '../../kernel/messages.ts';
import type { ToolManifestEntry } from '../../kernel/plan.ts';
import type { Call, RunState } from './state.ts';

/** Characters of one reading. */
const READ_CHARS = 16_000;

export const RESULT_READ: ToolManifestEntry = {
  name: 'result_read',
  description: 'Reads on in the result of an earlier tool call that was cut or left out.',
  inputSchema: {
    type: 'object',
    properties: {
      callId: { type: 'string', description: 'The call whose result to read.' },
      offset: { type: 'integer', minimum: 0, description: 'Character to begin at.' },
    },
    required: ['callId'],
    additionalProperties: false,
  },
  kind: 'call',
  sideEffect: 'read',
  taints: [],
  recovery: 'none',
  timeoutMs: 1_000,
  settleMs: 0,
  shownChars: 20_000,
};

/** A part of an earlier result with a note where it goes on, or why there is none. */
export function readResult(state: RunState, call: Call): { ok: true; text: string } | { ok: false; message: string } {
  const { callId, offset } = call.args;
  const start = typeof offset === 'number' ? offset : 0;
  const found = state.results.find((result) => result.callId === callId);
  if (found === undefined) return { ok: false, message: `There is no result of a call ${JSON.stringify(callId)} in this run.` };
  if (start >= found.text.length) {
    return { ok: false, message: `That result has ${found.text.length} characters; there is nothing from ${start} on.` };
  }
  return { ok: true, text: slice(found, start, READ_CHARS) };
}

/** What the model is shown of a result. */
export function shownText(part: Pick<ToolResultPart, 'callId' | 'text'>, shownChars: number): string {
  return part.text.length <= shownChars ? part.text : slice(part, 0, shownChars);
}

export function referenceText(part: ToolResultPart): string {
  return `[Result left out to save room: ${part.text.length} characters. Read it with result_read(${JSON.stringify({ callId: part.callId, offset: 0 })}).]`;
}

function slice(result: { callId: string; text: string }, start: number, length: number): string {
  const { callId, text } = result;
  let end = Math.min(text.length, start + length);
  // Never between the halves of a surrogate pair: providers refuse lone ones.
  if (end < text.length && /[\uD800-\uDBFF]/.test(text.charAt(end - 1))) end -= 1;
  if (end === text.length) return text.slice(start);
  return `${text.slice(start, end)}\n[Characters ${start} to ${end} of ${text.length}. Read on with result_read(${JSON.stringify({ callId, offset: end })}).]`;
}
