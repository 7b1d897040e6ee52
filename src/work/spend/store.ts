/** The SQL of the account: one look over the month's rows of spend, and the dearest runs. Nothing here decides anything. */
import { isoTime } from '../../kernel/clock.ts';
import type { OrgId } from '../../kernel/ids.ts';
import type { Tx } from '../../storage/database.ts';
import type { AccountView, Figures, SpendBy } from './contract.ts';

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

const COLUMNS = { agent: 'agent_id', model: 'model', project: 'project_id', key: 'key_id', actor: 'actor_id' } as const satisfies Record<
  SpendBy,
  string
>;
const NAMES = {
  agent: 'select a.name from agent a where a.org_id = $1 and a.id = s.id',
  model: 'select null::text',
  project: 'select p.code from project p where p.org_id = $1 and p.id = s.id',
  key: 'select k.name from api_key k where k.org_id = $1 and k.id = s.id',
  actor: 'select a.name from actor a where a.org_id = $1 and a.id = s.id',
} as const satisfies Record<SpendBy, string>;

/** Of one part on one day; `place` is the part's by cost over all days, one beyond `shown` for all that are not. `total` is how many parts there are. */
export type DayRow = { place: number; id: string; name: string; day: string; figures: Figures; total: number };

export function spendByDay(tx: Tx, org: OrgId, { by, sinceMs, shown }: { by: SpendBy; sinceMs: number; shown: number }): Promise<DayRow[]> {
  const id = `d.${COLUMNS[by]}`;
  return tx.query<DayRow>(
    `with part as (
       select ${id} as id, least($3 + 1, row_number() over (order by sum(d.micro_usd) desc, sum(d.calls) desc, ${id})) as place, count(*) over () as total
       from spend_day d where d.org_id = $1 and d.day >= $2::date group by ${id}
     )
     select s.place, s.id, coalesce((${NAMES[by]}), s.id) as name, s.day, s.figures, s.total from (
       select p.place, min(p.id) as id, d.day::text as day, json_build_object(${sums('true')}) as figures, min(p.total) as total
       from spend_day d join part p on p.id = ${id} where d.org_id = $1 and d.day >= $2::date group by p.place, d.day
     ) s order by s.place, s.day`,
    [org, isoTime(sinceMs).slice(0, 10), shown],
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
