/** The SQL of the account: one look over the month's rows of spend, and the dearest runs. Nothing here decides anything. */
import { isoTime } from '../../kernel/clock.ts';
import type { OrgId } from '../../kernel/ids.ts';
import type { Tx } from '../../storage/database.ts';
import type { AccountView, Figures } from './contract.ts';

const FIGURES = [
  ['microUsd', 'micro_usd', 'true'],
  ['calls', 'calls', 'not d.rehearsed'],
  ['rehearsedCalls', 'calls', 'd.rehearsed'],
  ['failedCalls', 'failed', 'not d.rehearsed'],
  ['estimatedCalls', 'estimated', 'not d.rehearsed'],
  ['unpricedCalls', 'unpriced', 'not d.rehearsed'],
  ['inputTokens', 'input_tokens', 'not d.rehearsed'],
  ['cachedInputTokens', 'cached_input_tokens', 'not d.rehearsed'],
  ['outputTokens', 'output_tokens', 'not d.rehearsed'],
] as const satisfies readonly (readonly [keyof Figures, string, string])[];

const sums = (when: string): string =>
  FIGURES.map(([name, column, filter]) => `'${name}', coalesce(sum(d.${column}) filter (where ${filter} and ${when}), 0)`).join(', ');

export type SpendRow = { by: 'all' | 'agent' | 'project' | 'key' | 'model' | 'actor'; id: string; name: string; today: Figures; month: Figures };

/** Spend since the first of the month: in all, and by each way to look at it. `dayStart` is today's midnight. */
export function spendRows(tx: Tx, org: OrgId, { dayMs, monthMs }: { dayMs: number; monthMs: number }): Promise<SpendRow[]> {
  return tx.query<SpendRow>(
    `select s.by, s.id, coalesce(case s.by
        when 'agent' then (select a.name from agent a where a.org_id = $1 and a.id = s.id)
        when 'project' then (select p.code from project p where p.org_id = $1 and p.id = s.id)
        when 'key' then (select k.name from api_key k where k.org_id = $1 and k.id = s.id)
        when 'actor' then (select a.name from actor a where a.org_id = $1 and a.id = s.id)
      end, s.id) as name, s.today, s.month
     from (
       select case
           when grouping(d.agent_id) = 0 then 'agent' when grouping(d.project_id) = 0 then 'project' when grouping(d.key_id) = 0 then 'key'
           when grouping(d.model) = 0 then 'model' when grouping(d.actor_id) = 0 then 'actor' else 'all' end as by,
         coalesce(case
           when grouping(d.agent_id) = 0 then d.agent_id when grouping(d.project_id) = 0 then d.project_id when grouping(d.key_id) = 0 then d.key_id
           when grouping(d.model) = 0 then d.model when grouping(d.actor_id) = 0 then d.actor_id end, '') as id,
         json_build_object(${sums('d.day >= $2::date')}) as today, json_build_object(${sums('true')}) as month, sum(d.micro_usd) as cost, sum(d.calls) as calls
       from spend_day d where d.org_id = $1 and d.day >= $3::date
       group by grouping sets ((), (d.agent_id), (d.project_id), (d.key_id), (d.model), (d.actor_id))
     ) s order by s.by, s.cost desc, s.calls desc, s.id`,
    [org, isoTime(dayMs).slice(0, 10), isoTime(monthMs).slice(0, 10)],
  );
}

type TopRuns = { rows: AccountView['topRuns']['items']; total: number };

export async function topRuns(tx: Tx, org: OrgId, { sinceMs, limit }: { sinceMs: number; limit: number }): Promise<TopRuns> {
  const rows = await tx.query<AccountView['topRuns']['items'][number] & { total: number }>(
    `select id, agent_name as agent, status, cost_micro_usd as "microUsd", cost_known as known, created_at as "createdAtMs", count(*) over () as total
     from run where org_id = $1 and created_at >= $2 order by cost_micro_usd desc, number desc limit $3`,
    [org, isoTime(sinceMs), limit],
  );
  return { total: rows[0]?.total ?? 0, rows: rows.map(({ total: _total, ...row }) => row) };
}

export async function waitingCounts(tx: Tx, org: OrgId): Promise<{ runs: number; requests: number; nowMs: number }> {
  const [row] = await tx.query<{ runs: number; requests: number; nowMs: number }>(
    `select (select count(*) from run where org_id = $1 and status = 'waiting' and waiting_for = 'budget') as runs,
       (select count(*) from budget_request where org_id = $1 and state = 'open') as requests, clock_now() as "nowMs"`,
    [org],
  );
  return row ?? { runs: 0, requests: 0, nowMs: 0 };
}
