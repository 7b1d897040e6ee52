/** The SQL of alerts. Ages and escalations are told by the database's clock. */
import { isoTime } from '../../kernel/clock.ts';
import type { OrgId } from '../../kernel/ids.ts';
import type { Tx } from '../../storage/database.ts';
import type { Signal } from './alert.ts';
import { SECURITY_DAYS } from './alert.ts';
import type { AlertView } from './contract.ts';

type Row = Omit<AlertView, 'source' | 'owner' | 'resolved'> & {
  sourceId: string;
  sourceName: string;
  ownerId: string | null;
  ownerName: string | null;
  resolvedAtMs: number | null;
  resolvedBy: string | null;
  resolvedReason: string | null;
  rank: number;
};

const DAYS = `case a.severity ${Object.entries(SECURITY_DAYS)
  .map(([severity, days]) => `when '${severity}' then ${days}`)
  .join(' ')} end * interval '1 day'`;
const AGE = `(coalesce(a.resolved_at, clock_now()) - a.first_at)`;
const ESCALATION = `case when a.kind <> 'security' or a.state <> 'open' or ${AGE} <= ${DAYS} then 'none' when ${AGE} <= 2 * ${DAYS} then 'overdue'
  else 'organization' end`;
const RANK = `(array_position(array['none', 'overdue', 'organization'], ${ESCALATION}) * 10
  + array_position(array['low', 'medium', 'high', 'critical'], a.severity))`;
const VIEW = `a.id, p.code as project, a.kind, a.severity, a.title, a.url, a.repository, a.branch, a.source_id as "sourceId", w.name as "sourceName", a.state,
  a.count, a.owner_id as "ownerId", o.name as "ownerName", a.first_at as "firstAtMs", a.last_at as "lastAtMs",
  floor(extract(epoch from ${AGE}) / 86400)::int as "ageDays", ${ESCALATION} as escalation, a.resolved_at as "resolvedAtMs", a.resolved_by as "resolvedBy",
  a.resolved_reason as "resolvedReason", ${RANK} as rank`;
const FROM = `alert a join webhook_source w on w.org_id = a.org_id and w.id = a.source_id left join project p on p.org_id = a.org_id and p.id = a.project_id
  left join actor o on o.org_id = a.org_id and o.id = a.owner_id`;

export type AlertRow = AlertView & { rank: number };

function viewOf({ sourceId, sourceName, ownerId, ownerName, resolvedAtMs, resolvedBy, resolvedReason, ...row }: Row): AlertRow {
  return {
    ...row,
    source: { id: sourceId, name: sourceName },
    owner: ownerId === null ? null : { actor: ownerId, name: ownerName ?? '' },
    resolved: resolvedAtMs === null ? null : { atMs: resolvedAtMs, by: resolvedBy ?? '', reason: resolvedReason ?? '' },
  };
}

export type AlertFilter = { project: string | null; orgOnly: boolean; state: 'open' | 'resolved' | 'all'; kind: string | null; escalated: boolean };
export type AlertPage = { filter: AlertFilter; after: { rank: number; lastAtMs: number; id: string } | null; limit: number };

export async function listAlerts(tx: Tx, org: OrgId, { filter, after, limit }: AlertPage): Promise<{ rows: AlertRow[]; total: number }> {
  const where = `a.org_id = $1 and ($2::text is null or a.project_id = $2) and (not $3::boolean or a.project_id is null) and ($4 = 'all' or a.state = $4)
    and ($5::text is null or a.kind = $5) and (not $6::boolean or ${ESCALATION} <> 'none')`;
  const values = [org, filter.project, filter.orgOnly, filter.state, filter.kind, filter.escalated];
  const place = after === null ? [null, null, null] : [after.rank, isoTime(after.lastAtMs), after.id];
  const rows = tx.query<Row>(
    // times are shown to the millisecond, so they are compared to it
    `select ${VIEW} from ${FROM} where ${where}
       and ($7::int is null or (${RANK}, date_trunc('milliseconds', a.last_at), a.id) < ($7, $8::timestamptz, $9::text))
     order by ${RANK} desc, date_trunc('milliseconds', a.last_at) desc, a.id desc limit $10`,
    [...values, ...place, limit],
  );
  const [count] = await tx.query<{ total: number }>(`select count(*) as total from alert a where ${where}`, values);
  return { rows: (await rows).map(viewOf), total: count?.total ?? 0 };
}

