-- A heartbeat and a batch of appends lock the same rows of runs side by side: both in the order of (org, id), else they can
-- wait for each other until one is killed as a deadlock.
create or replace function prolong_leases(worker text, leases json, lease interval) returns table (id text)
  language plpgsql
  as $$
#variable_conflict use_column
begin
  perform pg_advisory_xact_lock_shared(8604520202148967798);
  perform 1 from run r join json_to_recordset(leases) as l (org text, run text) on r.org_id = l.org and r.id = l.run
    where r.worker_id = worker
    order by r.org_id collate "C", r.id collate "C" for no key update of r;
  return query
  update run r set lease_until = clock_now() + lease
    from json_to_recordset(leases) as l (org text, run text, fence bigint) join stream s on s.org_id = l.org and s.id = l.run and s.fence = l.fence
    where r.org_id = l.org and r.id = l.run and r.worker_id = worker and r.lease_until > clock_now()
    returning r.id;
end
$$;
