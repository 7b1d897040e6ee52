/**
 * Structured logs: one JSON object a line, scrubbed of known secrets before anything leaves.
 * Not the record of what agents do: that is the journal.
 */
import type { Clock } from '../../kernel/clock.ts';
import { isoTime } from '../../kernel/clock.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export type Log = (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>) => void;

/** `scrub` replaces secret values in the finished line; `write` takes one line without its end. */
export function createLog(deps: { clock: Clock; level: LogLevel; scrub: (line: string) => string; write: (line: string) => void }): Log {
  const least = LOG_LEVELS.indexOf(deps.level);
  return (level, message, fields = {}) => {
    if (LOG_LEVELS.indexOf(level) < least) return;
    const shown = Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, value instanceof Error ? describeError(value) : value]));
    deps.write(deps.scrub(JSON.stringify({ at: isoTime(deps.clock.nowMs()), level, message, ...shown })));
  };
}

function describeError(error: Error): Record<string, unknown> {
  const code = 'code' in error ? { code: error.code } : {};
  const cause = error.cause instanceof Error ? { cause: error.cause.message } : {};
  return {
    message: error.message,
    ...code,
    ...cause,
    stack: error.stack
      ?.split('\n')
      .slice(1, 6)
      .map((line) => line.trim()),
  };
}
