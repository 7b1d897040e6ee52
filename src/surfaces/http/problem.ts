/**
 * Errors as `application/problem+json` (RFC 9457): code, title, what happened, the next step, a correlation id, never internals.
 */
import type { AppError } from '../../kernel/errors.ts';
import { ERROR_CODES, toAppError } from '../../kernel/errors.ts';

export type Problem = {
  /** Stable and readable: `/errors/not_found`. */
  type: string;
  title: string;
  status: number;
  code: string;
  detail: string;
  next: string;
  faults?: AppError['faults'];
  retryAfterMs?: number;
  correlationId: string;
};

/** Where an error names no step of its own. */
const NEXT = {
  never: 'Change the request by what is said here.',
  backoff: 'Try again in a while.',
  after: 'Wait, then try again.',
  operator: 'Give the correlation id to whoever runs this server.',
} as const;

/** A stranger sees the message only of codes that are exposed; the rest is in the log under the correlation id. */
export function problemOf(thrown: unknown, correlationId: string): Problem {
  const error = toAppError(thrown);
  const rule = ERROR_CODES[error.code];
  const detail = rule.exposed ? error.message : 'Something went wrong on our side. The log has it under the correlation id.';
  return {
    type: `/errors/${error.code}`,
    title: rule.title,
    status: rule.http,
    code: error.code,
    detail,
    next: (rule.exposed ? error.next : undefined) ?? NEXT[rule.exposed ? rule.retry : 'operator'],
    ...(error.faults.length > 0 && rule.exposed ? { faults: error.faults } : {}),
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    correlationId,
  };
}

export function problemResponse(problem: Problem, headers: Readonly<Record<string, string>> = {}): Response {
  const retry = problem.retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(problem.retryAfterMs / 1000)) };
  const challenge = problem.status === 401 ? { 'www-authenticate': 'Bearer realm="windlass"' } : {};
  return Response.json(problem, {
    status: problem.status,
    headers: { 'content-type': 'application/problem+json', ...retry, ...challenge, ...headers },
  });
}
