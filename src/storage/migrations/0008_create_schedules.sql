-- Schedules of agents, and one record for every due time of each (spec ENG-1).

create table schedule (
  org_id text not null references org (id),
  id text not null,
  agent_id text not null,
  agent_name text not null,
  -- The definition's words, as canonical JSON, and their SHA-256: an agent has no two equal ones.
  spec text not null,
  digest text not null check (digest ~ '^[0-9a-f]{64}$'),
  created_at timestamptz not null,
  -- Every slot up to here has its record.
  after_at timestamptz not null,
  next_slot_at timestamptz,
  due_at timestamptz,
  last_run_id text,
  -- Kept for its records when the definition no longer has it.
  removed_at timestamptz,
  primary key (org_id, id),
  check (removed_at is null or due_at is null)
);
create unique index schedule_by_digest on schedule (org_id, agent_id, digest) where removed_at is null;
create index schedule_by_due on schedule (due_at) where due_at is not null;

create table schedule_firing (
  org_id text not null,
  schedule_id text not null,
  slot_at timestamptz not null,
  outcome text not null check (outcome in ('ran', 'late', 'skipped', 'missed')),
  run_id text,
  reason text not null default '',
  -- Somebody should look: it did not fire when it was due.
  alert boolean not null default false,
  recorded_at timestamptz not null default clock_now(),
  -- A slot is dealt with once, whoever is first.
  primary key (org_id, schedule_id, slot_at),
  foreign key (org_id, schedule_id) references schedule (org_id, id),
  check ((run_id is not null) = (outcome in ('ran', 'late')))
);
create index schedule_firing_by_time on schedule_firing (org_id, recorded_at);

do $$
declare
  name text;
begin
  foreach name in array array['schedule', 'schedule_firing'] loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy org_isolation on %I for all to windlass_app using (org_id = current_org()) with check (org_id = current_org())', name);
  end loop;
end
$$;
-- Which schedules are due is asked for all organizations at once.
create policy worker_reads on schedule for select to windlass_worker using (true);
grant select on schedule to windlass_worker;
grant select, insert on schedule, schedule_firing to windlass_app;
grant update (after_at, next_slot_at, due_at, last_run_id, removed_at) on schedule to windlass_app;
