/** All SQL of browser sessions. A token is looked up without an organization, as windlass_identity; everything else within one. */
import { isoTime } from '../../kernel/clock.ts';
import type { KeyId, OrgId } from '../../kernel/ids.ts';
import { storedId } from '../../kernel/ids.ts';
import type { Database, Tx } from '../../storage/database.ts';
import type { RetentionClass } from '../../storage/retention.ts';
import type { SignInView } from './contract.ts';

type Row = {
  id: string;
  browser: string;
  key_id: string;
  key_name: string;
  fingerprint: string;
  actor_id: string;
  actor_name: string;
  created_at: number;
  expires_at: number;
  ended_at: number | null;
  now: number;
};

const COLUMNS = `s.id, s.browser, s.key_id, k.name as key_name, k.fingerprint, k.actor_id, a.name as actor_name, s.created_at,
  least(s.expires_at, k.expires_at) as expires_at, coalesce(s.ended_at, k.revoked_at) as ended_at, clock_now() as now`;
const TABLES = `sign_in s join api_key k on k.org_id = s.org_id and k.id = s.key_id join actor a on a.org_id = k.org_id and a.id = k.actor_id`;
const ACTIVE = `s.ended_at is null and k.revoked_at is null and least(s.expires_at, k.expires_at) > clock_now()`;

/** Digest of the key that a live session stands for; whether that key still lives is the key's own question. */
export function keyHashOfSession(db: Database, hash: string): Promise<string | null> {
  return db.asIdentity(async (tx) => {
    const [row] = await tx.last<{ hash: string }>(
      `select k.hash from sign_in s join api_key k on k.org_id = s.org_id and k.id = s.key_id
       where s.hash = $1 and s.ended_at is null and s.expires_at > clock_now()`,
      [hash],
    );
    return row?.hash ?? null;
  });
}

export function findLink(db: Database, hash: string): Promise<{ org: OrgId; keyHash: string } | null> {
  return db.asIdentity(async (tx) => {
    const [row] = await tx.last<{ org_id: string; hash: string }>(
      `select l.org_id, k.hash from sign_in_link l join api_key k on k.org_id = l.org_id and k.id = l.key_id where l.hash = $1`,
      [hash],
    );
    return row === undefined ? null : { org: storedId('org', row.org_id), keyHash: row.hash };
  });
}

/** False when the link was used before or is too old: of two at once, one is first. */
export async function useLink(tx: Tx, org: OrgId, hash: string): Promise<boolean> {
  const used = await tx.query(
    'update sign_in_link set used_at = clock_now() where org_id = $1 and hash = $2 and used_at is null and expires_at > clock_now() returning 1',
    [org, hash],
  );
  return used.length > 0;
}

export async function insertLink(tx: Tx, org: OrgId, link: { hash: string; key: KeyId; lifetimeMs: number }): Promise<number> {
  const [row] = await tx.query<{ expires_at: number }>(
    `insert into sign_in_link (org_id, hash, key_id, expires_at) values ($1, $2, $3, clock_now() + $4 * interval '1 millisecond') returning expires_at`,
    [org, link.hash, link.key, link.lifetimeMs],
  );
  return row?.expires_at ?? 0;
}

export async function insertAttempt(tx: Tx, org: OrgId, attempt: { hash: string; lifetimeMs: number }): Promise<void> {
  await tx.query(`insert into sign_in_attempt (org_id, hash, expires_at) values ($1, $2, clock_now() + $3 * interval '1 millisecond')`, [
    org,
    attempt.hash,
    attempt.lifetimeMs,
  ]);
}

/** False when it was used before or is too old: of two at once, one is first. */
export async function useAttempt(tx: Tx, org: OrgId, hash: string): Promise<boolean> {
  const used = await tx.query(
    'update sign_in_attempt set used_at = clock_now() where org_id = $1 and hash = $2 and used_at is null and expires_at > clock_now() returning 1',
    [org, hash],
  );
  return used.length > 0;
}

