/**
 * The SQL of budgets as people see and set them. What is reserved and settled is the ledger's (spend_apply); where both touch a budget they lock its
 * row first.
 */
import { isoTime } from '../../kernel/clock.ts';
import type { OrgId } from '../../kernel/ids.ts';
import type { Database, Tx } from '../../storage/database.ts';
import { PREPARED } from '../../storage/database.ts';
import type { BudgetPeriod, BudgetScope, BudgetUnit, BudgetView, GrantView, RequestView } from './contract.ts';

/** What a key that is bound (to a project, an agent or both) sees and sets: null for one that is not. */
export type Reach = { project: string | null; agent: string | null; key: string } | null;

/**
 * Whether the budget `b` lies within a reach given as three values from `$first` on: of the project itself, of the agent itself, of keys that are bound
 * as tightly, of their runs; and of the key's own. Those of an agent reach beyond a project, so that who is bound to one does not have them.
 */
function within(first: number): string {
  const [project, agent, key] = [`$${first}::text`, `$${first + 1}::text`, `$${first + 2}::text`];
  const bound = (value: string, own: string, column: { key: string; run: string }): string => `(${value} is null or case b.scope
    when '${own}' then b.subject = ${value}
    when 'key' then exists (select from api_key k where k.org_id = b.org_id and k.id = b.subject and k.${column.key} = ${value})
    when 'run' then exists (select from run r where r.org_id = b.org_id and r.id = b.subject and r.${column.run} = ${value})
    else false end)`;
  return `((${bound(project, 'project', { key: 'project_id', run: 'project_id' })} and ${bound(agent, 'agent', { key: 'spend_agent_id', run: 'agent_id' })})
    or (b.scope = 'key' and b.subject = ${key}))`;
}

const reachValues = (reach: Reach): (string | null)[] => (reach === null ? [null, null, null] : [reach.project, reach.agent, reach.key]);

/** As it stands now: a window that is over by the clock is shown empty, though nothing has been reserved in the new one yet. */
const VIEW = `select v.*, v."limit" + v.granted as most, greatest(0, v."limit" + v.granted - v.spent - v.reserved) as "left",
    budget_until(v.period, v."sinceMs") as "resetsAtMs",
    case when v."limit" + v.granted - v.spent <= 0 or (v.fresh and v.exhausted_at is not null and v.exhausted_at > v.last_grant) then 'exhausted'
      when v.spent * 5 >= (v."limit" + v.granted) * 4 then 'warned' else 'open' end as state
  from (
    select b.id, b.scope, b.subject, b.unit, b.period, b.amount as "limit", budget_granted(b.org_id, b.id, clock_now()) as granted,
      case when w.fresh then b.spent else 0 end as spent, case when w.fresh then b.reserved else 0 end as reserved,
      case when w.fresh or b.period <> 'five_hours' then budget_since(b.period, b.since, clock_now()) end as "sinceMs",
      w.fresh, b.exhausted_at, b.plan, b.created_at as "createdAtMs",
      coalesce((select max(g.created_at) from budget_grant g where g.org_id = b.org_id and g.budget_id = b.id), '-infinity') as last_grant,
      coalesce(case b.scope
        when 'org' then (select o.name from org o where o.id = b.subject)
        when 'project' then (select p.code from project p where p.org_id = b.org_id and p.id = b.subject)
        when 'agent' then (select a.name from agent a where a.org_id = b.org_id and a.id = b.subject)
        when 'key' then (select k.name from api_key k where k.org_id = b.org_id and k.id = b.subject)
        when 'run' then (select r.agent_name from run r where r.org_id = b.org_id and r.id = b.subject)
      end, '') as name
    from budget b cross join lateral (select b.since is not distinct from budget_since(b.period, b.since, clock_now()) as fresh) w
    where b.org_id = $1 and ($2::text is null or b.id = $2) and ($3::text is null or b.scope = $3) and ${within(5)}
    order by b.scope_rank, b.subject, b.unit, b.period, b.id limit $4
  ) v`;

type Row = BudgetView & { fresh: boolean; exhausted_at: unknown; last_grant: unknown; most: number };

function viewOf({ fresh: _fresh, exhausted_at: _exhausted, last_grant: _grant, most: _most, ...view }: Row): BudgetView {
  return view;
}

