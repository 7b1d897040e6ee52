/** The SQL of projects. */
import type { OrgId, ProjectId } from '../../kernel/ids.ts';
import type { Tx } from '../../storage/database.ts';
import { PREPARED } from '../../storage/database.ts';
import type { ProjectView } from './contract.ts';

type Row = Omit<ProjectView, 'environments' | 'repositories'> & { environments: string; others: string[] };

const COLUMNS = `id, code, name, path, remote, repositories as others, capabilities, secrets_path as "secretsPath", design_spec as "designSpec", environments,
  status, platform, declared, created_at as "createdAtMs"`;

function viewOf({ environments, others, ...row }: Row): ProjectView {
  const main = row.remote === null ? [] : [row.remote];
  return { ...row, repositories: [...main, ...others], environments: JSON.parse(environments) as ProjectView['environments'] };
}

export async function listProjects(tx: Tx, org: OrgId, page: { after: string; limit: number }): Promise<{ rows: ProjectView[]; total: number }> {
  const rows = await tx.query<Row>(`select ${COLUMNS} from project where org_id = $1 and code > $2 order by code limit $3`, [
    org,
    page.after,
    page.limit,
  ]);
  const [count] = await tx.query<{ total: number }>('select count(*) as total from project where org_id = $1', [org]);
  return { rows: rows.map(viewOf), total: count?.total ?? 0 };
}

export async function findByCode(tx: Tx, org: OrgId, code: string): Promise<ProjectView | null> {
  const [row] = await tx.query<Row>(`select ${COLUMNS} from project where org_id = $1 and code = $2`, [org, code], PREPARED);
  return row === undefined ? null : viewOf(row);
}

export async function findById(tx: Tx, org: OrgId, id: string): Promise<ProjectView | null> {
  const [row] = await tx.query<Row>(`select ${COLUMNS} from project where org_id = $1 and id = $2`, [org, id], PREPARED);
  return row === undefined ? null : viewOf(row);
}

export async function findByPath(tx: Tx, org: OrgId, path: string): Promise<ProjectView | null> {
  const [row] = await tx.query<Row>(`select ${COLUMNS} from project where org_id = $1 and path = $2 order by created_at limit 1`, [org, path]);
  return row === undefined ? null : viewOf(row);
}

/** The first project of the organization: what runs work on when none is named. */
export async function findFirst(tx: Tx, org: OrgId): Promise<ProjectView | null> {
  const [row] = await tx.query<Row>(`select ${COLUMNS} from project where org_id = $1 order by created_at, id limit 1`, [org]);
  return row === undefined ? null : viewOf(row);
}

/** Every git remote with the project that has it. */
export async function listRemotes(tx: Tx, org: OrgId, limit: number): Promise<{ id: string; code: string; remote: string }[]> {
  return tx.query(
    `select id, code, remote from (select id, code, remote from project where org_id = $1 and remote is not null
       union all select id, code, unnest(repositories) from project where org_id = $1) every order by code limit $2`,
    [org, limit],
  );
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

/** Held until the transaction ends by whoever gives a repository to a project, so that two at once cannot give it to two. */
export async function lockRegistry(tx: Tx, org: OrgId): Promise<void> {
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 20))', [`projects of ${org}`]);
}

export type NewProject = { id: ProjectId; code: string; name: string; path: string | null; remote: string | null };

/** Null when the code is taken. */
export async function insertProject(tx: Tx, org: OrgId, project: NewProject): Promise<ProjectView | null> {
  const [row] = await tx.query<Row>(
    `insert into project (org_id, id, code, name, path, remote) values ($1, $2, $3, $4, $5, $6) on conflict (org_id, code) do nothing returning ${COLUMNS}`,
    [org, project.id, project.code, project.name, project.path, project.remote],
  );
  return row === undefined ? null : viewOf(row);
}

/** Everything that may change, whole: the caller has read the rest. */
export async function writeProject(tx: Tx, org: OrgId, project: ProjectView): Promise<void> {
  const [main = null, ...others] = project.repositories;
  await tx.query(
    `update project set name = $3, path = $4, remote = $5, repositories = $6, capabilities = $7, secrets_path = $8, design_spec = $9, environments = $10,
       status = $11, platform = $12, declared = $13 where org_id = $1 and id = $2`,
    [
      ...[org, project.id, project.name, project.path, main, others, project.capabilities, project.secretsPath, project.designSpec],
      ...[JSON.stringify(project.environments), project.status, project.platform, project.declared],
    ],
  );
}

export async function findPlatform(tx: Tx, org: OrgId): Promise<{ id: string; code: string } | null> {
  const [row] = await tx.query<{ id: string; code: string }>('select id, code from project where org_id = $1 and platform', [org]);
  return row ?? null;
}

/** Those that the file keeps no more are kept by the API again; their codes. */
export async function releaseDeclared(tx: Tx, org: OrgId, codes: readonly string[]): Promise<string[]> {
  const rows = await tx.query<{ code: string }>(
    'update project set declared = false where org_id = $1 and declared and not (code = any ($2)) returning code',
    [org, codes],
  );
  return rows.map(({ code }) => code);
}
