/**
 * Transactions under a role, and wake-ups. Every statement of Windlass goes through here, except migrations.
 * Each transaction names whose eyes it has: an organization's, a worker's, or the identity check's; there is no way
 * to run a statement with none (spec STO-2). Opening one costs no round trip of its own: it travels with the first statement.
 */
import { Pool } from 'pg';
import type { PoolClient, QueryResultRow } from 'pg';
import type { Clock } from '../kernel/clock.ts';
import { invariant } from '../kernel/errors.ts';
import type { OrgId } from '../kernel/ids.ts';
import { mapDatabaseError } from './database-errors.ts';
import { createListener } from './database-listener.ts';
import type { Listener } from './database-listener.ts';
import { typeParsers } from './database-types.ts';

/** `prepared`: each connection reads and plans it once. For texts that are always the same, and worth it: often asked, or long. */
export type How = { prepared: true };
export const PREPARED: How = { prepared: true };

export type Sql = {
  /** Rows of one statement; `values` fill $1, $2, … Calls made without awaiting travel together and run in order. */
  query<T extends object>(text: string, values?: readonly unknown[], how?: How): Promise<T[]>;
};
export type Tx = Sql & {
  /** The transaction's final statement, sent together with the commit: one round trip less. Resolves once committed. */
  last<T extends object>(text: string, values?: readonly unknown[], how?: How): Promise<T[]>;
};
export type Health = { readonly serverVersion: string; readonly roundTripMs: number };

/**
 * Errors of all calls: `unavailable` (retry after a backoff) when the database is away, overloaded, or the transaction
 * collided with another; a violated constraint passes through (both told apart in database-errors.ts). A transaction inside another one's
 * work takes a second connection and can wait for the first forever: hand the `tx` down instead.
 */
export type Database = {
  /** One transaction that sees and writes one organization only (role windlass_app, row-level security). */
  asOrg<T>(org: OrgId, work: (tx: Tx) => Promise<T>): Promise<T>;
  /** One transaction over all organizations, for the tables that name role windlass_worker in a policy. */
  asWorker<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** One transaction that may resolve a key to its organization and make organizations (role windlass_identity). */
  asIdentity<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /**
   * Calls `onPayload` for each notification, and `onGap` after every connection, the first included: what was
   * notified before it may be lost, so read by cursor then. Never rejects; connects by itself for as long as it takes.
   */
  listen(channel: string, onPayload: (payload: string) => void, onGap: () => void): Promise<{ close(): Promise<void> }>;
  /** Wakes listeners. Outside transactions, because PostgreSQL serialises commits that notify. */
  notify(channel: string, payload: string): Promise<void>;
  /** @throws AppError `unavailable` */
  health(): Promise<Health>;
  close(): Promise<void>;
};
export type DatabaseOptions = {
  /** PostgreSQL connection URL of a login that is a member of Windlass's roles. */
  url: string;
  /** For LISTEN, where `url` goes through a pooler. */
  directUrl?: string;
  applicationName: string;
  poolSize: number;
  clock: Clock;
};

export const STATEMENT_TIMEOUT_MS = 30_000;
/** A frozen server or a dead network gives no answer at all; then the connection is given up. */
const ANSWER_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 5_000;
const CONNECT_TIMEOUT_MS = 5_000;
const IDLE_CONNECTION_MS = 60_000;
const IDLE_TRANSACTION_TIMEOUT_MS = 60_000;
const KEEP_ALIVE_MS = 10_000;
/** PostgreSQL's own limit is 7999 bytes. */
export const NOTIFY_PAYLOAD_MAX_BYTES = 7_900;

type Role = 'windlass_app' | 'windlass_worker' | 'windlass_identity';
/** Outside a transaction a connection is windlass_app without an organization: it sees no row of any tenant. */
const ON_CONNECT = `set role windlass_app; set statement_timeout = ${STATEMENT_TIMEOUT_MS}; set idle_in_transaction_session_timeout = ${IDLE_TRANSACTION_TIMEOUT_MS}`;
const BEGIN = {
  windlass_app: 'begin; set local role windlass_app',
  windlass_worker: 'begin; set local role windlass_worker',
  windlass_identity: 'begin; set local role windlass_identity',
} as const satisfies Record<Role, string>;
const SET_ORG = "select set_config('windlass.org', $1, true)";

