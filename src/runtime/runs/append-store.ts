/**
 * The commit of a batch of appends: guard, what commits together with them, entries, projection, inbox, in one
 * transaction; and what follows when it fails. Which appends share a batch is decided in group-commit.ts.
 */
import type { JsonObject } from '../../kernel/canonical-json.ts';
import { isoTime } from '../../kernel/clock.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError, invariant } from '../../kernel/errors.ts';
import { EVENT_VERSION } from '../../kernel/events.ts';
import type { Entry } from '../../kernel/events.ts';
import type { RandomBytes } from '../../kernel/ids.ts';
import type { DatabaseClock } from '../../storage/database-clock.ts';
import { isCommitUnknown } from '../../storage/database-errors.ts';
import type { Database, Tx } from '../../storage/database.ts';
import { toRows } from '../../storage/journal-store.ts';
import { sealEntries } from '../../storage/journal.ts';
import type { SealedEntry } from '../../storage/journal.ts';
import { changesOf } from './projection.ts';
import type { AppendRequest, AppendResult } from './store-port.ts';
import type { BudgetWarning, SpendVerdict } from '../../platform/budgets/spend.ts';
import { readVerdicts, rowOfSpend } from '../../platform/budgets/spend.ts';

/** How far the process's idea of the database's time may be off before an append is sealed anew. */
export const CLOCK_TOLERANCE = '250 milliseconds';
export const CLOCK_ATTEMPTS = 3;
const SETTLE_RETRY_MS = 200;
/** About ten minutes: by then every lease has run out, and a later reader folds what is there. */
const SETTLE_ATTEMPTS = 3_000;

export type AppendDeps = { db: Database; clock: DatabaseClock; randomBytes: RandomBytes };

/** A request with its entries sealed; `ordinal` is its place in the statement's arguments. */
type Sealed = { ordinal: number; request: AppendRequest; entries: readonly SealedEntry[]; changes: JsonObject | null };
type Answer = { matched: readonly number[]; firstPosition: number; verdicts: ReadonlyMap<number, SpendVerdict> };

/**
 * Commits a batch. Answers in the same order; one refused request does not harm the others.
 * @throws AppError `unavailable` only when nothing of the batch was committed.
 */
export async function commitBatch(deps: AppendDeps, requests: readonly AppendRequest[]): Promise<AppendResult[]> {
  const results = new Map<AppendRequest, AppendResult>();
  // Where a statement is refused, halves are tried, until the one that is to blame stands alone.
  const parts: (readonly AppendRequest[])[] = [requests.toSorted((a, b) => order(placeOf(a), placeOf(b)))];
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    if (part.length === 0) continue;
    const outcome = await commitPart(deps, part);
    if (outcome.ok === 'done') for (const [request, result] of outcome.results) results.set(request, result);
    else if (outcome.culprit !== null) {
      results.set(outcome.culprit, { ok: 'refused', cause: outcome.cause });
      parts.push(part.filter((request) => request !== outcome.culprit));
    } else if (part.length === 1) for (const request of part) results.set(request, { ok: 'refused', cause: outcome.cause });
    else parts.push(part.slice(0, part.length / 2), part.slice(part.length / 2));
  }
  return requests.map((request) => results.get(request) ?? { ok: 'refused', cause: new AppError('internal', 'An append was not carried out.') });
}

/** Rows are locked in this order by every batch, and by the heartbeat beside it (`prolong_leases`). */
const placeOf = ({ lease }: AppendRequest): string => `${lease.org}/${lease.run}`;
const order = (a = '', b = ''): number => (a < b ? -1 : a > b ? 1 : 0);

type PartOutcome = { ok: 'done'; results: Map<AppendRequest, AppendResult> } | { ok: 'failed'; cause: unknown; culprit: AppendRequest | null };

async function commitPart(deps: AppendDeps, requests: readonly AppendRequest[]): Promise<PartOutcome> {
  for (let attempt = 1; ; attempt += 1) {
    const results = new Map<AppendRequest, AppendResult>();
    const sealed = sealAll(deps, requests, results);
    if (sealed.length === 0) return { ok: 'done', results };
    let culprit: AppendRequest | null = null;
    try {
      const answer = await writeBatch(deps, sealed, (request) => (culprit = request));
      if (answer === null && attempt < CLOCK_ATTEMPTS) continue;
      if (answer === null) throw new AppError('unavailable', 'The time of the database moves too fast to be followed.', { next: 'Check its clock.' });
      addResults(sealed, answer, results);
      return { ok: 'done', results };
    } catch (error) {
      if (isCommitUnknown(error)) {
        await settle(deps, sealed, results);
        return { ok: 'done', results };
      }
      // the database is away or the batch collided: known to be nothing, so all of it is folded anew
      if (error instanceof AppError && error.code === 'unavailable') throw error;
      return { ok: 'failed', cause: error, culprit }; // one of the batch is at fault: found by splitting
    }
  }
}

