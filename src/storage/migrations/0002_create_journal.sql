-- The journal and what is kept beside it to drive runs: streams with their heads, entries, large payloads, the
-- projection of runs, their inbox, limits on how many go at once, previews. Who writes what:
--   windlass_app     begins a run (stream, first entry, projection), signals one (inbox), appends to streams that are no run
--   windlass_worker  everything a run's holder does, for all organizations at once (group commit)
-- Nobody updates or deletes an entry, save that a payload and its salt may be removed (the chain goes over commitments).

-- Orders entries over all streams so that no commit overtakes another: taken under journal_position_lock().
create sequence journal_position;

create table stream (
  org_id text not null references org (id),
  id text not null,
  kind text not null check (kind in ('run', 'session', 'key', 'org')),
  head_seq bigint not null default 0,
  head_hash bytea not null default decode(repeat('00', 32), 'hex'),
  fence bigint not null default 0,
  primary key (org_id, id)
) with (fillfactor = 60);

create table journal (
  org_id text not null,
  stream text not null,
  seq bigint not null,
  -- Null only inside a transaction that appends outside the group commit; given at its commit.
  position bigint,
  at timestamptz not null,
  type text not null,
  version integer not null,
  actor text not null,
  effect_id text,
  fence bigint not null,
  prev_hash bytea not null,
  hash bytea not null,
  commitment bytea not null,
  -- Salt and payload are null once deleted on request. Canonical JSON, never jsonb: NUL and lone surrogates occur as
  -- escapes. A payload over 8 KB is in table payload instead, by its commitment.
  salt bytea,
  payload text,
  primary key (org_id, stream, seq)
);
create index journal_by_position on journal (org_id, position);

create table payload (
  org_id text not null,
  digest bytea not null,
  body text not null,
  primary key (org_id, digest)
);

-- A projection, recomputed from the journal, save for what only claiming needs (number, runnable_at, worker_id, lease_until).
create table run (
  org_id text not null,
  id text not null,
  -- Order of arrival, also among runs of one millisecond.
  number bigint not null generated always as identity,
  project_id text,
  agent_id text not null,
  agent_name text not null,
  agent_version integer not null,
  status text not null default 'queued',
  waiting_for text,
  reason text not null default '',
  purpose text not null,
  trigger text not null,
  schedule_id text,
  parent_id text,
  root_id text not null,
  depth integer not null,
  origin_run text,
  origin_seq bigint,
  origin_hash text,
  lane text,
  pool text not null default '',
  -- 0 high, 1 normal, 2 low: sorted as it is claimed.
  priority smallint not null check (priority between 0 and 2),
  deadline_at timestamptz,
  actor_id text not null,
  correlation_id text not null,
  created_at timestamptz not null,
  started_at timestamptz,
  ended_at timestamptz,
  rehearsed boolean not null default false,
  phase text,
  percent double precision,
  turns integer not null default 0,
  tool_calls integer not null default 0,
  input_tokens bigint not null default 0,
  cached_input_tokens bigint not null default 0,
  cache_write_tokens bigint not null default 0,
  output_tokens bigint not null default 0,
  reasoning_tokens bigint not null default 0,
  usage_estimated boolean not null default false,
  cost_micro_usd bigint not null default 0,
  cost_known boolean not null default true,
  rules integer not null,
  runnable_at timestamptz,
  worker_id text,
  lease_until timestamptz,
  -- When a worker may take it: not held and runnable, or held and the lease ran out.
  due_at timestamptz generated always as (case when worker_id is null then runnable_at else lease_until end) stored,
  primary key (org_id, id),
  check ((worker_id is null) = (lease_until is null)),
  check (ended_at is null or (worker_id is null and runnable_at is null))
) with (fillfactor = 80);
create index run_by_due on run (due_at) where due_at is not null;
create index run_by_claim on run (org_id, agent_id, pool, priority, due_at, number) where due_at is not null;
create index run_by_holder on run (org_id, agent_id, lease_until) where worker_id is not null;
create index run_by_lane on run (org_id, lane, number) where lane is not null and ended_at is null;
create index run_by_number on run (org_id, number);
create index run_by_status on run (org_id, status, number);
create index run_by_agent on run (org_id, agent_id, number);
create index run_by_end on run (org_id, ended_at) where ended_at is not null;
create index run_by_parent on run (org_id, parent_id) where parent_id is not null;