export async function findAlert(tx: Tx, org: OrgId, id: string): Promise<AlertRow | null> {
  const [row] = await tx.query<Row>(`select ${VIEW} from ${FROM} where a.org_id = $1 and a.id = $2`, [org, id]);
  return row === undefined ? null : viewOf(row);
}

/**
 * Notes the newest red or green event of a key, which also holds the key until the transaction ends; answers the newest of the other tone,
 * by the events' own time, null when there was none.
 */
export async function noteSignal(
  tx: Tx,
  org: OrgId,
  { key, tone, atMs }: { key: string; tone: 'red' | 'green'; atMs: number },
): Promise<number | null> {
  const [own, other] = tone === 'red' ? ['red_at', 'green_at'] : ['green_at', 'red_at'];
  const [row] = await tx.query<{ other: number | null }>(
    `insert into alert_signal as s (org_id, fold_key, ${own}) values ($1, $2, $3)
     on conflict (org_id, fold_key) do update set ${own} = greatest(s.${own}, excluded.${own}) returning ${other} as other`,
    [org, key, isoTime(atMs)],
  );
  return row?.other ?? null;
}

export type Raise = { id: string; source: string; project: string | null; owner: string | null; signal: Extract<Signal, { tone: 'red' }> };

/** Opens an alert, or adds to the one that is open: its owner and the time it was opened stay. */
export async function raise(tx: Tx, org: OrgId, { id, source, project, owner, signal }: Raise): Promise<void> {
  const { key, kind, severity, title, url, repository, branch } = signal;
  await tx.query(
    `insert into alert as a (org_id, id, source_id, fold_key, project_id, repository, branch, kind, severity, title, url, owner_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
     on conflict (org_id, fold_key) where state = 'open' do update set count = a.count + 1, last_at = clock_now(), severity = excluded.severity,
       title = excluded.title, url = excluded.url, branch = excluded.branch, project_id = coalesce(excluded.project_id, a.project_id)`,
    [org, id, source, key, project, repository, branch, kind, severity, title, url, owner],
  );
}

const RESOLVE = `state = 'resolved', resolved_at = clock_now()`;

/** How many were open: 0 or 1. */
export async function resolveKey(tx: Tx, org: OrgId, end: { key: string; by: string; reason: string }): Promise<number> {
  const sql = `update alert set ${RESOLVE}, resolved_by = $3, resolved_reason = $4 where org_id = $1 and fold_key = $2 and state = 'open' returning 1`;
  return (await tx.query(sql, [org, end.key, end.by, end.reason])).length;
}

/** False when it is not open. */
export async function resolveAlert(tx: Tx, org: OrgId, end: { id: string; by: string; reason: string }): Promise<boolean> {
  const sql = `update alert set ${RESOLVE}, resolved_by = $3, resolved_reason = $4 where org_id = $1 and id = $2 and state = 'open' returning 1`;
  return (await tx.query(sql, [org, end.id, end.by, end.reason])).length > 0;
}

/** Alerts of CI on a branch that is no more. */
export async function resolveBranch(tx: Tx, org: OrgId, end: { repository: string; branch: string; by: string }): Promise<number> {
  const rows = await tx.query(
    `update alert set ${RESOLVE}, resolved_by = $4, resolved_reason = 'The branch was deleted.'
     where org_id = $1 and repository = $2 and branch = $3 and kind = 'ci' and state = 'open' returning 1`,
    [org, end.repository, end.branch, end.by],
  );
  return rows.length;
}

export async function assign(tx: Tx, org: OrgId, change: { id: string; owner: string }): Promise<void> {
  await tx.query('update alert set owner_id = $3 where org_id = $1 and id = $2', [org, change.id, change.owner]);
}

/** Alerts of a repository that no project had until now. */
export async function adopt(tx: Tx, org: OrgId, found: { project: string; repository: string }): Promise<void> {
  await tx.query('update alert set project_id = $2 where org_id = $1 and repository = $3 and project_id is null', [
    org,
    found.project,
    found.repository,
  ]);
}
