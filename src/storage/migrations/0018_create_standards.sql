-- Standards: proposals with a person's answer, what is written, and the passages that searches find (spec STD-1..5).
--
-- An approval is bound to the hash of the text. Passages are searched through standard_passage_search, which filters by organization
-- itself: full-text operators are not leakproof, so row level security would keep their index from being used (see note_search).

create table standard (
  org_id text not null references org (id),
  id text not null,
  -- null: of the whole organization
  project_id text,
  path text not null,
  title text not null,
  tags text[] not null,
  -- the whole file, front matter included
  content text not null,
  hash text not null,
  place text not null check (place in ('folder', 'store')),
  created_by text not null,
  approved_by text not null,
  faults jsonb not null default '[]',
  indexed_at timestamptz not null default clock_now(),
  primary key (org_id, id),
  unique nulls not distinct (org_id, project_id, path),
  foreign key (org_id, project_id) references project (org_id, id)
);
alter table standard enable row level security;
alter table standard force row level security;
create policy org_isolation on standard for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
create policy search_reads on standard for select to windlass_search using (true);
grant select, insert, delete, update (title, tags, content, hash, created_by, approved_by, faults, indexed_at) on standard to windlass_app;
grant select on standard to windlass_search;

create table standard_passage (
  org_id text not null,
  standard_id text not null,
  position integer not null,
  heading text not null,
  -- in the file, 1-based
  line integer not null,
  text text not null,
  words tsvector not null generated always as (setweight(to_tsvector('english', heading), 'A') || to_tsvector('english', text)) stored,
  -- Float32, little endian, of the model named; null where none is configured
  embedding bytea,
  embedding_model text,
  primary key (org_id, standard_id, position),
  foreign key (org_id, standard_id) references standard (org_id, id) on delete cascade
);
create index standard_passage_by_words on standard_passage using gin (words) with (fastupdate = off);
alter table standard_passage enable row level security;
alter table standard_passage force row level security;
create policy org_isolation on standard_passage for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
create policy search_reads on standard_passage for select to windlass_search using (true);
grant select, insert, delete, update (embedding, embedding_model) on standard_passage to windlass_app;
grant select on standard_passage to windlass_search;

create view standard_passage_search as
  select p.*, s.project_id, s.path, s.title from standard_passage p join standard s on s.org_id = p.org_id and s.id = p.standard_id
   where p.org_id = current_org();
grant create on schema public to windlass_search;
alter view standard_passage_search owner to windlass_search;
revoke create on schema public from windlass_search;
grant select on standard_passage_search to windlass_app;

create table standard_proposal (
  org_id text not null references org (id),
  id text not null,
  project_id text,
  domain text not null,
  topic text not null,
  tags text[] not null,
  content text not null,
  hash text not null,
  why text not null,
  state text not null default 'open' check (state in ('open', 'approved', 'refused', 'written')),
  actor_id text not null,
  actor_name text not null,
  key text not null,
  at timestamptz not null default clock_now(),
  answered_by text,
  answered_name text,
  answered_at timestamptz,
  answer_text text,
  edited boolean not null default false,
  approval_id text,
  standard_id text,
  primary key (org_id, id),
  foreign key (org_id, project_id) references project (org_id, id),
  check ((state = 'open') = (answered_by is null)),
  check ((state in ('approved', 'written')) = (approval_id is not null))
);
create unique index standard_proposal_by_approval on standard_proposal (org_id, approval_id);
create index standard_proposal_open on standard_proposal (org_id, hash) where state = 'open';
alter table standard_proposal enable row level security;
alter table standard_proposal force row level security;
create policy org_isolation on standard_proposal for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
grant select, insert, update (content, hash, state, answered_by, answered_name, answered_at, answer_text, edited, approval_id, standard_id)
  on standard_proposal to windlass_app;

-- Searches and how many found something, by day (spec STD-4).
create table standard_query_day (
  org_id text not null references org (id),
  day date not null,
  queries integer not null,
  hits integer not null,
  primary key (org_id, day)
);
alter table standard_query_day enable row level security;
alter table standard_query_day force row level security;
create policy org_isolation on standard_query_day for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
grant select, insert, update (queries, hits) on standard_query_day to windlass_app;
