-- Notes: what people told to be kept (spec KNO-1). Every version is kept, with who wrote it, from where and at whose word.
--
-- Row level security keeps indexes over tags and text from being used, because their operators are not leakproof. Reading in bulk
-- and searching therefore go through note_search, which filters by organization itself and belongs to windlass_search.

create extension if not exists pg_trgm;

create table note (
  org_id text not null references org (id),
  id text not null,
  -- null: of the whole organization
  project_id text,
  title text not null,
  content text not null,
  tags text[] not null,
  archived boolean not null default false,
  version integer not null default 1 check (version > 0),
  created_at timestamptz not null default clock_now(),
  updated_at timestamptz not null default clock_now(),
  words tsvector not null generated always as
    (setweight(to_tsvector('english', title), 'A') || setweight(to_tsvector('english', content), 'B')) stored,
  primary key (org_id, id),
  foreign key (org_id, project_id) references project (org_id, id)
);
create index note_by_project on note (org_id, project_id, archived, id);
-- without org_id: a GIN index reads the whole list of every column asked for, and that of an organization is all its notes.
-- Without fastupdate: notes are searched more often than written, and a pending list makes the planner read the whole table.
create index note_by_tag on note using gin (tags) with (fastupdate = off);
create index note_by_words on note using gin (words) with (fastupdate = off);
create index note_by_title on note using gin (title gin_trgm_ops) with (fastupdate = off);
alter table note enable row level security;
alter table note force row level security;
create policy org_isolation on note for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
create policy search_reads on note for select to windlass_search using (true);
grant select, insert, update (project_id, title, content, tags, archived, version, updated_at) on note to windlass_app;
grant select on note to windlass_search;

create table note_version (
  org_id text not null,
  note_id text not null,
  version integer not null check (version > 0),
  change text not null check (change in ('created', 'updated', 'archived', 'restored')),
  title text not null,
  content text not null,
  tags text[] not null,
  project_id text,
  -- what the person said that asked for it
  word text not null,
  -- where the content is from: a meeting, a page, a conversation
  source text not null,
  surface text not null check (surface in ('http', 'mcp')),
  actor_id text not null,
  actor_name text not null,
  key text not null,
  at timestamptz not null default clock_now(),
  primary key (org_id, note_id, version),
  foreign key (org_id, note_id) references note (org_id, id)
);
alter table note_version enable row level security;
alter table note_version force row level security;
create policy org_isolation on note_version for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
grant select, insert on note_version to windlass_app;

create view note_search as select * from note where org_id = current_org();
grant create on schema public to windlass_search;
alter view note_search owner to windlass_search;
revoke create on schema public from windlass_search;
grant select on note_search to windlass_app;
