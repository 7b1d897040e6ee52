/**
 * Leases on runs: taking, prolonging, giving back. The rule of claiming itself is `claim_runs` in the migrations, because
 * it has to be one short transaction; the model of it is `test/support/memory-store.ts`.
 */
import { isoTime } from '../../kernel/clock.ts';
import { storedId } from '../../kernel/ids.ts';
import type { RunId, WorkerId } from '../../kernel/ids.ts';
import type { DatabaseClock } from '../../storage/database-clock.ts';
import type { Database } from '../../storage/database.ts';
import type { ClaimRequest, Lease, RunStore } from './store-port.ts';

/** Runs that one call may take. */
export const CLAIM_MAX = 100;

type ClaimedRow = { org_id: string; run_id: string; fence: number; head_seq: number; head_hash: string };

export function createClaims(deps: { db: Database; clock: DatabaseClock }): Pick<RunStore, 'claim' | 'heartbeat' | 'release' | 'nextDueMs'> {
  let claimedAtMs: number | null = null;

  return {
    async claim(request: ClaimRequest): Promise<Lease[]> {
      // counted from before the question, so that the holder's idea of its lease is never longer than the database's
      const untilMs = deps.clock.nowMs() + request.leaseMs;
      const wanted = Math.min(request.limit, CLAIM_MAX);
      return deps.db.asWorker(async (tx) => {
        const time = tx.query<{ now: number }>('select clock_now() as now');
        const rows = tx.last<ClaimedRow>('select org_id, run_id, fence, head_seq, head_hash from claim_runs($1, $2, $3, $4, $5, $6)', [
          request.worker,
          `${request.leaseMs} milliseconds`,
          wanted,
          request.pools,
          request.only?.org ?? null,
          request.only?.run ?? null,
        ]);
        const [[now], claimed] = await Promise.all([time, rows]);
        if (request.only === undefined && now !== undefined) claimedAtMs = now.now;
        return claimed.map((row): Lease => {
          const { fence, head_seq: headSeq, head_hash: headHash } = row;
          return { org: storedId('org', row.org_id), run: storedId('run', row.run_id), fence, headSeq, headHash, untilMs, attempt: fence };
        });
      });
    },

    async heartbeat(worker: WorkerId, leases: readonly Lease[], leaseMs: number): Promise<RunId[]> {
      if (leases.length === 0) return [];
      const held = leases.map(({ org, run, fence }) => ({ org, run, fence }));
      const kept = await deps.db.asWorker((tx) =>
        tx.last<{ id: string }>('select id from prolong_leases($1, $2, $3)', [worker, JSON.stringify(held), `${leaseMs} milliseconds`]),
      );
      const ids = new Set(kept.map((row) => row.id));
      return leases.filter((lease) => !ids.has(lease.run)).map((lease) => lease.run);
    },

    async release(lease: Lease): Promise<void> {
      await deps.db.asWorker((tx) =>
        tx.last(
          `update run r set worker_id = null, lease_until = null, runnable_at = clock_now() from stream s
          where r.org_id = $1 and r.id = $2 and r.worker_id is not null and s.org_id = r.org_id and s.id = r.id and s.fence = $3`,
          [lease.org, lease.run, lease.fence],
        ),
      );
    },

    async nextDueMs(): Promise<number | null> {
      const since = claimedAtMs ?? deps.clock.nowMs();
      const [row] = await deps.db.asWorker((tx) =>
        tx.last<{ due: number | null }>('select min(due_at) as due from run where due_at > $1', [isoTime(since)]),
      );
      return row?.due ?? null;
    },
  };
}
