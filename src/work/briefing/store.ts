/**
 * The SQL of briefings: reads over sessions, handoffs, duties, documents, notes and runs of one organization, each source in one statement, so that
 * what is shown and how many there are is of one moment. Counts stop one beyond the most that is counted.
 */
import type { OrgId, ProjectId } from '../../kernel/ids.ts';
import type { Tx } from '../../storage/database.ts';
import { PREPARED } from '../../storage/database.ts';
import { BRIEFING_LIMITS } from './contract.ts';

const COUNTED = BRIEFING_LIMITS.countMax + 1;
/** Arrivals that tell what is usual. */
const ARRIVALS = 50;

export type Listed<T> = { rows: T[]; counted: number };
type Statement = { text: string; values: readonly unknown[] };

/** `columns` of what matches `from`, in `order`, with how many match. `$1` is the organization. */
function listing({ columns, from, order, limit }: { columns: string; from: string; order: string; limit: number | string }): string {
  return `select counted.counted, shown.* from (select count(*) as counted from (select 1 from ${from} limit ${COUNTED}) c) counted
    left join (select true as "isRow", row_number() over (order by ${order}) as place, ${columns} from ${from} order by ${order} limit ${limit}) shown
    on true order by shown.place`;
}

async function list<T extends object>(tx: Tx, { text, values }: Statement): Promise<Listed<T>> {
  const rows = await tx.query<T & { counted: number; isRow: boolean | null; place: number | null }>(text, values, PREPARED);
  return {
    counted: rows[0]?.counted ?? 0,
    rows: rows.filter((row) => row.isRow === true).map(({ counted: _counted, isRow: _isRow, place: _place, ...row }) => row as unknown as T),
  };
}

/** From here on a statement of this transaction may take so long. */
export function limitStatements(tx: Tx, ms: number): Promise<unknown> {
  return tx.query(`select set_config('statement_timeout', $1, true)`, [String(ms)], PREPARED);
}

/** What one source does behind a mark is taken back at its end, so that its failure is its own. */
export function mark(tx: Tx): Promise<unknown> {
  return tx.query('savepoint source');
}

export function backToMark(tx: Tx): Promise<unknown> {
  return tx.query('rollback to savepoint source');
}

export type ProjectRow = { id: string; code: string; name: string; remote: string | null; others: number };

export async function findProject(tx: Tx, org: OrgId, id: string): Promise<ProjectRow | null> {
  const [row] = await tx.query<ProjectRow>(
    `select id, code, name, remote, (select count(*) from (select 1 from project where org_id = $1 and id <> $2 limit ${COUNTED}) c) as others
       from project where org_id = $1 and id = $2`,
    [org, id],
    PREPARED,
  );
  return row ?? null;
}

export type HandoffRow = { id: string; from: string; status: string; priority: string; issue: string | null; summary: string; createdAtMs: number };

/** The last one of a project to itself, whole unless it is longer than a briefing reads. */
export async function lastHandoff(tx: Tx, org: OrgId, project: string): Promise<(HandoffRow & { payload: string | null }) | null> {
  const [row] = await tx.query<HandoffRow & { payload: string | null }>(
    `select h.id, p.code as from, h.status, h.priority, h.issue, h.summary, h.created_at as "createdAtMs",
       case when h.bytes <= ${PAYLOAD_BYTES} then h.payload end as payload
     from handoff h join project p on p.org_id = h.org_id and p.id = h.from_project
     where h.org_id = $1 and h.to_project = $2 and h.queue is null order by h.id desc limit 1`,
    [org, project],
    PREPARED,
  );
  return row ?? null;
}
const PAYLOAD_BYTES = 200_000;

export const QUEUED = listing({
  columns: `h.id, (select code from project p where p.org_id = h.org_id and p.id = h.from_project) as from, h.status, h.priority, h.issue, h.summary,
    h.created_at as "createdAtMs"`,
  from: `handoff h where h.org_id = $1 and h.to_project = $2 and h.queue = 'open'`,
  order: `array_position(array['urgent', 'high', 'normal', 'low'], h.priority), h.id desc`,
  limit: BRIEFING_LIMITS.rows,
});

