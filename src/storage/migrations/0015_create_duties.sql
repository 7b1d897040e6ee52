-- Recurring duties and when each was done (spec CAD-1). What was done is written once.

create table duty (
  org_id text not null references org (id),
  id text not null,
  -- null: of the whole organization
  project_id text,
  title text not null,
  interval_days integer not null check (interval_days between 1 and 3650),
  retired boolean not null default false,
  created_at timestamptz not null default clock_now(),
  last_done_at timestamptz,
  primary key (org_id, id),
  foreign key (org_id, project_id) references project (org_id, id)
);
alter table duty enable row level security;
alter table duty force row level security;
create policy org_isolation on duty for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
grant select, insert, update (retired, last_done_at) on duty to windlass_app;

create table duty_done (
  org_id text not null,
  duty_id text not null,
  id bigint not null generated always as identity,
  result text not null,
  actor_id text not null,
  actor_name text not null,
  at timestamptz not null default clock_now(),
  primary key (org_id, duty_id, id),
  foreign key (org_id, duty_id) references duty (org_id, id)
);
alter table duty_done enable row level security;
alter table duty_done force row level security;
create policy org_isolation on duty_done for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
grant select, insert on duty_done to windlass_app;
