/**
 * Reading runs for screens, as one organization: lists with honest totals, the feed across runs, whether a chain holds,
 * and how the queue is doing (spec ENG-4). Nothing here decides anything.
 */
import { AppError } from '../../kernel/errors.ts';
import type { Entry } from '../../kernel/events.ts';
import type { AgentId, OrgId, RunId } from '../../kernel/ids.ts';
import { decodeCursor, encodeCursor, PAGE_SIZE_MAX } from '../../kernel/page.ts';
import type { Count, Page } from '../../kernel/page.ts';
import { RUN_STATUSES, RunStatus } from '../../kernel/run-status.ts';
import type { Database, Tx } from '../../storage/database.ts';
import { readSealed } from '../../storage/journal-store.ts';
import { NO_HASH, verifyChain } from '../../storage/journal.ts';
import { ENTRY_COLUMNS, ENTRY_TABLES, RUN_COLUMNS, RUN_TABLES, rowOf } from './row-store.ts';
import type { StoredEntry, StoredRun } from './row-store.ts';
import type { PastRun } from './rules.ts';
import type { RunRow } from './store-port.ts';

export type RunFilter = {
  /** By name. */
  agent?: string;
  statuses?: readonly RunStatus[];
  parent?: RunId;
  /** Only runs that have not ended. */
  live?: boolean;
  /** Text in the agent's name or the reason, or at the end of the id. */
  search?: string;
};
export type PageRequest = { limit: number; cursor?: string };
export type Verified = { ok: boolean; entries: number; firstBad: number | null; why: string };
export type QueueStats = {
  queued: number;
  running: number;
  waiting: number;
  oldestQueuedMs: number | null;
  workers: number;
  endedLastHour: number;
  failedLastHour: number;
  takeoversLastHour: number;
};

export type RunViews = {
  /** Newest first. @throws AppError `invalid_input` for a cursor that is none of ours. */
  listRuns(org: OrgId, filter: RunFilter, page: PageRequest): Promise<Page<RunRow>>;
  /** Entries of all runs and other streams in the order of their commits, after a position (exclusive). */
  readFeed(org: OrgId, afterPosition: number, limit: number): Promise<Entry<unknown>[]>;
  /** Walks a stream's chain from its first entry. */
  verify(org: OrgId, stream: string): Promise<Verified>;
  stats(org: OrgId): Promise<QueueStats>;
  /** The latest successful runs of an agent, newest first, for estimates. Time is from start to end: waits count. */
  history(org: OrgId, agent: AgentId): Promise<PastRun[]>;
};

/** Beyond this a total is not worth the time it takes and reads "at least". */
const COUNT_MAX = 10_000;
const FEED_MAX = 1_000;
const VERIFY_PAGE = 500;
/** Take-overs are counted among this many latest entries. */
const TAKEOVERS_AMONG = 10_000;
/** Past runs an estimate is made of. */
const HISTORY_MAX = 20;
const LIVE = RunStatus.options.filter((status) => !RUN_STATUSES[status].final);
const FAILED = RunStatus.options.filter((status) => RUN_STATUSES[status].countsAsFailure);

export function createRunViews(db: Database): RunViews {
  return {
    listRuns: (org, filter, page) => db.asOrg(org, (tx) => selectRuns(tx, { org, filter, page })),
    async readFeed(org, afterPosition, limit) {
      const rows = await db.asOrg(org, (tx) =>
        tx.last<StoredEntry>(`select ${ENTRY_COLUMNS} from ${ENTRY_TABLES} where j.org_id = $1 and j.position > $2 order by j.position limit $3`, [
          org,
          afterPosition,
          Math.min(limit, FEED_MAX),
        ]),
      );
      return rows.map(feedEntryOf);
    },
    verify: (org, stream) => db.asOrg(org, (tx) => verifyStream(tx, org, stream)),
    stats: (org) => db.asOrg(org, (tx) => selectStats(tx, org)),
    history: (org, agent) =>
      db.asOrg(org, (tx) =>
        tx.last<PastRun>(
          `select (extract(epoch from ended_at - started_at) * 1000)::bigint as "activeMs", turns,
             case when cost_known and not rehearsed then cost_micro_usd end as "costMicroUsd" from run
           where org_id = $1 and agent_id = $2 and status = 'succeeded' and started_at is not null order by number desc limit $3`,
          [org, agent, HISTORY_MAX],
        ),
      ),
  };
}

/** Other streams have events of other unions, so a feed's payloads are plain JSON to its reader. */
function feedEntryOf({ payload, ...entry }: StoredEntry): Entry<unknown> {
  return { ...entry, event: payload === null ? null : JSON.parse(payload) };
}

