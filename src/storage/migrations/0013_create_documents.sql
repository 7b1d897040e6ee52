-- Documents and what each project must have (spec DOC-1 to DOC-4). A version is written once; nobody may change or delete one.

-- has_api, has_database, has_ui and own ones: what a project has decides which documents it must have (spec PRJ-4).
alter table project add column capabilities text[] not null default '{}';

create table document (
  org_id text not null references org (id),
  id text not null,
  -- null: of the whole organization
  project_id text,
  name text not null,
  version integer not null check (version > 0),
  hash text not null check (hash ~ '^[0-9a-f]{64}$'),
  bytes integer not null,
  -- SHA-256 of what the repository had when both were last known to agree; null when it never came from one
  synced_hash text,
  updated_at timestamptz not null default clock_now(),
  primary key (org_id, id),
  foreign key (org_id, project_id) references project (org_id, id)
);
create unique index document_by_name on document (org_id, coalesce(project_id, ''), name);
alter table document enable row level security;
alter table document force row level security;
create policy org_isolation on document for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
grant select, insert, update (version, hash, bytes, synced_hash, updated_at) on document to windlass_app;

create table document_version (
  org_id text not null,
  document_id text not null,
  version integer not null check (version > 0),
  content text not null,
  hash text not null,
  bytes integer not null,
  repository text,
  path text,
  author_id text not null,
  author_name text not null,
  at timestamptz not null default clock_now(),
  primary key (org_id, document_id, version),
  foreign key (org_id, document_id) references document (org_id, id)
);
alter table document_version enable row level security;
alter table document_version force row level security;
create policy org_isolation on document_version for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
grant select, insert on document_version to windlass_app;

create table document_requirement (
  org_id text not null references org (id),
  -- as in `{project}/API.md`
  pattern text not null,
  -- null: of every project
  project_id text,
  -- only of projects that have it
  capability text,
  stale_days integer not null check (stale_days between 1 and 3650),
  primary key (org_id, pattern),
  foreign key (org_id, project_id) references project (org_id, id)
);
alter table document_requirement enable row level security;
alter table document_requirement force row level security;
create policy org_isolation on document_requirement for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
grant select, insert, update, delete on document_requirement to windlass_app;