export async function listBudgets(
  tx: Tx,
  org: OrgId,
  filter: { scope: BudgetScope | null; limit: number; reach: Reach },
): Promise<{ rows: BudgetView[]; total: number }> {
  const reach = reachValues(filter.reach);
  const rows = tx.query<Row>(VIEW, [org, null, filter.scope, filter.limit, ...reach]);
  const [count] = await tx.query<{ total: number }>(
    `select count(*) as total from budget b where b.org_id = $1 and ($2::text is null or b.scope = $2) and ${within(3)}`,
    [org, filter.scope, ...reach],
  );
  return { rows: (await rows).map(viewOf), total: count?.total ?? 0 };
}

/** Most budgets among which those near their end are looked for. */
const LOOKED_MAX = 10_000;

/** Used up, or spent beyond 80%, but not what allows nothing and refused nobody; with `project` only those of the organization and of it. */
export async function nearEnds(
  tx: Tx,
  org: OrgId,
  { project, limit, reach }: { project: string | null; limit: number; reach: Reach },
): Promise<{ rows: BudgetView[]; total: number }> {
  const rows = await tx.query<Row & { total: number }>(
    `select s.*, count(*) over () as total from (${VIEW}) s
     where s.state <> 'open' and (s.most > 0 or s.exhausted_at is not null) and ($8::text is null or s.scope = 'org' or (s.scope = 'project' and s.subject = $8))
     order by s.state = 'warned', s."resetsAtMs", s.id limit $9`,
    [org, null, null, LOOKED_MAX, ...reachValues(reach), project, limit],
    PREPARED,
  );
  return { total: rows[0]?.total ?? 0, rows: rows.map(({ total: _total, ...row }) => viewOf(row)) };
}

export async function findBudget(tx: Tx, org: OrgId, { id, reach }: { id: string; reach: Reach }): Promise<BudgetView | null> {
  const [row] = await tx.query<Row>(VIEW, [org, id, null, 1, ...reachValues(reach)]);
  return row === undefined ? null : viewOf(row);
}

/** The row, held until the transaction ends. */
export async function lockBudget(tx: Tx, org: OrgId, id: string): Promise<{ plan: string | null } | null> {
  const [row] = await tx.query<{ plan: string | null }>('select plan from budget where org_id = $1 and id = $2 for no key update', [org, id]);
  return row ?? null;
}

/** Whether a budget of this subject would lie within the reach. */
export async function reaches(
  tx: Tx,
  org: OrgId,
  { scope, subject, reach }: { scope: BudgetScope; subject: string; reach: Reach },
): Promise<boolean> {
  if (reach === null) return true;
  const [row] = await tx.query<{ within: boolean }>(
    `select ${within(4)} as within from (select $1::text as org_id, $2::text as scope, $3::text as subject) b`,
    [org, scope, subject, ...reachValues(reach)],
  );
  return row?.within === true;
}

/** The id of what is named, for a run the topmost of its tree; null when there is no such thing. */
export async function findSubject(tx: Tx, org: OrgId, wanted: { scope: Exclude<BudgetScope, 'org'>; name: string }): Promise<string | null> {
  const statement = {
    project: 'select id from project where org_id = $1 and (id = $2 or code = $2) order by (id = $2) desc limit 1',
    agent: 'select id from agent where org_id = $1 and (id = $2 or name = $2) order by (id = $2) desc limit 1',
    key: 'select id from api_key where org_id = $1 and (id = $2 or fingerprint = $2) order by (id = $2) desc limit 1',
    run: 'select root_id as id from run where org_id = $1 and id = $2',
  }[wanted.scope];
  const [row] = await tx.query<{ id: string }>(statement, [org, wanted.name]);
  return row?.id ?? null;
}

export type NewBudget = {
  id: string;
  scope: BudgetScope;
  subject: string;
  unit: BudgetUnit;
  period: BudgetPeriod;
  limit: number;
  by: string;
  plan: 'try' | null;
};

