/**
 * The request log (spec STO-5): who asked what, and how it ended, found by correlation id for 7 days. Written in batches behind the
 * answers; what cannot be written is dropped and counted, never waited for. Not an audit log: that is the journal.
 */
import type { Clock } from '../../kernel/clock.ts';
import { isoTime } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { parseId } from '../../kernel/ids.ts';
import type { Handlers } from '../../kernel/operation.ts';
import { decodeCursor, encodeCursor } from '../../kernel/page.ts';
import type { Database } from '../../storage/database.ts';
import type { RetentionClass } from '../../storage/retention.ts';
import type { Principal } from '../identity/principal.ts';
import type { telemetryOperations } from './contract.ts';
import type { Log } from './log.ts';
import type { LoggedRequest } from './store.ts';
import * as store from './store.ts';

export type RequestLog = {
  /** Never waits and never throws. */
  record(request: LoggedRequest): void;
  handlers: Handlers<Principal, typeof telemetryOperations>;
  retention: RetentionClass;
  /** Requests that could not be written since the start. */
  dropped(): number;
  /** Writes what is left. */
  close(): Promise<void>;
};

/** How long a request may wait to be written, how many are written at once, and how many may wait. */
export const FLUSH_MS = 500;
export const BATCH_MAX = 500;
const WAITING_MAX = 5_000;
const KEPT_DAYS = 7;
const PATH_CHARS = 300;

export function createRequestLog(deps: { db: Database; clock: Clock; log: Log }): RequestLog {
  const { db, clock } = deps;
  const waiting: store.RequestRow[] = [];
  let dropped = 0;
  let writing: Promise<void> | null = null;
  const over = new AbortController();

  const flush = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, BATCH_MAX);
      try {
        await store.insertRequests(db, batch);
      } catch (error) {
        dropped += batch.length; // what waits for a database that is away would grow without end
        deps.log('warn', `${batch.length} requests could not be written to the request log`, { error });
      }
    }
  };
  const soon = async (): Promise<void> => {
    await clock.sleep(FLUSH_MS, over.signal);
    await flush();
    writing = null;
  };
  return {
    record({ path, ...request }) {
      if (waiting.length >= WAITING_MAX) {
        dropped += 1;
        return;
      }
      waiting.push({ ...request, path: path.slice(0, PATH_CHARS).toWellFormed().replaceAll('\0', ''), at: isoTime(clock.nowMs()) });
      writing ??= soon();
    },
    handlers: {
      async requests({ principal: { org } }, { correlationId, limit, cursor }) {
        const correlation = parseId('cor', correlationId);
        const found = await db.asOrg(org, (tx) => store.selectRequests(tx, org, { correlation, after: afterOf(cursor), limit: limit + 1 }));
        const rows = found.rows.slice(0, limit);
        const last = rows.at(-1);
        const next = found.rows.length > limit && last !== undefined ? encodeCursor([last.id]) : null;
        return { items: rows.map(({ id: _id, ...view }) => view), shown: rows.length, total: { kind: 'exact', value: found.total }, next };
      },
    },
    retention: { name: 'request_log', defaultDays: KEPT_DAYS, deleteBatch: (olderThanMs, limit) => store.pruneRequests(db, olderThanMs, limit) },
    dropped: () => dropped,
    async close() {
      over.abort();
      await writing;
      await flush();
    },
  };
}

function afterOf(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  const [id] = decodeCursor(cursor) ?? [];
  if (typeof id === 'number' && Number.isSafeInteger(id)) return id;
  throw new AppError('invalid_input', 'This cursor is not one of ours.', { next: 'Use `next` of the page before, or none.' });
}
