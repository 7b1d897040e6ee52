/** The SQL of kept answers (spec GTW-4): of clients of the gateway as they went out, of runs as replies. Their digests tell them apart. */
import { isoTime } from '../../kernel/clock.ts';
import type { OrgId } from '../../kernel/ids.ts';
import type { Database, Tx } from '../../storage/database.ts';
import type { RetentionClass } from '../../storage/retention.ts';

/** `body` as it went to the first client, or a run's reply as JSON. */
export type KeptAnswer = { model: string; body: Buffer; keptAtMs: number };

export async function findAnswer(tx: Tx, org: OrgId, digest: string): Promise<KeptAnswer | null> {
  const [row] = await tx.last<{ model: string; body: Buffer; kept_at: number }>(
    `select model, body, kept_at from gateway_answer where org_id = $1 and digest = decode($2, 'hex') and expires_at > clock_now()`,
    [org, digest],
  );
  return row === undefined ? null : { model: row.model, body: row.body, keptAtMs: row.kept_at };
}

export async function keepAnswer(tx: Tx, org: OrgId, answer: { digest: string; seconds: number; model: string; body: Buffer }): Promise<void> {
  await tx.last(
    `insert into gateway_answer (org_id, digest, model, body, expires_at) values ($1, decode($2, 'hex'), $3, $4, clock_now() + make_interval(secs => $5))
     on conflict (org_id, digest) do update set model = excluded.model, body = excluded.body, kept_at = clock_now(), expires_at = excluded.expires_at`,
    [org, answer.digest, answer.model, answer.body, answer.seconds],
  );
}

/** What has expired is of no use: a day later it is gone. */
export function answerRetention(db: Database): RetentionClass {
  return {
    name: 'gateway_answer',
    defaultDays: 1,
    async deleteBatch(olderThanMs, limit) {
      const rows = await db.asWorker((tx) =>
        tx.last(
          `delete from gateway_answer a using (select org_id, digest from gateway_answer where expires_at < $1 order by expires_at limit $2) old
           where a.org_id = old.org_id and a.digest = old.digest returning 1`,
          [isoTime(olderThanMs), limit],
        ),
      );
      return rows.length;
    },
  };
}
