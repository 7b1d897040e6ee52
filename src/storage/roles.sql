-- The roles of Windlass. Run before the migrations at each start, because roles belong to the server and not to the
-- database: a restored or copied database finds them missing. Idempotent; safe when several databases do it at once.
--   windlass_app       one organization, by row-level security on windlass.org
--   windlass_worker    all organizations, on the tables that name it in a policy
--   windlass_identity  resolves keys, makes organizations, nothing else
--   windlass_search    owns search functions and views, which filter by organization themselves
do $$
declare
  wanted text;
begin
  foreach wanted in array array['windlass_app', 'windlass_worker', 'windlass_identity', 'windlass_search'] loop
    if not exists (select from pg_roles where rolname = wanted) then
      begin
        execute format('create role %I nologin nosuperuser nobypassrls nocreatedb nocreaterole noinherit', wanted);
      exception when duplicate_object or unique_violation then
        null; -- another database of this server made it in between
      end;
    end if;
    -- since version 16 who creates a role may administer it, but not become it
    if not pg_has_role(current_user, wanted, case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end) then
      execute format('grant %I to %I', wanted, current_user);
    end if;
  end loop;
end
$$;