create table run_inbox (
  org_id text not null,
  run_id text not null,
  id bigint not null generated always as identity,
  kind text not null,
  -- The event that the holder journals for it, as JSON text.
  event text not null,
  actor_id text not null,
  created_at timestamptz not null default clock_now(),
  primary key (org_id, run_id, id)
);

create table concurrency_limit (
  org_id text not null references org (id),
  scope text not null check (scope in ('org', 'agent')),
  -- The organization's or the agent's id.
  id text not null,
  max integer not null check (max >= 0),
  primary key (org_id, scope, id)
);

-- Text that a model is writing just now. No record: gone with the reply, and with a crash of the database.
create unlogged table preview (
  org_id text not null,
  run_id text not null,
  turn integer not null,
  text text not null,
  at timestamptz not null default clock_now(),
  primary key (org_id, run_id)
) with (fillfactor = 50);

do $$
declare
  name text;
begin
  foreach name in array array['stream', 'journal', 'payload', 'run', 'run_inbox', 'concurrency_limit', 'preview'] loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy org_isolation on %I for all to windlass_app using (org_id = current_org()) with check (org_id = current_org())', name);
    execute format('create policy worker_drives on %I for all to windlass_worker using (true) with check (true)', name);
  end loop;
end
$$;
-- A run's stream belongs to its holder from the second entry on.
create policy app_moves_no_run on stream as restrictive for update to windlass_app using (kind <> 'run');
create policy app_only_begins_runs on journal as restrictive for insert to windlass_app with check (
  fence = 0 and position is null
  and (seq = 1 or exists (select from stream s where s.org_id = journal.org_id and s.id = journal.stream and s.kind <> 'run'))
);

grant select, insert, update (head_seq, head_hash) on stream to windlass_app;
grant select, insert on journal, payload, run, run_inbox to windlass_app;
grant select, insert, update, delete on concurrency_limit to windlass_app;
grant select on preview to windlass_app;

grant select, insert, update on stream to windlass_worker;
grant select, insert, update (position, salt, payload) on journal to windlass_worker;
grant select, insert, delete on payload to windlass_worker;
grant select, insert, update on run to windlass_worker;
grant select, insert, delete on run_inbox to windlass_worker;
grant select on concurrency_limit to windlass_worker;
grant select, insert, update, delete on preview to windlass_worker;
grant usage on sequence journal_position to windlass_worker;

-- Held from the first position taken to the end of the transaction, so that positions become visible in order.
-- Taken last: nothing may wait for another lock behind it.
create function journal_position_lock() returns void
  language sql
  as $$ select pg_advisory_xact_lock(8604520202148967797) $$;

-- An entry written outside the group commit gets its position at the commit, when its transaction asks for no more locks.
create function journal_assign_position() returns trigger
  language plpgsql security definer set search_path = pg_catalog, public
  -- planned each time: a plan kept from when the table was small would look through all entries of the organization
  set plan_cache_mode = force_custom_plan
  as $$
begin
  perform journal_position_lock();
  update journal set position = nextval('journal_position') where org_id = new.org_id and stream = new.stream and seq = new.seq;
  return null;
end
$$;
revoke execute on function journal_assign_position() from public;
create constraint trigger journal_position_at_commit after insert on journal
  deferrable initially deferred for each row when (new.position is null) execute function journal_assign_position();
-- Owned by a role with a policy, so that it works where the owner of the tables is no superuser.
grant create on schema public to windlass_worker;
alter function journal_assign_position() owner to windlass_worker;
revoke create on schema public from windlass_worker;

-- The planner cannot know how many requests a batch has and is told: by index, planned once. No bitmap: it would visit all
-- dead rows of a queue that was just worked off.
--
-- Moves the heads of the streams whose fence and head still match, and whose inbox rows are all still there; says which
-- requests these are. The row locks it takes keep a stale write out until the commit.
-- `matched` is null when the writer's idea of the time is off: it observes `now` and seals again.
create function journal_guard(requests json, sealed_at timestamptz, tolerance interval, out matched integer[], out now timestamptz)
  language plpgsql
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
  as $$
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
end
$$;

