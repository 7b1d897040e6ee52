/**
 * Entries of streams that no worker holds (an organization's administration, a session, a key), written outside the group
 * commit, and what every stream has in common in SQL. Their position is given by the database at the commit.
 */
import type { Tx } from './database.ts';
import { isoTime } from '../kernel/clock.ts';
import { invariant } from '../kernel/errors.ts';
import type { RandomBytes } from '../kernel/ids.ts';
import { NO_HASH, sealEntries } from './journal.ts';
import type { Draft, Head, SealedEntry } from './journal.ts';

export type StreamKind = 'run' | 'session' | 'key' | 'org';

/** Larger payloads are kept in a table of their own, in the same commit. */
export const PAYLOAD_INLINE_MAX_CHARS = 8_192;

/** What a stored row needs beside the sealed entry: `at` as text, and the payload where it belongs. */
export type EntryRow = Omit<SealedEntry, 'atMs'> & { at: string };
export type PayloadRow = { org: string; commitment: string; body: string };

export function toRows(entries: readonly SealedEntry[]): { entries: EntryRow[]; payloads: PayloadRow[] } {
  const payloads: PayloadRow[] = [];
  const rows = entries.map(({ atMs, ...entry }): EntryRow => {
    const large = entry.payload !== null && entry.payload.length > PAYLOAD_INLINE_MAX_CHARS;
    if (large && entry.payload !== null) payloads.push({ org: entry.org, commitment: entry.commitment, body: entry.payload });
    return { ...entry, at: isoTime(atMs), payload: large ? null : entry.payload };
  });
  return { entries: rows, payloads };
}

/**
 * Appends to a stream that is no run's, made when it is not there yet; concurrent appends wait for one another until the
 * transaction ends. Runs in the caller's transaction, under the role of an organization.
 */
export async function appendToStream(
  tx: Tx,
  stream: { org: string; id: string; kind: Exclude<StreamKind, 'run'>; actor: string; version: number },
  options: { drafts: readonly Draft[]; randomBytes: RandomBytes },
): Promise<SealedEntry[]> {
  await tx.query('insert into stream (org_id, id, kind) values ($1, $2, $3) on conflict do nothing', [stream.org, stream.id, stream.kind]);
  const [row] = await tx.query<{ seq: number; hash: string; now: number }>(
    `select head_seq as seq, encode(head_hash, 'hex') as hash, clock_now() as now from stream where org_id = $1 and id = $2 for no key update`,
    [stream.org, stream.id],
  );
  invariant(row !== undefined, 'a stream that was just made is there');
  const head: Head = { seq: row.seq, hash: row.seq === 0 ? NO_HASH : row.hash };
  const { org, actor, version } = stream;
  const entries = sealEntries(
    { org, stream: stream.id, head, fence: 0, actor, version, atMs: row.now, randomBytes: options.randomBytes },
    options.drafts,
  );
  const last = entries.at(-1);
  if (last === undefined) return [];
  const moved = tx.query('update stream set head_seq = $3, head_hash = $4 where org_id = $1 and id = $2', [
    org,
    stream.id,
    last.seq,
    Buffer.from(last.hash, 'hex'),
  ]);
  await Promise.all([moved, insertEntries(tx, entries)]);
  return entries;
}

/** Sealed entries of a stream in order, to verify or show it; a deleted payload is null. */
export async function readSealed(tx: Tx, stream: { org: string; id: string }, range: { afterSeq: number; limit: number }): Promise<SealedEntry[]> {
  return tx.query<SealedEntry>(
    `select j.org_id as org, j.stream, j.seq, j.at as "atMs", j.type, j.version, j.actor, j.effect_id as "effectId", j.fence,
      encode(j.prev_hash, 'hex') as "prevHash", encode(j.hash, 'hex') as hash, encode(j.commitment, 'hex') as commitment,
      encode(j.salt, 'hex') as salt, coalesce(j.payload, p.body) as payload
    from journal j left join payload p on j.payload is null and p.org_id = j.org_id and p.digest = j.commitment
    where j.org_id = $1 and j.stream = $2 and j.seq > $3 order by j.seq limit $4`,
    [stream.org, stream.id, range.afterSeq, range.limit],
  );
}

/**
 * Deletes payloads and salts of a stream's entries up to `upToSeq`, on request or by retention; commitments stay, so the
 * chain verifies and says nothing of what was deleted. Under the worker's role. Returns how many entries lost theirs.
 */
export async function deletePayloads(tx: Tx, stream: { org: string; id: string }, upToSeq: number): Promise<number> {
  await tx.query(
    `delete from payload p using journal j
    where j.org_id = $1 and j.stream = $2 and j.seq <= $3 and p.org_id = j.org_id and p.digest = j.commitment`,
    [stream.org, stream.id, upToSeq],
  );
  const [row] = await tx.query<{ count: number }>(
    `with emptied as (
      update journal set salt = null, payload = null where org_id = $1 and stream = $2 and seq <= $3 and salt is not null returning 1
    ) select count(*) as count from emptied`,
    [stream.org, stream.id, upToSeq],
  );
  return row?.count ?? 0;
}

async function insertEntries(tx: Tx, entries: readonly SealedEntry[]): Promise<void> {
  const rows = toRows(entries);
  const inserted = [
    tx.query(
      `insert into journal (org_id, stream, seq, at, type, version, actor, effect_id, fence, prev_hash, hash, commitment, salt, payload)
      select e.org, e.stream, e.seq, e.at, e.type, e.version, e.actor, e."effectId", e.fence, decode(e."prevHash", 'hex'), decode(e.hash, 'hex'),
        decode(e.commitment, 'hex'), decode(e.salt, 'hex'), e.payload
      from json_to_recordset($1::json) as e (org text, stream text, seq bigint, at timestamptz, type text, version integer, actor text,
        "effectId" text, fence bigint, "prevHash" text, hash text, commitment text, salt text, payload text)`,
      [JSON.stringify(rows.entries)],
    ),
  ];
  if (rows.payloads.length > 0) {
    inserted.push(
      tx.query(
        `insert into payload (org_id, digest, body)
        select p.org, decode(p.commitment, 'hex'), p.body from json_to_recordset($1::json) as p (org text, commitment text, body text)`,
        [JSON.stringify(rows.payloads)],
      ),
    );
  }
  await Promise.all(inserted);
}

/**
 * Removes the texts of ended runs' entries, as a worker: chain, times and types stay and still verify. Forks and retries of such a run can no
 * longer be made.
 */
export async function eraseStreams(tx: Tx, org: string, streams: readonly string[]): Promise<void> {
  if (streams.length === 0) return;
  await tx.query(
    'delete from payload p using journal j where j.org_id = $1 and j.stream = any ($2) and p.org_id = j.org_id and p.digest = j.commitment',
    [org, streams],
  );
  await tx.query('update journal set salt = null, payload = null where org_id = $1 and stream = any ($2)', [org, streams]);
}
