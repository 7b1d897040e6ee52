/** The SQL of the weekly plan. Its age is told by the database's clock. */
import type { OrgId } from '../../kernel/ids.ts';
import type { Tx } from '../../storage/database.ts';
import { PREPARED } from '../../storage/database.ts';
import type { WeeklyPlanView } from './contract.ts';
import { WEEKLY_PLAN_LIMITS } from './contract.ts';

type Row = Omit<WeeklyPlanView, 'by'> & { actor: string; actorName: string };

export async function newestPlan(tx: Tx, org: OrgId): Promise<WeeklyPlanView | null> {
  const [row] = await tx.query<Row>(
    `select w.version, p.code as "priorityProject", w.goals, w.notes, w.author_id as actor, w.author_name as "actorName", w.at as "atMs",
       floor(extract(epoch from clock_now() - w.at) / 86400)::int as "ageDays",
       w.at < clock_now() - make_interval(days => ${WEEKLY_PLAN_LIMITS.staleDays}) as stale
     from weekly_plan w left join project p on p.org_id = w.org_id and p.id = w.priority_project
     where w.org_id = $1 order by w.version desc limit 1`,
    [org],
    PREPARED,
  );
  if (row === undefined) return null;
  const { actor, actorName, ...plan } = row;
  return { ...plan, by: { actor, name: actorName } };
}

export type NewPlan = { version: number; project: string | null; goals: readonly string[]; notes: string; actor: string; name: string };

/** False when that version is there already: somebody wrote at the same time. */
export async function insertPlan(tx: Tx, org: OrgId, plan: NewPlan): Promise<boolean> {
  const rows = await tx.query(
    `insert into weekly_plan (org_id, version, priority_project, goals, notes, author_id, author_name) values ($1, $2, $3, $4, $5, $6, $7)
     on conflict do nothing returning 1`,
    [org, plan.version, plan.project, plan.goals, plan.notes, plan.actor, plan.name],
  );
  return rows.length > 0;
}
