/**
 * The SQL of the ledger: a batch of begins and ends in one statement (`ledger_commit`), leases of calls under way, and what the sweep
 * looks for. What budgets decide is in the database's functions (migration 0030).
 */
import { canonicalJson } from '../../kernel/canonical-json.ts';
import type { JsonObject } from '../../kernel/canonical-json.ts';
import type { RandomBytes } from '../../kernel/ids.ts';
import type { Database } from '../../storage/database.ts';
import { PREPARED } from '../../storage/database.ts';
import { PAYLOAD_INLINE_MAX_CHARS } from '../../storage/journal-store.ts';
import { commitmentOf, SALT_BYTES } from '../../storage/journal.ts';
import type { SpendRow, SpendVerdict } from './spend.ts';
import { readVerdicts } from './spend.ts';

/** One begin or end: what it does to budgets, its entry, and for a begin what its outcome needs, as JSON. `entry.payload` has a `type`. */
export type LedgerItem = {
  op: SpendRow;
  entry: { stream: string; payload: { type: string } & JsonObject };
  call: string | null;
};

/** Stands between JSON texts, none of which can hold it. */
const BETWEEN = '\x1e';

type Entry = { stream: string; type: string; commitment: string; salt: string };
/** A column of `ledger_commit` for each: its type, and what of the op or the entry stands in it. */
const OP_COLUMNS = [
  ...(['kind', 'org', 'id', 'project', 'agent', 'key', 'actor', 'model'] as const).map((name) => [name, 'text'] as const),
  ...([
    ['rehearsed', 'boolean'],
    ['tokens', 'bigint'],
    ['micro_usd', 'bigint'],
    ['calls', 'integer'],
    ['input_tokens', 'bigint'],
  ] as const),
  ...([
    ['cached_input_tokens', 'bigint'],
    ['cache_write_tokens', 'bigint'],
    ['output_tokens', 'bigint'],
    ['reasoning_tokens', 'bigint'],
  ] as const),
  ...([
    ['estimated', 'boolean'],
    ['failed', 'boolean'],
    ['at', 'timestamptz'],
  ] as const),
] as const;
const ENTRY_COLUMNS = ['stream', 'type', 'commitment', 'salt'] as const;
const TYPES = [
  ...['text', 'interval', ...OP_COLUMNS.map(([, type]) => `${type}[]`), ...ENTRY_COLUMNS.map(() => 'text[]'), 'text', 'text', 'json'],
  ...['text[]', 'text[]', 'text[]', 'bigint[]', 'bigint[]', 'bigint[]', 'boolean[]', 'integer'],
];
const COMMIT = `select ledger_commit(${TYPES.map((type, index) => `$${index + 1}::${type}`).join(', ')}) as verdicts`;

/** @throws AppError `unavailable`; answers in the same order. The `actor` of the op wrote the entry, its id is the effect. */
export async function commitItems(
  deps: { db: Database; randomBytes: RandomBytes; process: string },
  items: readonly LedgerItem[],
  leaseMs: number,
): Promise<(SpendVerdict | undefined)[]> {
  const large: { ordinal: number; org: string; commitment: string; body: string }[] = [];
  const payloads: string[] = [];
  const salts = Buffer.from(deps.randomBytes(SALT_BYTES * items.length)).toString('hex');
  const entries = items.map(({ op, entry }, ordinal): Entry => {
    const text = canonicalJson(entry.payload);
    const salt = salts.slice(ordinal * SALT_BYTES * 2, (ordinal + 1) * SALT_BYTES * 2);
    const commitment = commitmentOf(salt, text);
    const isLarge = text.length > PAYLOAD_INLINE_MAX_CHARS;
    if (isLarge) large.push({ ordinal, org: op.org, commitment, body: text });
    payloads.push(isLarge ? '' : text);
    return { stream: entry.stream, type: entry.payload.type, commitment, salt };
  });
  const [row] = await deps.db.asWorker((tx) =>
    tx.last<{ verdicts: unknown }>(
      COMMIT,
      [
        ...[deps.process, `${leaseMs} milliseconds`, ...OP_COLUMNS.map(([name]) => array(items, ({ op }) => op[name]))],
        ...ENTRY_COLUMNS.map((name) => array(entries, (entry) => entry[name])),
        ...[payloads.join(BETWEEN), items.map(({ call }) => call ?? '').join(BETWEEN), large.length === 0 ? null : JSON.stringify(large)],
        ...subjectColumns(items.map(({ op }) => op)),
        new Set(items.map(({ op, entry }) => `${op.org} ${entry.stream}`)).size,
      ],
      PREPARED,
    ),
  );
  const verdicts = readVerdicts(row?.verdicts);
  return items.map((_item, ordinal) => verdicts.get(ordinal));
}

type Sum = { scope: string; org: string; subject: string; tokens: number; microUsd: number; calls: number; unpriced: boolean };

/** Whom the begins of a batch count for, each once, with the sums of what they reserve. */
function subjectColumns(ops: readonly SpendRow[]): string[] {
  const sums = new Map<string, Sum>();
  for (const op of ops) {
    if (op['kind'] !== 'reserve' || op['rehearsed'] === true) continue;
    for (const scope of ['org', 'project', 'agent', 'key'] as const) {
      const subject = op[scope];
      if (typeof subject !== 'string') continue;
      const name = `${scope} ${op.org} ${subject}`;
      const sum = sums.get(name) ?? { scope, org: op.org, subject, tokens: 0, microUsd: 0, calls: 0, unpriced: false };
      sums.set(name, sum);
      sum.tokens += Number(op['tokens']);
      sum.microUsd += Number(op['micro_usd'] ?? 0);
      sum.calls += 1;
      sum.unpriced ||= op['micro_usd'] === null;
    }
  }
  const all = [...sums.values()];
  return (['org', 'scope', 'subject', 'tokens', 'microUsd', 'calls', 'unpriced'] as const).map((name) => array(all, (sum) => sum[name]));
}

/** As PostgreSQL reads an array. Neighbours are often equal, so a value is written once for as long as it stays. */
function array<T>(items: readonly T[], of: (item: T) => unknown): string {
  let text = '{';
  let last: unknown;
  let written = '';
  for (const item of items) {
    const value = of(item) ?? null;
    if (value !== last) {
      last = value;
      written = typeof value === 'string' ? quoted(value) : JSON.stringify(value);
    }
    text += text.length === 1 ? written : `,${written}`;
  }
  return `${text}}`;
}

function quoted(value: string): string {
  return value.includes('"') || value.includes('\\') ? `"${value.replaceAll(/["\\]/g, '\\$&')}"` : `"${value}"`;
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
