-- Agents and their versions (spec AGT-2, AGT-4). The definition is canonical JSON as text; a version is written once: nobody
-- is granted to change or delete one.

create table agent (
  org_id text not null references org (id),
  id text not null,
  name text not null check (name ~ '^[a-z0-9][a-z0-9-]{0,49}$'),
  -- the agent's service account
  actor_id text not null,
  state text not null check (state in ('active', 'paused', 'error', 'archived')),
  state_reason text not null default '',
  state_at timestamptz not null default clock_now(),
  -- failed and halted runs in a row
  failures integer not null default 0 check (failures >= 0),
  version integer not null check (version > 0),
  -- the version that the last apply left; null when it never came from a file
  applied_version integer,
  created_at timestamptz not null default clock_now(),
  updated_at timestamptz not null default clock_now(),
  primary key (org_id, id),
  foreign key (org_id, actor_id) references actor (org_id, id)
);
create unique index agent_by_name on agent (org_id, name);
alter table agent enable row level security;
alter table agent force row level security;
create policy org_isolation on agent for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
-- the end of a run counts its agent's failures in the worker's own commit
create policy worker_reads on agent for select to windlass_worker using (true);
create policy worker_counts on agent for update to windlass_worker using (true) with check (true);
grant select, insert on agent to windlass_app;
grant update (state, state_reason, state_at, failures, version, applied_version, updated_at) on agent to windlass_app;
grant select, update (state, state_reason, state_at, failures) on agent to windlass_worker;

create table agent_version (
  org_id text not null,
  agent_id text not null,
  version integer not null check (version > 0),
  -- SHA-256 of the definition
  digest text not null check (digest ~ '^[0-9a-f]{64}$'),
  definition text not null,
  source text not null check (source in ('api', 'apply', 'restore')),
  author_id text not null,
  author_name text not null,
  created_at timestamptz not null default clock_now(),
  primary key (org_id, agent_id, version),
  foreign key (org_id, agent_id) references agent (org_id, id)
);
alter table agent_version enable row level security;
alter table agent_version force row level security;
create policy org_isolation on agent_version for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
grant select, insert on agent_version to windlass_app;
