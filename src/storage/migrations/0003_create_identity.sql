-- Who acts, and the keys they act with (spec IDN-1). A key is stored as its SHA-256 only.

create table actor (
  org_id text not null references org (id),
  id text not null,
  kind text not null check (kind in ('user', 'agent', 'cli', 'service')),
  name text not null check (length(name) between 1 and 200),
  -- the agent whose service account this is
  agent_id text,
  created_at timestamptz not null default clock_now(),
  primary key (org_id, id),
  check ((kind = 'agent') = (agent_id is not null))
);
create unique index actor_of_agent on actor (org_id, agent_id) where agent_id is not null;
alter table actor enable row level security;
alter table actor force row level security;
create policy org_isolation on actor for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
create policy identity_reads on actor for select to windlass_identity using (true);
grant select, insert, update (name) on actor to windlass_app;
grant select on actor to windlass_identity;

create table api_key (
  org_id text not null,
  id text not null,
  actor_id text not null,
  name text not null check (length(name) between 1 and 300),
  role text not null check (role in ('viewer', 'member', 'operator', 'admin', 'owner')),
  scopes text[] not null,
  hash text not null check (hash ~ '^[0-9a-f]{64}$'),
  fingerprint text not null generated always as (left(hash, 16)) stored,
  created_by text not null,
  created_at timestamptz not null default clock_now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  -- the key that rotation put in its place
  replaced_by text,
  -- written at most once a minute
  last_used_at timestamptz,
  primary key (org_id, id),
  foreign key (org_id, actor_id) references actor (org_id, id)
);
-- A key says nothing of its organization: this look-up spans them all, for windlass_identity.
create unique index api_key_by_hash on api_key (hash);
alter table api_key enable row level security;
alter table api_key force row level security;
create policy org_isolation on api_key for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
create policy identity_reads on api_key for select to windlass_identity using (true);
create policy identity_marks on api_key for update to windlass_identity using (true) with check (true);
grant select, insert, update (expires_at, revoked_at, replaced_by) on api_key to windlass_app;
grant select, update (last_used_at) on api_key to windlass_identity;
