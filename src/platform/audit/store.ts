/** The SQL of the audit log: the organization's own stream of the journal, newest first. Nothing here decides anything. */
import type { OrgId } from '../../kernel/ids.ts';
import type { Tx } from '../../storage/database.ts';

export type AuditRow = { seq: number; atMs: number; type: string; actor: string; hash: string; payload: string | null };
export type AuditFilter = { kind: string | null; actor: string | null };

/** `total` is exact up to `countMax`, and one more than that beyond it. */
export async function selectAudit(
  tx: Tx,
  org: OrgId,
  { filter, before, limit, countMax }: { filter: AuditFilter; before: number; limit: number; countMax: number },
): Promise<{ rows: AuditRow[]; total: number }> {
  const where = `j.org_id = $1 and j.stream = $1 and ($2::text is null or split_part(j.type, '.', 1) = $2) and ($3::text is null or j.actor = $3)`;
  const values = [org, filter.kind, filter.actor];
  const counted = tx.query<{ total: number }>(`select count(*) as total from (select 1 from journal j where ${where} limit $4) counted`, [
    ...values,
    countMax + 1,
  ]);
  const rows = tx.query<AuditRow>(
    `select j.seq, j.at as "atMs", j.type, j.actor, encode(j.hash, 'hex') as hash, coalesce(j.payload, p.body) as payload
     from journal j left join payload p on j.payload is null and p.org_id = j.org_id and p.digest = j.commitment
     where ${where} and j.seq < $4 order by j.seq desc limit $5`,
    [...values, before, limit],
  );
  const [[count], found] = await Promise.all([counted, rows]);
  return { rows: found, total: count?.total ?? 0 };
}
