-- What the organization is after this week (spec CAD-3). Every version is kept; the newest holds.

create table weekly_plan (
  org_id text not null references org (id),
  version integer not null check (version > 0),
  priority_project text,
  goals text[] not null,
  notes text not null,
  author_id text not null,
  author_name text not null,
  at timestamptz not null default clock_now(),
  primary key (org_id, version),
  foreign key (org_id, priority_project) references project (org_id, id)
);
alter table weekly_plan enable row level security;
alter table weekly_plan force row level security;
create policy org_isolation on weekly_plan for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
grant select, insert on weekly_plan to windlass_app;
