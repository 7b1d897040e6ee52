/** How many runs of one agent, or of an organization, go on at once: what claims keep to. */
import type { AgentId, OrgId } from '../../kernel/ids.ts';
import type { Tx } from '../../storage/database.ts';

/** Null takes the limit away. Runs that hold a lease already go on. */
export async function setAgentConcurrency(tx: Tx, org: OrgId, limit: { agent: AgentId; max: number | null }): Promise<void> {
  if (limit.max === null) {
    await tx.query("delete from concurrency_limit where org_id = $1 and scope = 'agent' and id = $2", [org, limit.agent]);
    return;
  }
  await tx.query(
    `insert into concurrency_limit (org_id, scope, id, max) values ($1, 'agent', $2, $3)
     on conflict (org_id, scope, id) do update set max = excluded.max where concurrency_limit.max <> excluded.max`,
    [org, limit.agent, limit.max],
  );
}
