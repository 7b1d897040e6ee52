/** Errors as a person or a script reads them, and the exit code each ends with. */
import { ZodError } from 'zod';
import { AppError, ERROR_CODES, toAppError } from '../../kernel/errors.ts';
import type { Terminal } from './terminal.ts';

/** What shells make of Ctrl-C: 128 and the number of SIGINT. */
export const EXIT_INTERRUPTED = 130;

/** Prints what went wrong and answers the exit code. */
export function reportFailure(terminal: Terminal, thrown: unknown): number {
  if (thrown instanceof Error && thrown.name === 'AbortError') return EXIT_INTERRUPTED;
  const error = understood(thrown);
  if (terminal.json) {
    terminal.notice({ error: { code: error.code, message: error.message, next: error.next ?? null, faults: error.faults } });
  } else {
    terminal.err([['red', 'error: '], error.message]);
    for (const { path, message, line } of error.faults) terminal.err(`  ${placed(path, line)}: ${message}`);
    if (error.next !== undefined) terminal.err([['dim', '  next: '], error.next]);
  }
  return ERROR_CODES[error.code].exit;
}

/** `agents/digest.yaml limits.turns` with line 7 is `agents/digest.yaml:7 limits.turns`, which editors follow. */
function placed(path: string, line: number | undefined): string {
  if (line === undefined) return path;
  const [file = '', ...rest] = path.split(' ');
  return [`${file}:${line}`, ...rest].join(' ');
}

function understood(thrown: unknown): AppError {
  if (!(thrown instanceof ZodError)) return toAppError(thrown);
  const [issue] = thrown.issues;
  const where = issue === undefined ? '' : ` (${issue.path.join('.')}: ${issue.message})`;
  return new AppError('internal', `The server's answer has a form that this version does not know${where}.`, {
    next: 'Server and command line are of different versions: `windlass doctor` compares them.',
    cause: thrown,
  });
}