/** Makes it, or changes the limit of the one that is there; answers its id and what the limit was. */
export async function putBudget(tx: Tx, org: OrgId, budget: NewBudget): Promise<{ id: string; before: number | null }> {
  const { id, scope, subject, unit, period, limit, by, plan } = budget;
  const identity = [org, scope, subject, unit, period, plan];
  const old = async (): Promise<{ id: string; before: number } | undefined> =>
    (
      await tx.query<{ id: string; before: number }>(
        `select id, amount as before from budget where org_id = $1 and scope = $2 and subject = $3 and unit = $4 and period = $5
         and plan is not distinct from $6 for no key update`,
        identity,
      )
    )[0];
  const known = await old();
  if (known !== undefined) {
    await changeLimit(tx, org, { id: known.id, limit });
    return known;
  }
  const made = await tx.query(
    `insert into budget (org_id, id, scope, subject, unit, period, amount, created_by, plan, since, spent)
     select $1, $7, $2, $3, $4, $5, $8, $9, $6, w.since, coalesce(${SPENT_BEFORE}, 0)
     from (select coalesce(case when $5 in ('run', 'total') then clock_now() when $5 = 'five_hours' then null else budget_since($5, null, clock_now()) end) as since) w
     on conflict do nothing returning 1`,
    [...identity, id, limit, by],
  );
  if (made.length > 0) return { id, before: null };
  const raced = await old(); // somebody made it just now
  if (raced === undefined) return { id, before: null };
  await changeLimit(tx, org, { id: raced.id, limit });
  return raced;
}

/** What was spent in the window that is under way, so that a budget set on the 15th counts the month from its 1st. */
const SPENT_BEFORE = `case
  when $5 in ('run', 'total', 'five_hours') or $2 = 'run' then 0
  when $4 = 'runs' then (select count(*) from run r where r.org_id = $1 and r.started_at >= w.since and case $2
    when 'org' then true when 'project' then r.project_id = $3 when 'agent' then r.agent_id = $3 else false end)
  else (select sum(case $4 when 'micro_usd' then d.micro_usd when 'tokens' then greatest(0, d.input_tokens - d.cached_input_tokens) + d.output_tokens
      else d.calls end)
    from spend_day d where d.org_id = $1 and not d.rehearsed and d.day >= (w.since at time zone 'UTC')::date and case $2
      when 'org' then true when 'project' then d.project_id = $3 when 'agent' then d.agent_id = $3 when 'key' then d.key_id = $3 else false end)
  end`;

export async function changeLimit(tx: Tx, org: OrgId, { id, limit }: { id: string; limit: number }): Promise<void> {
  await tx.query('update budget set amount = $3 where org_id = $1 and id = $2', [org, id, limit]);
  await forgetTold(tx, org, id);
}

/** A budget that has more is no longer used up, and is told of again at 80% of what it is now. */
async function forgetTold(tx: Tx, org: OrgId, id: string): Promise<void> {
  await tx.query(
    `update budget set exhausted_at = null,
       warned_at = case when spent * 5 < (amount + budget_granted(org_id, id, clock_now())) * 4 then null else warned_at end
     where org_id = $1 and id = $2`,
    [org, id],
  );
}

export async function deleteBudget(tx: Tx, org: OrgId, id: string): Promise<void> {
  await tx.query('delete from budget where org_id = $1 and id = $2', [org, id]);
}

type Said = { actor: string; actorName: string };
const GRANT = `id, budget_id as budget, amount, reason, request_id as request, actor_id as actor, actor_name as "actorName", created_at as "atMs",
  until as "untilMs", until > clock_now() as active`;
const REQUEST = `id, budget_id as budget, amount, reason, actor_id as actor, actor_name as "actorName", created_at as "atMs", state,
  answered_by as "answeredBy", answered_at as "answeredAtMs", answer`;

function withBy<T extends Said>({ actor, actorName, ...row }: T): Omit<T, keyof Said> & { by: { actor: string; name: string } } {
  return { ...row, by: { actor, name: actorName } };
}

export async function listGrants(tx: Tx, org: OrgId, { budget, limit }: { budget: string; limit: number }): Promise<GrantView[]> {
  const rows = await tx.query<Omit<GrantView, 'by'> & Said>(
    `select ${GRANT} from budget_grant where org_id = $1 and budget_id = $2 order by created_at desc, id desc limit $3`,
    [org, budget, limit],
  );
  return rows.map(withBy);
}

export async function insertGrant(
  tx: Tx,
  org: OrgId,
  grant: { id: string; budget: string; amount: number; reason: string; request: string | null; actor: string; name: string; untilMs: number },
): Promise<GrantView | null> {
  const { id, budget, amount, reason, request, actor, name, untilMs } = grant;
  const [row] = await tx.query<Omit<GrantView, 'by'> & Said>(
    `insert into budget_grant (org_id, id, budget_id, amount, reason, request_id, actor_id, actor_name, until)
     select $1, $2, $3, $4, $5, $6, $7, $8, $9 where $9::timestamptz > clock_now() returning ${GRANT}`,
    [org, id, budget, amount, reason, request, actor, name, isoTime(untilMs)],
  );
  if (row === undefined) return null;
  await forgetTold(tx, org, budget);
  return withBy(row);
}