function sealAll(deps: AppendDeps, requests: readonly AppendRequest[], results: Map<AppendRequest, AppendResult>): Sealed[] {
  const atMs = deps.clock.nowMs();
  const sealed: Sealed[] = [];
  for (const request of requests) {
    const { lease } = request;
    const head = { seq: lease.headSeq, hash: lease.headHash };
    try {
      const context = { org: lease.org, stream: lease.run, head, fence: lease.fence, actor: request.actor, version: EVENT_VERSION, atMs };
      const drafts = request.events.map(({ event, effectId }) => ({ payload: event, effectId }));
      const entries = sealEntries({ ...context, randomBytes: deps.randomBytes }, drafts);
      const patch = typeof request.patch === 'function' ? request.patch(atMs) : request.patch;
      sealed.push({ ordinal: sealed.length, request, entries, changes: changesOf(patch, atMs) });
    } catch (error) {
      results.set(request, { ok: 'refused', cause: error }); // what cannot be written as JSON fails its own run only
    }
  }
  return sealed;
}

/** Null when the clock was off; it has been set by then. */
async function writeBatch(deps: AppendDeps, sealed: readonly Sealed[], blame: (request: AppendRequest | null) => void): Promise<Answer | null> {
  const args = argumentsOf(sealed);
  const sealedAt = isoTime(sealed[0]?.entries[0]?.atMs ?? deps.clock.nowMs());
  const sentLocalMs = deps.clock.localMs();
  const companions = sealed
    .filter(({ request }) => request.companion !== undefined)
    .toSorted((a, b) => order(a.request.lockOrder, b.request.lockOrder));
  return deps.db.asWorker(async (tx) => {
    if (companions.length === 0) {
      const [row] = await tx.last<{ matched: number[] | null; now: number; first_position: number | null; verdicts: unknown }>(
        'select matched, now, first_position, verdicts from journal_append($1, $2, $3, $4, $5, $6, $7)',
        [args.requests, args.entries, args.payloads, args.patches, args.spends, sealedAt, CLOCK_TOLERANCE],
      );
      invariant(row !== undefined, 'journal_append answers one row');
      if (row.matched !== null) return { matched: row.matched, firstPosition: row.first_position ?? 0, verdicts: readVerdicts(row.verdicts) };
      deps.clock.observe(row.now, sentLocalMs);
      return null;
    }
    const [guard] = await tx.query<{ matched: number[] | null; now: number; verdicts: unknown }>(
      'select matched, now, verdicts from journal_guard($1, $2, $3, $4)',
      [args.requests, args.spends, sealedAt, CLOCK_TOLERANCE],
    );
    invariant(guard !== undefined, 'journal_guard answers one row');
    if (guard.matched === null) {
      deps.clock.observe(guard.now, sentLocalMs);
      return null;
    }
    const verdicts = readVerdicts(guard.verdicts);
    await runCompanions(tx, companions, { matched: guard.matched, blame });
    if (guard.matched.length === 0) return { matched: [], firstPosition: 0, verdicts };
    const [row] = await tx.last<{ first_position: number }>('select journal_write($1, $2, $3, $4, $5) as first_position', [
      guard.matched,
      args.requests,
      args.entries,
      args.payloads,
      args.patches,
    ]);
    return { matched: guard.matched, firstPosition: row?.first_position ?? 0, verdicts };
  });
}

async function runCompanions(
  tx: Tx,
  companions: readonly Sealed[],
  options: { matched: readonly number[]; blame: (request: AppendRequest | null) => void },
): Promise<void> {
  for (const { ordinal, request } of companions) {
    if (!options.matched.includes(ordinal)) continue;
    options.blame(request); // stands when it throws
    await request.companion?.(tx);
    options.blame(null);
  }
}

type Arguments = { requests: string; entries: string; payloads: string | null; patches: string | null; spends: string | null };

function argumentsOf(sealed: readonly Sealed[]): Arguments {
  const requests = sealed.map(({ ordinal, request, entries }) => ({
    ordinal,
    org: request.lease.org,
    run: request.lease.run,
    fence: request.lease.fence,
    head_seq: request.lease.headSeq,
    // what a budget refuses is moved back to where it was
    head_hash: request.spend === undefined ? undefined : request.lease.headHash,
    new_seq: entries.at(-1)?.seq ?? request.lease.headSeq,
    new_hash: entries.at(-1)?.hash ?? request.lease.headHash,
    consumed: request.consumed.length === 0 ? undefined : request.consumed,
  }));
  const rows = sealed.map(({ ordinal, entries }) => ({ ordinal, ...toRows(entries) }));
  const payloads = rows.flatMap((row) => row.payloads.map((payload) => ({ ordinal: row.ordinal, ...payload })));
  const patches = sealed.flatMap(({ ordinal, request, changes }) =>
    changes === null ? [] : [{ ordinal, org: request.lease.org, run: request.lease.run, changes }],
  );
  const spends = sealed.flatMap(({ ordinal, request }) => (request.spend === undefined ? [] : [{ ordinal, ...rowOfSpend(request.spend) }]));
  return {
    requests: JSON.stringify(requests),
    entries: JSON.stringify(rows.flatMap((row) => row.entries.map((entry) => ({ ordinal: row.ordinal, ...entry })))),
    payloads: payloads.length === 0 ? null : JSON.stringify(payloads),
    patches: patches.length === 0 ? null : JSON.stringify(patches),
    spends: spends.length === 0 ? null : JSON.stringify(spends),
  };
}

