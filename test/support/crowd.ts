/** Ten thousand of everything that lists show: rows of a server's own, copied in its database. */
import type { TestServer } from './server.ts';

/** SQL by column, over `n` from 1; what is not named is copied. */
type Copied = { table: string; set: Readonly<Record<string, string>>; where?: string };

const id = (prefix: string): string => `'${prefix}_' || lpad(n::text, 26, '0')`;
const AGO = "clock_now() - n * interval '1 minute'";

const COPIED: readonly Copied[] = [
  { table: 'note', set: { id: id('note'), title: "title || ' ' || n", updated_at: AGO } },
  {
    table: 'session',
    set: { id: id('sess'), state: "'ended'", end_reason: "'manual'", ended_at: AGO, heartbeat_at: AGO, started_at: AGO },
  },
  { table: 'handoff', set: { id: id('ho'), sha256: "encode(sha256(n::text::bytea), 'hex')", created_at: AGO }, where: 'queue is not null' },
  { table: 'document', set: { id: id('doc'), name: "'docs/' || n || '.md'", updated_at: AGO } },
  { table: 'alert', set: { id: id('alert'), fold_key: 'n::text', title: "title || ' ' || n", first_at: AGO } },
  { table: 'api_key', set: { id: id('key'), hash: "encode(sha256(n::text::bytea), 'hex')", name: "'key ' || n" } },
  { table: 'actor', set: { id: id('act'), name: "'somebody ' || n" }, where: "kind = 'user'" },
  { table: 'stream', set: { id: id('run') }, where: "kind = 'run'" },
  { table: 'run', set: { id: id('run'), root_id: id('run'), created_at: AGO, started_at: AGO, ended_at: AGO }, where: 'ended_at is not null' },
  { table: 'approval', set: { id: id('apr'), asked_at: AGO }, where: "state = 'answered'" },
  { table: 'review_panel', set: { id: id('pnl'), created_at: AGO }, where: 'settled_at is not null' },
  { table: 'review', set: { run_id: id('run'), created_at: AGO }, where: 'settled_at is not null' },
  { table: 'review_finding', set: { id: id('fnd'), fingerprint: "encode(sha256(n::text::bytea), 'hex')", created_at: AGO } },
];

/** `count` more of each that has one already. */
export async function crowd({ db }: TestServer, count = 10_000): Promise<void> {
  for (const { table, set, where = 'true' } of COPIED) {
    const columns = await db.owner<{ name: string }>(
      "select column_name as name from information_schema.columns where table_schema = current_schema() and table_name = $1 and is_generated = 'NEVER' and is_identity = 'NO'",
      [table],
    );
    const names = columns.map(({ name }) => name);
    await db.owner(
      `insert into ${table} (${names.join(', ')}) select ${names.map((name) => set[name] ?? `one.${name}`).join(', ')}
       from (select * from ${table} where ${where} limit 1) one, generate_series(1, $1::int) n`,
      [count],
    );
  }
  await db.owner('analyze');
}
