/**
 * Which run a request made (spec HND-3): written in the transaction that makes the run, so that a request that comes again after a
 * crash finds it. The surface keeps whole answers; this holds when it could not.
 */
import { isoTime } from '../../kernel/clock.ts';
import type { OrgId, RunId } from '../../kernel/ids.ts';
import type { Database, Tx } from '../../storage/database.ts';
import type { RetentionClass } from '../../storage/retention.ts';

/** As long as the surface keeps answers: a day. */
const KEPT_HOURS = 24;

export type EarlierRun = { id: RunId; agent: string; version: number };

/**
 * Takes the request for `run`: null, or the run that it made before. Of two at once the second waits for the first's commit.
 * `request` is absent where no idempotency key was given.
 */
export async function earlierRun(tx: Tx, org: OrgId, wanted: { request: string | undefined; run: RunId }): Promise<EarlierRun | null> {
  if (wanted.request === undefined) return null;
  const taken = await tx.query(
    `insert into run_request as r (org_id, request, run_id) values ($1, $2, $3)
     on conflict (org_id, request) do update set run_id = excluded.run_id, at = clock_now()
       where r.at < clock_now() - make_interval(hours => $4)
     returning 1`,
    [org, wanted.request, wanted.run, KEPT_HOURS],
  );
  if (taken.length > 0) return null;
  const [found] = await tx.query<EarlierRun>(
    `select r.id, r.agent_name as agent, r.agent_version as version
     from run_request q join run r on r.org_id = q.org_id and r.id = q.run_id where q.org_id = $1 and q.request = $2`,
    [org, wanted.request],
  );
  return found ?? null;
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