export async function listRequests(
  tx: Tx,
  org: OrgId,
  filter: { budget: string | null; state: RequestView['state'] | null; limit: number; reach: Reach },
): Promise<{ rows: RequestView[]; total: number }> {
  const where = `org_id = $1 and ($2::text is null or budget_id = $2) and ($3::text is null or state = $3)
    and exists (select from budget b where b.org_id = budget_request.org_id and b.id = budget_request.budget_id and ${within(4)})`;
  const values = [org, filter.budget, filter.state, ...reachValues(filter.reach)];
  const rows = tx.query<Omit<RequestView, 'by'> & Said>(
    `select ${REQUEST} from budget_request where ${where} order by created_at desc, id desc limit $7`,
    [...values, filter.limit],
  );
  const [count] = await tx.query<{ total: number }>(`select count(*) as total from budget_request where ${where}`, values);
  return { rows: (await rows).map(withBy), total: count?.total ?? 0 };
}

export async function insertRequest(
  tx: Tx,
  org: OrgId,
  request: { id: string; budget: string; amount: number; reason: string; actor: string; name: string },
): Promise<RequestView | undefined> {
  const { id, budget, amount, reason, actor, name } = request;
  const rows = await tx.query<Omit<RequestView, 'by'> & Said>(
    `insert into budget_request (org_id, id, budget_id, amount, reason, actor_id, actor_name) values ($1, $2, $3, $4, $5, $6, $7) returning ${REQUEST}`,
    [org, id, budget, amount, reason, actor, name],
  );
  return rows.map(withBy)[0];
}

/** Null when it is not open (any more), or of another budget than the one given. */
export async function answerRequest(
  tx: Tx,
  org: OrgId,
  answer: { id: string; budget: string | null; state: 'granted' | 'refused'; by: string; text: string },
): Promise<RequestView | null> {
  const rows = await tx.query<Omit<RequestView, 'by'> & Said>(
    `update budget_request set state = $3, answered_by = $4, answered_at = clock_now(), answer = $5
     where org_id = $1 and id = $2 and state = 'open' and ($6::text is null or budget_id = $6) returning ${REQUEST}`,
    [org, answer.id, answer.state, answer.by, answer.text, answer.budget],
  );
  return rows.map(withBy)[0] ?? null;
}

export async function findRequest(tx: Tx, org: OrgId, id: string): Promise<Pick<RequestView, 'state' | 'budget'> | null> {
  const [row] = await tx.query<Pick<RequestView, 'state' | 'budget'>>(
    'select state, budget_id as budget from budget_request where org_id = $1 and id = $2',
    [org, id],
  );
  return row ?? null;
}

/** Organizations with something to tell of their budgets. */
export async function untoldOrgs(db: Database, limit: number): Promise<OrgId[]> {
  const rows = await db.asWorker((tx) => tx.last<{ org: OrgId }>('select distinct org_id as org from budget where not told limit $1', [limit]));
  return rows.map(({ org }) => org);
}

export type Untold = { id: string; warned: boolean; exhausted: boolean };

/** What is to be told, marked as told; whoever tells it does so in this transaction. */
export function takeUntold(tx: Tx, org: OrgId): Promise<Untold[]> {
  return tx.query<Untold>(
    `update budget set told = true where org_id = $1 and not told
     returning id, warned_at is not null as warned, exhausted_at is not null as exhausted`,
    [org],
  );
}

export async function findPlanBudget(tx: Tx, org: OrgId): Promise<BudgetView | null> {
  const [row] = await tx.query<{ id: string }>('select id from budget where org_id = $1 and plan is not null', [org]);
  return row === undefined ? null : findBudget(tx, org, { id: row.id, reach: null });
}

export async function deletePlanBudget(tx: Tx, org: OrgId): Promise<void> {
  await tx.query('delete from budget where org_id = $1 and plan is not null', [org]);
}

export async function databaseMs(tx: Tx): Promise<number> {
  const [row] = await tx.query<{ now: number }>('select clock_now() as now');
  return row?.now ?? 0;
}
