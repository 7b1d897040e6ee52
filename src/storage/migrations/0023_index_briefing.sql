-- Indexes for what a briefing reads (spec BRF-6): the last handoff of a project to itself, the last session of an actor, what changed since, duties and executive
-- notes by project.
create index handoff_last on handoff (org_id, to_project, id) where queue is null;
create index session_by_actor on session (org_id, project_id, actor_id, id);
create index session_by_start on session (org_id, project_id, started_at);
create index duty_by_project on duty (org_id, project_id) where not retired;
create index note_by_change on note (org_id, project_id, updated_at);
create index note_executive on note (org_id, project_id, updated_at) where not archived and tags @> '{executive-summary}';
create index note_executive_fresh on note (org_id, updated_at) where not archived and tags @> '{executive-summary}';
-- the one by name is over an expression, which row-level security keeps from being used
create index document_by_project on document (org_id, project_id, updated_at);
