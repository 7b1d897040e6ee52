-- People who sign in with the identity provider of their organization (spec IDN-1): whom it lets in, by which email, and as what.
alter table actor
  -- lower case; the provider must have verified it
  add column email text check (length(email) between 3 and 254),
  add column sign_in_role text check (sign_in_role in ('viewer', 'member', 'operator', 'admin', 'owner')),
  add check ((email is null) = (sign_in_role is null)),
  add check (email is null or kind = 'user');
create unique index actor_by_email on actor (org_id, email) where email is not null;
grant update (email, sign_in_role) on actor to windlass_app;

-- An account of a provider that has signed in: the email alone could be given to somebody else there.
create table openid_account (
  org_id text not null,
  issuer text not null,
  subject text not null check (length(subject) between 1 and 255),
  actor_id text not null,
  -- what its sessions stand for; nobody knows the secret of it
  key_id text not null,
  created_at timestamptz not null default clock_now(),
  primary key (org_id, issuer, subject),
  foreign key (org_id, actor_id) references actor (org_id, id),
  foreign key (org_id, key_id) references api_key (org_id, id)
);
create unique index openid_account_by_actor on openid_account (org_id, actor_id, issuer);
alter table openid_account enable row level security;
alter table openid_account force row level security;
create policy org_isolation on openid_account for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
grant select, insert, update (key_id), delete on openid_account to windlass_app;

-- A browser on its way to the provider and back: its token is in a cookie, and good once.
create table sign_in_attempt (
  org_id text not null references org (id),
  hash text not null check (hash ~ '^[0-9a-f]{64}$'),
  expires_at timestamptz not null,
  used_at timestamptz,
  primary key (org_id, hash)
);
create index sign_in_attempt_by_time on sign_in_attempt (expires_at);
alter table sign_in_attempt enable row level security;
alter table sign_in_attempt force row level security;
create policy org_isolation on sign_in_attempt for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
create policy worker_prunes on sign_in_attempt for all to windlass_worker using (true) with check (true);
grant select, insert, update (used_at) on sign_in_attempt to windlass_app;
grant select, delete on sign_in_attempt to windlass_worker;
