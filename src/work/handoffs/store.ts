/** The SQL of handoffs: written once; only the place in a queue changes. */
import { isoTime } from '../../kernel/clock.ts';
import type { Id, OrgId } from '../../kernel/ids.ts';
import type { Sql, Tx } from '../../storage/database.ts';
import type { HandoffParts, HandoffView } from './contract.ts';
import type { Sealed } from './handoff.ts';

export type HandoffRow = HandoffView & { payload: string };

const VIEW = `h.id, h.session_id as session, f.code as from, t.code as to, h.status, h.priority, h.issue, h.summary, h.schema_version as "schemaVersion",
  h.sha256, h.bytes, h.queue, h.settled_by as "settledBy", h.settled_at as "settledAtMs", h.settled_reason as "settledReason", h.created_at as "createdAtMs"`;
const TABLES = `handoff h join project f on f.org_id = h.org_id and f.id = h.from_project join project t on t.org_id = h.org_id and t.id = h.to_project`;

export async function getHandoff(tx: Sql, org: OrgId, id: string): Promise<HandoffRow | null> {
  const [row] = await tx.query<HandoffRow>(`select ${VIEW}, h.payload from ${TABLES} where h.org_id = $1 and h.id = $2`, [org, id]);
  return row ?? null;
}

export type NewHandoff = {
  id: Id<'ho'>;
  session: string;
  from: string;
  to: string;
  parts: Pick<HandoffParts, 'status' | 'priority' | 'summary'> & { issue: string | null };
  schemaVersion: number;
  sealed: Sealed;
};

/** The id of the one that this session has left there already: any to its own project, the same one to another. */
export async function findWritten(tx: Tx, org: OrgId, made: { session: string; from: string; to: string; sha256: string }): Promise<string | null> {
  const [row] = await tx.query<{ id: string }>(
    'select id from handoff where org_id = $1 and session_id = $2 and to_project = $3 and (to_project = $4 or sha256 = $5) order by id limit 1',
    [org, made.session, made.to, made.from, made.sha256],
  );
  return row?.id ?? null;
}

export async function insertHandoff(tx: Tx, org: OrgId, made: NewHandoff): Promise<void> {
  const { parts, sealed } = made;
  await tx.query(
    `insert into handoff (org_id, id, session_id, from_project, to_project, status, priority, issue, summary, schema_version, payload, sha256, bytes, queue)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    [
      ...[org, made.id, made.session, made.from, made.to, parts.status, parts.priority, parts.issue, parts.summary],
      ...[made.schemaVersion, sealed.text, sealed.sha256, sealed.bytes, made.from === made.to ? null : 'open'],
    ],
  );
}

/** Notes of a project whose newest version that actor wrote since then, oldest first. */
export async function notesSince(
  tx: Sql,
  org: OrgId,
  { project, actor, sinceMs, limit }: { project: string; actor: string; sinceMs: number; limit: number },
): Promise<{ id: string; title: string }[]> {
  return tx.query(
    `select n.id, n.title from note n join note_version v on v.org_id = n.org_id and v.note_id = n.id and v.version = n.version
     where n.org_id = $1 and n.project_id = $2 and n.updated_at >= $4 and v.actor_id = $3 order by n.updated_at, n.id limit $5`,
    [org, project, actor, isoTime(sinceMs), limit],
  );
}

/** Newest first; ids sort by time. */
export async function listHandoffs(
  tx: Sql,
  org: OrgId,
  page: { project: string | null; queue: boolean; before: string | null; limit: number },
): Promise<{ rows: HandoffView[]; total: number }> {
  const filter = `h.org_id = $1 and ($2::text is null or h.to_project = $2) and (not $3 or h.queue = 'open')`;
  const values = [org, page.project, page.queue];
  const rows = tx.query<HandoffView>(
    `select ${VIEW} from ${TABLES} where ${filter} and ($4::text is null or h.id < $4) order by h.id desc limit $5`,
    [...values, page.before, page.limit],
  );
  const [count] = await tx.query<{ total: number }>(`select count(*) as total from handoff h where ${filter}`, values);
  return { rows: await rows, total: count?.total ?? 0 };
}

/** True when it waited; of two at once one settles it. */
export async function settle(tx: Tx, org: OrgId, end: { id: string; to: 'taken' | 'dismissed'; by: string; reason: string }): Promise<boolean> {
  const rows = await tx.query(
    `update handoff set queue = $3, settled_by = $4, settled_reason = $5, settled_at = clock_now() where org_id = $1 and id = $2 and queue = 'open' returning 1`,
    [org, end.id, end.to, end.by, end.reason],
  );
  return rows.length > 0;
}
