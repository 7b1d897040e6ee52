/** The actor of an agent: made with it, so that whatever it does has an identity of its own (spec IDN-1). */
import type { ActorId, AgentId, Ids, OrgId } from '../../kernel/ids.ts';
import type { Tx } from '../../storage/database.ts';
import * as store from './store.ts';

export async function createServiceAccount(deps: { ids: Ids }, tx: Tx, agent: { org: OrgId; agent: AgentId; name: string }): Promise<ActorId> {
  const id = deps.ids.next('act');
  await store.insertActor(tx, agent.org, { id, kind: 'agent', name: agent.name, agent: agent.agent });
  return id;
}