export type NewSession = { id: string; key: KeyId; hash: string; browser: string; lifetimeMs: number };

export async function insertSession(tx: Tx, org: OrgId, session: NewSession): Promise<void> {
  await tx.query(
    `insert into sign_in (org_id, id, key_id, hash, browser, expires_at) values ($1, $2, $3, $4, $5, clock_now() + $6 * interval '1 millisecond')`,
    [org, session.id, session.key, session.hash, session.browser, session.lifetimeMs],
  );
}

/** Ends what is still live; answers the session by its digest or id, null when there is none. `actor` null reaches everybody's. */
export async function endSession(
  tx: Tx,
  org: OrgId,
  which: ({ id: string } | { hash: string }) & { actor: string | null },
): Promise<SignInView | null> {
  const [column, value] = 'id' in which ? (['id', which.id] as const) : (['hash', which.hash] as const);
  const rows = await tx.query<Row>(
    `select ${COLUMNS} from ${TABLES} where s.org_id = $1 and s.${column} = $2 and ($3::text is null or k.actor_id = $3) for update of s`,
    [org, value, which.actor],
  );
  const [row] = rows;
  if (row === undefined) return null;
  if (row.ended_at === null) await tx.query('update sign_in set ended_at = clock_now() where org_id = $1 and id = $2', [org, row.id]);
  return viewOf({ ...row, ended_at: row.ended_at ?? row.now });
}

export type ListQuestion = { actor: string | null; before: string | null; limit: number; all: boolean };

export async function listSessions(tx: Tx, org: OrgId, question: ListQuestion): Promise<{ rows: SignInView[]; total: number }> {
  const where = `s.org_id = $1 and ($2::text is null or k.actor_id = $2) and ($3 or (${ACTIVE}))`;
  const counted = tx.query<{ count: number }>(`select count(*) as count from ${TABLES} where ${where}`, [org, question.actor, question.all]);
  const found = tx.query<Row>(`select ${COLUMNS} from ${TABLES} where ${where} and ($4::text is null or s.id < $4) order by s.id desc limit $5`, [
    org,
    question.actor,
    question.all,
    question.before,
    question.limit,
  ]);
  const [[total], rows] = await Promise.all([counted, found]);
  return { rows: rows.map(viewOf), total: total?.count ?? 0 };
}

function viewOf(row: Row): SignInView {
  const live = row.expires_at > row.now ? ('active' as const) : ('expired' as const);
  return {
    id: row.id,
    browser: row.browser,
    key: { id: row.key_id, name: row.key_name, fingerprint: row.fingerprint },
    actor: { id: row.actor_id, name: row.actor_name },
    state: row.ended_at === null ? live : 'ended',
    createdAtMs: row.created_at,
    expiresAtMs: row.expires_at,
    endedAtMs: row.ended_at,
  };
}

/** Sessions, links and ways to the provider, a while after they can open nothing any more. */
export function signInRetention(db: Database): RetentionClass {
  return {
    name: 'sign_ins',
    defaultDays: 30,
    async deleteBatch(olderThanMs, limit) {
      const rows = await db.asWorker(async (tx) => {
        const before = isoTime(olderThanMs);
        await tx.query(
          `delete from sign_in_link l using (select org_id, hash from sign_in_link where expires_at < $1 order by expires_at limit $2) old
           where l.org_id = old.org_id and l.hash = old.hash`,
          [before, limit],
        );
        await tx.query(
          `delete from sign_in_attempt a using (select org_id, hash from sign_in_attempt where expires_at < $1 order by expires_at limit $2) old
           where a.org_id = old.org_id and a.hash = old.hash`,
          [before, limit],
        );
        return tx.last(
          `delete from sign_in s using (select org_id, id from sign_in where expires_at < $1 order by expires_at limit $2) old
           where s.org_id = old.org_id and s.id = old.id returning 1`,
          [before, limit],
        );
      });
      return rows.length;
    },
  };
}
