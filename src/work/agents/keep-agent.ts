/** Agents that files of the platform define, such as personas: kept as the file says, in the platform's name and not by the rights of who happens to need them. */
import type { AgentId, OrgId } from '../../kernel/ids.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Database, Tx } from '../../storage/database.ts';
import type { ChangeDeps } from './change-agent.ts';
import { createAgent, updateAgent } from './change-agent.ts';
import type { AgentDefinition } from './definition.ts';
import { compare } from './difference.ts';
import * as store from './store.ts';

export async function keepAgent(deps: ChangeDeps & { db: Database }, asking: Principal, definition: AgentDefinition): Promise<void> {
  const { org } = asking;
  const before = await deps.db.asOrg(org, (tx) => store.getByName(tx, org, definition.name));
  if (before?.state === 'error') await deps.db.asOrg(org, (tx) => tryAgain(tx, org, { id: before.id, asking }));
  if (before !== null && (before.state === 'archived' || compare(before.definition, definition).length === 0)) return;
  // a file that anybody who reviews may need; what it may do is fixed by who writes such files, not by who asks
  const principal: Principal = { ...asking, kind: 'service', agent: null, name: `its file, for ${asking.name}` };
  const wish = { definition, source: 'api', principal } as const;
  await deps.db.asOrg(org, async (tx) => {
    await store.lockDefinitions(tx, org);
    const now = await store.getByName(tx, org, definition.name);
    if (now === null) await createAgent(deps, tx, wish);
    else if (now.state !== 'archived') await updateAgent(deps, tx, { agent: now, wish });
  });
}

/** It runs only when somebody asks for it, so failures stop no loop: whoever asks after some of them has it tried again. */
async function tryAgain(tx: Tx, org: OrgId, { id, asking }: { id: AgentId; asking: Principal }): Promise<void> {
  const health = await store.lockHealth(tx, org, id);
  if (health?.state !== 'error') return;
  await store.setHealth(tx, org, { id, health: { state: 'active', failures: 0 }, reason: `Tried again, as ${asking.name} asked.` });
}
