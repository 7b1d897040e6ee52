-- People signed in with a browser (spec IDN-1, WEB-1): a session stands for a key and is never more than it. Tokens are kept as SHA-256 only.

create table sign_in (
  org_id text not null,
  id text not null,
  key_id text not null,
  hash text not null check (hash ~ '^[0-9a-f]{64}$'),
  -- What the browser said of itself, for people to know it again.
  browser text not null check (length(browser) <= 300),
  created_at timestamptz not null default clock_now(),
  expires_at timestamptz not null,
  ended_at timestamptz,
  primary key (org_id, id),
  foreign key (org_id, key_id) references api_key (org_id, id)
);
-- A token says nothing of its organization: these look-ups span them all, for windlass_identity.
create unique index sign_in_by_hash on sign_in (hash);
create index sign_in_by_time on sign_in (expires_at);
alter table sign_in enable row level security;
alter table sign_in force row level security;
create policy org_isolation on sign_in for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
create policy identity_reads on sign_in for select to windlass_identity using (true);
create policy worker_prunes on sign_in for all to windlass_worker using (true) with check (true);
grant select, insert, update (ended_at) on sign_in to windlass_app;
grant select on sign_in to windlass_identity;
grant select, delete on sign_in to windlass_worker;

create table sign_in_link (
  org_id text not null,
  hash text not null check (hash ~ '^[0-9a-f]{64}$'),
  key_id text not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  primary key (org_id, hash),
  foreign key (org_id, key_id) references api_key (org_id, id)
);
create unique index sign_in_link_by_hash on sign_in_link (hash);
create index sign_in_link_by_time on sign_in_link (expires_at);
alter table sign_in_link enable row level security;
alter table sign_in_link force row level security;
create policy org_isolation on sign_in_link for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
create policy identity_reads on sign_in_link for select to windlass_identity using (true);
create policy worker_prunes on sign_in_link for all to windlass_worker using (true) with check (true);
grant select, insert, update (used_at) on sign_in_link to windlass_app;
grant select on sign_in_link to windlass_identity;
grant select, delete on sign_in_link to windlass_worker;
