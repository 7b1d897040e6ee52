-- Handoffs: what one session leaves to the next, or to another project's queue (spec HND-1, HND-2). Written once; only its place
-- in a queue changes.

create table handoff (
  org_id text not null references org (id),
  id text not null,
  session_id text not null,
  from_project text not null,
  to_project text not null,
  status text not null check (status in ('in_progress', 'blocked', 'done')),
  priority text not null check (priority in ('low', 'normal', 'high', 'urgent')),
  issue text,
  summary text not null,
  schema_version integer not null,
  -- Canonical JSON (RFC 8785), its SHA-256 and its size in bytes.
  payload text not null check (octet_length(payload) <= 819200),
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  bytes integer not null,
  -- Null for a session's own project, which has no queue.
  queue text check (queue in ('open', 'taken', 'dismissed')),
  settled_by text,
  settled_at timestamptz,
  settled_reason text not null default '',
  created_at timestamptz not null default clock_now(),
  primary key (org_id, id),
  foreign key (org_id, session_id) references session (org_id, id),
  foreign key (org_id, from_project) references project (org_id, id),
  foreign key (org_id, to_project) references project (org_id, id),
  check ((queue is null) = (from_project = to_project)),
  check ((settled_at is null) = (queue is null or queue = 'open'))
);
-- A session leaves one handoff to its own project, and nothing twice to another one.
create unique index handoff_by_session on handoff (org_id, session_id) where queue is null;
create unique index handoff_by_content on handoff (org_id, session_id, to_project, sha256);
create index handoff_queue on handoff (org_id, to_project, id) where queue = 'open';
create index handoff_by_project on handoff (org_id, to_project, id);
alter table handoff enable row level security;
alter table handoff force row level security;
create policy org_isolation on handoff for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
grant select, insert on handoff to windlass_app;
grant update (queue, settled_by, settled_at, settled_reason) on handoff to windlass_app;