export function queuedHandoffs(tx: Tx, org: OrgId, project: string): Promise<Listed<HandoffRow>> {
  return list(tx, { text: QUEUED, values: [org, project] });
}

export type SessionRow = {
  id: string;
  actor: string;
  agent: string;
  machine: string;
  track: number | null;
  branch: string | null;
  issue: string | null;
  workingOn: string;
  heartbeatAtMs: number;
  holds: string[];
};

export const LIVE = listing({
  columns: `s.id, s.actor_name as actor, s.agent, s.machine, s.track, s.branch, s.issue, s.working_on as "workingOn", s.heartbeat_at as "heartbeatAtMs",
    array(select c.kind || ' ' || c.name from session_claim c where c.org_id = s.org_id and c.session_id = s.id and c.released_at is null
      and c.expires_at > clock_now() order by c.kind, c.name limit 5) as holds`,
  from: `session s where s.org_id = $1 and s.project_id = $2 and s.state = 'active' and s.id is distinct from $3
    and s.heartbeat_at >= clock_now() - make_interval(secs => $4::bigint / 1000.0)`,
  order: 's.heartbeat_at desc, s.id desc',
  limit: BRIEFING_LIMITS.rows,
});

export function liveSessions(
  tx: Tx,
  org: OrgId,
  { project, except, staleMs }: { project: string; except: string | null; staleMs: number },
): Promise<Listed<SessionRow>> {
  return list(tx, { text: LIVE, values: [org, project, except, staleMs] });
}

export type AlertRow = {
  id: string;
  project: string | null;
  kind: 'ci' | 'deployment' | 'security' | 'other';
  severity: 'low' | 'medium' | 'high' | 'critical';
  title: string;
  count: number;
  owner: string | null;
  firstAtMs: number;
  lastAtMs: number;
  ageDays: number;
};

/** Of the project, and of none; with `$3` of other projects as well, last. The gravest first, then the freshest. */
export const OPEN_ALERTS = listing({
  columns: `a.id, (select code from project p where p.org_id = a.org_id and p.id = a.project_id and p.id <> $2) as project, a.kind, a.severity, a.title, a.count,
    (select o.name from actor o where o.org_id = a.org_id and o.id = a.owner_id) as owner, a.first_at as "firstAtMs", a.last_at as "lastAtMs",
    floor(extract(epoch from clock_now() - a.first_at) / 86400)::int as "ageDays"`,
  from: `alert a where a.org_id = $1 and a.state = 'open' and (a.project_id = $2 or a.project_id is null or $3)`,
  order: `(a.project_id is not distinct from $2) desc, array_position(array['critical', 'high', 'medium', 'low'], a.severity), a.last_at desc, a.id`,
  limit: BRIEFING_LIMITS.rows,
});

export function openAlerts(tx: Tx, org: OrgId, { project, all }: { project: string; all: boolean }): Promise<Listed<AlertRow>> {
  return list(tx, { text: OPEN_ALERTS, values: [org, project, all] });
}

export type AlertNews = { sources: number; redAtMs: number | null; greenAtMs: number | null; arrivalsMs: number[] };

/** How many webhooks there are, what they last told, and when deliveries came: minutes, the newest first. */
export async function alertNews(tx: Tx, org: OrgId): Promise<AlertNews> {
  const [[row], arrivals] = await Promise.all([
    tx.query<Omit<AlertNews, 'arrivalsMs'>>(
      `select count(*) as sources, max(last_red_at) as "redAtMs", max(last_green_at) as "greenAtMs" from webhook_source where org_id = $1 and revoked_at is null`,
      [org],
      PREPARED,
    ),
    tx.query<{ atMs: number }>(
      `select distinct date_trunc('minute', at) as "atMs" from (select at from webhook_delivery where org_id = $1 order by at desc limit 500) d
       order by 1 desc limit ${ARRIVALS}`,
      [org],
      PREPARED,
    ),
  ]);
  return {
    sources: row?.sources ?? 0,
    redAtMs: row?.redAtMs ?? null,
    greenAtMs: row?.greenAtMs ?? null,
    arrivalsMs: arrivals.map(({ atMs }) => atMs),
  };
}

