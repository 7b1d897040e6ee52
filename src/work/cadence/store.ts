/** The SQL of duties. Whether one is due is told by the database's clock. */
import type { OrgId } from '../../kernel/ids.ts';
import type { Tx } from '../../storage/database.ts';
import type { DutyView } from './contract.ts';

type Row = Omit<DutyView, 'last'> & { doneAtMs: number | null; result: string | null; actor: string | null; actorName: string | null };

const DUE = `coalesce(d.planned_at, coalesce(d.last_done_at, d.created_at) + d.interval_days * interval '1 day')`;
const VIEW = `d.id, (select code from project p where p.org_id = d.org_id and p.id = d.project_id) as project, d.title,
  d.interval_days as "intervalDays", d.link, ${DUE} as "dueAtMs", ${DUE} < clock_now() as overdue, n.at as "doneAtMs", n.result, n.actor_id as actor,
  n.actor_name as "actorName"`;
const FROM = `duty d left join lateral (select at, result, actor_id, actor_name from duty_done n where n.org_id = d.org_id and n.duty_id = d.id
  order by n.id desc limit 1) n on true`;

function viewOf({ doneAtMs, result, actor, actorName, ...row }: Row): DutyView {
  return { ...row, last: doneAtMs === null ? null : { atMs: doneAtMs, result: result ?? '', by: { actor: actor ?? '', name: actorName ?? '' } } };
}

export type DutyFilter = { project: string | null; scope: 'all' | 'org'; due: 'all' | 'overdue'; limit: number };

export async function listDuties(tx: Tx, org: OrgId, filter: DutyFilter): Promise<{ rows: DutyView[]; total: number }> {
  const where = `d.org_id = $1 and not d.retired and ($2::text is null or d.project_id = $2) and ($3 = 'all' or d.project_id is null)
    and ($4 = 'all' or ${DUE} < clock_now())`;
  const values = [org, filter.project, filter.scope, filter.due];
  const rows = tx.query<Row>(`select ${VIEW} from ${FROM} where ${where} order by ${DUE}, d.id limit $5`, [...values, filter.limit]);
  const [count] = await tx.query<{ total: number }>(`select count(*) as total from duty d where ${where}`, values);
  return { rows: (await rows).map(viewOf), total: count?.total ?? 0 };
}

export async function findDuty(tx: Tx, org: OrgId, id: string): Promise<DutyView | null> {
  const [row] = await tx.query<Row>(`select ${VIEW} from ${FROM} where d.org_id = $1 and d.id = $2`, [org, id]);
  return row === undefined ? null : viewOf(row);
}

export async function insertDuty(
  tx: Tx,
  org: OrgId,
  duty: { id: string; project: string | null; title: string; intervalDays: number | null; at: string | null; link: string | null },
): Promise<void> {
  await tx.query('insert into duty (org_id, id, project_id, title, interval_days, planned_at, link) values ($1, $2, $3, $4, $5, $6, $7)', [
    ...[org, duty.id, duty.project, duty.title, duty.intervalDays, duty.at, duty.link],
  ]);
}

/** False when there is no such duty, or it is retired. */
export async function recordDone(tx: Tx, org: OrgId, done: { id: string; result: string; actor: string; name: string }): Promise<boolean> {
  const settled =
    'update duty set last_done_at = clock_now(), retired = planned_at is not null where org_id = $1 and id = $2 and not retired returning id';
  const rows = await tx.query(settled, [org, done.id]);
  if (rows.length === 0) return false;
  await tx.query('insert into duty_done (org_id, duty_id, result, actor_id, actor_name) values ($1, $2, $3, $4, $5)', [
    ...[org, done.id, done.result, done.actor, done.name],
  ]);
  return true;
}

export async function retireDuty(tx: Tx, org: OrgId, id: string): Promise<void> {
  await tx.query('update duty set retired = true where org_id = $1 and id = $2', [org, id]);
}
