-- Answers of models that may be given again to the very same request (spec GTW-4).

create table gateway_answer (
  org_id text not null references org (id),
  -- SHA-256 over the canonical request and whom it may be given to
  digest bytea not null,
  model text not null,
  -- as it went to the client
  body bytea not null,
  kept_at timestamptz not null default clock_now(),
  expires_at timestamptz not null,
  primary key (org_id, digest)
);
create index gateway_answer_by_expiry on gateway_answer (expires_at);
alter table gateway_answer enable row level security;
alter table gateway_answer force row level security;
create policy org_isolation on gateway_answer for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
create policy worker_prunes on gateway_answer for all to windlass_worker using (true) with check (true);
grant select, insert, update (model, body, kept_at, expires_at) on gateway_answer to windlass_app;
grant select, delete on gateway_answer to windlass_worker;
