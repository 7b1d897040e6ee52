-- What every other migration stands on: time, the current organization, organizations and projects.
--
-- Convention for a table that belongs to an organization (a test over the catalogue holds to it):
--   1. `org_id text not null`, first in the primary key and first in every index that queries use;
--   2. row level security enabled and forced;
--   3. policy org_isolation for windlass_app using (org_id = current_org()) with check (org_id = current_org());
--   4. a named policy `worker_…` or `identity_…` for windlass_worker or windlass_identity where they need the table, and only there;
--   5. explicit grants for each role, least first: nothing is granted to public.
-- Times are timestamptz and come from clock_now(); 64-bit numbers are bigint; money is bigint micro-dollars, `…_micro_usd`.

-- The only source of time in SQL. Tests replace it. Fixed within one statement.
create function clock_now() returns timestamptz
  language sql stable parallel safe
  as $$ select statement_timestamp() $$;

-- The organization of this transaction; null, and therefore no rows at all, when none is set.
create function current_org() returns text
  language sql stable parallel safe
  return nullif(current_setting('windlass.org', true), '');

create table org (
  id text primary key,
  name text not null check (length(name) between 1 and 200),
  created_at timestamptz not null default clock_now()
);
alter table org enable row level security;
alter table org force row level security;
create policy org_isolation on org for all to windlass_app using (id = current_org()) with check (id = current_org());
create policy worker_reads on org for select to windlass_worker using (true);
create policy identity_reads on org for select to windlass_identity using (true);
create policy identity_creates on org for insert to windlass_identity with check (true);
grant select, update (name) on org to windlass_app;
grant select on org to windlass_worker;
grant select, insert on org to windlass_identity;

create table project (
  org_id text not null references org (id),
  id text not null,
  code text not null check (length(code) between 1 and 100),
  name text not null check (length(name) between 1 and 200),
  path text,
  remote text,
  created_at timestamptz not null default clock_now(),
  primary key (org_id, id),
  unique (org_id, code)
);
alter table project enable row level security;
alter table project force row level security;
create policy org_isolation on project for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
create policy worker_reads on project for select to windlass_worker using (true);
grant select, insert, update, delete on project to windlass_app;
grant select on project to windlass_worker;
