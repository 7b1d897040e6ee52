/**
 * Signs that going on is of no use, read from the tool calls of a coding CLI (spec LCH-7): the same error from different attempts, the same
 * call over and over, too long on one problem. Pure; the hook that asks keeps the calls.
 */
import { z } from 'zod';
import type { EscalationForm } from '../../kernel/stop-rules.ts';
import { STOP_LIMITS } from '../../kernel/stop-rules.ts';

export const Attempt = z.object({
  atMs: z.int(),
  /** Digest of tool and arguments. */
  call: z.string(),
  /** Tool and arguments, cut to a line. */
  what: z.string(),
  /** Digest of what came back. */
  result: z.string(),
  /** Null for a success. */
  error: z.string().nullable(),
  /** Whether it wrote a file. */
  edit: z.boolean(),
});
export type Attempt = z.infer<typeof Attempt>;

const TRIED_MAX = 5;
const KEY_CHARS = 300;
/** An error that says less than this is no sign of anything: `grep` that finds nothing. */
const WORDS_MIN = 2;

/** The form to stop with; null when nothing speaks for stopping. Looks only at what ends with the last attempt. */
export function shouldStop(attempts: readonly Attempt[]): EscalationForm | null {
  return sameError(attempts) ?? sameCall(attempts) ?? tooLong(attempts);
}

/** One meaning of an error whatever numbers, ids and addresses it names; null when it says nothing. */
export function errorKey(error: string | null): string | null {
  if (error === null) return null;
  const key = error
    .toLowerCase()
    .replaceAll(/\b0x[0-9a-f]+\b|[0-9a-f]{8,}|\d+/g, '#')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(-KEY_CHARS);
  const words = key.replace(/\b(?:error:?|exit(?:ed)?(?: with)? (?:code|status):?|command failed:?)/g, '').match(/[a-z]{2,}/g) ?? [];
  return words.length < WORDS_MIN ? null : key;
}

function sinceItWorked(attempts: readonly Attempt[], call: string): readonly Attempt[] {
  return attempts.slice(attempts.findLastIndex((each) => each.call === call && each.error === null) + 1);
}

function withLastError(attempts: readonly Attempt[]): { last: Attempt; same: readonly Attempt[] } | null {
  const last = attempts.at(-1);
  const key = errorKey(last?.error ?? null);
  if (last === undefined || key === null) return null;
  return { last, same: sinceItWorked(attempts, last.call).filter(({ error }) => errorKey(error) === key) };
}

function sameError(attempts: readonly Attempt[]): EscalationForm | null {
  const found = withLastError(attempts);
  if (found === null || found.same.length < STOP_LIMITS.sameErrors) return null;
  return form(
    `the same error came back ${found.same.length} times: ${oneLine(found.last.error ?? '')}`,
    found.same,
    'a decision: how to go on when this fails',
  );
}

function sameCall(attempts: readonly Attempt[]): EscalationForm | null {
  const recent = attempts.slice(-STOP_LIMITS.sameCalls);
  const [first] = recent;
  if (first === undefined || recent.length < STOP_LIMITS.sameCalls) return null;
  if (!recent.every(({ call, result }) => call === first.call && result === first.result)) return null;
  return form(`the same call was made ${recent.length} times in a row with the same result: ${first.what}`, recent, 'a decision: what to do instead');
}

function tooLong(attempts: readonly Attempt[]): EscalationForm | null {
  const found = withLastError(attempts);
  const [first] = found?.same ?? [];
  if (found === null || first === undefined || found.same.length < 2 || found.last.atMs - first.atMs < STOP_LIMITS.blockedMs) return null;
  const minutes = Math.round((found.last.atMs - first.atMs) / 60_000);
  return form(
    `${minutes} minutes have gone into one problem: ${oneLine(found.last.error ?? '')}`,
    found.same,
    'a decision, a credential or an environment that ends this error',
  );
}

function form(blocked: string, tried: readonly Attempt[], need: string): EscalationForm {
  const shown = tried.slice(-TRIED_MAX).map(({ what, error }) => (error === null ? what : `${what} → ${oneLine(error)}`));
  const more = tried.length > TRIED_MAX ? `${tried.length - TRIED_MAX} more before; ` : '';
  return { blocked, tried: more + shown.join('; '), need };
}

const LINE_CHARS = 160;

/** The last line says most of an error's text. */
function oneLine(text: string): string {
  const line = text.trim().split('\n').at(-1)?.replaceAll(/\s+/g, ' ').trim() ?? '';
  return line.length > LINE_CHARS ? `${line.slice(0, LINE_CHARS - 1)}…` : line;
}
