/** Creating and changing agents, inside a transaction: rules, version, schedules, record. Who may call is checked before. */
import { AppError } from '../../kernel/errors.ts';
import type { AgentId, Ids, OrgId } from '../../kernel/ids.ts';
import type { RecordAdmin } from '../../platform/identity/admin-event.ts';
import { allows } from '../../platform/identity/permissions.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import { byOf } from '../../platform/identity/principal.ts';
import { createServiceAccount } from '../../platform/identity/service-account.ts';
import { setAgentConcurrency } from '../../runtime/runs/limit-store.ts';
import type { Tx } from '../../storage/database.ts';
import { beyondOwn, budgetIsMore, transition } from './agent.ts';
import type { AgentDefinition, ScheduleDefinition } from './definition.ts';
import type { Difference } from './difference.ts';
import { compare } from './difference.ts';
import type { AgentRow, Source } from './store.ts';
import * as store from './store.ts';

/** Ports to what must change with a definition, in the same transaction. */
export type DefinitionPorts = {
  /** Makes the stored schedules of the agent be these; none for an archived agent. */
  syncSchedules(tx: Tx, org: OrgId, agent: { id: AgentId; name: string; schedules: readonly ScheduleDefinition[] }): Promise<void>;
};

export type ChangeDeps = { ids: Ids; recordAdmin: RecordAdmin; ports: DefinitionPorts };
export type Wish = { definition: AgentDefinition; source: Source; principal: Principal };

/** Creates it, or brings an archived one of that name back with this definition. */
export async function createAgent(deps: ChangeDeps, tx: Tx, wish: Wish): Promise<AgentRow> {
  const { definition, principal } = wish;
  const { org } = principal;
  const found = await store.getByName(tx, org, definition.name);
  if (found !== null && found.state !== 'archived') {
    throw new AppError('conflict', `There is an agent ${definition.name} already.`, { next: `Change it: PUT /api/v1/agents/${definition.name}` });
  }
  await refuseBeyondOwn(tx, principal, [definition]);
  refuseCommands(principal, [], definition);
  if (found !== null) {
    await store.setState(tx, org, { id: found.id, state: transition(found.state, 'revive'), reason: '' });
    return writeVersion(deps, tx, { agent: { ...found, state: 'active' }, wish, type: 'agent.revived' });
  }
  const id = deps.ids.next('agt');
  const actor = await createServiceAccount(deps, tx, { org, agent: id, name: definition.name });
  await store.insertAgent(tx, org, { id, name: definition.name, actor });
  await store.insertVersion(tx, org, { agent: id, version: 1, definition, source: wish.source, by: authorOf(principal) });
  return settle(deps, tx, { id, principal, type: 'agent.created', differences: [] });
}

/** A new version, unless nothing differs. */
export async function updateAgent(deps: ChangeDeps, tx: Tx, change: { agent: AgentRow; wish: Wish }): Promise<AgentRow> {
  const { agent, wish } = change;
  const { principal, definition } = wish;
  if (agent.state === 'archived')
    throw new AppError('conflict', `Agent ${agent.name} is archived.`, { next: 'Create or apply it again to bring it back.' });
  if (compare(agent.definition, definition).length === 0) return agent;
  await refuseBeyondOwn(tx, principal, [agent.definition, definition]);
  refuseCommands(principal, agent.definition.commands, definition);
  if (budgetIsMore(agent.definition.budget, definition.budget) && !allows(principal, 'budgets.raise')) {
    throw new AppError('denied', `This key may not raise the budget of ${agent.name}.`, {
      next: 'Use an admin or owner key, or leave the budget as it is.',
    });
  }
  return writeVersion(deps, tx, { agent, wish, type: 'agent.changed' });
}

export async function archiveAgent(deps: ChangeDeps, tx: Tx, change: { agent: AgentRow; principal: Principal }): Promise<AgentRow> {
  const { agent, principal } = change;
  await refuseBeyondOwn(tx, principal, [agent.definition]);
  if (agent.state === 'archived') return agent;
  await store.setState(tx, principal.org, { id: agent.id, state: transition(agent.state, 'archive'), reason: '' });
  return settle(deps, tx, { id: agent.id, principal, type: 'agent.archived', differences: [] });
}

async function writeVersion(deps: ChangeDeps, tx: Tx, change: { agent: AgentRow; wish: Wish; type: `agent.${string}` }): Promise<AgentRow> {
  const { agent, wish } = change;
  const { org } = wish.principal;
  const version = agent.version + 1;
  await store.insertVersion(tx, org, { agent: agent.id, version, definition: wish.definition, source: wish.source, by: authorOf(wish.principal) });
  await store.setVersion(tx, org, { id: agent.id, version });
  return settle(deps, tx, { id: agent.id, principal: wish.principal, type: change.type, differences: compare(agent.definition, wish.definition) });
}

/** What follows from every change: schedules and limit as defined, a record, the row as it is now. */
async function settle(
  deps: ChangeDeps,
  tx: Tx,
  change: { id: AgentId; principal: Principal; type: `agent.${string}`; differences: readonly Difference[] },
): Promise<AgentRow> {
  const { principal } = change;
  const agent = await store.getById(tx, principal.org, change.id);
  if (agent === null) throw new AppError('internal', `Agent ${change.id} vanished in its own transaction.`);
  const archived = agent.state === 'archived';
  await deps.ports.syncSchedules(tx, principal.org, { id: agent.id, name: agent.name, schedules: archived ? [] : agent.definition.schedules });
  await setAgentConcurrency(tx, principal.org, { agent: agent.id, max: agent.definition.concurrency ?? null });
  await deps.recordAdmin(tx, principal.org, {
    type: change.type,
    subject: agent.id,
    by: byOf(principal),
    detail: { name: agent.name, version: agent.version, changed: change.differences.map((difference) => difference.path) },
  });
  return agent;
}

/** Spec AGT-1: an agent makes and changes only what stays within its own definition. People are bounded by role and scopes. */
export async function refuseBeyondOwn(tx: Tx, principal: Principal, definitions: readonly AgentDefinition[]): Promise<void> {
  if (principal.kind !== 'agent') return;
  const own = principal.agent === null ? null : await store.getById(tx, principal.org, principal.agent);
  if (own === null) throw new AppError('denied', 'This key belongs to an agent that is not there, so it may change none.');
  const faults = definitions.flatMap((definition) => beyondOwn(own.definition, definition));
  if (faults.length === 0) return;
  throw new AppError('denied', `Agent ${own.name} may not make or change an agent beyond its own tools, tier and budget.`, {
    faults,
    next: 'Ask a person to do it, or ask for less.',
  });
}

/** A command is no tool under policy but a program of the server's own user: it can read what the server can. */
function refuseCommands(principal: Principal, before: AgentDefinition['commands'], { name, commands }: AgentDefinition): void {
  const known = new Set(before.map(({ argv }) => JSON.stringify(argv)));
  if (commands.every(({ argv }) => known.has(JSON.stringify(argv))) || allows(principal, 'commands.write')) return;
  throw new AppError('denied', `This key may not define the commands of ${name}: they run as the server itself.`, {
    next: 'Use an admin or owner key.',
  });
}

function authorOf(principal: Principal): { actor: string; name: string } {
  return { actor: principal.actor, name: principal.name };
}
