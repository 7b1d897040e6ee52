-- Alerts, and the webhooks that tell of them (spec CAD-2, HOK-1).

create table webhook_source (
  org_id text not null references org (id),
  id text not null,
  kind text not null check (kind in ('github', 'generic')),
  name text not null,
  -- null: alerts find their project by their repository
  project_id text,
  -- who is answerable for security alerts that come from it
  owner_id text not null,
  -- first digits of the SHA-256 of the server's signing key: the secret is derived from that key and never stored
  signing_key text not null,
  created_at timestamptz not null default clock_now(),
  revoked_at timestamptz,
  last_delivery_at timestamptz,
  last_red_at timestamptz,
  last_green_at timestamptz,
  primary key (org_id, id),
  foreign key (org_id, project_id) references project (org_id, id),
  foreign key (org_id, owner_id) references actor (org_id, id)
);
alter table webhook_source enable row level security;
alter table webhook_source force row level security;
create policy org_isolation on webhook_source for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
-- A delivery says nothing of its organization: the source that it names does.
create policy identity_reads on webhook_source for select to windlass_identity using (true);
create index webhook_source_by_id on webhook_source (id);
grant select, insert, update (revoked_at, last_delivery_at, last_red_at, last_green_at) on webhook_source to windlass_app;
grant select on webhook_source to windlass_identity;

-- What was taken, so that nothing is taken twice: neither the delivery nor its content.
create table webhook_delivery (
  org_id text not null,
  source_id text not null,
  delivery text not null,
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  event text not null,
  outcome text not null check (outcome in ('accepted', 'ignored')),
  detail text not null,
  at timestamptz not null default clock_now(),
  primary key (org_id, source_id, delivery),
  foreign key (org_id, source_id) references webhook_source (org_id, id)
);
create unique index webhook_delivery_by_content on webhook_delivery (org_id, source_id, sha256);
create index webhook_delivery_by_age on webhook_delivery (org_id, at);
alter table webhook_delivery enable row level security;
alter table webhook_delivery force row level security;
create policy org_isolation on webhook_delivery for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
grant select, insert, update (outcome, detail), delete on webhook_delivery to windlass_app;

create table alert (
  org_id text not null references org (id),
  id text not null,
  source_id text not null,
  -- what makes two reports the same alert
  fold_key text not null,
  project_id text,
  -- host and path of the git remote
  repository text,
  branch text,
  kind text not null check (kind in ('ci', 'deployment', 'security', 'other')),
  severity text not null check (severity in ('low', 'medium', 'high', 'critical')),
  title text not null,
  url text,
  count integer not null default 1 check (count > 0),
  owner_id text,
  state text not null default 'open' check (state in ('open', 'resolved')),
  first_at timestamptz not null default clock_now(),
  last_at timestamptz not null default clock_now(),
  resolved_at timestamptz,
  resolved_by text,
  resolved_reason text,
  primary key (org_id, id),
  foreign key (org_id, source_id) references webhook_source (org_id, id),
  foreign key (org_id, project_id) references project (org_id, id),
  foreign key (org_id, owner_id) references actor (org_id, id),
  check ((state = 'resolved') = (resolved_at is not null)),
  check (kind <> 'security' or owner_id is not null)
);
create unique index alert_open on alert (org_id, fold_key) where state = 'open';
create index alert_by_state on alert (org_id, state, last_at);
create index alert_by_repository on alert (org_id, repository) where state = 'open';
alter table alert enable row level security;
alter table alert force row level security;
create policy org_isolation on alert for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
grant select, insert on alert to windlass_app;
grant update (project_id, branch, severity, title, url, count, owner_id, state, last_at, resolved_at, resolved_by, resolved_reason) on alert to windlass_app;

-- The newest red and green event of each alert by their own time: deliveries come in any order.
create table alert_signal (
  org_id text not null references org (id),
  fold_key text not null,
  red_at timestamptz,
  green_at timestamptz,
  primary key (org_id, fold_key)
);
alter table alert_signal enable row level security;
alter table alert_signal force row level security;
create policy org_isolation on alert_signal for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
grant select, insert, update on alert_signal to windlass_app;
