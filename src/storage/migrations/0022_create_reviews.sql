-- Reviews by personas, panels of them, and what became of findings (spec PER-2 to PER-7, REV-1, REV-2). The run is the job: a review
-- row holds only what lists, estimates and panels need beside it.

create table review_panel (
  org_id text not null references org (id),
  id text not null,
  number bigint not null generated always as identity,
  project_id text,
  title text not null,
  question text not null default '',
  -- JSON: reviewers asked for, in order, each {persona, model, dimensions, run, failure}.
  members text not null,
  actor_id text not null,
  actor_name text not null,
  created_at timestamptz not null default clock_now(),
  -- JSON, once every member has ended: grades, coverage, counts.
  outcome text,
  settled_at timestamptz,
  primary key (org_id, id),
  foreign key (org_id, project_id) references project (org_id, id)
);
create index review_panel_by_number on review_panel (org_id, number);
create index review_panel_by_project on review_panel (org_id, project_id, number) where settled_at is not null;
create index review_panel_open on review_panel (created_at) where settled_at is null;

create table review (
  org_id text not null,
  run_id text not null,
  number bigint not null generated always as identity,
  persona text not null,
  model text not null,
  panel_id text,
  project_id text,
  title text not null,
  left_out text not null default '',
  -- Characters of what was given, milliseconds of work that were promised.
  chars integer not null,
  estimate_ms bigint not null,
  actor_name text not null,
  created_at timestamptz not null default clock_now(),
  -- JSON, once the run has ended and its findings were checked.
  outcome text,
  findings integer,
  dropped integer,
  took_ms bigint,
  error_percent integer,
  settled_at timestamptz,
  -- Of input and outcome, for the size limit.
  bytes bigint not null,
  primary key (org_id, run_id),
  foreign key (org_id, run_id) references run (org_id, id),
  foreign key (org_id, panel_id) references review_panel (org_id, id)
);
create index review_by_number on review (org_id, number);
create index review_by_persona on review (org_id, persona, number);
create index review_by_panel on review (org_id, panel_id) where panel_id is not null;
create index review_open on review (org_id, run_id) where settled_at is null;
create index review_history on review (org_id, persona, settled_at) where took_ms is not null;

create table review_finding (
  org_id text not null references org (id),
  id text not null,
  number bigint not null generated always as identity,
  project_id text,
  -- The panel, or the run of a review alone, that found it first.
  source text not null,
  -- SHA-256 over file, evidence and dimension: the same finding in the next review.
  fingerprint text not null,
  severity text not null,
  dimension text not null,
  file text not null,
  line integer,
  -- JSON: the whole finding with who said it.
  finding text not null,
  state text not null default 'open' check (state in ('open', 'issue', 'dismissed', 'resolved')),
  -- Address of the issue in a tracker, where there is one.
  issue text,
  seen integer not null default 1,
  reason text not null default '',
  settled_by text,
  created_at timestamptz not null default clock_now(),
  changed_at timestamptz not null default clock_now(),
  primary key (org_id, id)
);
create unique index review_finding_live on review_finding (org_id, coalesce(project_id, ''), fingerprint) where state in ('open', 'issue');
create index review_finding_by_number on review_finding (org_id, number);
create index review_finding_by_source on review_finding (org_id, source);

do $$
declare name text;
begin
  foreach name in array array['review_panel', 'review', 'review_finding'] loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy org_isolation on %I for all to windlass_app using (org_id = current_org()) with check (org_id = current_org())', name);
    execute format('create policy worker on %I for all to windlass_worker using (true) with check (true)', name);
  end loop;
end
$$;
grant select, insert on review_panel, review, review_finding to windlass_app;
grant update (members, outcome, settled_at) on review_panel to windlass_app;
grant update (outcome, findings, dropped, took_ms, error_percent, settled_at, bytes) on review to windlass_app;
grant update (finding, line, severity, state, issue, seen, reason, settled_by, changed_at) on review_finding to windlass_app;
-- cleaning, and finding what a crash left unsettled, over all organizations
grant select, delete on review to windlass_worker;
grant select on review_panel to windlass_worker;
grant select, delete on review_finding to windlass_worker;
