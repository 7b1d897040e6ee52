-- What a key is bound to at the model gateway (spec GTW-2, GTW-6): whose spend it is, which models it may name, how much in a minute.

alter table api_key
  add column project_id text,
  -- the agent whose budget a call with this key counts against; not a service account
  add column spend_agent_id text,
  -- globs over aliases and provider/model; null allows every model
  add column models text[],
  add column requests_per_minute integer check (requests_per_minute > 0),
  add column tokens_per_minute bigint check (tokens_per_minute > 0),
  -- exact answers are kept and given again for so long; null does not keep them
  add column cache_seconds integer check (cache_seconds > 0),
  add foreign key (org_id, project_id) references project (org_id, id),
  add foreign key (org_id, spend_agent_id) references agent (org_id, id);
