-- Budgets, what is reserved and spent of them, and what was spent by day (spec BUD-1, BUD-2, BUD-8, BUD-9).
--   windlass_app     makes, changes and grants; reads
--   windlass_worker  reserves and settles, in the commit of a call's intent and outcome (spend_apply)
-- Rows are locked in the order organization, project, agent, key, run, then id, by whoever locks more than one.

create table budget (
  org_id text not null references org (id),
  id text not null,
  scope text not null check (scope in ('org', 'project', 'agent', 'key', 'run')),
  scope_rank smallint not null generated always as (case scope when 'org' then 0 when 'project' then 1 when 'agent' then 2 when 'key' then 3 else 4 end) stored,
  -- the id of what it holds for; a run's is the topmost run's
  subject text not null,
  unit text not null check (unit in ('micro_usd', 'tokens', 'calls', 'runs')),
  period text not null check (period in ('run', 'five_hours', 'day', 'week', 'month', 'total')),
  amount bigint not null check (amount >= 0),
  -- of the window that begins at `since`; of a budget for each run, budget_run has them
  spent bigint not null default 0,
  reserved bigint not null default 0 check (reserved >= 0),
  -- null before the first call of five hours
  since timestamptz,
  -- the first time in this window at which 80% were spent, and at which a call was refused; told once each
  warned_at timestamptz,
  exhausted_at timestamptz,
  told boolean not null default true,
  -- set by the operator's plan: the organization cannot change it
  plan text check (plan = 'try'),
  created_by text not null,
  created_at timestamptz not null default clock_now(),
  primary key (org_id, id),
  unique nulls not distinct (org_id, scope, subject, unit, period, plan)
) with (fillfactor = 50);
create index budget_untold on budget (org_id) where not told;

create table budget_run (
  org_id text not null,
  budget_id text not null,
  -- the topmost run
  run_id text not null,
  spent bigint not null default 0,
  reserved bigint not null default 0 check (reserved >= 0),
  warned boolean not null default false,
  primary key (org_id, budget_id, run_id),
  foreign key (org_id, budget_id) references budget (org_id, id) on delete cascade
) with (fillfactor = 50);

create table budget_request (
  org_id text not null,
  id text not null,
  budget_id text not null,
  amount bigint not null check (amount > 0),
  reason text not null,
  actor_id text not null,
  actor_name text not null,
  created_at timestamptz not null default clock_now(),
  state text not null default 'open' check (state in ('open', 'granted', 'refused')),
  answered_by text,
  answered_at timestamptz,
  answer text not null default '',
  primary key (org_id, id),
  foreign key (org_id, budget_id) references budget (org_id, id) on delete cascade
);
create index budget_request_open on budget_request (org_id, created_at) where state = 'open';
create index budget_request_of on budget_request (org_id, budget_id);

create table budget_grant (
  org_id text not null,
  id text not null,
  budget_id text not null,
  amount bigint not null check (amount > 0),
  reason text not null,
  request_id text,
  actor_id text not null,
  actor_name text not null,
  created_at timestamptz not null default clock_now(),
  until timestamptz not null,
  primary key (org_id, id),
  foreign key (org_id, budget_id) references budget (org_id, id) on delete cascade
);
create index budget_grant_by_end on budget_grant (org_id, budget_id, until);

-- What a call under way has reserved. A run's is settled by whoever holds the run; a gateway call's by its process, or by
-- the sweep once the lease ran out. `parts`: [{budget, root, since, unit, amount}].
create table spend_hold (
  org_id text not null,
  -- the run, or the call
  id text not null,
  parts json not null,
  at timestamptz not null,
  process text,
  lease_until timestamptz,
  -- of a gateway call: all that its outcome needs, as JSON
  call text,
  primary key (org_id, id)
);