-- Writes what belongs to the matched requests: projection, consumed inbox rows, large payloads and, last, the entries.
-- Answers the position of the first entry; the others follow in the order given.
create function journal_write(matched integer[], requests json, entries json, payloads json, patches json) returns bigint
  language plpgsql
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
  as $$
declare
  first_position bigint;
begin
  if patches is not null then
    update run r
      set (status, waiting_for, reason, started_at, ended_at, rehearsed, phase, percent, turns, tool_calls, input_tokens, cached_input_tokens,
        cache_write_tokens, output_tokens, reasoning_tokens, usage_estimated, cost_micro_usd, cost_known, runnable_at, worker_id, lease_until)
      = (select n.status, n.waiting_for, n.reason, n.started_at, n.ended_at, n.rehearsed, n.phase, n.percent, n.turns, n.tool_calls, n.input_tokens,
        n.cached_input_tokens, n.cache_write_tokens, n.output_tokens, n.reasoning_tokens, n.usage_estimated, n.cost_micro_usd, n.cost_known,
        n.runnable_at, n.worker_id, n.lease_until from jsonb_populate_record(r, p.changes) n)
      from json_to_recordset(patches) as p (ordinal integer, org text, run text, changes jsonb)
      where p.ordinal = any (matched) and r.org_id = p.org and r.id = p.run;
    delete from run_inbox i using json_to_recordset(patches) as p (ordinal integer, org text, run text, changes jsonb)
      where p.ordinal = any (matched) and p.changes ->> 'ended_at' is not null and i.org_id = p.org and i.run_id = p.run;
  end if;
  delete from run_inbox i
    using json_to_recordset(requests) as r (ordinal integer, org text, run text, consumed json), json_array_elements_text(r.consumed) as c (id)
    where r.consumed is not null and r.ordinal = any (matched) and i.org_id = r.org and i.run_id = r.run and i.id = c.id::bigint;
  if payloads is not null then
    insert into payload (org_id, digest, body)
      select p.org, decode(p.commitment, 'hex'), p.body
      from json_to_recordset(payloads) as p (ordinal integer, org text, commitment text, body text)
      where p.ordinal = any (matched);
  end if;
  perform journal_position_lock();
  with written as (
    insert into journal (org_id, stream, seq, position, at, type, version, actor, effect_id, fence, prev_hash, hash, commitment, salt, payload)
    select e.org, e.stream, e.seq, nextval('journal_position'), e.at, e.type, e.version, e.actor, e."effectId", e.fence, decode(e."prevHash", 'hex'),
      decode(e.hash, 'hex'), decode(e.commitment, 'hex'), decode(e.salt, 'hex'), e.payload
    from json_to_recordset(entries) as e (ordinal integer, org text, stream text, seq bigint, at timestamptz, type text, version integer, actor text,
      "effectId" text, fence bigint, "prevHash" text, hash text, commitment text, salt text, payload text)
    where e.ordinal = any (matched)
    returning position
  )
  select min(w.position) into first_position from written w;
  return first_position;
end
$$;

-- Guard and write in one round trip, for a batch in which nothing else takes part.
create function journal_append(requests json, entries json, payloads json, patches json, sealed_at timestamptz, tolerance interval,
  out matched integer[], out now timestamptz, out first_position bigint)
  language plpgsql
  as $$
begin
  select g.matched, g.now into matched, now from journal_guard(requests, sealed_at, tolerance) g;
  if cardinality(matched) > 0 then
    first_position := journal_write(matched, requests, entries, payloads, patches);
  end if;
end
$$;

-- Begins a run: stream, first entry, projection. Null when done; the database's time when the writer's was off.
create function run_begin(entry json, body text, fields json, sealed_at timestamptz, tolerance interval) returns timestamptz
  language plpgsql
  set plan_cache_mode = force_generic_plan
  as $$
declare
  now timestamptz := clock_now();