async function selectRuns(tx: Tx, question: { org: OrgId; filter: RunFilter; page: PageRequest }): Promise<Page<RunRow>> {
  const { org, filter, page } = question;
  const limit = Math.min(page.limit, PAGE_SIZE_MAX);
  const statuses = filter.live === true ? LIVE.filter((status) => filter.statuses?.includes(status) ?? true) : (filter.statuses ?? null);
  const where = `r.org_id = $1 and ($2::text is null or r.agent_name = $2) and ($3::text[] is null or r.status = any ($3)) and ($4::text is null or r.parent_id = $4)
    and ($5::text is null or strpos(lower(r.agent_name), $5) > 0 or strpos(lower(r.reason), $5) > 0 or right(r.id, length($5)) = $5)`;
  const values = [org, filter.agent ?? null, statuses, filter.parent ?? null, filter.search?.toLowerCase() ?? null];
  const counted = tx.query<{ count: number }>(
    `select count(*) as count from (select 1 from run r where ${where} limit ${COUNT_MAX + 1}) counted`,
    values,
  );
  const rows = tx.last<StoredRun & { number: number }>(
    `select ${RUN_COLUMNS}, r.number from ${RUN_TABLES} where ${where} and r.number < $6 order by r.number desc limit $7`,
    [...values, beforeOf(page.cursor), limit + 1],
  );
  const [[total], found] = await Promise.all([counted, rows]);
  const shown = found.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(({ number: _number, ...row }) => rowOf(row)),
    shown: shown.length,
    total: countOf(total?.count ?? 0),
    next: found.length > limit && last !== undefined ? encodeCursor([last.number]) : null,
  };
}

function beforeOf(cursor: string | undefined): number {
  if (cursor === undefined) return Number.MAX_SAFE_INTEGER;
  const [number] = decodeCursor(cursor) ?? [];
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) {
    throw new AppError('invalid_input', 'The cursor is not one of a list of runs.', { next: 'Take `next` of the page before, or leave it out.' });
  }
  return number;
}

function countOf(count: number): Count {
  return count > COUNT_MAX ? { kind: 'at_least', value: COUNT_MAX } : { kind: 'exact', value: count };
}

async function verifyStream(tx: Tx, org: OrgId, id: string): Promise<Verified> {
  let head = { seq: 0, hash: NO_HASH };
  for (;;) {
    const page = await readSealed(tx, { org, id }, { afterSeq: head.seq, limit: VERIFY_PAGE });
    const fault = verifyChain(page, head);
    if (fault !== null) return { ok: false, entries: head.seq, firstBad: fault.seq, why: `Entry ${fault.seq}: ${fault.why}.` };
    const last = page.at(-1);
    if (last !== undefined) head = { seq: last.seq, hash: last.hash };
    if (page.length < VERIFY_PAGE) break;
  }
  const [stream] = await tx.query<{ seq: number; hash: string }>(
    `select head_seq as seq, encode(head_hash, 'hex') as hash from stream where org_id = $1 and id = $2`,
    [org, id],
  );
  // without this the last entries could be cut off unseen
  const whole = stream === undefined ? head.seq === 0 : stream.seq === head.seq && stream.hash === head.hash;
  const firstBad = whole ? null : head.seq + 1;
  const why = whole ? `All ${head.seq} entries form one unbroken chain.` : `The stream's head says that it goes on after entry ${head.seq}.`;
  return { ok: whole, entries: head.seq, firstBad, why };
}

async function selectStats(tx: Tx, org: OrgId): Promise<QueueStats> {
  const live = tx.query<{ queued: number; running: number; waiting: number; oldest: number | null; workers: number }>(
    `select count(*) filter (where status = 'queued') as queued, count(*) filter (where status = 'running') as running,
      count(*) filter (where status in ('waiting', 'paused')) as waiting,
      (extract(epoch from clock_now() - min(created_at) filter (where status = 'queued')) * 1000)::bigint as oldest, count(distinct worker_id) as workers
    from run where org_id = $1 and status = any ($2)`,
    [org, LIVE],
  );
  const ended = tx.query<{ ended: number; failed: number }>(
    `select count(*) as ended, count(*) filter (where status = any ($2)) as failed
    from run where org_id = $1 and ended_at is not null and ended_at > clock_now() - interval '1 hour'`,
    [org, FAILED],
  );
  const takeovers = tx.last<{ count: number }>(
    `select count(*) as count from (select type, at, payload from journal where org_id = $1 order by position desc limit ${TAKEOVERS_AMONG}) latest
    where type = 'run.resumed' and at > clock_now() - interval '1 hour' and payload like '%"after":"takeover"%'`,
    [org],
  );
  const [[now], [hour], [taken]] = await Promise.all([live, ended, takeovers]);
  return {
    queued: now?.queued ?? 0,
    running: now?.running ?? 0,
    waiting: now?.waiting ?? 0,
    oldestQueuedMs: now?.oldest ?? null,
    workers: now?.workers ?? 0,
    endedLastHour: hour?.ended ?? 0,
    failedLastHour: hour?.failed ?? 0,
    takeoversLastHour: taken?.count ?? 0,
  };
}