export function createDatabase(options: DatabaseOptions): Database {
  const pool = new Pool({
    connectionString: options.url,
    application_name: options.applicationName,
    max: options.poolSize,
    pipeline: true,
    types: typeParsers,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_CONNECTION_MS,
    query_timeout: ANSWER_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    // the pool awaits what this returns, though its type says void
    onConnect: (client): void => client.query(ON_CONNECT) as never,
  });
  pool.on('error', () => {}); // an idle connection was lost: the pool has dropped it, the next call makes another
  // a connection that is lost while it is out, between two statements: the next statement on it fails
  pool.on('connect', (client) => client.on('error', () => {}));
  let listener: Listener | null = null;
  // behind a pooler the next statement may find another connection, which knows nothing of it
  const nameOf = options.directUrl === undefined ? createNames() : null;

  const connect = async (): Promise<PoolClient> => {
    try {
      return await pool.connect();
    } catch (error) {
      throw mapDatabaseError(error, false); // nothing was sent yet
    }
  };
  const alone = async <T extends object>(text: string, values: readonly unknown[]): Promise<T[]> => {
    const client = await connect();
    try {
      const { rows } = await client.query<T & QueryResultRow>(text, [...values]);
      client.release();
      return rows;
    } catch (error) {
      client.release(true);
      throw mapDatabaseError(error, false);
    }
  };

  return {
    asOrg: async (org, work) => transact(await connect(), { role: 'windlass_app', org, nameOf }, work),
    asWorker: async (work) => transact(await connect(), { role: 'windlass_worker', org: null, nameOf }, work),
    asIdentity: async (work) => transact(await connect(), { role: 'windlass_identity', org: null, nameOf }, work),
    listen(channel, onPayload, onGap) {
      listener ??= createListener({ url: options.directUrl ?? options.url, applicationName: options.applicationName, clock: options.clock });
      return listener.listen({ channel, onPayload, onGap });
    },
    async notify(channel, payload) {
      invariant(Buffer.byteLength(payload) <= NOTIFY_PAYLOAD_MAX_BYTES, `a notification holds at most ${NOTIFY_PAYLOAD_MAX_BYTES} bytes`);
      await alone('select pg_notify($1, $2)', [channel, payload]);
    },
    async health() {
      const before = options.clock.nowMs();
      const [row] = await alone<{ server_version: string }>('show server_version', []);
      return { serverVersion: row?.server_version ?? '', roundTripMs: options.clock.nowMs() - before };
    },
    async close() {
      await listener?.close();
      await pool.end();
    },
  };
}

/** Of prepared statements: the same text has the same name. */
function createNames(): (text: string) => string {
  const names = new Map<string, string>();
  return (text) => {
    const known = names.get(text);
    if (known !== undefined) return known;
    invariant(names.size < PREPARED_MAX, 'statements that are prepared are always the same');
    const name = `windlass_${names.size + 1}`;
    names.set(text, name);
    return name;
  };
}
const PREPARED_MAX = 500;

type Scope = { role: Role; org: OrgId | null; nameOf: ((text: string) => string) | null };

async function transact<T>(client: PoolClient, scope: Scope, work: (tx: Tx) => Promise<T>): Promise<T> {
  let committed: Promise<void> | null = null;
  let fault: unknown = null;
  const send = async <R extends object>(text: string, values?: readonly unknown[], how?: How): Promise<R[]> => {
    try {
      const name = how === undefined ? undefined : scope.nameOf?.(text);
      const config = { text, ...(name === undefined ? {} : { name }), ...(values === undefined ? {} : { values: [...values] }) };
      const { rows } = await client.query<R & QueryResultRow>(config);
      return rows;
    } catch (error) {
      // a statement that travelled with a failed one only says that the transaction is aborted
      fault ??= error;
      throw fault;
    }
  };
  const commit = (): Promise<void> => (committed ??= sendCommit(client));
  const tx: Tx = {
    async query(text, values, how) {
      invariant(committed === null, 'no statement follows the last one of a transaction');
      try {
        return await send(text, values, how);
      } catch (error) {
        throw mapDatabaseError(error, false);
      }
    },
    async last(text, values, how) {
      invariant(committed === null, 'no statement follows the last one of a transaction');
      const rows = send(text, values, how);
      const [answer, end] = await Promise.allSettled([rows, commit()]);
      if (answer.status === 'rejected') throw mapDatabaseError(answer.reason, true);
      if (end.status === 'rejected') throw end.reason;
      return answer.value as never;
    },
  };
  // Not awaited before the work: a failure here aborts the transaction, so every statement behind it fails as well.
  const opened = [send(BEGIN[scope.role]), ...(scope.org === null ? [] : [send(SET_ORG, [scope.org], PREPARED)])];
  const opening = Promise.all(opened);
  opening.catch(() => {}); // awaited below, after the work
  try {
    const result = await work(tx);
    await opening;
    await commit();
    return result;
  } catch (error) {
    // when the opening failed, that is the reason, and what the work saw is its consequence
    const reason = await opening.then(
      () => error,
      (cause: unknown) => cause,
    );
    if (committed === null) await client.query('rollback').catch(() => {}); // a lost connection has rolled back
    throw mapDatabaseError(reason, false);
  } finally {
    client.release(client.getTransactionStatus() !== 'I'); // the pool itself finds out about a lost one
  }
}

async function sendCommit(client: PoolClient): Promise<void> {
  let command: string;
  try {
    ({ command } = await client.query('commit'));
  } catch (error) {
    throw mapDatabaseError(error, true);
  }
  // PostgreSQL answers the commit of a failed transaction with ROLLBACK and no error
  invariant(command === 'COMMIT', 'a statement failed and its error was swallowed, so the transaction was rolled back');
}
