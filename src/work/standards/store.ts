/** The SQL of standards and their passages, and of what is counted of their use. Searching is in `search-store.ts`. */
import type { Fault } from '../../kernel/errors.ts';
import type { OrgId } from '../../kernel/ids.ts';
import type { Tx } from '../../storage/database.ts';
import type { StandardSummary, StandardView } from './contract.ts';
import type { Passage } from './standard.ts';

const SUMMARY = `s.id, (select code from project p where p.org_id = s.org_id and p.id = s.project_id) as project, s.path, s.title, s.tags, s.place,
  s.created_by as "createdBy", s.approved_by as "approvedBy", s.faults, s.indexed_at as "indexedAtMs"`;

export type StandardRow = {
  id: string;
  project: string | null;
  path: string;
  title: string;
  tags: readonly string[];
  content: string;
  hash: string;
  place: 'folder' | 'store';
  createdBy: string;
  approvedBy: string;
  faults: readonly Fault[];
  passages: readonly Passage[];
};

/** Null when the path is taken: a standard is never overwritten. */
export async function insertStandard(tx: Tx, org: OrgId, row: StandardRow): Promise<string | null> {
  const [made] = await tx.query<{ id: string }>(
    `insert into standard (org_id, id, project_id, path, title, tags, content, hash, place, created_by, approved_by, faults)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict (org_id, project_id, path) do nothing returning id`,
    [
      ...[org, row.id, row.project, row.path, row.title, row.tags, row.content, row.hash, row.place, row.createdBy, row.approvedBy],
      JSON.stringify(row.faults),
    ],
  );
  if (made === undefined) return null;
  await insertPassages(tx, org, row);
  return made.id;
}

/** What the file says now. */
export async function updateStandard(tx: Tx, org: OrgId, row: StandardRow): Promise<void> {
  await tx.query(
    `update standard set title = $3, tags = $4, content = $5, hash = $6, created_by = $7, approved_by = $8, faults = $9, indexed_at = clock_now()
      where org_id = $1 and id = $2`,
    [org, row.id, row.title, row.tags, row.content, row.hash, row.createdBy, row.approvedBy, JSON.stringify(row.faults)],
  );
  await tx.query('delete from standard_passage where org_id = $1 and standard_id = $2', [org, row.id]);
  await insertPassages(tx, org, row);
}

async function insertPassages(tx: Tx, org: OrgId, { id, passages }: StandardRow): Promise<void> {
  await tx.query(
    `insert into standard_passage (org_id, standard_id, position, heading, line, text)
     select $1, $2, position, heading, line, text from unnest($3::int[], $4::text[], $5::int[], $6::text[]) as p (position, heading, line, text)`,
    [
      ...[org, id, passages.map((_, index) => index), passages.map(({ heading }) => heading)],
      ...[passages.map(({ line }) => line), passages.map(({ text }) => text)],
    ],
  );
}

export async function deleteStandards(tx: Tx, org: OrgId, ids: readonly string[]): Promise<void> {
  await tx.query('delete from standard where org_id = $1 and id = any($2)', [org, ids]);
}

/** What is indexed of a project's folder, by path. */
export async function indexedFiles(
  tx: Tx,
  org: OrgId,
  project: string,
): Promise<{ id: string; path: string; hash: string; place: 'folder' | 'store' }[]> {
  return tx.query('select id, path, hash, place from standard where org_id = $1 and project_id = $2', [org, project]);
}

export async function findStandard(tx: Tx, org: OrgId, id: string): Promise<StandardView | null> {
  const [row] = await tx.query<StandardView>(`select ${SUMMARY}, s.content as text, s.hash from standard s where s.org_id = $1 and s.id = $2`, [
    org,
    id,
  ]);
  return row ?? null;
}

export async function findByPath(tx: Tx, org: OrgId, at: { project: string | null; path: string }): Promise<StandardView | null> {
  const [row] = await tx.query<StandardView>(
    `select ${SUMMARY}, s.content as text, s.hash from standard s where s.org_id = $1 and s.project_id is not distinct from $2 and s.path = $3`,
    [org, at.project, at.path],
  );
  return row ?? null;
}

export type StandardPage = { project: string | null; after: readonly [string, string] | null; limit: number };

export async function listStandards(tx: Tx, org: OrgId, page: StandardPage): Promise<{ rows: StandardSummary[]; total: number }> {
  const where = 's.org_id = $1 and ($2::text is null or s.project_id is null or s.project_id = $2)';
  const rows = tx.query<StandardSummary>(
    `select ${SUMMARY} from standard s where ${where} and ($3::text is null or (s.path, s.id) > ($3, $4)) order by s.path, s.id limit $5`,
    [org, page.project, page.after?.[0] ?? null, page.after?.[1] ?? null, page.limit],
  );
  const [count] = await tx.query<{ total: number }>(`select count(*) as total from standard s where ${where}`, [org, page.project]);
  return { rows: await rows, total: count?.total ?? 0 };
}

export async function countQuery(tx: Tx, org: OrgId, found: boolean): Promise<void> {
  await tx.query(
    `insert into standard_query_day as d (org_id, day, queries, hits) values ($1, (clock_now() at time zone 'UTC')::date, 1, $2)
     on conflict (org_id, day) do update set queries = d.queries + 1, hits = d.hits + excluded.hits`,
    [org, found ? 1 : 0],
  );
}

export type Metrics = { proposed: number; open: number; accepted: number; refused: number; standards: number; queries: number; hits: number };

export async function readMetrics(tx: Tx, org: OrgId): Promise<Metrics> {
  const [row] = await tx.query<Metrics>(
    `select count(*) as proposed, count(*) filter (where state = 'open') as open, count(*) filter (where state in ('approved', 'written')) as accepted,
       count(*) filter (where state = 'refused') as refused, (select count(*) from standard s where s.org_id = $1) as standards,
       (select coalesce(sum(queries), 0)::bigint from standard_query_day d where d.org_id = $1) as queries,
       (select coalesce(sum(hits), 0)::bigint from standard_query_day d where d.org_id = $1) as hits
     from standard_proposal where org_id = $1`,
    [org],
  );
  return row ?? { proposed: 0, open: 0, accepted: 0, refused: 0, standards: 0, queries: 0, hits: 0 };
}

/** Checkouts on this machine, of every organization: the transaction is a worker's. */
export async function listCheckouts(tx: Tx): Promise<{ org: OrgId; project: string; path: string }[]> {
  return tx.query('select org_id as org, id as project, path from project where path is not null order by org_id, id');
}
