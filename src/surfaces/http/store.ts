/** The SQL of the HTTP surface: first answers by idempotency key. */
import { isoTime } from '../../kernel/clock.ts';
import type { Database } from '../../storage/database.ts';
import type { RetentionClass } from '../../storage/retention.ts';
import type { OnceScope, OnceStore } from './idempotency.ts';
import { IN_FLIGHT_MS, KEPT_MS } from './idempotency.ts';

type Row = { request_hash: string; status: number | null; body: string | null; body_sha256: string | null };

/** Answers older than they are kept: the next request with their key is a first one again, whether or not they are gone. */
export function onceRetention(db: Database): RetentionClass {
  return {
    name: 'idempotency',
    defaultDays: KEPT_MS / DAY_MS,
    async deleteBatch(olderThanMs, limit) {
      const rows = await db.asWorker((tx) =>
        tx.last(
          `delete from http_once o using (select org_id, actor, endpoint, key from http_once where taken_at < $1 order by taken_at limit $2) old
           where (o.org_id, o.actor, o.endpoint, o.key) = (old.org_id, old.actor, old.endpoint, old.key) returning 1`,
          [isoTime(olderThanMs), limit],
        ),
      );
      return rows.length;
    },
  };
}

const DAY_MS = 86_400_000;

const place = (scope: OnceScope): string[] => [scope.org, scope.actor, scope.endpoint, scope.key];

export function createOnceStore(db: Database): OnceStore {
  return {
    take: (scope, requestHash) =>
      db.asOrg(scope.org, async (tx) => {
        // An expired row is taken over in the same statement, so that of many at once exactly one gets it.
        const taken = await tx.query(
          `insert into http_once as o (org_id, actor, endpoint, key, request_hash) values ($1, $2, $3, $4, $5)
           on conflict (org_id, actor, endpoint, key) do update
             set request_hash = excluded.request_hash, status = null, body = null, body_sha256 = null, taken_at = clock_now()
             where (o.status is null and o.taken_at < clock_now() - make_interval(secs => $6 / 1000.0))
                or o.taken_at < clock_now() - make_interval(secs => $7 / 1000.0)
           returning 1`,
          [...place(scope), requestHash, IN_FLIGHT_MS, KEPT_MS],
        );
        if (taken.length > 0) return { state: 'taken' };
        const [row] = await tx.query<Row>(
          'select request_hash, status, body, body_sha256 from http_once where org_id = $1 and actor = $2 and endpoint = $3 and key = $4',
          place(scope),
        );
        // Forgotten between the two statements: the first request failed, the caller may ask again.
        if (row === undefined || row.status === null) return { state: 'in_flight', requestHash: row?.request_hash ?? requestHash };
        return { state: 'done', requestHash: row.request_hash, answer: { status: row.status, body: row.body, bodySha256: row.body_sha256 ?? '' } };
      }),
    keep: (scope, answer) =>
      db.asOrg(scope.org, async (tx) => {
        await tx.query(
          'update http_once set status = $5, body = $6, body_sha256 = $7 where org_id = $1 and actor = $2 and endpoint = $3 and key = $4',
          [...place(scope), answer.status, answer.body, answer.bodySha256],
        );
      }),
    forget: (scope) =>
      db.asOrg(scope.org, async (tx) => {
        await tx.query('delete from http_once where org_id = $1 and actor = $2 and endpoint = $3 and key = $4', place(scope));
      }),
  };
}
