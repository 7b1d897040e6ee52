-- Questions to people (spec APR-1, APR-2): what was asked is written once, by the worker in the commit of `approval.asked`;
-- the answer is written once, beside it.

create table approval (
  org_id text not null,
  id text not null,
  run_id text not null,
  -- the topmost run of the tree
  root_id text not null,
  agent_id text not null,
  agent_name text not null,
  -- the last entry of the run before the question
  after_seq bigint not null,
  call_id text not null,
  kind text not null check (kind in ('approval', 'input', 'outcome')),
  tool text not null,
  -- JSON text
  args text not null,
  hash text not null,
  question text not null,
  choices text[] not null,
  reason text not null,
  rules text[] not null,
  asked_at timestamptz not null default clock_now(),
  deadline_at timestamptz not null,
  on_expiry text not null check (on_expiry in ('deny', 'halt')),
  state text not null default 'open' check (state in ('open', 'answered', 'expired', 'withdrawn')),
  answer text check (answer in ('approve', 'edit', 'deny', 'answer', 'done', 'not_done')),
  answer_args text,
  answer_text text,
  answered_by text,
  answered_name text,
  answered_key text,
  answered_at timestamptz,
  primary key (org_id, id),
  check ((state = 'answered') = (answer is not null)),
  check ((answer is null) = (answered_at is null))
);
create index approval_by_state on approval (org_id, state, id);
create index approval_by_run on approval (org_id, run_id);
create index approval_by_deadline on approval (deadline_at) where state = 'open';
alter table approval enable row level security;
alter table approval force row level security;
create policy org_isolation on approval for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
create policy worker_asks on approval for all to windlass_worker using (true) with check (true);
grant select, update (state, answer, answer_args, answer_text, answered_by, answered_name, answered_key, answered_at) on approval to windlass_app;
grant select, insert, update (state) on approval to windlass_worker;
