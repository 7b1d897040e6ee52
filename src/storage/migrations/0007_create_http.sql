-- What the HTTP surface keeps: first answers by idempotency key (spec HND-3).

create table http_once (
  org_id text not null references org (id),
  actor text not null,
  endpoint text not null,
  key text not null,
  request_hash text not null,
  -- Null while the first request is still running.
  status int,
  body text,
  body_sha256 text,
  taken_at timestamptz not null default clock_now(),
  primary key (org_id, actor, endpoint, key)
);
create index http_once_taken_at on http_once (org_id, taken_at);
alter table http_once enable row level security;
alter table http_once force row level security;
create policy org_isolation on http_once for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
grant select, insert, update, delete on http_once to windlass_app;
