/** The SQL of panels. */
import type { OrgId } from '../../kernel/ids.ts';
import type { Tx } from '../../storage/database.ts';
import type { Member, PanelOutcome } from './outcome.ts';
import { COUNT_MAX } from './store.ts';

export type PanelRow = {
  id: string;
  number: number;
  project: string | null;
  projectCode: string | null;
  title: string;
  /** JSON. */
  members: string;
  outcome: string | null;
  createdAtMs: number;
  settledAtMs: number | null;
};

const COLUMNS = `n.id, n.number, n.project_id as project, (select p.code from project p where p.org_id = n.org_id and p.id = n.project_id) as "projectCode",
  n.title, n.members, n.outcome, n.created_at as "createdAtMs", n.settled_at as "settledAtMs"`;

export async function insertPanel(
  tx: Tx,
  org: OrgId,
  panel: { id: string; project: string | null; title: string; question: string; members: readonly Member[]; actor: string; actorName: string },
): Promise<void> {
  const { id, project, title, question, members, actor, actorName } = panel;
  await tx.query(
    'insert into review_panel (org_id, id, project_id, title, question, members, actor_id, actor_name) values ($1, $2, $3, $4, $5, $6, $7, $8)',
    [org, id, project, title, question, JSON.stringify(members), actor, actorName],
  );
}

export async function setMembers(tx: Tx, org: OrgId, panel: { id: string; members: readonly Member[] }): Promise<void> {
  await tx.query('update review_panel set members = $3 where org_id = $1 and id = $2', [org, panel.id, JSON.stringify(panel.members)]);
}

export async function findPanel(tx: Tx, org: OrgId, id: string): Promise<PanelRow | null> {
  const [row] = await tx.query<PanelRow>(`select ${COLUMNS} from review_panel n where n.org_id = $1 and n.id = $2`, [org, id]);
  return row ?? null;
}

export async function listPanels(
  tx: Tx,
  org: OrgId,
  page: { project: string | null; before: number; limit: number },
): Promise<{ rows: PanelRow[]; total: number }> {
  const where = 'n.org_id = $1 and ($2::text is null or n.project_id = $2)';
  const counted = tx.query<{ count: number }>(
    `select count(*) as count from (select 1 from review_panel n where ${where} limit ${COUNT_MAX + 1}) c`,
    [org, page.project],
  );
  const rows = tx.query<PanelRow>(`select ${COLUMNS} from review_panel n where ${where} and n.number < $3 order by n.number desc limit $4`, [
    org,
    page.project,
    page.before,
    page.limit,
  ]);
  const [count] = await counted;
  return { rows: await rows, total: count?.count ?? 0 };
}

/** False when somebody else has settled it. */
export async function settlePanel(tx: Tx, org: OrgId, panel: { id: string; outcome: PanelOutcome }): Promise<boolean> {
  const rows = await tx.query(
    'update review_panel set outcome = $3, settled_at = clock_now() where org_id = $1 and id = $2 and settled_at is null returning 1',
    [org, panel.id, JSON.stringify(panel.outcome)],
  );
  return rows.length > 0;
}

/** The outcome of the last panel of this project that settled before this one; JSON, null for the first. */
export async function outcomeBefore(tx: Tx, org: OrgId, panel: { project: string | null; number: number }): Promise<string | null> {
  const [row] = await tx.query<{ outcome: string }>(
    `select outcome from review_panel where org_id = $1 and project_id is not distinct from $2 and number < $3 and settled_at is not null
     order by number desc limit 1`,
    [org, panel.project, panel.number],
  );
  return row?.outcome ?? null;
}
