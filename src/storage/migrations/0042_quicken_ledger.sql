-- The ledger reads each batch once, and decides at once where all of it fits (spec BUD-1, BUD-2). The rules stay those of migration 0030: where one
-- call does not fit, or runs, keys that were rotated or budgets for each run take part, its functions decide call by call as before.

create type spend_part as (budget text, root text, since timestamptz, unit text, amount bigint);
alter table spend_hold rename column parts to told;
alter table spend_hold add column parts spend_part[];
update spend_hold h set parts = coalesce(
  (select array_agg(row(p.budget, p.root, p.since, p.unit, p.amount)::spend_part)
    from json_to_recordset(h.told) as p (budget text, root text, since timestamptz, unit text, amount bigint)), '{}');
alter table spend_hold drop column told, alter column parts set not null;

drop function ledger_commit(json, json, json);
drop function spend_apply(json, integer[], timestamptz);
drop function spend_reserve(spend_op[], json, text[], text[], timestamptz);
drop function spend_settle(spend_op[], timestamptz);
drop function spend_subjects(json);
alter type spend_op drop attribute process, drop attribute lease, drop attribute call;

-- Whose calls are begun, how long they are held for it without a word, and by ordinal what their outcome needs, as JSON. Nulls for runs.
create type spend_lease as (process text, lasts interval, calls text[]);

create function spend_subjects(ops spend_op[]) returns table (ordinal integer, org text, scope text, subject text)
  language sql stable
  as $$
