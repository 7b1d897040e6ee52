-- Which requests were made, for 7 days, found by correlation id (spec STO-5); which run a request with an idempotency key made, so
-- that it is made once even when the server dies before the answer is kept (spec HND-3).

create table request_log (
  org_id text not null references org (id),
  correlation_id text not null,
  id bigint not null generated always as identity,
  at timestamptz not null,
  surface text not null check (surface in ('http', 'mcp')),
  method text not null,
  -- Without query. Bodies and keys are never written.
  path text not null,
  operation text,
  status int not null,
  code text,
  duration_ms int not null,
  actor_id text not null,
  fingerprint text not null,
  primary key (org_id, correlation_id, id)
);
create index request_log_by_time on request_log (at);
alter table request_log enable row level security;
alter table request_log force row level security;
create policy org_isolation on request_log for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
create policy worker_prunes on request_log for all to windlass_worker using (true) with check (true);
grant select on request_log to windlass_app;
grant select, insert, delete on request_log to windlass_worker;

create table run_request (
  org_id text not null references org (id),
  -- SHA-256 over actor, endpoint and idempotency key.
  request text not null,
  run_id text not null,
  at timestamptz not null default clock_now(),
  primary key (org_id, request)
);
create index run_request_by_time on run_request (at);
alter table run_request enable row level security;
alter table run_request force row level security;
create policy org_isolation on run_request for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
create policy worker_prunes on run_request for all to windlass_worker using (true) with check (true);
grant select, insert, update (run_id, at) on run_request to windlass_app;
grant select, delete on run_request to windlass_worker;

-- Pruning spans organizations.
create policy worker_prunes on http_once for all to windlass_worker using (true) with check (true);
grant select, delete on http_once to windlass_worker;
create index http_once_by_time on http_once (taken_at);
drop index http_once_taken_at;
