/** The SQL of reviews. How a review goes is read from its run; only what the run does not know is stored beside it. */
import type { OrgId, RunId } from '../../kernel/ids.ts';
import { storedId } from '../../kernel/ids.ts';
import type { RunStatus } from '../../kernel/run-status.ts';
import type { Sql, Tx } from '../../storage/database.ts';
import { PREPARED } from '../../storage/database.ts';
import type { JobOutcome } from './outcome.ts';
import type { Past } from './progress.ts';

export type JobRow = {
  id: RunId;
  number: number;
  persona: string;
  model: string;
  title: string;
  leftOut: string;
  panel: string | null;
  project: string | null;
  projectCode: string | null;
  chars: number;
  estimateMs: number;
  status: RunStatus;
  reason: string;
  toolCalls: number;
  rehearsed: boolean;
  createdAtMs: number;
  startedAtMs: number | null;
  endedAtMs: number | null;
  /** JSON. */
  outcome: string | null;
  tookMs: number | null;
  errorPercent: number | null;
  lastEvent: string | null;
  writing: boolean;
  ahead: number;
};

/** Queued reviews looked at to say how many come first. */
const AHEAD_MAX = 500;

const COLUMNS = `r.run_id as id, r.number, r.persona, r.model, r.title, r.left_out as "leftOut", r.panel_id as panel, r.project_id as project,
  (select p.code from project p where p.org_id = r.org_id and p.id = r.project_id) as "projectCode", r.chars, r.estimate_ms as "estimateMs",
  u.status, u.reason, u.tool_calls as "toolCalls", (u.rehearsed or r.model like 'rehearsal/%') as rehearsed, u.created_at as "createdAtMs",
  u.started_at as "startedAtMs", u.ended_at as "endedAtMs", r.took_ms as "tookMs", r.error_percent as "errorPercent",
  case when u.started_at is not null and u.ended_at is null
    then (select j.type from journal j where j.org_id = r.org_id and j.stream = r.run_id order by j.seq desc limit 1) end as "lastEvent",
  u.started_at is not null and u.ended_at is null and exists (select from preview w where w.org_id = r.org_id and w.run_id = r.run_id) as writing,
  case when u.started_at is null and u.ended_at is null
    then (select count(*) from (select 1 from review q where q.org_id = r.org_id and q.settled_at is null and q.number < r.number limit ${AHEAD_MAX}) before)
    else 0 end as ahead`;
const TABLES = 'review r join run u on u.org_id = r.org_id and u.id = r.run_id';

const rowOf = (row: JobRow): JobRow => ({ ...row, id: storedId('run', row.id) });

export async function findJob(tx: Tx, org: OrgId, id: string): Promise<JobRow | null> {
  const [row] = await tx.last<JobRow>(`select ${COLUMNS}, r.outcome from ${TABLES} where r.org_id = $1 and r.run_id = $2`, [org, id], PREPARED);
  return row === undefined ? null : rowOf(row);
}

export async function jobsOfPanel(tx: Sql, org: OrgId, panel: string): Promise<JobRow[]> {
  const rows = await tx.query<JobRow>(`select ${COLUMNS}, r.outcome from ${TABLES} where r.org_id = $1 and r.panel_id = $2 order by r.number`, [
    org,
    panel,
  ]);
  return rows.map(rowOf);
}

export type JobPage = { persona: string | null; live: boolean | null; before: number; limit: number };
/** Beyond this a total reads "at least". */
export const COUNT_MAX = 10_000;

/** Without outcomes, which may be long. */
export async function listJobs(tx: Tx, org: OrgId, page: JobPage): Promise<{ rows: JobRow[]; total: number }> {
  const where = `r.org_id = $1 and ($2::text is null or r.persona = $2) and ($3::boolean is null or (u.ended_at is null) = $3)`;
  const values = [org, page.persona, page.live];
  const counted = tx.query<{ count: number }>(
    `select count(*) as count from (select 1 from ${TABLES} where ${where} limit ${COUNT_MAX + 1}) c`,
    values,
  );
  const rows = await tx.last<JobRow>(
    `select ${COLUMNS}, null as outcome from ${TABLES} where ${where} and r.number < $4 order by r.number desc limit $5`,
    [...values, page.before, page.limit],
  );
  const [count] = await counted;
  return { rows: rows.map(rowOf), total: count?.count ?? 0 };
}

