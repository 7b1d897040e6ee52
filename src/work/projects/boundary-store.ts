/** The SQL of the boundary: which project a thing belongs to, by its id alone, whatever domain it is of. */
import type { OrgId } from '../../kernel/ids.ts';
import type { Tx } from '../../storage/database.ts';

const of = (table: string, column = 'project_id'): string => `select ${column} as project from ${table} where org_id = $1 and id = $2`;

/** By the prefix of an id. A handoff belongs to whose queue it waits in. */
const OWNER: Readonly<Record<string, string>> = {
  sess: of('session'),
  ho: of('handoff', 'to_project'),
  note: of('note'),
  doc: of('document'),
  duty: of('duty'),
  alert: of('alert'),
  whs: of('webhook_source'),
  run: of('run'),
  pnl: of('review_panel'),
  fnd: of('review_finding'),
  stp: of('standard_proposal'),
  apr: 'select r.project_id as project from approval a join run r on r.org_id = a.org_id and r.id = a.run_id where a.org_id = $1 and a.id = $2',
};

/** Null for what is not there, or belongs to no project by its kind; `project` null for what belongs to the whole organization. */
export async function findOwner(tx: Tx, org: OrgId, id: string): Promise<{ project: string | null } | null> {
  const owner = OWNER[id.slice(0, Math.max(0, id.indexOf('_')))];
  if (owner === undefined) return null;
  const [row] = await tx.query<{ project: string | null }>(owner, [org, id]);
  return row ?? null;
}

export async function findSession(tx: Tx, org: OrgId, id: string): Promise<{ project: string; actorId: string; actor: string } | null> {
  const [row] = await tx.query<{ project: string; actorId: string; actor: string }>(
    'select project_id as project, actor_id as "actorId", actor_name as actor from session where org_id = $1 and id = $2',
    [org, id],
  );
  return row ?? null;
}

/** Checkouts of other projects on this machine, the deepest first, to know whose a path is. */
export async function listCheckouts(
  tx: Tx,
  org: OrgId,
  { except, limit }: { except: string; limit: number },
): Promise<{ code: string; path: string }[]> {
  return tx.query('select code, path from project where org_id = $1 and path is not null and id <> $2 order by length(path) desc, code limit $3', [
    org,
    except,
    limit,
  ]);
}