/**
 * Whether what concerns the whole organization is shown in this project (spec CAD-1): in the one with the capability `platform`, or the oldest one
 * where none has it.
 */
export async function isPlatform(tx: Tx, org: OrgId, project: string): Promise<boolean> {
  const [row] = await tx.query<{ id: string }>(
    `select id from project where org_id = $1 order by ('platform' = any (capabilities)) desc, created_at, id limit 1`,
    [org],
    PREPARED,
  );
  return row?.id === project;
}

/** A planned event is told a week before, a duty when it is overdue. */
const DUE_AT = `coalesce(d.planned_at, coalesce(d.last_done_at, d.created_at) + d.interval_days * interval '1 day')`;

export type DutyRow = { id: string; title: string; dueAtMs: number; isPlanned: boolean; isOrgWide: boolean; lastAtMs: number | null };

/** Overdue ones of the project; with `orgWide` those of the organization as well. */
export const DUE = listing({
  columns: `d.id, d.title, ${DUE_AT} as "dueAtMs", d.planned_at is not null as "isPlanned", d.project_id is null as "isOrgWide",
    d.last_done_at as "lastAtMs"`,
  from: `duty d where d.org_id = $1 and not d.retired and (d.project_id = $2 or ($3 and d.project_id is null))
    and ${DUE_AT} < clock_now() + case when d.planned_at is null then interval '0' else interval '7 days' end`,
  order: `(d.project_id is null), ${DUE_AT}, d.id`,
  limit: BRIEFING_LIMITS.rows,
});

export function dueDuties(tx: Tx, org: OrgId, { project, orgWide }: { project: string; orgWide: boolean }): Promise<Listed<DutyRow>> {
  return list(tx, { text: DUE, values: [org, project, orgWide] });
}

export type DocumentRow = {
  id: string;
  name: string;
  version: number;
  bytes: number;
  updatedAtMs: number;
  isOrgWide: boolean;
  content: string | null;
};

/** Of the project, then of the organization; the freshest first, at most `$4`. `contentChars` 0 reads no content. */
export const DOCUMENTS = listing({
  columns: `d.id, d.name, d.version, d.bytes, d.updated_at as "updatedAtMs", d.project_id is null as "isOrgWide",
    case when $3::int > 0 then (select left(v.content, $3) from document_version v
      where v.org_id = d.org_id and v.document_id = d.id and v.version = d.version) end as content`,
  from: 'document d where d.org_id = $1 and (d.project_id = $2 or d.project_id is null)',
  order: `(d.project_id is null), d.updated_at desc, d.id`,
  limit: 'least($4::int, 300)',
});

export function documents(tx: Tx, org: OrgId, wanted: { project: string; contentChars: number; rows: number }): Promise<Listed<DocumentRow>> {
  return list(tx, { text: DOCUMENTS, values: [org, wanted.project, wanted.contentChars, wanted.rows] });
}

/** When the repository last brought changes to documents of the project: minutes, since one sync changes many at once. The newest first. */
export async function documentArrivals(tx: Tx, org: OrgId, project: string): Promise<number[]> {
  const rows = await tx.query<{ atMs: number }>(
    `select distinct date_trunc('minute', updated_at) as "atMs" from document
     where org_id = $1 and project_id = $2 and synced_hash is not null order by 1 desc limit ${ARRIVALS}`,
    [org, project],
    PREPARED,
  );
  return rows.map(({ atMs }) => atMs);
}

export type NoteRow = { id: string; project: string | null; title: string; bytes: number; updatedAtMs: number; content: string };

