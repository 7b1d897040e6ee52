/** Agents as code (spec AGT-8): plan shows what a folder of files would change, apply does exactly that in one transaction. */
import { AppError } from '../../kernel/errors.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Check } from '../../runtime/tools/validate.ts';
import type { Database, Sql } from '../../storage/database.ts';
import type { ChangeDeps } from './change-agent.ts';
import { archiveAgent, createAgent, updateAgent } from './change-agent.ts';
import type { PlanView } from './contract.ts';
import type { AgentFile } from './definition-file.ts';
import { parseFiles } from './definition-file.ts';
import type { Change, FileDefinition, Plan } from './difference.ts';
import { planChanges } from './difference.ts';
import type { AgentRow } from './store.ts';
import * as store from './store.ts';

export type ApplyDeps = ChangeDeps & { db: Database; check: Check };
export type ApplyInput = { files: readonly AgentFile[]; prune: boolean; digest?: string | undefined };

/** @throws AppError `invalid_input` with every fault of every file. */
export async function planFiles(deps: ApplyDeps, principal: Principal, input: ApplyInput): Promise<PlanView> {
  const files = readFiles(deps, input);
  return deps.db.asOrg(principal.org, async (tx) => {
    const { plan } = await planAgainst(tx, principal, { files, prune: input.prune });
    return { ...plan, message: summary(plan.changes, 'would be') };
  });
}

/** All or nothing. @throws AppError `precondition_failed` when the plan is no longer the one that was shown. */
export async function applyFiles(deps: ApplyDeps, principal: Principal, input: ApplyInput): Promise<PlanView> {
  const files = readFiles(deps, input);
  return deps.db.asOrg(principal.org, async (tx) => {
    await store.lockDefinitions(tx, principal.org);
    const { plan, agents } = await planAgainst(tx, principal, { files, prune: input.prune });
    if (input.digest !== undefined && input.digest !== plan.digest) {
      throw new AppError('precondition_failed', 'The agents have changed since the plan was shown; nothing was applied.', {
        next: 'Look at a new plan, then apply that.',
      });
    }
    const applied: AgentRow[] = [];
    for (const change of plan.changes) {
      const agent = agents.get(change.name);
      const file = files.find((each) => each.definition.name === change.name);
      if (file !== undefined) {
        const wish = { definition: file.definition, source: 'apply', principal } as const;
        applied.push(
          change.action === 'create' || agent === undefined ? await createAgent(deps, tx, wish) : await updateAgent(deps, tx, { agent, wish }),
        );
      } else if (change.action === 'archive' && agent !== undefined) {
        await archiveAgent(deps, tx, { agent, principal });
      }
    }
    await store.markApplied(
      tx,
      principal.org,
      applied.map((agent) => agent.id),
    );
    return { ...plan, message: summary(plan.changes, 'were') };
  });
}

function readFiles(deps: ApplyDeps, input: ApplyInput): FileDefinition[] {
  const { definitions, faults } = parseFiles(input.files, deps.check);
  if (faults.length > 0) {
    throw new AppError('invalid_input', `The agent files have ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}; nothing was changed.`, {
      faults,
      next: 'Mend what is listed; schemas/agent.schema.json says what a file may hold.',
    });
  }
  return definitions;
}

async function planAgainst(
  tx: Sql,
  principal: Principal,
  wanted: { files: FileDefinition[]; prune: boolean },
): Promise<{ plan: Plan; agents: Map<string, AgentRow> }> {
  const stored = await store.allAgents(tx, principal.org);
  const plan = planChanges(
    wanted.files,
    stored.map(({ agent, applied }) => ({
      name: agent.name,
      state: agent.state,
      version: agent.version,
      definition: agent.definition,
      applied: applied === null || agent.appliedVersion === null ? null : { version: agent.appliedVersion, definition: applied },
    })),
    wanted.prune,
  );
  return { plan, agents: new Map(stored.map(({ agent }) => [agent.name, agent])) };
}

const ACTIONS: readonly { action: Change['action']; words: string }[] = [
  { action: 'create', words: 'created' },
  { action: 'update', words: 'updated' },
  { action: 'archive', words: 'archived' },
  { action: 'unchanged', words: 'left unchanged' },
  { action: 'absent', words: 'left alone, being in no file' },
];

function summary(changes: readonly Change[], verb: string): string {
  const parts = ACTIONS.map(({ action, words }) => ({ words, count: changes.filter((change) => change.action === action).length })).filter(
    (part) => part.count > 0,
  );
  const drifted = changes.filter((change) => change.drift.length > 0).length;
  const drift = drifted === 0 ? '' : ` ${drifted} had been changed in the store since the last apply.`;
  return parts.length === 0 ? 'There is nothing to do.' : `Agents: ${parts.map((part) => `${part.count} ${verb} ${part.words}`).join(', ')}.${drift}`;
}
