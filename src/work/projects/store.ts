/** The SQL of projects. */
import type { OrgId, ProjectId } from '../../kernel/ids.ts';
import type { Tx } from '../../storage/database.ts';
import type { ProjectView } from './contract.ts';

const COLUMNS = 'id, code, name, path, remote, created_at as "createdAtMs"';

export async function listProjects(tx: Tx, org: OrgId, page: { after: string; limit: number }): Promise<{ rows: ProjectView[]; total: number }> {
  const rows = await tx.query<ProjectView>(`select ${COLUMNS} from project where org_id = $1 and code > $2 order by code limit $3`, [
    org,
    page.after,
    page.limit,
  ]);
  const [count] = await tx.query<{ total: number }>('select count(*) as total from project where org_id = $1', [org]);
  return { rows, total: count?.total ?? 0 };
}

export async function findByCode(tx: Tx, org: OrgId, code: string): Promise<ProjectView | null> {
  const [row] = await tx.query<ProjectView>(`select ${COLUMNS} from project where org_id = $1 and code = $2`, [org, code]);
  return row ?? null;
}

export async function findById(tx: Tx, org: OrgId, id: string): Promise<ProjectView | null> {
  const [row] = await tx.query<ProjectView>(`select ${COLUMNS} from project where org_id = $1 and id = $2`, [org, id]);
  return row ?? null;
}

export async function findByPath(tx: Tx, org: OrgId, path: string): Promise<ProjectView | null> {
  const [row] = await tx.query<ProjectView>(`select ${COLUMNS} from project where org_id = $1 and path = $2 order by created_at limit 1`, [
    org,
    path,
  ]);
  return row ?? null;
}

/** The first project of the organization: what runs work on when none is named. */
export async function findFirst(tx: Tx, org: OrgId): Promise<ProjectView | null> {
  const [row] = await tx.query<ProjectView>(`select ${COLUMNS} from project where org_id = $1 order by created_at, id limit 1`, [org]);
  return row ?? null;
}

export async function listRemotes(tx: Tx, org: OrgId, limit: number): Promise<{ id: string; code: string; remote: string }[]> {
  return tx.query('select id, code, remote from project where org_id = $1 and remote is not null order by code limit $2', [org, limit]);
}

export async function listCodes(
  tx: Tx,
  org: OrgId,
  wanted: { code: string | null; limit: number },
): Promise<{ code: string; remote: string | null }[]> {
  return tx.query('select code, remote from project where org_id = $1 and ($2::text is null or code = $2) order by code limit $3', [
    org,
    wanted.code,
    wanted.limit,
  ]);
}

export type NewProject = { id: ProjectId; code: string; name: string; path: string; remote: string | null };

/** Null when the code is taken. */
export async function insertProject(tx: Tx, org: OrgId, project: NewProject): Promise<ProjectView | null> {
  const [row] = await tx.query<ProjectView>(
    `insert into project (org_id, id, code, name, path, remote) values ($1, $2, $3, $4, $5, $6) on conflict (org_id, code) do nothing returning ${COLUMNS}`,
    [org, project.id, project.code, project.name, project.path, project.remote],
  );
  return row ?? null;
}
