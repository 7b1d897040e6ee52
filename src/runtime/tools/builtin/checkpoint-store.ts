/** SQL of checkpoints: one small value under a name, for each agent of an organization. */
import type { OrgId } from '../../../kernel/ids.ts';
import type { Tx } from '../../../storage/database.ts';

export type Checkpoint = { name: string; value: string; version: number; changedAtMs: number; setBy: string };

type Row = { name: string; value: string; version: number; changed_at: number; set_by: string };

export async function readCheckpoint(tx: Tx, org: OrgId, { agent, name }: { agent: string; name: string }): Promise<Checkpoint | null> {
  const rows = await tx.query<Row>('select name, value, version, changed_at, set_by from checkpoint where org_id = $1 and agent = $2 and name = $3', [
    org,
    agent,
    name,
  ]);
  return rows[0] === undefined ? null : fromRow(rows[0]);
}

/** By name from `after` (exclusive), with how many the agent has in all. */
export async function listCheckpoints(
  tx: Tx,
  org: OrgId,
  { agent, prefix, limit }: { agent: string; prefix: string; limit: number },
): Promise<{ items: Checkpoint[]; total: number }> {
  const values = [org, agent, prefix];
  const rows = await tx.query<Row>(
    `select name, '' as value, version, changed_at, set_by from checkpoint
     where org_id = $1 and agent = $2 and starts_with(name, $3) order by name limit $4`,
    [...values, limit],
  );
  const counted = await tx.query<{ total: number }>(
    'select count(*) as total from checkpoint where org_id = $1 and agent = $2 and starts_with(name, $3)',
    values,
  );
  return { items: rows.map(fromRow), total: counted[0]?.total ?? 0 };
}

/** Stores only over the version that is expected (0: none yet). Null when that is not the version there. */
export async function writeCheckpoint(
  tx: Tx,
  org: OrgId,
  { agent, name, value, expected, setBy }: { agent: string; name: string; value: string; expected: number; setBy: string },
): Promise<number | null> {
  const rows = await tx.query<{ version: number }>(
    expected === 0
      ? `insert into checkpoint (org_id, agent, name, value, version, set_by) values ($1, $2, $3, $4, $5 + 1, $6)
         on conflict (org_id, agent, name) do nothing returning version`
      : `update checkpoint set value = $4, version = version + 1, set_by = $6, changed_at = clock_now()
         where org_id = $1 and agent = $2 and name = $3 and version = $5 returning version`,
    [org, agent, name, value, expected, setBy],
  );
  return rows[0]?.version ?? null;
}

export async function countCheckpoints(tx: Tx, org: OrgId, agent: string): Promise<number> {
  const rows = await tx.query<{ total: number }>('select count(*) as total from checkpoint where org_id = $1 and agent = $2', [org, agent]);
  return rows[0]?.total ?? 0;
}

function fromRow(row: Row): Checkpoint {
  return { name: row.name, value: row.value, version: row.version, changedAtMs: row.changed_at, setBy: row.set_by };
}