begin
  if sealed_at not between now - tolerance and now + tolerance then
    return now;
  end if;
  insert into stream (org_id, id, kind, head_seq, head_hash)
    values (entry ->> 'org', entry ->> 'stream', 'run', (entry ->> 'seq')::bigint, decode(entry ->> 'hash', 'hex'));
  insert into journal (org_id, stream, seq, at, type, version, actor, fence, prev_hash, hash, commitment, salt, payload)
    values (entry ->> 'org', entry ->> 'stream', (entry ->> 'seq')::bigint, sealed_at, entry ->> 'type', (entry ->> 'version')::integer,
      entry ->> 'actor', 0, decode(entry ->> 'prevHash', 'hex'), decode(entry ->> 'hash', 'hex'), decode(entry ->> 'commitment', 'hex'),
      decode(entry ->> 'salt', 'hex'), entry ->> 'payload');
  if body is not null then
    insert into payload (org_id, digest, body) values (entry ->> 'org', decode(entry ->> 'commitment', 'hex'), body);
  end if;
  insert into run (org_id, id, project_id, agent_id, agent_name, agent_version, purpose, trigger, schedule_id, parent_id, root_id, depth, origin_run,
      origin_seq, origin_hash, lane, pool, priority, deadline_at, actor_id, correlation_id, created_at, rules, runnable_at)
    select f.org_id, f.id, f.project_id, f.agent_id, f.agent_name, f.agent_version, f.purpose, f.trigger, f.schedule_id, f.parent_id, f.root_id, f.depth,
      f.origin_run, f.origin_seq, f.origin_hash, f.lane, f.pool, f.priority, f.deadline_at, f.actor_id, f.correlation_id, f.created_at, f.rules,
      -- what may go at once is due now: the sealing clock may be a moment ahead of this one
      case when f.runnable_at <= sealed_at then least(f.runnable_at, now) else f.runnable_at end
    from json_populate_record(null::run, fields) f;
  return null;
end
$$;

-- Takes leases on due runs. By fair share between organizations (the one with the fewest runs held goes next), then
-- priority, then how long due; within the limits of agent and organization; a lane's runs one after the other.
-- One claim at a time over all processes, which is what keeps the limits exact.
create function claim_runs(worker text, lease interval, wanted integer, pools text[], only_org text, only_run text)
  returns table (org_id text, run_id text, fence bigint, head_seq bigint, head_hash text)
  language plpgsql
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
  as $$
#variable_conflict use_column
declare
  now timestamptz := clock_now();
  orgs text[];
  runs text[];
