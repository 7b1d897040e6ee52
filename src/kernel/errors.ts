/**
 * The one error type and the one table of codes. Every surface translates from here, none invents a status.
 * A tool's or a model's failure is a value handed back to the loop, not one of these.
 */

type ErrorClass = {
  /** RFC 9110 status for HTTP. */
  http: number;
  /** JSON-RPC 2.0 error number for MCP. */
  rpc: number;
  /** CLI exit status (design: 1 failed, 2 usage, 3 not found, 4 denied or budget, 5 out of reach). */
  exit: 1 | 2 | 3 | 4 | 5;
  /** Whether the same call may succeed later: never, after a backoff, after a stated time, after an operator acted. */
  retry: 'never' | 'backoff' | 'after' | 'operator';
  /** Whether a stranger may see the message; otherwise only the title and the correlation id leave. */
  exposed: boolean;
  title: string;
};

export const ERROR_CODES = {
  invalid_input: { http: 400, rpc: -32602, exit: 2, retry: 'never', exposed: true, title: 'The input is not valid' },
  unauthenticated: { http: 401, rpc: -32001, exit: 4, retry: 'never', exposed: true, title: 'No valid key' },
  budget_exhausted: { http: 402, rpc: -32010, exit: 4, retry: 'after', exposed: true, title: 'The budget is used up' },
  denied: { http: 403, rpc: -32003, exit: 4, retry: 'never', exposed: true, title: 'Not allowed' },
  not_found: { http: 404, rpc: -32004, exit: 3, retry: 'never', exposed: true, title: 'Not found' },
  conflict: { http: 409, rpc: -32009, exit: 1, retry: 'never', exposed: true, title: 'In conflict with what is stored' },
  idempotency_mismatch: { http: 422, rpc: -32011, exit: 2, retry: 'never', exposed: true, title: 'The idempotency key belongs to another request' },
  idempotency_in_flight: {
    http: 409,
    rpc: -32012,
    exit: 1,
    retry: 'backoff',
    exposed: true,
    title: 'The first request with this idempotency key is still running',
  },
  precondition_failed: { http: 412, rpc: -32013, exit: 1, retry: 'never', exposed: true, title: 'It has changed since you read it' },
  too_large: { http: 413, rpc: -32014, exit: 2, retry: 'never', exposed: true, title: 'Too large' },
  unsupported: { http: 415, rpc: -32015, exit: 2, retry: 'never', exposed: true, title: 'Not supported' },
  misdirected: { http: 421, rpc: -32016, exit: 4, retry: 'never', exposed: true, title: 'This host name is not served here' },
  rate_limited: { http: 429, rpc: -32017, exit: 1, retry: 'after', exposed: true, title: 'Too many requests' },
  agent_halted: { http: 409, rpc: -32018, exit: 1, retry: 'operator', exposed: true, title: 'The agent is not accepting runs' },
  unavailable: { http: 503, rpc: -32019, exit: 5, retry: 'backoff', exposed: true, title: 'Not available at the moment' },
  configuration: { http: 500, rpc: -32020, exit: 2, retry: 'operator', exposed: false, title: 'The configuration is not valid' },
  stale_lease: { http: 409, rpc: -32021, exit: 1, retry: 'never', exposed: false, title: 'Another worker holds this run' },
  internal: { http: 500, rpc: -32603, exit: 1, retry: 'never', exposed: false, title: 'An internal fault' },
} as const satisfies Record<string, ErrorClass>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** One fault of many, placed: `path` as in `limits.turns`, `line` 1-based where the source is a file. */
export type Fault = { path: string; message: string; line?: number };

export type ErrorDetail = {
  /** What to do next, one sentence. */
  next?: string;
  /** All faults found at once, when there is more than one place to mend. */
  faults?: readonly Fault[];
  /** With retry `after`: milliseconds to wait. */
  retryAfterMs?: number;
  cause?: unknown;
};

/** What happened and why in `message`, the next step in `next`. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly next: string | undefined;
  readonly faults: readonly Fault[];
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = 'AppError';
    this.code = code;
    this.next = detail.next;
    this.faults = detail.faults ?? [];
    this.retryAfterMs = detail.retryAfterMs;
  }
}

/** Any thrown value as an AppError; what is not one becomes `internal` with its cause kept for the log. */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  return new AppError('internal', thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown });
}

/** A broken invariant: a fault of ours, never of the caller. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AppError('internal', `Broken invariant: ${message}`);
}

/** For the default of an exhaustive switch. */
export function unreachable(value: never): never {
  throw new AppError('internal', `Broken invariant: unexpected ${JSON.stringify(value)}`);
}
