/** Claims on issues, files and tracks: taken, given back, and checked by every write that is made under one (spec SES-6). */
import { AppError } from '../../kernel/errors.ts';
import type { OrgId } from '../../kernel/ids.ts';
import type { Tx } from '../../storage/database.ts';
import * as store from './claim-store.ts';
import type { ClaimPlace, ClaimRow } from './claim-store.ts';
import type { HeldClaim } from './contract.ts';
import { SESSION_LIMITS } from './contract.ts';

/**
 * Refuses a write under a claim that is no longer this session's: taken over, released, or past its time. Call it in the
 * transaction of the write; nobody can take the claim before that transaction ends.
 * @throws AppError `conflict`, naming who has it
 */
export async function assertClaim(tx: Tx, org: OrgId, held: ClaimPlace & { session: string; fence: number }): Promise<void> {
  const now = await store.lockClaim(tx, org, held);
  if (now !== null && now.session === held.session && now.fence === held.fence && now.live) return;
  throw new AppError('conflict', `Your claim on ${held.kind} ${held.name} with fencing number ${held.fence} is over: ${whyOver(now, held)}.`, {
    next: 'Nothing was written. Claim it again before you go on; look first at what its holder did.',
  });
}

/** In a fixed order, so that two writes under the same claims cannot wait for each other. */
export async function assertClaims(
  tx: Tx,
  org: OrgId,
  { session, project, under }: { session: string; project: string; under: readonly HeldClaim[] },
): Promise<void> {
  const sorted = under.toSorted((a, b) => (`${a.kind} ${a.name}` < `${b.kind} ${b.name}` ? -1 : 1));
  for (const claim of sorted) await assertClaim(tx, org, { ...claim, project, session });
}

function whyOver(now: ClaimRow | null, held: { session: string; fence: number }): string {
  if (now === null) return 'it was never given';
  if (now.session !== held.session) return `${now.session} ${now.live ? 'holds' : 'had'} it since, with number ${now.fence}`;
  if (now.fence !== held.fence) return `your session has it with number ${now.fence}`;
  return 'its time ran out without a heartbeat, or it was released';
}

/** The claim when it was given, or the one in the way; `before` is whose it was, null when it was free. */
export async function take(
  tx: Tx,
  org: OrgId,
  wish: ClaimPlace & { session: string; force: boolean },
): Promise<{ granted: boolean; claim: ClaimRow; before: string | null }> {
  if ((await store.countOtherClaims(tx, org, wish)) >= SESSION_LIMITS.claimsMax) {
    throw new AppError('too_large', `The session holds ${SESSION_LIMITS.claimsMax} claims, the most there may be.`, { next: 'Release some.' });
  }
  const { force } = wish;
  const place = { ...wish, leaseMs: SESSION_LIMITS.claimMs };
  const free = await store.takeClaim(tx, org, { ...place, force: false });
  if (free !== null) return { granted: true, claim: free, before: null };
  const held = await store.lockClaim(tx, org, wish);
  const given = force || held === null || !held.live ? await store.takeClaim(tx, org, { ...place, force }) : null;
  if (given !== null) return { granted: true, claim: given, before: held?.session ?? null };
  if (held === null) throw new AppError('unavailable', 'The claim changed hands just now.', { next: 'Try again.' });
  return { granted: false, claim: held, before: held.session };
}