function addResults(sealed: readonly Sealed[], answer: Answer, results: Map<AppendRequest, AppendResult>): void {
  const matched = new Set(answer.matched);
  let position = answer.firstPosition;
  for (const each of sealed) {
    const verdict = answer.verdicts.get(each.ordinal);
    if (!matched.has(each.ordinal)) {
      const refused = verdict?.refused ?? null;
      results.set(each.request, refused === null ? { ok: 'stale' } : { ok: 'over_budget', ...refused });
      continue;
    }
    results.set(each.request, appended(each, position, verdict?.warned));
    position += each.entries.length;
  }
}

function appended({ request, entries }: Sealed, firstPosition: number, warned: readonly BudgetWarning[] = []): AppendResult {
  const stored = entries.map((entry, index): Entry => {
    const { org, stream, seq, atMs, version, actor, effectId, fence, prevHash, hash } = entry;
    const event = request.events[index]?.event ?? null;
    return { org, stream, seq, position: firstPosition + index, atMs, version, actor, effectId, fence, prevHash, hash, event };
  });
  const last = entries.at(-1);
  return {
    ok: 'appended',
    entries: stored,
    warned,
    lease: last === undefined ? request.lease : { ...request.lease, headSeq: last.seq, headHash: last.hash },
  };
}

/**
 * After a commit whose answer was lost: reads (run, sequence, hash) back. What is not there is fenced off, so that a commit
 * still under way cannot come true later, and its run is free to be taken; its append counts as stale.
 */
async function settle(deps: AppendDeps, sealed: readonly Sealed[], results: Map<AppendRequest, AppendResult>): Promise<void> {
  const wanted = JSON.stringify(
    sealed.map(({ ordinal, request, entries }) => ({
      ordinal,
      org: request.lease.org,
      run: request.lease.run,
      fence: request.lease.fence,
      head_seq: request.lease.headSeq,
      seq: entries.at(-1)?.seq ?? null,
      hash: entries.at(-1)?.hash ?? null,
    })),
  );
  const positions = await untilAvailable(deps.clock, () => deps.db.asWorker((tx) => readBack(tx, wanted)));
  for (const each of sealed) {
    const last = positions.get(each.ordinal);
    results.set(each.request, last === undefined ? { ok: 'stale' } : appended(each, last - each.entries.length + 1));
  }
}

async function readBack(tx: Tx, wanted: string): Promise<Map<number, number>> {
  // Waits for a commit that is still under way: it holds these rows.
  await tx.query(
    `select 1 from stream s join json_to_recordset($1::json) as w (org text, run text) on s.org_id = w.org and s.id = w.run
    order by s.org_id, s.id for no key update of s`,
    [wanted],
  );
  const found = await tx.query<{ ordinal: number; position: number }>(
    `select w.ordinal, j.position from json_to_recordset($1::json) as w (ordinal integer, org text, run text, seq bigint, hash text)
    join journal j on j.org_id = w.org and j.stream = w.run and j.seq = w.seq and j.hash = decode(w.hash, 'hex')`,
    [wanted],
  );
  await tx.last(
    `with lost as (
      update stream s set fence = s.fence + 1
      from json_to_recordset($1::json) as w (ordinal integer, org text, run text, fence bigint, head_seq bigint)
      where s.org_id = w.org and s.id = w.run and s.fence = w.fence and s.head_seq = w.head_seq and not w.ordinal = any ($2::integer[])
      returning s.org_id, s.id
    ) update run r set worker_id = null, lease_until = null, runnable_at = clock_now() from lost l
    where r.org_id = l.org_id and r.id = l.id and r.ended_at is null`,
    [wanted, found.map((row) => row.ordinal)],
  );
  return new Map(found.map((row) => [row.ordinal, row.position]));
}

async function untilAvailable<T>(clock: Clock, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const away = error instanceof AppError && error.code === 'unavailable';
      if (!away || attempt === SETTLE_ATTEMPTS) throw error; // else the database comes back, and the question with it
      await clock.sleep(SETTLE_RETRY_MS);
    }
  }
}
