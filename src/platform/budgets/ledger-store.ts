/**
 * The SQL of the ledger: a batch of begins and ends in one statement (`ledger_commit`), leases of calls under way, and what the sweep
 * looks for. What budgets decide is in the database's functions (migration 0030).
 */
import { canonicalJson } from '../../kernel/canonical-json.ts';
import type { JsonObject } from '../../kernel/canonical-json.ts';
import type { RandomBytes } from '../../kernel/ids.ts';
import type { Database } from '../../storage/database.ts';
import { PAYLOAD_INLINE_MAX_CHARS } from '../../storage/journal-store.ts';
import { commitmentOf, SALT_BYTES } from '../../storage/journal.ts';
import type { SpendRow, SpendVerdict } from './spend.ts';
import { readVerdicts } from './spend.ts';

/** One begin or end: what it does to budgets, and its entry. `entry.payload` has a `type`. */
export type LedgerItem = {
  op: SpendRow;
  entry: { stream: string; actor: string; effectId: string; payload: { type: string } & JsonObject };
};

const LEDGER_EVENT_VERSION = 1;

/** @throws AppError `unavailable`; answers in the same order. */
export async function commitItems(
  deps: { db: Database; randomBytes: RandomBytes },
  items: readonly LedgerItem[],
): Promise<(SpendVerdict | undefined)[]> {
  const payloads: { ordinal: number; org: string; commitment: string; body: string }[] = [];
  const entries = items.map(({ op, entry }, ordinal) => {
    const text = canonicalJson(entry.payload);
    const salt = Buffer.from(deps.randomBytes(SALT_BYTES)).toString('hex');
    const commitment = commitmentOf(salt, text);
    const large = text.length > PAYLOAD_INLINE_MAX_CHARS;
    if (large) payloads.push({ ordinal, org: op.org, commitment, body: text });
    const { stream, actor, effectId, payload } = entry;
    const envelope = { ordinal, org: op.org, stream, type: payload.type, version: LEDGER_EVENT_VERSION, actor, effectId };
    return { ...envelope, salt, commitment, payload: large ? null : text };
  });
  const ops = items.map(({ op }, ordinal) => ({ ...op, ordinal }));
  const [row] = await deps.db.asWorker((tx) =>
    tx.last<{ verdicts: unknown }>('select ledger_commit($1, $2, $3) as verdicts', [
      JSON.stringify(ops),
      JSON.stringify(entries),
      payloads.length === 0 ? null : JSON.stringify(payloads),
    ]),
  );
  const verdicts = readVerdicts(row?.verdicts);
  return items.map((_item, ordinal) => verdicts.get(ordinal));
}

/** Prolongs the leases of these calls of this process. */
export function prolong(db: Database, process: string, { calls, leaseMs }: { calls: readonly string[]; leaseMs: number }): Promise<unknown> {
  return db.asWorker((tx) =>
    tx.last(`update spend_hold set lease_until = clock_now() + make_interval(secs => $2) where process = $1 and id = any ($3)`, [
      ...[process, leaseMs / 1_000],
      calls,
    ]),
  );
}

/** Calls whose process no longer prolongs their leases. `call` is what was kept for their outcome. */
export function lapsedCalls(db: Database, limit: number): Promise<{ id: string; call: string }[]> {
  return db.asWorker((tx) =>
    tx.last(`select id, call from spend_hold where call is not null and lease_until < clock_now() order by lease_until limit $1`, [limit]),
  );
}

/** Settles at their reservation what runs left reserved that have ended without a word of it, and drops counters of runs long over. */
export async function settleEndedRuns(db: Database, limit: number): Promise<number> {
  return db.asWorker(async (tx) => {
    const [row] = await tx.query<{ ops: unknown }>(
      `select json_agg(json_build_object('ordinal', n, 'kind', 'lapse', 'org', org_id, 'id', id, 'only_held', true)) as ops from (
        select h.org_id, h.id, row_number() over () as n from spend_hold h join run r on r.org_id = h.org_id and r.id = h.id
        where h.call is null and r.ended_at is not null limit $1
      ) ended`,
      [limit],
    );
    const ops = row?.ops;
    if (Array.isArray(ops)) await tx.query('select spend_apply($1, null, clock_now())', [JSON.stringify(ops)]);
    await tx.last(
      `delete from budget_run b using run r
      where r.org_id = b.org_id and r.id = b.run_id and r.ended_at < clock_now() - interval '7 days' and b.reserved = 0`,
    );
    return Array.isArray(ops) ? ops.length : 0;
  });
}