-- Spend by day of UTC (of the call's intent) and whom it is metered to; '' stands for none.
create table spend_day (
  org_id text not null,
  day date not null,
  project_id text not null,
  agent_id text not null,
  key_id text not null,
  model text not null,
  actor_id text not null,
  rehearsed boolean not null,
  calls bigint not null,
  failed bigint not null,
  -- calls whose usage we counted, and calls without a known price
  estimated bigint not null,
  unpriced bigint not null,
  -- by calls that belong to no run
  outside bigint not null,
  input_tokens bigint not null,
  cached_input_tokens bigint not null,
  cache_write_tokens bigint not null,
  output_tokens bigint not null,
  reasoning_tokens bigint not null,
  micro_usd bigint not null,
  primary key (org_id, day, project_id, agent_id, key_id, model, actor_id, rehearsed)
) with (fillfactor = 50);

do $$
declare
  name text;
begin
  foreach name in array array['budget', 'budget_run', 'budget_request', 'budget_grant', 'spend_hold', 'spend_day'] loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy org_isolation on %I for all to windlass_app using (org_id = current_org()) with check (org_id = current_org())', name);
    execute format('create policy worker_meters on %I for all to windlass_worker using (true) with check (true)', name);
  end loop;
end
$$;
grant select, insert, delete on budget to windlass_app;
grant update (amount, spent, reserved, since, warned_at, exhausted_at, told, plan) on budget to windlass_app;
grant select on budget_run, spend_hold, spend_day to windlass_app;
grant select, insert on budget_request, budget_grant to windlass_app;
grant update (state, answered_by, answered_at, answer) on budget_request to windlass_app;
grant select, update on budget to windlass_worker;
grant select, insert, update, delete on budget_run, spend_hold, spend_day to windlass_worker;
grant select on budget_request, budget_grant to windlass_worker;

-- A budget of a key follows its rotation.
create policy worker_follows on api_key for select to windlass_worker using (true);
grant select (org_id, id, replaced_by) on api_key to windlass_worker;
create index api_key_by_successor on api_key (org_id, replaced_by) where replaced_by is not null;

-- Start of the window that `now` falls into; never before the one that stands, whose clock may have been ahead.
create function budget_since(period text, since timestamptz, now timestamptz) returns timestamptz
  language sql immutable parallel safe
  return case period
    when 'day' then greatest(since, date_trunc('day', now at time zone 'UTC') at time zone 'UTC')
    when 'week' then greatest(since, date_trunc('week', now at time zone 'UTC') at time zone 'UTC')
    when 'month' then greatest(since, date_trunc('month', now at time zone 'UTC') at time zone 'UTC')
    when 'five_hours' then case when since is null or now >= since + interval '5 hours' then now else since end
    else since
  end;

-- When a window ends; null when it never does.
create function budget_until(period text, since timestamptz) returns timestamptz
  language sql immutable parallel safe
  return case period
    when 'day' then (since at time zone 'UTC' + interval '1 day') at time zone 'UTC'
    when 'week' then (since at time zone 'UTC' + interval '7 days') at time zone 'UTC'
    when 'month' then (since at time zone 'UTC' + interval '1 month') at time zone 'UTC'
    when 'five_hours' then since + interval '5 hours'
  end;

-- What is granted on top of a budget's own amount.
create function budget_granted(org text, budget text, now timestamptz) returns bigint
  language sql stable parallel safe
  as $$ select coalesce(sum(g.amount), 0)::bigint from budget_grant g where g.org_id = org and g.budget_id = budget and g.until > now $$;

-- One thing that happens to budgets. `kind`: reserve, before a call; start, of a run; settle, at what was used; release, of what was
-- certainly never sent; lapse, at what was reserved, because nobody knows. `id` is the run's or the call's.
create type spend_op as (
  ordinal integer, kind text, org text, id text, root text, child boolean, project text, agent text, key text, actor text, model text,
  rehearsed boolean, tokens bigint, micro_usd bigint, calls integer, input_tokens bigint, cached_input_tokens bigint, cache_write_tokens bigint,
  output_tokens bigint, reasoning_tokens bigint, estimated boolean, failed boolean, at timestamptz, only_held boolean, process text,
  lease interval, call text
);

-- Whom the reservations among `ops` count for: one row for each scope and subject.
create function spend_subjects(ops json) returns table (ordinal integer, org text, scope text, subject text)
  language sql stable
  as $$
with recursive op as materialized (
  select o.* from json_populate_recordset(null::spend_op, ops) o where o.kind = 'start' or (o.kind = 'reserve' and not o.rehearsed)
),
line as (
  select o.ordinal, o.org, o.agent, r.parent_id from op o left join run r on o.child and r.org_id = o.org and r.id = o.id
  union all
  select l.ordinal, l.org, r.agent_id, r.parent_id from line l join run r on r.org_id = l.org and r.id = l.parent_id
),
keys as (
  select o.ordinal, o.org, o.key from op o where o.key is not null
  union
  select k.ordinal, k.org, a.id from keys k join api_key a on a.org_id = k.org and a.replaced_by = k.key
)
select o.ordinal, o.org, 'org', o.org from op o
union select o.ordinal, o.org, 'project', o.project from op o where o.project is not null
union select l.ordinal, l.org, 'agent', l.agent from line l where l.agent is not null
union select k.ordinal, k.org, 'key', k.key from keys k
union select o.ordinal, o.org, 'run', o.root from op o where o.root is not null
$$;

-- Settles, then reserves, in the order given; those of `wanted`, or all. Answers a JSON array of what is worth telling:
--   {ordinal, refused: {…}}  not reserved: nothing of it was written
--   {ordinal, settled: true} was settled before: nothing of it was written
--   {ordinal, warned: […]}   took these budgets beyond 80%
create function spend_apply(ops json, wanted integer[], now timestamptz) returns json
  language plpgsql
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
  as $$
declare
  op spend_op[];
  locked_org text[];
  locked_id text[];
  verdicts json;
begin
  select array_agg(o order by o.ordinal) into op from json_populate_recordset(null::spend_op, ops) o where wanted is null or o.ordinal = any (wanted);
  if op is null then
    return '[]';
  end if;
  if exists (select from unnest(op) o join budget b on b.org_id = o.org) then
    if wanted is not null then
      ops := array_to_json(op);
    end if;
    select array_agg(l.org_id), array_agg(l.id) into locked_org, locked_id from (
      select b.org_id, b.id from budget b
      where (b.org_id, b.id) in (
        select m.org_id, m.id from spend_subjects(ops) s join budget m on m.org_id = s.org and m.scope = s.scope and m.subject = s.subject
        union
        select o.org, p.budget from unnest(op) o join spend_hold h on h.org_id = o.org and h.id = o.id
          cross join json_to_recordset(h.parts) as p (budget text) where o.kind in ('settle', 'release', 'lapse'))
      order by b.org_id collate "C", b.scope_rank, b.id collate "C" for no key update of b
    ) l;
  end if;
  verdicts := spend_settle(op, now);
  if (locked_id is not null or exists (select from unnest(op) o where o.process is not null))
    and exists (select from unnest(op) o where o.kind in ('reserve', 'start')) then
    verdicts := json_concat(verdicts, spend_reserve(op, ops, locked_org, locked_id, now));
  end if;
  return verdicts;
end
$$;

create function json_concat(a json, b json) returns json
  language sql immutable parallel safe
  as $$ select coalesce(json_agg(e.value), '[]') from (select value from json_array_elements(a) union all select value from json_array_elements(b)) e $$;

-- The settling half of spend_apply, whose locks it stands on.
create function spend_settle(op spend_op[], now timestamptz) returns json
  language plpgsql
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
  as $$
declare
  held integer[];
  verdicts json;
begin
  if not exists (select from unnest(op) o where o.kind in ('settle', 'release', 'lapse')) then
    return '[]';
  end if;
  held := '{}';
  verdicts := '[]';
  if exists (select from unnest(op) o join spend_hold h on h.org_id = o.org and h.id = o.id where o.kind in ('settle', 'release', 'lapse')) then
    with gone as (
      delete from spend_hold h using unnest(op) o
      where o.kind in ('settle', 'release', 'lapse') and h.org_id = o.org and h.id = o.id
      returning o.ordinal, h.org_id, h.parts
    ),
    part as (
      select g.ordinal, g.org_id, p.budget, p.root, p.since, p.amount, case
          when o.kind = 'lapse' then p.amount
          when o.kind = 'release' then 0
          when p.unit = 'tokens' then o.tokens
          when p.unit = 'calls' then o.calls
          else coalesce(o.micro_usd, 0)
        end as actual
      from gone g join unnest(op) o on o.ordinal = g.ordinal
        cross join json_to_recordset(g.parts) as p (budget text, root text, since timestamptz, unit text, amount bigint)
    ),
    -- a window that ended meanwhile is history, and what was reserved in it with it
    whole as (
      select p.org_id, p.budget, min(p.ordinal) as ordinal, sum(p.amount) as amount, sum(p.actual) as actual,
        b.warned_at is null and (b.spent + sum(p.actual)) * 5 >= (b.amount + budget_granted(b.org_id, b.id, now)) * 4 and sum(p.actual) > 0 as warns
      from part p join budget b on b.org_id = p.org_id and b.id = p.budget and b.since = p.since
      where p.root = '' group by p.org_id, p.budget, b.org_id, b.id
    ),
    moved as (
      update budget b set reserved = b.reserved - w.amount, spent = b.spent + w.actual,
        warned_at = case when w.warns then now else b.warned_at end, told = b.told and not w.warns
      from whole w where b.org_id = w.org_id and b.id = w.budget
      returning w.ordinal, w.warns, b.id, b.spent, b.amount + budget_granted(b.org_id, b.id, now) as most, budget_until(b.period, b.since) as until
    ),
    single as (
      select p.org_id, p.budget, p.root, min(p.ordinal) as ordinal, sum(p.amount) as amount, sum(p.actual) as actual,
        b.amount + budget_granted(b.org_id, b.id, now) as most,
        not r.warned and (r.spent + sum(p.actual)) * 5 >= (b.amount + budget_granted(b.org_id, b.id, now)) * 4 and sum(p.actual) > 0 as warns
      from part p join budget b on b.org_id = p.org_id and b.id = p.budget
        join budget_run r on r.org_id = p.org_id and r.budget_id = p.budget and r.run_id = p.root
      where p.root <> '' group by p.org_id, p.budget, p.root, b.org_id, b.id, r.org_id, r.budget_id, r.run_id
    ),
    moved_run as (
      update budget_run r set reserved = r.reserved - s.amount, spent = r.spent + s.actual, warned = r.warned or s.warns
      from single s where r.org_id = s.org_id and r.budget_id = s.budget and r.run_id = s.root
      returning s.ordinal, s.warns, s.budget as id, r.spent, s.most, null::timestamptz as until
    ),
    warning as (
      select m.ordinal, json_agg(json_build_object('budget', m.id, 'spent', m.spent, 'limit', m.most, 'resets_at', (extract(epoch from m.until) * 1000)::bigint)) as warned
      from (select * from moved union all select * from moved_run) m where m.warns group by m.ordinal
    )
    select (select coalesce(array_agg(g.ordinal), '{}') from gone g),
      (select coalesce(json_agg(json_build_object('ordinal', w.ordinal, 'warned', w.warned)), '[]') from warning w)
      into held, verdicts;
  end if;
  if exists (select from unnest(op) o where o.only_held and o.kind in ('settle', 'release', 'lapse') and o.ordinal <> all (held)) then
    select json_concat(verdicts, json_agg(json_build_object('ordinal', o.ordinal, 'settled', true))) into verdicts
      from unnest(op) o where o.only_held and o.kind in ('settle', 'release', 'lapse') and o.ordinal <> all (held);
  end if;
  insert into spend_day as d (org_id, day, project_id, agent_id, key_id, model, actor_id, rehearsed, calls, failed, estimated, unpriced, outside,
      input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, micro_usd)
    select o.org, (o.at at time zone 'UTC')::date, coalesce(o.project, ''), coalesce(o.agent, ''), coalesce(o.key, ''), o.model, o.actor, o.rehearsed,
      count(*), count(*) filter (where o.failed), count(*) filter (where o.estimated), count(*) filter (where o.micro_usd is null),
      count(*) filter (where o.root is null), sum(o.input_tokens), sum(o.cached_input_tokens), sum(o.cache_write_tokens), sum(o.output_tokens),
      sum(o.reasoning_tokens), coalesce(sum(o.micro_usd), 0)
    from unnest(op) o
    where o.kind in ('settle', 'lapse') and o.model is not null and (not o.only_held or o.ordinal = any (held))
    group by 1, 2, 3, 4, 5, 6, 7, 8
    -- every writer takes the rows in this order
    order by 1, 2, 3, 4, 5, 6, 7, 8
  on conflict (org_id, day, project_id, agent_id, key_id, model, actor_id, rehearsed) do update set
    calls = d.calls + excluded.calls, failed = d.failed + excluded.failed, estimated = d.estimated + excluded.estimated,
    unpriced = d.unpriced + excluded.unpriced, outside = d.outside + excluded.outside, input_tokens = d.input_tokens + excluded.input_tokens,
    cached_input_tokens = d.cached_input_tokens + excluded.cached_input_tokens, cache_write_tokens = d.cache_write_tokens + excluded.cache_write_tokens,
    output_tokens = d.output_tokens + excluded.output_tokens, reasoning_tokens = d.reasoning_tokens + excluded.reasoning_tokens,
    micro_usd = d.micro_usd + excluded.micro_usd;
  return verdicts;
end
$$;

-- The reserving half of spend_apply. All or nothing of each op: a call that one budget refuses takes from none.
create function spend_reserve(op spend_op[], ops json, locked_org text[], locked_id text[], now timestamptz) returns json
  language plpgsql
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
  as $$
declare
  -- pairs of an op and a counter that it takes from, in the order of ops
  p_ordinal integer[] := '{}';
  p_counter integer[];
  p_need bigint[];
  p_org text[];
  p_budget text[];
  p_root text[];
  -- counters: a budget, or a budget for each run and one run
  c_org text[] := '{}';
  c_budget text[] := '{}';
  c_root text[] := '{}';
  c_unit text[];
  c_most bigint[];
  c_spent bigint[];
  c_reserved bigint[];
  c_since timestamptz[];
  c_told json[];
  c_until timestamptz[];
  c_refused boolean[];
  a_reserved bigint[];
  a_spent bigint[];
  one spend_op;
  first integer := 1;
  past integer;
  c integer;
  worst integer;
  passing boolean;
  passes boolean;
  has_money boolean;
  has_cap boolean;
  left_micro_usd bigint;
  left_tokens bigint;
  accepted integer[] := '{}';
  verdicts json[] := '{}';
begin
  if locked_id is not null then
    select array_agg(x.ordinal order by x.ordinal, x.scope_rank, x.id), array_agg(x.counter order by x.ordinal, x.scope_rank, x.id),
        array_agg(x.need order by x.ordinal, x.scope_rank, x.id), array_agg(x.org_id order by x.ordinal, x.scope_rank, x.id),
        array_agg(x.id order by x.ordinal, x.scope_rank, x.id), array_agg(x.root order by x.ordinal, x.scope_rank, x.id)
      into p_ordinal, p_counter, p_need, p_org, p_budget, p_root
      from (
        select m.*, dense_rank() over (order by m.org_id, m.id, m.root) as counter from (
          select s.ordinal, b.org_id, b.id, b.scope_rank, case when b.period = 'run' then o.root else '' end as root,
            case b.unit when 'micro_usd' then coalesce(o.micro_usd, 0) when 'tokens' then o.tokens else 1 end as need
          from spend_subjects(ops) s join unnest(op) o on o.ordinal = s.ordinal
            join budget b on b.org_id = s.org and b.scope = s.scope and b.subject = s.subject
            join unnest(locked_org, locked_id) as l (org, id) on l.org = b.org_id and l.id = b.id
          where (o.kind = 'start') = (b.unit = 'runs') and (b.period <> 'run' or o.root is not null)
        ) m
      ) x;
    p_ordinal := coalesce(p_ordinal, '{}');
  end if;
  if cardinality(p_ordinal) > 0 then
    insert into budget_run (org_id, budget_id, run_id)
      select distinct p.org, p.budget, p.root from unnest(p_org, p_budget, p_root) as p (org, budget, root) where p.root <> ''
      on conflict do nothing;
    update budget b set since = budget_since(b.period, b.since, now), spent = 0, reserved = 0, warned_at = null, exhausted_at = null, told = true
      from (select distinct p.org, p.budget from unnest(p_org, p_budget) as p (org, budget)) p
      where b.org_id = p.org and b.id = p.budget and b.since is distinct from budget_since(b.period, b.since, now);
    select array_agg(k.org order by k.counter), array_agg(k.budget order by k.counter), array_agg(k.root order by k.counter),
        array_agg(b.unit order by k.counter), array_agg(b.amount + budget_granted(b.org_id, b.id, now) order by k.counter),
        array_agg(coalesce(r.spent, b.spent) order by k.counter), array_agg(coalesce(r.reserved, b.reserved) order by k.counter),
        array_agg(b.since order by k.counter), array_agg(budget_until(b.period, b.since) order by k.counter),
        array_agg(json_build_object('budget', b.id, 'scope', b.scope, 'unit', b.unit, 'period', b.period, 'plan', b.plan) order by k.counter),
        array_agg(false), array_agg(0::bigint), array_agg(0::bigint)
      into c_org, c_budget, c_root, c_unit, c_most, c_spent, c_reserved, c_since, c_until, c_told, c_refused, a_reserved, a_spent
      from (select distinct p.counter, p.org, p.budget, p.root from unnest(p_counter, p_org, p_budget, p_root) as p (counter, org, budget, root)) k
        join budget b on b.org_id = k.org and b.id = k.budget
        left join budget_run r on k.root <> '' and r.org_id = k.org and r.budget_id = k.budget and r.run_id = k.root;
  end if;

  foreach one in array op loop
    continue when one.kind not in ('reserve', 'start');
    past := first;
    worst := null;
    passing := true;
    has_money := false;
    has_cap := false;
    left_micro_usd := null;
    left_tokens := null;
    while p_ordinal[past] = one.ordinal loop
      c := p_counter[past];
      case c_unit[c]
        when 'micro_usd' then
          has_money := true;
          left_micro_usd := least(left_micro_usd, c_most[c] - c_spent[c] - c_reserved[c]);
          if one.micro_usd is null and worst is null then
            worst := c;
          end if;
        when 'tokens' then
          has_cap := true;
          left_tokens := least(left_tokens, c_most[c] - c_spent[c] - c_reserved[c]);
        else
          has_cap := true;
      end case;
      past := past + 1;
    end loop;
    if worst is not null and not has_cap then
      -- money is capped, the price is not known, and nothing else caps: refused, not guessed
      verdicts := verdicts || json_build_object('ordinal', one.ordinal, 'refused', json_build_object('why', 'unpriced', 'told', c_told[worst],
        'limit', c_most[worst], 'spent', c_spent[worst], 'reserved', c_reserved[worst], 'resets_at', (extract(epoch from c_until[worst]) * 1000)::bigint));
      first := past;
      continue;
    end if;
    worst := null;
    for i in first .. past - 1 loop
      c := p_counter[i];
      continue when c_spent[c] + c_reserved[c] + p_need[i] <= c_most[c];
      -- what is under way may leave room
      passes := c_spent[c] + p_need[i] <= c_most[c];
      if worst is null or (passing and not passes) or (passing = passes and (c_until[c] is null or c_until[c] > c_until[worst])) then
        worst := c;
      end if;
      passing := passing and passes;
      if not passes then
        c_refused[c] := true;
      end if;
    end loop;
    if worst is not null then
      verdicts := verdicts || json_build_object('ordinal', one.ordinal, 'refused', json_build_object('why', 'exhausted', 'told', c_told[worst],
        'limit', c_most[worst], 'spent', c_spent[worst], 'reserved', c_reserved[worst], 'resets_at', (extract(epoch from c_until[worst]) * 1000)::bigint,
        'passing', passing, 'left_micro_usd', left_micro_usd, 'left_tokens', left_tokens));
    else
      accepted := accepted || one.ordinal;
      for i in first .. past - 1 loop
        c := p_counter[i];
        if one.kind = 'start' then
          c_spent[c] := c_spent[c] + p_need[i];
          a_spent[c] := a_spent[c] + p_need[i];
        else
          c_reserved[c] := c_reserved[c] + p_need[i];
          a_reserved[c] := a_reserved[c] + p_need[i];
        end if;
      end loop;
    end if;
    first := past;
  end loop;

  if cardinality(c_org) > 0 then
    update budget b set reserved = b.reserved + a.reserved, spent = b.spent + a.spent,
        exhausted_at = case when a.refused then coalesce(b.exhausted_at, now) else b.exhausted_at end,
        warned_at = case when a.warns then now else b.warned_at end,
        told = b.told and not (a.warns or (a.refused and b.exhausted_at is null))
      from (
        select u.org, u.budget, u.reserved, u.spent, u.refused, w.warned_at is null and u.spent > 0 and (w.spent + u.spent) * 5 >= u.most * 4 as warns
        from unnest(c_org, c_budget, c_root, a_reserved, a_spent, c_refused, c_most) as u (org, budget, root, reserved, spent, refused, most)
          join budget w on w.org_id = u.org and w.id = u.budget
        where u.root = '' and (u.reserved > 0 or u.spent > 0 or u.refused)
      ) a
      where b.org_id = a.org and b.id = a.budget;
    update budget_run r set reserved = r.reserved + a.reserved, spent = r.spent + a.spent
      from unnest(c_org, c_budget, c_root, a_reserved, a_spent) as a (org, budget, root, reserved, spent)
      where a.root <> '' and (a.reserved > 0 or a.spent > 0) and r.org_id = a.org and r.budget_id = a.budget and r.run_id = a.root;
  end if;
  insert into spend_hold (org_id, id, parts, at, process, lease_until, call)
    select o.org, o.id, coalesce(h.parts, '[]'), now, o.process, now + o.lease, o.call
    from unnest(op) o left join lateral (
      select json_agg(json_build_object('budget', c_budget[p.counter], 'root', c_root[p.counter], 'since', c_since[p.counter],
        'unit', c_unit[p.counter], 'amount', p.need)) as parts
      from unnest(p_ordinal, p_counter, p_need) as p (ordinal, counter, need)
      where p.ordinal = o.ordinal and p.need > 0
    ) h on true
    where o.kind = 'reserve' and o.ordinal = any (accepted) and (h.parts is not null or o.process is not null);
  return array_to_json(verdicts);
end
$$;

-- The guard of a batch of appends (see migration 0002), with what the batch spends: what a budget refuses is not moved.
drop function journal_append(json, json, json, json, timestamptz, interval);
drop function journal_guard(json, timestamptz, interval);
create function journal_guard(requests json, spends json, sealed_at timestamptz, tolerance interval, out matched integer[], out now timestamptz, out verdicts json)
  language plpgsql
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
  as $$
declare
  refused integer[];
begin
  now := clock_now();
  if sealed_at not between now - tolerance and now + tolerance then
    return;
  end if;
  with moved as (
    update stream s set head_seq = r.new_seq, head_hash = decode(r.new_hash, 'hex')
    from json_to_recordset(requests) as r (ordinal integer, org text, run text, fence bigint, head_seq bigint, new_seq bigint, new_hash text, consumed json)
    where s.org_id = r.org and s.id = r.run and s.fence = r.fence and s.head_seq = r.head_seq
      and (r.consumed is null or not exists (
        select from json_array_elements_text(r.consumed) as c (id)
        where not exists (select from run_inbox i where i.org_id = r.org and i.run_id = r.run and i.id = c.id::bigint)))
    returning r.ordinal
  )
  select coalesce(array_agg(m.ordinal), '{}') into matched from moved m;
  if spends is null or cardinality(matched) = 0 then
    return;
  end if;
  verdicts := spend_apply(spends, matched, now);
  select array_agg(v.ordinal) into refused from json_to_recordset(verdicts) as v (ordinal integer, refused json) where v.refused is not null;
  if refused is null then
    return;
  end if;
  update stream s set head_seq = r.head_seq, head_hash = decode(r.head_hash, 'hex')
    from json_to_recordset(requests) as r (ordinal integer, org text, run text, head_seq bigint, head_hash text)
    where r.ordinal = any (refused) and s.org_id = r.org and s.id = r.run;
  select coalesce(array_agg(m.ordinal), '{}') into matched from unnest(matched) as m (ordinal) where m.ordinal <> all (refused);
end
$$;

create function journal_append(requests json, entries json, payloads json, patches json, spends json, sealed_at timestamptz, tolerance interval,
  out matched integer[], out now timestamptz, out first_position bigint, out verdicts json)
  language plpgsql
  as $$
begin
  select g.matched, g.now, g.verdicts into matched, now, verdicts from journal_guard(requests, spends, sealed_at, tolerance) g;
  if cardinality(matched) > 0 then
    first_position := journal_write(matched, requests, entries, payloads, patches);
  end if;
end
$$;

-- Begins and ends calls of the gateway: what they spend, and their entries onto the streams of their keys' months, sealed here
-- (as sealEntries does), so that processes that write to one stream need no second try. Answers the verdicts of spend_apply.
create function ledger_commit(ops json, entries json, payloads json) returns json
  language plpgsql
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
  as $$
declare
  now timestamptz := clock_now();
  at timestamptz := date_trunc('milliseconds', clock_now());
  at_ms bigint := (extract(epoch from date_trunc('milliseconds', clock_now())) * 1000)::bigint;
  verdicts json;
  out_of integer[];
  e record;
  previous_org text := '';
  previous_stream text := '';
  head_seq bigint;
  head_hash text;
  hash text;
  w_ordinal integer[] := '{}';
  w_seq bigint[] := '{}';
  w_previous text[] := '{}';
  w_hash text[] := '{}';
begin
  verdicts := spend_apply(ops, null, now);
  select coalesce(array_agg(v.ordinal), '{}') into out_of
    from json_to_recordset(verdicts) as v (ordinal integer, refused json, settled boolean) where v.refused is not null or v.settled;
  insert into stream (org_id, id, kind)
    select distinct n.org, n.stream, 'key' from json_to_recordset(entries) as n (ordinal integer, org text, stream text) where n.ordinal <> all (out_of)
    order by 1, 2
    on conflict do nothing;
  perform from stream s
    where (s.org_id, s.id) in (select n.org, n.stream from json_to_recordset(entries) as n (ordinal integer, org text, stream text) where n.ordinal <> all (out_of))
    order by s.org_id collate "C", s.id collate "C" for no key update of s;
  for e in
    select n.*, s.head_seq, encode(s.head_hash, 'hex') as head_hash
    from json_to_recordset(entries) as n (ordinal integer, org text, stream text, type text, version integer, actor text, "effectId" text, commitment text)
      join stream s on s.org_id = n.org and s.id = n.stream
    where n.ordinal <> all (out_of)
    order by n.org collate "C", n.stream collate "C", n.ordinal
  loop
    if e.org <> previous_org or e.stream <> previous_stream then
      head_seq := e.head_seq;
      head_hash := e.head_hash;
      previous_org := e.org;
      previous_stream := e.stream;
    end if;
    head_seq := head_seq + 1;
    hash := encode(sha256(convert_to(format('{"actor":%s,"atMs":%s,"commitment":"%s","effectId":%s,"fence":0,"org":%s,"prevHash":"%s","seq":%s,"stream":%s,"type":%s,"version":%s}',
      to_json(e.actor), at_ms, e.commitment, coalesce(to_json(e."effectId"), 'null'), to_json(e.org), head_hash, head_seq, to_json(e.stream), to_json(e.type), e.version), 'UTF8')), 'hex');
    w_ordinal := w_ordinal || e.ordinal;
    w_seq := w_seq || head_seq;
    w_previous := w_previous || head_hash;
    w_hash := w_hash || hash;
    head_hash := hash;
  end loop;
  if cardinality(w_ordinal) = 0 then
    return verdicts;
  end if;
  update stream s set head_seq = h.seq, head_hash = decode(h.hash, 'hex')
    from (
      select distinct on (n.org, n.stream) n.org, n.stream, w.seq, w.hash
      from unnest(w_ordinal, w_seq, w_hash) as w (ordinal, seq, hash)
        join json_to_recordset(entries) as n (ordinal integer, org text, stream text) on n.ordinal = w.ordinal
      order by n.org, n.stream, w.seq desc
    ) h
    where s.org_id = h.org and s.id = h.stream;
  if payloads is not null then
    insert into payload (org_id, digest, body)
      select p.org, decode(p.commitment, 'hex'), p.body
      from json_to_recordset(payloads) as p (ordinal integer, org text, commitment text, body text)
      where p.ordinal = any (w_ordinal);
  end if;
  perform journal_position_lock();
  insert into journal (org_id, stream, seq, position, at, type, version, actor, effect_id, fence, prev_hash, hash, commitment, salt, payload)
    select n.org, n.stream, w.seq, nextval('journal_position'), at, n.type, n.version, n.actor, n."effectId", 0, decode(w.previous, 'hex'),
      decode(w.hash, 'hex'), decode(n.commitment, 'hex'), decode(n.salt, 'hex'), n.payload
    from unnest(w_ordinal, w_seq, w_previous, w_hash) as w (ordinal, seq, previous, hash)
      join json_to_recordset(entries) as n (ordinal integer, org text, stream text, type text, version integer, actor text, "effectId" text,
        commitment text, salt text, payload text) on n.ordinal = w.ordinal;
  return verdicts;
end
$$;

revoke execute on function spend_apply(json, integer[], timestamptz), spend_settle(spend_op[], timestamptz), spend_subjects(json),
  spend_reserve(spend_op[], json, text[], text[], timestamptz), journal_guard(json, json, timestamptz, interval),
  journal_append(json, json, json, json, json, timestamptz, interval), ledger_commit(json, json, json) from public;
grant execute on function spend_apply(json, integer[], timestamptz), spend_settle(spend_op[], timestamptz), spend_subjects(json),
  spend_reserve(spend_op[], json, text[], text[], timestamptz), journal_guard(json, json, timestamptz, interval),
  journal_append(json, json, json, json, json, timestamptz, interval), ledger_commit(json, json, json) to windlass_worker;
