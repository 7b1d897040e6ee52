-- What the registry knows of a project beside its checkout (spec PRJ-1).

alter table project add column repositories text[] not null default '{}';
alter table project add column secrets_path text;
alter table project add column design_spec text;
-- [{name, url, branch}]
alter table project add column environments text not null default '[]';
alter table project add column status text not null default 'active' check (status in ('idea', 'active', 'maintained', 'paused', 'ended'));
-- the project of the platform itself: what belongs to the whole organization is shown there
alter table project add column platform boolean not null default false;
-- kept in windlass.yaml, which is then the one place to change it
alter table project add column declared boolean not null default false;
create unique index project_platform on project (org_id) where platform;
