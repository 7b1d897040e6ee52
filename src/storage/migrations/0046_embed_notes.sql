-- Notes as vectors of an embedding model, for a search by meaning (spec KNO-1). Of one version of a note; made anew when it changes.
create table note_vector (
  org_id text not null,
  note_id text not null,
  version integer not null,
  model text not null,
  embedding bytea not null,
  at timestamptz not null default clock_now(),
  primary key (org_id, note_id),
  foreign key (org_id, note_id) references note (org_id, id)
);
alter table note_vector enable row level security;
alter table note_vector force row level security;
create policy org_isolation on note_vector for all to windlass_app using (org_id = current_org()) with check (org_id = current_org());
grant select, insert, update (version, model, embedding, at) on note_vector to windlass_app;
