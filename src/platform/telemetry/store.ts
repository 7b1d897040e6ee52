/** The SQL of the request log. Rows of all organizations are written together, each under its own. */
import { isoTime } from '../../kernel/clock.ts';
import type { CorrelationId, OrgId } from '../../kernel/ids.ts';
import type { Database, Tx } from '../../storage/database.ts';
import type { RequestView } from './contract.ts';

export type LoggedRequest = {
  org: OrgId;
  correlation: CorrelationId;
  surface: 'http' | 'mcp';
  method: string;
  path: string;
  operation: string | null;
  status: number;
  code: string | null;
  durationMs: number;
  actor: string;
  fingerprint: string;
};

export type RequestRow = LoggedRequest & { at: string };

export async function insertRequests(db: Database, rows: readonly RequestRow[]): Promise<void> {
  await db.asWorker((tx) =>
    tx.last(
      `insert into request_log (org_id, correlation_id, at, surface, method, path, operation, status, code, duration_ms, actor_id, fingerprint)
       select r.org, r.correlation, r.at, r.surface, r.method, r.path, r.operation, r.status, r.code, r."durationMs", r.actor, r.fingerprint
       from json_to_recordset($1) as r (org text, correlation text, at timestamptz, surface text, method text, path text, operation text, status int,
         code text, "durationMs" int, actor text, fingerprint text)`,
      [JSON.stringify(rows)],
    ),
  );
}

export async function selectRequests(
  tx: Tx,
  org: OrgId,
  page: { correlation: string; after: number; limit: number },
): Promise<{ rows: (RequestView & { id: number })[]; total: number }> {
  const rows = tx.query<RequestView & { id: number }>(
    `select id, at as "atMs", surface, method, path, operation, status, code, duration_ms as "durationMs", actor_id as actor, fingerprint
     from request_log where org_id = $1 and correlation_id = $2 and id > $3 order by id limit $4`,
    [org, page.correlation, page.after, page.limit],
  );
  const [count] = await tx.query<{ total: number }>('select count(*) as total from request_log where org_id = $1 and correlation_id = $2', [
    org,
    page.correlation,
  ]);
  return { rows: await rows, total: count?.total ?? 0 };
}

export async function pruneRequests(db: Database, olderThanMs: number, limit: number): Promise<number> {
  const rows = await db.asWorker((tx) =>
    tx.last(
      `delete from request_log l using (select org_id, correlation_id, id from request_log where at < $1 order by at limit $2) old
       where l.org_id = old.org_id and l.correlation_id = old.correlation_id and l.id = old.id returning 1`,
      [isoTime(olderThanMs), limit],
    ),
  );
  return rows.length;
}
