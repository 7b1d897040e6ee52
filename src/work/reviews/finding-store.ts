/** The SQL of findings and what became of them (spec REV-2). */
import type { OrgId } from '../../kernel/ids.ts';
import type { Tx } from '../../storage/database.ts';
import type { Merged } from './merge.ts';
import { COUNT_MAX } from './store.ts';

export type FindingState = 'open' | 'issue' | 'dismissed' | 'resolved';
export type FindingRow = {
  id: string;
  number: number;
  project: string | null;
  projectCode: string | null;
  source: string;
  fingerprint: string;
  /** JSON of a merged finding. */
  finding: string;
  state: FindingState;
  issue: string | null;
  seen: number;
  reason: string;
  createdAtMs: number;
  changedAtMs: number;
};

const COLUMNS = `f.id, f.number, f.project_id as project, (select p.code from project p where p.org_id = f.org_id and p.id = f.project_id) as "projectCode",
  f.source, f.fingerprint, f.finding, f.state, f.issue, f.seen, f.reason, f.created_at as "createdAtMs", f.changed_at as "changedAtMs"`;

export type Kept = { id: string; project: string | null; source: string; fingerprint: string; finding: Merged };

/** Keeps it as new, or counts it again; one that was dismissed stays so. */
export async function keepFinding(tx: Tx, org: OrgId, { id, project, source, fingerprint, finding }: Kept): Promise<void> {
  await tx.query(
    `insert into review_finding (org_id, id, project_id, source, fingerprint, severity, dimension, file, line, finding)
     select $1, $2, $3::text, $4, $5, $6, $7, $8, $9, $10
     where not exists (select from review_finding d where d.org_id = $1 and d.project_id is not distinct from $3::text and d.fingerprint = $5 and d.state = 'dismissed')
     on conflict (org_id, coalesce(project_id, ''), fingerprint) where state in ('open', 'issue')
       do update set seen = review_finding.seen + 1, line = excluded.line, severity = excluded.severity, finding = excluded.finding, changed_at = clock_now()`,
    [org, id, project, source, fingerprint, finding.severity, finding.dimension, finding.file, finding.line, JSON.stringify(finding)],
  );
}

/** Live findings of a project in these files, at most `limit`. */
export async function liveIn(tx: Tx, org: OrgId, wanted: { project: string; files: readonly string[]; limit: number }): Promise<FindingRow[]> {
  return tx.query<FindingRow>(
    `select ${COLUMNS} from review_finding f where f.org_id = $1 and f.project_id = $2 and f.file = any ($3) and f.state in ('open', 'issue')
     order by f.number limit $4`,
    [org, wanted.project, wanted.files, wanted.limit],
  );
}

/** False when it is not in one of these states any more. */
export async function moveFinding(
  tx: Tx,
  org: OrgId,
  change: { id: string; from: readonly FindingState[]; to: FindingState; reason: string; by: string },
): Promise<boolean> {
  const rows = await tx.query(
    `update review_finding set state = $4, reason = $5, settled_by = $6, changed_at = clock_now()
     where org_id = $1 and id = $2 and state = any ($3) returning 1`,
    [org, change.id, change.from, change.to, change.reason, change.by],
  );
  return rows.length > 0;
}

export async function setIssue(tx: Tx, org: OrgId, change: { id: string; issue: string }): Promise<void> {
  await tx.query('update review_finding set issue = $3, changed_at = clock_now() where org_id = $1 and id = $2', [org, change.id, change.issue]);
}

export async function findFinding(tx: Tx, org: OrgId, id: string): Promise<FindingRow | null> {
  const [row] = await tx.query<FindingRow>(`select ${COLUMNS} from review_finding f where f.org_id = $1 and f.id = $2`, [org, id]);
  return row ?? null;
}

export async function listFindings(
  tx: Tx,
  org: OrgId,
  page: { state: string | null; source: string | null; before: number; limit: number },
): Promise<{ rows: FindingRow[]; total: number }> {
  const where = 'f.org_id = $1 and ($2::text is null or f.state = $2) and ($3::text is null or f.source = $3)';
  const values = [org, page.state, page.source];
  const counted = tx.query<{ count: number }>(
    `select count(*) as count from (select 1 from review_finding f where ${where} limit ${COUNT_MAX + 1}) c`,
    values,
  );
  const rows = tx.query<FindingRow>(`select ${COLUMNS} from review_finding f where ${where} and f.number < $4 order by f.number desc limit $5`, [
    ...values,
    page.before,
    page.limit,
  ]);
  const [count] = await counted;
  return { rows: await rows, total: count?.count ?? 0 };
}

export async function countByState(tx: Tx, org: OrgId): Promise<Record<FindingState, number>> {
  const rows = await tx.query<{ state: FindingState; count: number }>(
    'select state, count(*) as count from review_finding where org_id = $1 group by state',
    [org],
  );
  const of = (state: FindingState): number => rows.find((row) => row.state === state)?.count ?? 0;
  return { open: of('open'), issue: of('issue'), dismissed: of('dismissed'), resolved: of('resolved') };
}
