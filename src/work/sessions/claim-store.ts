/**
 * The SQL of claims: leases with a fencing number that only grows. A claim whose time is over is anybody's; its old number is
 * refused from then on (spec SES-6).
 */
import type { OrgId } from '../../kernel/ids.ts';
import type { Tx } from '../../storage/database.ts';
import type { ClaimRef, ClaimView, HeldClaim } from './contract.ts';

export type ClaimRow = ClaimView & { session: string; live: boolean };
export type ClaimPlace = ClaimRef & { project: string };

const COLUMNS = `kind, name, fence, session_id as session, expires_at as "expiresAtMs",
  (released_at is null and expires_at > clock_now()) as live`;
const HERE = 'org_id = $1 and project_id = $2 and kind = $3 and name = $4';

/** Held until the end of the transaction; null when it was never claimed. */
export async function lockClaim(tx: Tx, org: OrgId, place: ClaimPlace): Promise<ClaimRow | null> {
  const [row] = await tx.query<ClaimRow>(`select ${COLUMNS} from session_claim where ${HERE} for no key update`, [
    org,
    place.project,
    place.kind,
    place.name,
  ]);
  return row ?? null;
}

/**
 * Gives a claim to a session when it is free, its own already, or to be taken from whoever holds it; null when another one holds
 * it. What the session holds live keeps its number, everything else gets the next one. One statement: of two at once, one gets it.
 */
export async function takeClaim(
  tx: Tx,
  org: OrgId,
  wish: ClaimPlace & { session: string; leaseMs: number; force: boolean },
): Promise<ClaimRow | null> {
  const live = 'c.released_at is null and c.expires_at > clock_now()';
  const [row] = await tx.query<ClaimRow>(
    `insert into session_claim as c (org_id, project_id, kind, name, session_id, fence, expires_at)
     values ($1, $2, $3, $4, $5, 1, clock_now() + make_interval(secs => $6::bigint / 1000.0))
     on conflict (org_id, project_id, kind, name) do update
       set fence = case when ${live} and c.session_id = excluded.session_id then c.fence else c.fence + 1 end,
         claimed_at = case when ${live} and c.session_id = excluded.session_id then c.claimed_at else clock_now() end,
         session_id = excluded.session_id, expires_at = excluded.expires_at, released_at = null
       where $7 or c.session_id = excluded.session_id or not (${live})
     returning ${COLUMNS}`,
    [org, wish.project, wish.kind, wish.name, wish.session, wish.leaseMs, wish.force],
  );
  return row ?? null;
}

/** With its session's heartbeat; what has lapsed stays lapsed. */
export async function prolongClaims(tx: Tx, org: OrgId, { session, leaseMs }: { session: string; leaseMs: number }): Promise<void> {
  await tx.query(
    `update session_claim set expires_at = clock_now() + make_interval(secs => $3::bigint / 1000.0)
     where org_id = $1 and session_id = $2 and released_at is null and expires_at > clock_now()`,
    [org, session, leaseMs],
  );
}

/** Claims that the session holds beside this one. */
export async function countOtherClaims(tx: Tx, org: OrgId, { session, kind, name }: ClaimPlace & { session: string }): Promise<number> {
  const [row] = await tx.query<{ count: number }>(
    `select count(*) as count from session_claim where org_id = $1 and session_id = $2 and not (kind = $3 and name = $4)
       and released_at is null and expires_at > clock_now()`,
    [org, session, kind, name],
  );
  return row?.count ?? 0;
}

/** Its fencing number; null when the session does not hold it. */
export async function releaseClaim(tx: Tx, org: OrgId, { session, ...place }: ClaimPlace & { session: string }): Promise<number | null> {
  const [row] = await tx.query<{ fence: number }>(
    `update session_claim set released_at = clock_now() where ${HERE} and session_id = $5 and released_at is null returning fence`,
    [org, place.project, place.kind, place.name, session],
  );
  return row?.fence ?? null;
}

export async function releaseAll(tx: Tx, org: OrgId, session: string): Promise<HeldClaim[]> {
  return tx.query<HeldClaim>(
    `update session_claim set released_at = clock_now() where org_id = $1 and session_id = $2 and released_at is null returning kind, name, fence`,
    [org, session],
  );
}