const EXECUTIVE = `note_search n where n.org_id = $1 and not n.archived and n.tags @> '{executive-summary}'`;
const someNotes = (rank: number, which: string): string =>
  `(select ${rank} as rank, n.id, n.project_id, n.title, n.content, n.updated_at from ${EXECUTIVE} and ${which} order by n.updated_at desc limit $3)`;

/** Of the project, then of others, then of the organization; the freshest first. At most `$3` of each, `$4` characters of each. */
export const NOTES = `select counted.counted, found.id is not null as "isRow", found.rank as place, found.id,
    (select code from project p where p.org_id = $1 and p.id = found.project_id) as project, found.title, octet_length(found.content) as bytes,
    found.updated_at as "updatedAtMs", left(found.content, $4) as content
  from (select count(*) as counted from (select 1 from ${EXECUTIVE} limit ${COUNTED}) c) counted
  left join (${someNotes(0, 'n.project_id = $2')} union all ${someNotes(1, 'n.project_id <> $2')} union all ${someNotes(2, 'n.project_id is null')}) found
    on true order by found.rank, found.updated_at desc, found.id`;

export function executiveNotes(tx: Tx, org: OrgId, wanted: { project: string; rows: number; contentChars: number }): Promise<Listed<NoteRow>> {
  return list(tx, { text: NOTES, values: [org, wanted.project, wanted.rows, wanted.contentChars] });
}

export type ChangeRow = { session: string; sinceMs: number; handoffs: number; documents: number; notes: number; sessions: number };

/** What came to the project since this actor's last session there came to its end ($5: or went stale). No row when there was none. */
export const CHANGES = `select s.id as session, s.since as "sinceMs",
    (select count(*) from (select 1 from handoff h where h.org_id = $1 and h.to_project = $2 and h.created_at > s.since limit ${COUNTED}) c) as handoffs,
    (select count(*) from (select 1 from document d where d.org_id = $1 and d.project_id = $2 and d.updated_at > s.since limit ${COUNTED}) c)
      as documents,
    (select count(*) from (select 1 from note n where n.org_id = $1 and n.project_id = $2 and n.updated_at > s.since limit ${COUNTED}) c) as notes,
    (select count(*) from (select 1 from session o where o.org_id = $1 and o.project_id = $2 and o.started_at > s.since and o.id is distinct from $4
      limit ${COUNTED}) c) as sessions
  from (select id, coalesce(ended_at, heartbeat_at) as since from session
    where org_id = $1 and project_id = $2 and actor_id = $3 and id is distinct from $4
      and (state <> 'active' or heartbeat_at < clock_now() - make_interval(secs => $5::bigint / 1000.0)) order by id desc limit 1) s`;

export async function changesSince(
  tx: Tx,
  org: OrgId,
  { project, actor, session, staleMs }: { project: string; actor: string; session: string | null; staleMs: number },
): Promise<ChangeRow | null> {
  const [row] = await tx.query<ChangeRow>(CHANGES, [org, project, actor, session, staleMs], PREPARED);
  return row ?? null;
}

/** `ownMicroUsd`: of them, the project's. */
export type CostRow = { calls: number; unpriced: number; microUsd: number; ownMicroUsd: number; sinceMs: number };

/** Of model calls of the organization since midnight UTC, by runs and through the gateway alike; rehearsed ones cost nothing and are not counted. */
export async function costsToday(tx: Tx, org: OrgId, project: ProjectId): Promise<CostRow> {
  const [row] = await tx.query<CostRow>(
    `select coalesce(sum(calls), 0)::bigint as calls, coalesce(sum(unpriced), 0)::bigint as unpriced, coalesce(sum(micro_usd), 0)::bigint as "microUsd",
       coalesce(sum(micro_usd) filter (where project_id = $2), 0)::bigint as "ownMicroUsd", date_trunc('day', clock_now(), 'UTC') as "sinceMs"
     from spend_day where org_id = $1 and not rehearsed and day = (clock_now() at time zone 'UTC')::date`,
    [org, project],
    PREPARED,
  );
  return row ?? { calls: 0, unpriced: 0, microUsd: 0, ownMicroUsd: 0, sinceMs: 0 };
}