begin
  if not exists (select from run r where r.due_at <= now)
    and (not exists (select from run_inbox)
      or not exists (select from run_inbox i join run r on r.org_id = i.org_id and r.id = i.run_id where r.worker_id is null and r.ended_at is null)) then
    return;
  end if;
  perform pg_advisory_xact_lock(8604520202148967798);
  -- What came in makes a run runnable as soon as nobody holds it.
  update run r set runnable_at = now
    from (select distinct i.org_id, i.run_id from run_inbox i) i
    where r.org_id = i.org_id and r.id = i.run_id and r.worker_id is null and r.ended_at is null and (r.runnable_at is null or r.runnable_at > now);

  with recursive grp as (
    (
      (select r.org_id, r.agent_id, r.pool from run r where only_run is null and r.due_at is not null order by r.org_id, r.agent_id, r.pool limit 1)
      union all
      select r.org_id, r.agent_id, r.pool from run r where r.org_id = only_org and r.id = only_run
    )
    union all
    select n.org_id, n.agent_id, n.pool from grp g cross join lateral (
      select r.org_id, r.agent_id, r.pool from run r
      where only_run is null and r.due_at is not null and (r.org_id, r.agent_id, r.pool) > (g.org_id, g.agent_id, g.pool)
      order by r.org_id, r.agent_id, r.pool limit 1) n
  ),
  held as materialized (
    select r.org_id, r.agent_id, count(*) as runs from run r where r.worker_id is not null and r.lease_until > now group by 1, 2
  ),
  org_held as (select h.org_id, sum(h.runs) as runs from held h group by 1),
  room as (
    select g.org_id, g.agent_id, g.pool, coalesce(oh.runs, 0) as org_load,
      least(wanted, al.max - coalesce(h.runs, 0)) as agent_room, least(wanted, ol.max - coalesce(oh.runs, 0)) as org_room
    from grp g
    left join held h on h.org_id = g.org_id and h.agent_id = g.agent_id
    left join org_held oh on oh.org_id = g.org_id
    left join concurrency_limit al on al.org_id = g.org_id and al.scope = 'agent' and al.id = g.agent_id
    left join concurrency_limit ol on ol.org_id = g.org_id and ol.scope = 'org' and ol.id = g.org_id
    where g.pool = '' or g.pool = any (pools)
  ),
  candidate as (
    select o.org_id, o.agent_id, o.org_load, o.agent_room, o.org_room, p.priority, c.id, c.due_at, c.number
    from room o cross join generate_series(0, 2) as p (priority) cross join lateral (
      (select r.id, r.due_at, r.number from run r
        where only_run is null and r.org_id = o.org_id and r.agent_id = o.agent_id and r.pool = o.pool and r.priority = p.priority
          and r.due_at is not null and r.due_at <= now and (r.lane is null or not exists (
            select from run e where e.org_id = r.org_id and e.lane = r.lane and e.number < r.number and e.lane is not null and e.ended_at is null))
        order by r.due_at, r.number limit greatest(0, least(o.agent_room, o.org_room)))
      union all
      select r.id, r.due_at, r.number from run r
        where r.org_id = only_org and r.id = only_run and r.priority = p.priority and o.agent_room > 0 and o.org_room > 0
          and r.due_at <= now and (r.lane is null or not exists (
            select from run e where e.org_id = r.org_id and e.lane = r.lane and e.number < r.number and e.lane is not null and e.ended_at is null))) c
  ),
  by_agent as (
    select c.*, row_number() over (partition by c.org_id, c.agent_id order by c.priority, c.due_at, c.number) as agent_rank from candidate c
  ),
  by_org as (
    select c.*, row_number() over (partition by c.org_id order by c.priority, c.due_at, c.number) as org_rank from by_agent c where c.agent_rank <= c.agent_room
  ),
  chosen as (
    select c.org_id, c.id from by_org c where c.org_rank <= c.org_room order by c.org_load + c.org_rank, c.priority, c.due_at, c.number limit wanted
  )
  select array_agg(c.org_id), array_agg(c.id) into orgs, runs from chosen c;

  -- The stream first and never waiting: whoever appends holds it and wants the run's row next.
  return query
  with locked as materialized (
    select s.org_id, s.id, c.place from unnest(orgs, runs) with ordinality as c (org_id, id, place)
      join stream s on s.org_id = c.org_id and s.id = c.id
      for no key update of s skip locked
  ),
  taken as (
    update run r set worker_id = worker, lease_until = now + lease from locked l
    where r.org_id = l.org_id and r.id = l.id and r.due_at <= now
    returning r.org_id, r.id, l.place
  ),
  fenced as (
    update stream s set fence = s.fence + 1 from taken t where s.org_id = t.org_id and s.id = t.id
    returning s.org_id, s.id, s.fence, s.head_seq, s.head_hash, t.place
  )
  select f.org_id, f.id, f.fence, f.head_seq, encode(f.head_hash, 'hex') from fenced f order by f.place;
end
$$;

-- Prolongs leases that have not run out; a lost one stays lost, even when nobody took it yet, because its place may be
-- given away. Not beside a claim, which counts on what has run out.
create function prolong_leases(worker text, leases json, lease interval) returns table (id text)
  language plpgsql
  as $$
#variable_conflict use_column
begin
  perform pg_advisory_xact_lock_shared(8604520202148967798);
  return query
  update run r set lease_until = clock_now() + lease
    from json_to_recordset(leases) as l (org text, run text, fence bigint) join stream s on s.org_id = l.org and s.id = l.run and s.fence = l.fence
    where r.org_id = l.org and r.id = l.run and r.worker_id = worker and r.lease_until > clock_now()
    returning r.id;
end
$$;

revoke execute on function run_begin(json, text, json, timestamptz, interval) from public;
grant execute on function run_begin(json, text, json, timestamptz, interval) to windlass_app, windlass_worker;
revoke execute on function journal_guard(json, timestamptz, interval), journal_write(integer[], json, json, json, json),
  journal_append(json, json, json, json, timestamptz, interval), claim_runs(text, interval, integer, text[], text, text), prolong_leases(text, json, interval) from public;
grant execute on function journal_guard(json, timestamptz, interval), journal_write(integer[], json, json, json, json),
  journal_append(json, json, json, json, timestamptz, interval), claim_runs(text, interval, integer, text[], text, text), prolong_leases(text, json, interval) to windlass_worker;
