-- Sessions: working periods of coding CLIs (spec SES-1 to SES-4), and claims: leases on what they work on (spec SES-6).

create table session (
  org_id text not null references org (id),
  id text not null,
  project_id text not null,
  actor_id text not null,
  actor_name text not null,
  -- The place of a session: of one place one session is active.
  agent text not null,
  -- Host and path of the git remote; empty when it has none.
  repository text not null,
  track integer check (track >= 0),
  machine text not null,
  -- The coding CLI's own id of its session; empty when it has none.
  client_session text not null,
  branch text,
  start_commit text,
  commit_id text,
  issue text,
  working_on text not null default '',
  -- Canonical JSON.
  metadata text not null default '{}' check (octet_length(metadata) <= 16384),
  state text not null default 'active' check (state in ('active', 'ended', 'abandoned')),
  end_reason text check (end_reason in ('manual', 'stale', 'superseded', 'error')),
  started_at timestamptz not null default clock_now(),
  heartbeat_at timestamptz not null default clock_now(),
  ended_at timestamptz,
  handoff_id text,
  primary key (org_id, id),
  foreign key (org_id, project_id) references project (org_id, id),
  foreign key (org_id, actor_id) references actor (org_id, id),
  check ((state = 'active') = (end_reason is null)),
  check ((state = 'active') = (ended_at is null))
);
create unique index session_by_place on session (org_id, actor_id, agent, project_id, repository, track, machine, client_session)
  nulls not distinct where state = 'active';
create index session_live on session (org_id, project_id, heartbeat_at) where state = 'active';
create index session_by_project on session (org_id, project_id, id);

-- One row for each thing that was ever claimed: it is never deleted, so that its fencing number only grows.
create table session_claim (
  org_id text not null,
  project_id text not null,
  kind text not null check (kind in ('issue', 'file', 'track')),
  name text not null,
  session_id text not null,
  fence bigint not null check (fence > 0),
  claimed_at timestamptz not null default clock_now(),
  expires_at timestamptz not null,
  released_at timestamptz,
  primary key (org_id, project_id, kind, name),
  foreign key (org_id, project_id) references project (org_id, id),
  foreign key (org_id, session_id) references session (org_id, id)
);
create index session_claim_by_session on session_claim (org_id, session_id) where released_at is null;

do $$
declare
  name text;
begin
  foreach name in array array['session', 'session_claim'] loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy org_isolation on %I for all to windlass_app using (org_id = current_org()) with check (org_id = current_org())', name);
  end loop;
end
$$;
grant select, insert on session, session_claim to windlass_app;
grant update (branch, start_commit, commit_id, issue, working_on, metadata, state, end_reason, heartbeat_at, ended_at, handoff_id) on session to windlass_app;
grant update (session_id, fence, claimed_at, expires_at, released_at) on session_claim to windlass_app;
