/**
 * Which run a request made (spec HND-3): written in the transaction that makes the run, so that a request that comes again after a
 * crash finds it. The surface keeps whole answers; this holds when it could not.
 */
import { isoTime } from '../../kernel/clock.ts';
import type { OrgId, RunId } from '../../kernel/ids.ts';
import { storedId } from '../../kernel/ids.ts';
import type { Database, Tx } from '../../storage/database.ts';
import type { RetentionClass } from '../../storage/retention.ts';

/** As long as the surface keeps answers: a day. */
const KEPT_HOURS = 24;

/**
 * Takes the request for `run`, or answers the run that it made before. Of two at once the second waits for the first's commit.
 * `request` is null where no idempotency key was given.
 */
export async function runOfRequest(tx: Tx, org: OrgId, wanted: { request: string | null; run: RunId }): Promise<RunId> {
  if (wanted.request === null) return wanted.run;
  const taken = await tx.query(
    `insert into run_request as r (org_id, request, run_id) values ($1, $2, $3)
     on conflict (org_id, request) do update set run_id = excluded.run_id, at = clock_now()
       where r.at < clock_now() - make_interval(hours => $4)
     returning 1`,
    [org, wanted.request, wanted.run, KEPT_HOURS],
  );
  if (taken.length > 0) return wanted.run;
  const [found] = await tx.query<{ run_id: string }>('select run_id from run_request where org_id = $1 and request = $2', [org, wanted.request]);
  return found === undefined ? wanted.run : storedId('run', found.run_id);
}

export function requestRetention(db: Database): RetentionClass {
  return {
    name: 'run_requests',
    defaultDays: KEPT_HOURS / 24,
    async deleteBatch(olderThanMs, limit) {
      const rows = await db.asWorker((tx) =>
        tx.last(
          `delete from run_request r using (select org_id, request from run_request where at < $1 order by at limit $2) old
           where r.org_id = old.org_id and r.request = old.request returning 1`,
          [isoTime(olderThanMs), limit],
        ),
      );
      return rows.length;
    },
  };
}