export type NewJob = {
  run: RunId;
  persona: string;
  model: string;
  panel: string | null;
  project: string | null;
  title: string;
  leftOut: string;
  chars: number;
  estimateMs: number;
  actorName: string;
};

export async function insertJob(tx: Tx, org: OrgId, job: NewJob): Promise<void> {
  const { run, persona, model, panel, project, title, leftOut, chars, estimateMs, actorName } = job;
  await tx.query(
    `insert into review (org_id, run_id, persona, model, panel_id, project_id, title, left_out, chars, estimate_ms, actor_name, bytes)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9::integer, $10, $11, $9::integer)`,
    [org, run, persona, model, panel, project, title, leftOut, chars, estimateMs, actorName],
  );
}

/** How long the last reviews by this persona took, newest first. */
export async function pastJobs(tx: Tx, org: OrgId, wanted: { persona: string; rehearsed: boolean; limit: number }): Promise<Past[]> {
  return tx.last<Past>(
    `select took_ms as "tookMs", chars from review where org_id = $1 and persona = $2 and took_ms is not null and (model like 'rehearsal/%') = $3
     order by settled_at desc limit $4`,
    [org, wanted.persona, wanted.rehearsed, wanted.limit],
  );
}

/** False when somebody else has settled it. */
export async function settleJob(
  tx: Tx,
  org: OrgId,
  settled: { run: RunId; outcome: JobOutcome; dropped: number; tookMs: number | null; errorPercent: number | null },
): Promise<boolean> {
  const text = JSON.stringify(settled.outcome);
  const rows = await tx.query(
    `update review set outcome = $3, findings = $4, dropped = $5, took_ms = $6, error_percent = $7, settled_at = clock_now(), bytes = bytes + $8
     where org_id = $1 and run_id = $2 and settled_at is null returning 1`,
    [org, settled.run, text, settled.outcome.findings.length, settled.dropped, settled.tookMs, settled.errorPercent, Buffer.byteLength(text)],
  );
  return rows.length > 0;
}

/** What became known after it was settled, in the same transaction. */
export async function noteOutcome(tx: Tx, org: OrgId, settled: { run: RunId; outcome: JobOutcome }): Promise<void> {
  await tx.query('update review set outcome = $3 where org_id = $1 and run_id = $2', [org, settled.run, JSON.stringify(settled.outcome)]);
}

export type PersonaStats = {
  persona: string;
  invocations: number;
  failed: number;
  findings: number;
  dropped: number;
  medianMs: number | null;
  within: number;
  measured: number;
};

/** Of the last ten that were estimated from ten before them: how many were within half of it (spec PER-4). */
export async function personaStats(tx: Tx, org: OrgId): Promise<PersonaStats[]> {
  return tx.query<PersonaStats>(
    `select r.persona, count(*) as invocations, count(*) filter (where u.ended_at is not null and u.status <> 'succeeded') as failed,
       coalesce(sum(r.findings), 0)::bigint as findings, coalesce(sum(r.dropped), 0)::bigint as dropped,
       (percentile_disc(0.5) within group (order by r.took_ms))::bigint as "medianMs",
       count(*) filter (where e.nth <= 10 and e.before >= 10 and r.error_percent <= 50) as within,
       count(*) filter (where e.nth <= 10 and e.before >= 10) as measured
     from review r join run u on u.org_id = r.org_id and u.id = r.run_id
     left join (select run_id, row_number() over (partition by persona order by number desc) as nth,
         count(*) over (partition by persona order by number) - 1 as before
       from review where org_id = $1 and error_percent is not null) e on e.run_id = r.run_id
     where r.org_id = $1 group by r.persona order by r.persona`,
    [org],
  );
}

export type JobCounts = { stored: number; queued: number; running: number; ended: number; failed: number; bytes: number };

export async function countJobs(tx: Tx, org: OrgId): Promise<JobCounts> {
  const [row] = await tx.query<JobCounts>(
    `select count(*) as stored, count(*) filter (where u.status = 'queued') as queued,
       count(*) filter (where u.ended_at is null and u.status <> 'queued') as running, count(*) filter (where u.ended_at is not null) as ended,
       count(*) filter (where u.ended_at is not null and u.status not in ('succeeded', 'cancelled')) as failed, coalesce(sum(r.bytes), 0)::bigint as bytes
     from review r join run u on u.org_id = r.org_id and u.id = r.run_id where r.org_id = $1`,
    [org],
  );
  return row ?? { stored: 0, queued: 0, running: 0, ended: 0, failed: 0, bytes: 0 };
}
