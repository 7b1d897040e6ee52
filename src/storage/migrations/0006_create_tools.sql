-- Checkpoints: small durable values of one agent, kept between its runs (spec TOL-11).

create table checkpoint (
  org_id text not null references org (id),
  -- By name: a new version of an agent goes on where the old one stopped.
  agent text not null check (length(agent) between 1 and 200),
  name text not null check (length(name) between 1 and 200),
  -- JSON as text: jsonb refuses NUL and lone surrogates, which real values hold.
  value text not null check (octet_length(value) <= 65536),
  version bigint not null check (version > 0),
  -- Key of the call that stored this value, by which its repetition is recognised.
  set_by text not null,
  changed_at timestamptz not null default clock_now(),
  primary key (org_id, agent, name)
);
alter table checkpoint enable row level security;
alter table checkpoint force row level security;
create policy org_isolation on checkpoint for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
grant select, insert, update, delete on checkpoint to windlass_app;
