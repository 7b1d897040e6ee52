/**
 * SQL over all organizations, as a worker: which reviews are due, which a crash left unsettled, which are to be cleaned. Reviews wait in a
 * pool of their own, so that they neither take the places of other runs nor wait behind them.
 */
import { isoTime } from '../../kernel/clock.ts';
import type { OrgId, RunId } from '../../kernel/ids.ts';
import { storedId } from '../../kernel/ids.ts';
import type { ClaimRequest, Lease, RunStore } from '../../runtime/runs/store-port.ts';
import type { Database } from '../../storage/database.ts';
import { eraseStreams } from '../../storage/journal-store.ts';

export const REVIEW_POOL = 'reviews';

type Place = { org: OrgId; run: RunId };
type PlaceRow = { org: string; run: string };
const placeOf = ({ org, run }: PlaceRow): Place => ({ org: storedId('org', org), run: storedId('run', run) });

/** Claims reviews and nothing else: by priority, then age; the rules of claiming stay those of all runs. */
export function reviewClaims(db: Database, store: Pick<RunStore, 'claim'>): Pick<RunStore, 'claim' | 'nextDueMs'> {
  return {
    async claim(request: ClaimRequest): Promise<Lease[]> {
      const rows = await db.asWorker((tx) =>
        tx.last<PlaceRow>(
          `select org_id as org, id as run from run where pool = $1 and due_at is not null and due_at <= clock_now() order by priority, number limit $2`,
          [REVIEW_POOL, request.limit],
        ),
      );
      const leases: Lease[] = [];
      for (const row of rows) leases.push(...(await store.claim({ ...request, limit: 1, pools: [REVIEW_POOL], only: placeOf(row) })));
      return leases;
    },
    async nextDueMs() {
      const [row] = await db.asWorker((tx) =>
        tx.last<{ due: number | null }>('select min(due_at) as due from run where pool = $1 and due_at > clock_now()', [REVIEW_POOL]),
      );
      return row?.due ?? null;
    },
  };
}

/** Reviews whose run has ended and whose findings nobody has checked yet. */
export async function unsettledJobs(db: Database, limit: number): Promise<Place[]> {
  const rows = await db.asWorker((tx) =>
    tx.last<PlaceRow>(
      `select r.org_id as org, r.run_id as run from review r join run u on u.org_id = r.org_id and u.id = r.run_id
       where r.settled_at is null and u.ended_at is not null order by r.number limit $1`,
      [limit],
    ),
  );
  return rows.map(placeOf);
}

export async function unsettledPanels(db: Database, limit: number): Promise<{ org: OrgId; id: string }[]> {
  const rows = await db.asWorker((tx) =>
    tx.last<{ org: string; id: string }>('select org_id as org, id from review_panel where settled_at is null order by created_at limit $1', [limit]),
  );
  return rows.map(({ org, id }) => ({ org: storedId('org', org), id }));
}

/**
 * Removes up to `limit` settled reviews older than `olderThanMs`, or beyond `maxBytes` for each organization, oldest first; live ones count
 * and stay. The journal of a removed run keeps its chain and loses its texts. Answers how many were removed.
 */
export async function cleanReviews(db: Database, rule: { olderThanMs: number } | { maxBytes: number }, limit: number): Promise<number> {
  const byAge = 'olderThanMs' in rule;
  return db.asWorker(async (tx) => {
    const chosen = byAge
      ? 'select org_id, run_id from review where settled_at < $1 order by settled_at limit $2'
      : `select r.org_id, r.run_id from review r
           join (select org_id, run_id, sum(bytes) over (partition by org_id order by settled_at desc nulls first, number desc) as kept from review) k
             on k.org_id = r.org_id and k.run_id = r.run_id
           where r.settled_at is not null and k.kept > $1 order by r.settled_at limit $2`;
    const rows = await tx.query<PlaceRow>(`delete from review where (org_id, run_id) in (${chosen}) returning org_id as org, run_id as run`, [
      byAge ? isoTime(rule.olderThanMs) : rule.maxBytes,
      limit,
    ]);
    if (rows.length === 0) return 0;
    const runs = rows.map(({ run }) => run);
    await tx.query("delete from review_finding where source = any ($1) and state = 'open' and changed_at < clock_now() - interval '1 day'", [runs]);
    for (const [org, places] of Map.groupBy(rows, (row) => row.org)) {
      await eraseStreams(
        tx,
        org,
        places.map(({ run }) => run),
      );
    }
    return rows.length;
  });
}

/** What an organization asks to be removed now. */
export async function resetReviews(db: Database, org: OrgId, wanted: { persona: string | null; limit: number }): Promise<number> {
  return db.asWorker(async (tx) => {
    const rows = await tx.query<{ run: string }>(
      `delete from review where (org_id, run_id) in (select org_id, run_id from review
         where org_id = $1 and settled_at is not null and ($2::text is null or persona = $2) order by number limit $3)
       returning run_id as run`,
      [org, wanted.persona, wanted.limit],
    );
    await eraseStreams(
      tx,
      org,
      rows.map(({ run }) => run),
    );
    return rows.length;
  });
}