with recursive op as materialized (
  select o.* from unnest(ops) o where o.kind = 'start' or (o.kind = 'reserve' and not o.rehearsed)
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

create function spend_settle(op spend_op[], now timestamptz) returns json
  language plpgsql
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
        cross join unnest(g.parts) p
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

create function spend_reserve(op spend_op[], lease spend_lease, locked_org text[], locked_id text[], now timestamptz) returns json
  language plpgsql
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
          from spend_subjects(op) s join unnest(op) o on o.ordinal = s.ordinal
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
      if worst is null or (passing and not passes) or (passing = passes and c_until[worst] is not null and (c_until[c] is null or c_until[c] > c_until[worst])) then
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
    select o.org, o.id, h.parts, now, lease.process, now + lease.lasts, lease.calls[o.ordinal + 1]
    from unnest(op) o cross join lateral (
      select coalesce(array_agg(row(c_budget[p.counter], c_root[p.counter], c_since[p.counter], c_unit[p.counter], p.need)::spend_part), '{}') as parts
      from unnest(p_ordinal, p_counter, p_need) as p (ordinal, counter, need)
      where p.ordinal = o.ordinal and p.need > 0
    ) h
    where o.kind = 'reserve' and o.ordinal = any (accepted) and (h.parts <> '{}' or lease.process is not null);
  return array_to_json(verdicts);
end
$$;

-- Settles, then reserves, in the order given. Answers a JSON array of what is worth telling, null for nothing:
--   {ordinal, refused: {…}}  not reserved: nothing of it was written
--   {ordinal, settled: true} was settled before: nothing of it was written
--   {ordinal, warned: […]}   took these budgets beyond 80%
create function spend_batch(op spend_op[], lease spend_lease, now timestamptz) returns json
  language plpgsql
  as $$
declare
  locked_org text[];
  locked_id text[];
  verdicts json;
begin
  if exists (select from unnest(op) o join budget b on b.org_id = o.org) then
    select array_agg(l.org_id), array_agg(l.id) into locked_org, locked_id from (
      select b.org_id, b.id from budget b
      where (b.org_id, b.id) in (
        select m.org_id, m.id from spend_subjects(op) s join budget m on m.org_id = s.org and m.scope = s.scope and m.subject = s.subject
        union
        select o.org, p.budget from unnest(op) o join spend_hold h on h.org_id = o.org and h.id = o.id
          cross join unnest(h.parts) p where o.kind in ('settle', 'release', 'lapse'))
      order by b.org_id collate "C", b.scope_rank, b.id collate "C" for no key update of b
    ) l;
  end if;
  verdicts := spend_settle(op, now);
  if (locked_id is not null or lease.process is not null) and exists (select from unnest(op) o where o.kind in ('reserve', 'start')) then
    verdicts := json_concat(verdicts, spend_reserve(op, lease, locked_org, locked_id, now));
  end if;
  return verdicts;
end
$$;

-- As spend_batch, of those that are `wanted`, or all, as JSON.
create function spend_apply(ops json, wanted integer[], now timestamptz) returns json
  language plpgsql
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
  as $$
declare
  op spend_op[];
begin
  select array_agg(o order by o.ordinal) into op from json_populate_recordset(null::spend_op, ops) o where wanted is null or o.ordinal = any (wanted);
  if op is null then
    return '[]';
  end if;
  return coalesce(spend_batch(op, null, now), '[]');
end
$$;

-- Begins and ends calls of the gateway, which belong to no run: what they spend, and their entries onto the streams of their keys' months, sealed
-- here (as sealEntries does), so that processes that write to one stream need no second try. Answers the refusals of spend_reserve, null for none.
--   o_…   one of each for each begin (kind reserve) and end (settle, release, lapse), as in spend_op, with its entry
--   payloads, kept   JSON texts in the same order with the character 30 between them, which none of them holds: of the entry ('' for one in `large`),
--         and of a begin what its outcome needs
--   s_…   whom the begins count for, each once, with the sums of what they reserve
--   streams   how many different ones there are
create function ledger_commit(
  process text, lease interval, o_kind text[], o_org text[], o_id text[], o_project text[], o_agent text[], o_key text[], o_actor text[], o_model text[],
  o_rehearsed boolean[], o_tokens bigint[], o_micro_usd bigint[], o_calls integer[], o_input bigint[], o_cached bigint[], o_written bigint[],
  o_output bigint[], o_reasoning bigint[], o_estimated boolean[], o_failed boolean[], o_at timestamptz[],
  o_stream text[], o_type text[], o_commitment text[], o_salt text[], payloads text, kept text, large json,
  s_org text[], s_scope text[], s_subject text[], s_tokens bigint[], s_micro_usd bigint[], s_calls bigint[], s_unpriced boolean[],
  streams integer
) returns json
  language plpgsql
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
  as $$
declare
  now constant timestamptz := clock_now();
  at constant timestamptz := date_trunc('milliseconds', now);
  at_ms constant text := (extract(epoch from date_trunc('milliseconds', now)) * 1000)::bigint::text;
  plain boolean;
  fits boolean := true;
  verdicts json;
  -- ordinals of what writes nothing: refused, or settled before
  out_of integer[] := '{}';
  -- parts of the holds that were taken away, at least one of each
  h_ordinal integer[];
  h_org text[];
  h_budget text[];
  h_since timestamptz[];
  h_amount bigint[];
  h_actual bigint[];
  -- budgets, locked in their order, as they will be
  budgets budget[];
  one budget;
  since timestamptz;
  actual bigint;
  most bigint;
  needs bigint[];
  need bigint;
  -- streams as they will be, and what is written to them
  m_org text[];
  m_id text[];
  m_key text[];
  m_seq bigint[];
  m_hash bytea[];
  m integer;
  w_seq bigint[];
  w_previous bytea[];
  w_hash bytea[];
  hash bytea;
  ops spend_op[];
  hold spend_lease;
begin
  plain := not exists (
    select from unnest(s_org, s_scope, s_subject) as s (org, scope, subject) join api_key k on k.org_id = s.org and k.replaced_by = s.subject
    where s.scope = 'key');
  if plain then
    if 'reserve' <> any (o_kind) then
      with gone as (
        delete from spend_hold h
        using (
          select o.* from unnest(o_kind, o_org, o_id, o_tokens, o_micro_usd, o_calls) with ordinality as o (kind, org, id, tokens, micro_usd, calls, n)
          where o.kind <> 'reserve' order by o.org collate "C", o.id collate "C"
        ) o
        where h.org_id = o.org and h.id = o.id
        returning o.n - 1 as ordinal, o.kind, o.tokens, o.micro_usd, o.calls, h.org_id, h.parts
      )
      select array_agg(g.ordinal), array_agg(g.org_id), array_agg(p.budget), array_agg(p.since), array_agg(p.amount), array_agg(case
            when g.kind = 'lapse' then p.amount
            when g.kind = 'release' then 0
            when p.unit = 'tokens' then g.tokens
            when p.unit = 'calls' then g.calls
            else coalesce(g.micro_usd, 0)
          end)
        into h_ordinal, h_org, h_budget, h_since, h_amount, h_actual
        from gone g left join lateral unnest(g.parts) p on p.root = '';
      insert into spend_day as d (org_id, day, project_id, agent_id, key_id, model, actor_id, rehearsed, calls, failed, estimated, unpriced, outside,
          input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, micro_usd)
        select o.org, (o.at at time zone 'UTC')::date, coalesce(o.project, ''), coalesce(o.agent, ''), coalesce(o.key, ''), o.model, o.actor, o.rehearsed,
          count(*), count(*) filter (where o.failed), count(*) filter (where o.estimated), count(*) filter (where o.micro_usd is null), count(*),
          sum(o.input), sum(o.cached), sum(o.written), sum(o.output), sum(o.reasoning), coalesce(sum(o.micro_usd), 0)
        from unnest(o_kind, o_org, o_project, o_agent, o_key, o_actor, o_model, o_rehearsed, o_micro_usd, o_input, o_cached, o_written, o_output,
            o_reasoning, o_estimated, o_failed, o_at) with ordinality
          as o (kind, org, project, agent, key, actor, model, rehearsed, micro_usd, input, cached, written, output, reasoning, estimated, failed, at, n)
        where o.kind in ('settle', 'lapse') and o.n - 1 = any (h_ordinal)
        group by 1, 2, 3, 4, 5, 6, 7, 8
        -- every writer takes the rows in this order
        order by 1, 2, 3, 4, 5, 6, 7, 8
      on conflict (org_id, day, project_id, agent_id, key_id, model, actor_id, rehearsed) do update set
        calls = d.calls + excluded.calls, failed = d.failed + excluded.failed, estimated = d.estimated + excluded.estimated,
        unpriced = d.unpriced + excluded.unpriced, outside = d.outside + excluded.outside, input_tokens = d.input_tokens + excluded.input_tokens,
        cached_input_tokens = d.cached_input_tokens + excluded.cached_input_tokens, cache_write_tokens = d.cache_write_tokens + excluded.cache_write_tokens,
        output_tokens = d.output_tokens + excluded.output_tokens, reasoning_tokens = d.reasoning_tokens + excluded.reasoning_tokens,
        micro_usd = d.micro_usd + excluded.micro_usd;
      for i in 1 .. cardinality(o_kind) loop
        if o_kind[i] <> 'reserve' and i - 1 <> all (coalesce(h_ordinal, '{}')) then
          out_of := array_append(out_of, i - 1);
        end if;
      end loop;
    end if;
    select array_agg(l.b) into budgets from (
      select b from budget b
      where (b.org_id, b.id) in (
        select x.org_id, x.id from unnest(s_org, s_scope, s_subject) as s (org, scope, subject)
          join budget x on x.org_id = s.org and x.scope = s.scope and x.subject = s.subject
        union
        select h.org, h.budget from unnest(h_org, h_budget) as h (org, budget))
      order by b.org_id collate "C", b.scope_rank, b.id collate "C" for no key update of b
    ) l;
    for j in 1 .. coalesce(cardinality(budgets), 0) loop
      one := budgets[j];
      since := one.since;
      actual := 0;
      need := null;
      for i in 1 .. coalesce(cardinality(h_budget), 0) loop
        -- a window that ended meanwhile is history, and what was reserved in it with it
        if h_budget[i] = one.id and h_org[i] = one.org_id and h_since[i] = one.since then
          one.reserved := one.reserved - h_amount[i];
          actual := actual + h_actual[i];
        end if;
      end loop;
      for i in 1 .. cardinality(s_subject) loop
        if s_subject[i] = one.subject and s_scope[i] = one.scope and s_org[i] = one.org_id and one.unit <> 'runs' and one.period <> 'run' then
          since := budget_since(one.period, one.since, now);
          need := case one.unit when 'micro_usd' then s_micro_usd[i] when 'tokens' then s_tokens[i] else s_calls[i] end;
          -- whether a price that is not known matters is decided call by call
          fits := fits and not (one.unit = 'micro_usd' and s_unpriced[i]);
        end if;
      end loop;
      one.spent := one.spent + actual;
      most := one.amount + (select coalesce(sum(g.amount), 0) from budget_grant g where g.org_id = one.org_id and g.budget_id = one.id and g.until > now);
      if since is distinct from one.since then
        one.since := since;
        one.spent := 0;
        one.reserved := 0;
        one.warned_at := null;
        one.exhausted_at := null;
        one.told := true;
      elsif actual > 0 and one.warned_at is null and one.spent * 5 >= most * 4 then
        one.warned_at := now;
        one.told := false;
      end if;
      fits := fits and (need is null or one.spent + one.reserved + need <= most);
      needs := array_append(needs, coalesce(need, 0));
      budgets[j] := one;
    end loop;
    if budgets is not null then
      if fits then
        for j in 1 .. cardinality(budgets) loop
          budgets[j].reserved := budgets[j].reserved + needs[j];
        end loop;
      end if;
      update budget b set since = n.since, spent = n.spent, reserved = n.reserved, warned_at = n.warned_at, exhausted_at = n.exhausted_at, told = n.told
        from unnest(budgets) n where b.org_id = n.org_id and b.id = n.id;
    end if;
  end if;
  if plain and fits then
    if 'reserve' = any (o_kind) then
      insert into spend_hold (org_id, id, parts, at, process, lease_until, call)
        select o.org, o.id, coalesce(h.parts, '{}'), now, process, now + lease, o.call
        from unnest(o_kind, o_org, o_id, o_project, o_agent, o_key, o_rehearsed, o_tokens, o_micro_usd, string_to_array(kept, chr(30)))
            as o (kind, org, id, project, agent, key, rehearsed, tokens, micro_usd, call)
          cross join lateral (
            select array_agg(row(n.id, '', n.since, n.unit, k.need)::spend_part) as parts
            from unnest(budgets) n cross join lateral (select case n.unit when 'micro_usd' then o.micro_usd when 'tokens' then o.tokens else 1 end as need) k
            where not o.rehearsed and n.unit <> 'runs' and n.period <> 'run' and k.need > 0 and n.org_id = o.org
              and n.subject = case n.scope when 'org' then o.org when 'project' then o.project when 'agent' then o.agent when 'key' then o.key end
          ) h
        where o.kind = 'reserve';
    end if;
  else
    ops := array(
      select row(o.n - 1, o.kind, o.org, o.id, null, false, o.project, o.agent, o.key, o.actor, o.model, o.rehearsed, o.tokens, o.micro_usd, o.calls,
          o.input, o.cached, o.written, o.output, o.reasoning, o.estimated, o.failed, o.at, true)::spend_op
        from unnest(o_kind, o_org, o_id, o_project, o_agent, o_key, o_actor, o_model, o_rehearsed, o_tokens, o_micro_usd, o_calls, o_input, o_cached,
            o_written, o_output, o_reasoning, o_estimated, o_failed, o_at) with ordinality
          as o (kind, org, id, project, agent, key, actor, model, rehearsed, tokens, micro_usd, calls, input, cached, written, output, reasoning,
            estimated, failed, at, n)
        order by o.n);
    hold := row(process, lease, string_to_array(kept, chr(30)));
    if plain then
      verdicts := spend_reserve(ops, hold, array(select n.org_id from unnest(budgets) n), array(select n.id from unnest(budgets) n), now);
    else
      verdicts := spend_batch(ops, hold, now);
    end if;
    select out_of || coalesce(array_agg(v.ordinal), '{}') into out_of
      from json_to_recordset(verdicts) as v (ordinal integer, refused json, settled boolean) where v.refused is not null or v.settled;
  end if;

  for attempt in 1 .. 2 loop
    select array_agg(l.org_id), array_agg(l.id), array_agg(l.org_id || ' ' || l.id), array_agg(l.head_seq), array_agg(l.head_hash)
      into m_org, m_id, m_key, m_seq, m_hash
      from (
        select x.org_id, x.id, x.head_seq, x.head_hash from stream x
        where (x.org_id, x.id) in (select e.org, e.stream from unnest(o_org, o_stream) as e (org, stream))
        order by x.org_id collate "C", x.id collate "C" for no key update of x
      ) l;
    exit when cardinality(m_org) = streams or attempt = 2;
    insert into stream (org_id, id, kind)
      select distinct e.org, e.stream, 'key' from unnest(o_org, o_stream) with ordinality as e (org, stream, n) where e.n - 1 <> all (out_of)
      order by 1, 2
      on conflict do nothing;
  end loop;
  for i in 1 .. cardinality(o_org) loop
    if i - 1 = any (out_of) then
      w_seq := array_append(w_seq, null);
      w_previous := array_append(w_previous, null);
      w_hash := array_append(w_hash, null);
    else
      m := array_position(m_key, o_org[i] || ' ' || o_stream[i]);
      w_previous := array_append(w_previous, m_hash[m]);
      m_seq[m] := m_seq[m] + 1;
      w_seq := array_append(w_seq, m_seq[m]);
      hash := sha256(convert_to(format(
        '{"actor":%s,"atMs":%s,"commitment":"%s","effectId":%s,"fence":0,"org":%s,"prevHash":"%s","seq":%s,"stream":%s,"type":%s,"version":1}',
        to_json(o_actor[i]), at_ms, o_commitment[i], to_json(o_id[i]), to_json(o_org[i]), encode(m_hash[m], 'hex'), m_seq[m], to_json(o_stream[i]),
        to_json(o_type[i])), 'UTF8'));
      m_hash[m] := hash;
      w_hash := array_append(w_hash, hash);
    end if;
  end loop;
  if large is not null then
    insert into payload (org_id, digest, body)
      select p.org, decode(p.commitment, 'hex'), p.body
      from json_to_recordset(large) as p (ordinal integer, org text, commitment text, body text) where p.ordinal <> all (out_of);
  end if;
  perform journal_position_lock();
  with moved as (
    update stream x set head_seq = h.seq, head_hash = h.hash
      from unnest(m_org, m_id, m_seq, m_hash) as h (org, id, seq, hash) where x.org_id = h.org and x.id = h.id
  )
  insert into journal (org_id, stream, seq, position, at, type, version, actor, effect_id, fence, prev_hash, hash, commitment, salt, payload)
    select e.org, e.stream, e.seq, nextval('journal_position'), at, e.type, 1, e.actor, e.id, 0, e.previous, e.hash, decode(e.commitment, 'hex'),
      decode(e.salt, 'hex'), nullif(e.payload, '')
    from unnest(o_org, o_stream, o_type, o_actor, o_id, o_commitment, o_salt, string_to_array(payloads, chr(30)), w_seq, w_previous, w_hash)
      as e (org, stream, type, actor, id, commitment, salt, payload, seq, previous, hash)
    where e.seq is not null;
  return verdicts;
end
$$;

do $$
declare
  f regprocedure;
begin
  foreach f in array array(select oid::regprocedure from pg_proc
    where pronamespace = current_schema()::regnamespace and proname in ('spend_apply', 'spend_batch', 'spend_settle', 'spend_subjects', 'spend_reserve', 'ledger_commit')) loop
    execute format('revoke execute on function %s from public', f);
    execute format('grant execute on function %s to windlass_worker', f);
  end loop;
end
$$;
