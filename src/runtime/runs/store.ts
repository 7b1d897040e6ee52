/**
 * `RunStore` on PostgreSQL: creating, signalling and reading runs. Appends go through group-commit.ts to append-store.ts,
 * leases are in claim-store.ts, lists for screens in views-store.ts.
 */
import { canonicalJson } from '../../kernel/canonical-json.ts';
import { isoTime } from '../../kernel/clock.ts';
import { invariant } from '../../kernel/errors.ts';
import { EVENT_VERSION, RunEvent } from '../../kernel/events.ts';
import type { Entry } from '../../kernel/events.ts';
import type { OrgId, RandomBytes, RunId } from '../../kernel/ids.ts';
import { storedId } from '../../kernel/ids.ts';
import type { DatabaseClock } from '../../storage/database-clock.ts';
import type { Database, Tx } from '../../storage/database.ts';
import { toRows } from '../../storage/journal-store.ts';
import { NO_HASH, sealEntries } from '../../storage/journal.ts';
import { CLOCK_ATTEMPTS, CLOCK_TOLERANCE, commitBatch } from './append-store.ts';
import { createClaims } from './claim-store.ts';
import { createGroupCommit } from '../../storage/group-commit.ts';
import { firstEntryOf, newRowOf } from './projection.ts';
import { ENTRY_COLUMNS, ENTRY_TABLES, entryOf, RUN_COLUMNS, RUN_TABLES, rowOf } from './row-store.ts';
import type { StoredEntry, StoredRun } from './row-store.ts';
import type { AppendRequest, AppendResult, InboxItem, InboxKind, NewRun, RunRow, RunStore, StoreTx } from './store-port.ts';

/** Appends of one commit: enough for every run of a process, small enough to be split quickly. */
export const BATCH_MAX = 256;
/** Entries that one read gives at most. */
export const ENTRIES_MAX = 1_000;
const INBOX_MAX = 1_000;

export type RunStoreDeps = {
  db: Database;
  clock: DatabaseClock;
  randomBytes: RandomBytes;
  /** Called after each commit for every run that it grew: a hint for who watches. */
  onAppended(org: OrgId, run: RunId): void;
};

/** A transaction of the port is the database's own, so that a domain's writes commit together with a run's. */
export function createRunStore(deps: RunStoreDeps): RunStore {
  const appends = createGroupCommit<AppendRequest, AppendResult>({
    async commit(batch) {
      const results = await commitBatch(deps, batch);
      batch.forEach(({ lease }, index) => {
        if (results[index]?.ok === 'appended') deps.onAppended(lease.org, lease.run);
      });
      return results;
    },
    keyOf: ({ lease }) => `${lease.org}/${lease.run}`,
    batchMax: BATCH_MAX,
  });
  return {
    ...createClaims(deps),
    transaction: (org, work) => deps.db.asOrg(org, (tx) => work(tx)),
    createRun: (tx, run) => insertRun(databaseTx(tx), run, deps),
    putInbox: (tx, item) => insertInbox(databaseTx(tx), item),
    append: (requests) => Promise.all(requests.map((request) => appends.submit(request))),
    async readInbox(org, run) {
      const rows = await deps.db.asWorker((tx) =>
        tx.last<{ id: number; kind: InboxKind; event: string; actor_id: string }>(
          'select id, kind, event, actor_id from run_inbox where org_id = $1 and run_id = $2 order by id limit $3',
          [org, run, INBOX_MAX],
        ),
      );
      return rows.map((row): InboxItem => {
        const event = RunEvent.parse(JSON.parse(row.event));
        return { id: row.id, org, run, kind: row.kind, event, actor: storedId('act', row.actor_id) };
      });
    },
    readEntries: (org, run, range) => deps.db.asWorker((tx) => selectEntries(tx, { org, run }, range)),
    getRun: (org, run) => deps.db.asWorker((tx) => selectRun(tx, org, run)),
  };
}

/** The database's transaction behind the port's opaque one. */
export function databaseTx(tx: StoreTx): Tx {
  invariant('query' in tx && 'last' in tx, 'a transaction of the PostgreSQL store comes from its database');
  return tx as Tx;
}

async function insertRun(tx: Tx, run: NewRun, deps: Pick<RunStoreDeps, 'clock' | 'randomBytes'>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const [atMs, sentLocalMs] = [deps.clock.nowMs(), deps.clock.localMs()];
    const context = { org: run.org, stream: run.id, head: { seq: 0, hash: NO_HASH }, fence: 0, actor: run.actor, version: EVENT_VERSION, atMs };
    const { entries, payloads } = toRows(
      sealEntries({ ...context, randomBytes: deps.randomBytes }, [{ payload: firstEntryOf(run), effectId: null }]),
    );
    const [row] = await tx.query<{ now: number | null }>('select run_begin($1, $2, $3, $4, $5) as now', [
      JSON.stringify(entries[0]),
      payloads[0]?.body ?? null,
      JSON.stringify(newRowOf(run, atMs)),
      isoTime(atMs),
      CLOCK_TOLERANCE,
    ]);
    const now = row?.now ?? null;
    if (now === null) return;
    deps.clock.observe(now, sentLocalMs);
    invariant(attempt < CLOCK_ATTEMPTS, 'the time of the database can be followed');
  }
}

async function insertInbox(tx: Tx, item: Omit<InboxItem, 'id'>): Promise<boolean> {
  const rows = await tx.query(
    `insert into run_inbox (org_id, run_id, kind, event, actor_id)
    select org_id, id, $3, $4, $5 from run where org_id = $1 and id = $2 and ended_at is null returning 1`,
    [item.org, item.run, item.kind, canonicalJson(item.event), item.actor],
  );
  return rows.length > 0;
}

async function selectRun(tx: Tx, org: OrgId, run: RunId): Promise<RunRow | null> {
  const [row] = await tx.last<StoredRun>(`select ${RUN_COLUMNS} from ${RUN_TABLES} where r.org_id = $1 and r.id = $2`, [org, run]);
  return row === undefined ? null : rowOf(row);
}

async function selectEntries(tx: Tx, stream: { org: OrgId; run: RunId }, range: { afterSeq: number; limit: number }): Promise<Entry[]> {
  const rows = await tx.last<StoredEntry>(
    `select ${ENTRY_COLUMNS} from ${ENTRY_TABLES} where j.org_id = $1 and j.stream = $2 and j.seq > $3 order by j.seq limit $4`,
    [stream.org, stream.run, range.afterSeq, Math.min(range.limit, ENTRIES_MAX)],
  );
  return rows.map(entryOf);
}
