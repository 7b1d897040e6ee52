/**
 * What a failed statement means: away for a while, or a fault of the statement. The one place that reads SQLSTATE.
 * Faults of statements (a violated constraint, wrong SQL) pass through as they are, for the caller's rule to judge.
 */
import { DatabaseError } from 'pg';
import { AppError } from '../kernel/errors.ts';

/** The cause of an `unavailable` from this file. */
type StorageFault = { readonly kind: 'storage_fault'; readonly commitUnknown: boolean; readonly cause: unknown };

/** SQLSTATE classes and codes that the same call may get past later. Others are the statement's own fault. */
const TRANSIENT: readonly (readonly [RegExp, string, string])[] = [
  [/^40(001|P01)$/, 'The transaction collided with another one.', 'Try again.'],
  [/^57014$/, 'The statement ran into its time limit.', 'Try again; when it happens again, ask for less at once.'],
  [/^55P03$/, 'Another transaction held a lock for too long.', 'Try again.'],
  [/^53100$/, 'The disk of the database is full; nothing was stored.', 'Free some space on the disk of the database; Windlass goes on by itself.'],
  [/^53/, 'The database has no room for another connection or for its work.', 'Try again, or raise the limits of the database.'],
  [/^25006$/, 'The database accepts no writes at the moment.', 'Wait for the end of its maintenance, or point DATABASE_URL at the primary.'],
  [/^(57P0|08|58030)/, 'The database ended the connection.', 'Try again; Windlass reconnects by itself.'],
];

/**
 * An `unavailable` for what passes by itself, otherwise the error unchanged. `committing` says that the failed call
 * carried the commit: when its answer was lost, so is the knowledge whether it counted.
 */
export function mapDatabaseError(error: unknown, committing: boolean): unknown {
  if (error instanceof AppError) return error;
  if (error instanceof DatabaseError && error.code !== undefined) {
    const code = error.code;
    const row = TRANSIENT.find(([pattern]) => pattern.test(code));
    if (row === undefined) return error;
    // An ERROR is an answer: rolled back. FATAL and PANIC end the connection without one.
    return unavailable(row[1], { next: row[2], commitUnknown: committing && error.severity !== 'ERROR', cause: error });
  }
  if (!(error instanceof Error)) return error;
  const code = 'code' in error ? String(error.code) : '';
  if (/timeout exceeded when trying to connect/.test(error.message)) {
    return unavailable('No connection to the database became free in time.', {
      next: 'Try again; when it lasts, the database or the pool is overloaded.',
      commitUnknown: false,
      cause: error,
    });
  }
  if (!/^(E[A-Z]+|)$/.test(code) || !(code !== '' || /connection|terminated|timeout|not queryable|pool after calling end/i.test(error.message)))
    return error;
  return unavailable('The database cannot be reached.', {
    next: 'Check that it runs; Windlass reconnects by itself.',
    commitUnknown: committing,
    cause: error,
  });
}

/** True when the connection was lost during the commit: read back what was written before writing it again. */
export function isCommitUnknown(error: unknown): boolean {
  return error instanceof AppError && isStorageFault(error.cause) && error.cause.commitUnknown;
}

/** True for a violated unique constraint or index, of that name when one is given. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  return error instanceof DatabaseError && error.code === '23505' && (constraint === undefined || error.constraint === constraint);
}

/**
 * True for a value that PostgreSQL cannot hold: NUL in a text, a number beyond its type, a key longer than an index takes. At an edge that
 * is the input's fault, when the contract let it through.
 */
export function isUnstorable(error: unknown): boolean {
  return error instanceof DatabaseError && /^(22021|22003|22008|22P05|54000)$/.test(error.code ?? '');
}

function unavailable(message: string, detail: { next: string; commitUnknown: boolean; cause: unknown }): AppError {
  const cause: StorageFault = { kind: 'storage_fault', commitUnknown: detail.commitUnknown, cause: detail.cause };
  return new AppError('unavailable', message, { next: detail.next, cause });
}

function isStorageFault(cause: unknown): cause is StorageFault {
  return typeof cause === 'object' && cause !== null && 'kind' in cause && cause.kind === 'storage_fault';
}
