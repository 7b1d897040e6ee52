-- The same as in 0042, walking over the columns by number: each array that is unnested beside others costs a store of its own.

-- Begins and ends calls of the gateway, which belong to no run: what they spend, and their entries onto the streams of their keys' months, sealed
-- here (as sealEntries does), so that processes that write to one stream need no second try. Answers the refusals of spend_reserve, null for none.
--   o_…   one of each for each begin (kind reserve) and end (settle, release, lapse), as in spend_op, with its entry
--   payloads, kept   JSON texts in the same order with the character 30 between them, which none of them holds: of the entry ('' for one in `large`),
--         and of a begin what its outcome needs
--   s_…   whom the begins count for, each once, with the sums of what they reserve
--   streams   how many different ones there are
create or replace function ledger_commit(
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
  holds constant text[] := string_to_array(kept, chr(30));
  texts constant text[] := string_to_array(payloads, chr(30));
begin
  plain := not exists (
    select from unnest(s_scope) with ordinality as s (scope, i) join api_key k on k.org_id = s_org[s.i] and k.replaced_by = s_subject[s.i]
    where s.scope = 'key');
  if plain then
    if 'reserve' <> any (o_kind) then
      with gone as (
        delete from spend_hold h
        using (
          select o.i, o_org[o.i] as org, o_id[o.i] as id from unnest(o_kind) with ordinality as o (kind, i)
          where o.kind <> 'reserve' order by o_org[o.i] collate "C", o_id[o.i] collate "C"
        ) o
        where h.org_id = o.org and h.id = o.id
        returning o.i, h.org_id, h.parts
      )
      select array_agg(g.i - 1), array_agg(g.org_id), array_agg(p.budget), array_agg(p.since), array_agg(p.amount), array_agg(case
            when o_kind[g.i] = 'lapse' then p.amount
            when o_kind[g.i] = 'release' then 0
            when p.unit = 'tokens' then o_tokens[g.i]
            when p.unit = 'calls' then o_calls[g.i]
            else coalesce(o_micro_usd[g.i], 0)
          end)
        into h_ordinal, h_org, h_budget, h_since, h_amount, h_actual
        from gone g left join lateral unnest(g.parts) p on p.root = '';
      insert into spend_day as d (org_id, day, project_id, agent_id, key_id, model, actor_id, rehearsed, calls, failed, estimated, unpriced, outside,
          input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, micro_usd)
        select o_org[o.i], (o_at[o.i] at time zone 'UTC')::date, coalesce(o_project[o.i], ''), coalesce(o_agent[o.i], ''), coalesce(o_key[o.i], ''),
          o_model[o.i], o_actor[o.i], o_rehearsed[o.i], count(*), count(*) filter (where o_failed[o.i]), count(*) filter (where o_estimated[o.i]),
          count(*) filter (where o_micro_usd[o.i] is null), count(*), sum(o_input[o.i]), sum(o_cached[o.i]), sum(o_written[o.i]), sum(o_output[o.i]),
          sum(o_reasoning[o.i]), coalesce(sum(o_micro_usd[o.i]), 0)
        from unnest(o_kind) with ordinality as o (kind, i)
        where o.kind in ('settle', 'lapse') and o.i - 1 = any (h_ordinal)
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
        select x.org_id, x.id from unnest(s_scope) with ordinality as s (scope, i)
          join budget x on x.org_id = s_org[s.i] and x.scope = s.scope and x.subject = s_subject[s.i]
        union
        select h_org[h.i], h.budget from unnest(h_budget) with ordinality as h (budget, i))
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
        select o_org[o.i], o_id[o.i], coalesce(h.parts, '{}'), now, process, now + lease, holds[o.i]
        from unnest(o_kind) with ordinality as o (kind, i)
          cross join lateral (
            select array_agg(row(n.id, '', n.since, n.unit, k.need)::spend_part) as parts
            from unnest(budgets) n
              cross join lateral (select case n.unit when 'micro_usd' then o_micro_usd[o.i] when 'tokens' then o_tokens[o.i] else 1 end as need) k
            where not o_rehearsed[o.i] and n.unit <> 'runs' and n.period <> 'run' and k.need > 0 and n.org_id = o_org[o.i]
              and n.subject = case n.scope when 'org' then o_org[o.i] when 'project' then o_project[o.i] when 'agent' then o_agent[o.i]
                when 'key' then o_key[o.i] end
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
    hold := row(process, lease, holds);
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
        where (x.org_id, x.id) in (select o_org[e.i], e.stream from unnest(o_stream) with ordinality as e (stream, i))
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
    update stream x set head_seq = m_seq[h.i], head_hash = m_hash[h.i]
      from unnest(m_id) with ordinality as h (id, i) where x.org_id = m_org[h.i] and x.id = h.id
  )
  insert into journal (org_id, stream, seq, position, at, type, version, actor, effect_id, fence, prev_hash, hash, commitment, salt, payload)
    select o_org[e.i], o_stream[e.i], e.seq, nextval('journal_position'), at, o_type[e.i], 1, o_actor[e.i], o_id[e.i], 0, w_previous[e.i], w_hash[e.i],
      decode(o_commitment[e.i], 'hex'), decode(o_salt[e.i], 'hex'), nullif(texts[e.i], '')
    from unnest(w_seq) with ordinality as e (seq, i)
    where e.seq is not null;
  return verdicts;
end
$$;
