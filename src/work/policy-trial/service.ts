/**
 * Asks the policy of a call that nobody makes, by the very function that the harness goes by (`runtime/runs/judge-call.ts`). It writes
 * nothing and calls nothing but the tool servers for their lists; limits and budgets are not asked.
 */
import { AppError } from '../../kernel/errors.ts';
import type { EventOf } from '../../kernel/events.ts';
import { RULES_VERSION } from '../../kernel/events.ts';
import type { OrgId, RunId } from '../../kernel/ids.ts';
import { parseId } from '../../kernel/ids.ts';
import type { Handlers } from '../../kernel/operation.ts';
import { joinLabels } from '../../kernel/labels.ts';
import type { RunPlan } from '../../kernel/plan.ts';
import { ToolManifestEntry } from '../../kernel/plan.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import { ruleWords } from '../../platform/policy/policy.ts';
import { existingRun } from '../../runtime/runs/continue-run.ts';
import { judgeCall } from '../../runtime/runs/judge-call.ts';
import { loadState } from '../../runtime/runs/load-run.ts';
import { manifestOf } from '../../runtime/runs/manifest.ts';
import type { Rules } from '../../runtime/runs/rules.ts';
import { planOf } from '../../runtime/runs/rules.ts';
import type { Call, RunState } from '../../runtime/runs/state.ts';
import { emptyState } from '../../runtime/runs/state.ts';
import type { RunStore } from '../../runtime/runs/store-port.ts';
import type { Tools } from '../../runtime/tools/tool.ts';
import type { Agents } from '../agents/service.ts';
import type { PolicyTrial, policyOperations } from './contract.ts';

export type PolicyTrialDeps = {
  rules: Pick<Rules, 'decide' | 'validate'>;
  agents: Pick<Agents, 'planNow' | 'childManifest'>;
  tools: Pick<Tools, 'resolve'>;
  store: Pick<RunStore, 'getRun' | 'readEntries'>;
};

export function policyTrialHandlers(deps: PolicyTrialDeps): Handlers<Principal, typeof policyOperations> {
  return {
    rules: async () => ({ items: ruleWords() }),
    async try({ principal: { org } }, { agent, run, tool, args, labels }) {
      if ((agent === undefined) === (run === undefined))
        throw new AppError('invalid_input', 'Give either an agent or a run.', { next: '{"agent": "repo-digest", "tool": "http_send"}' });
      const found = run === undefined ? await freshState(deps, org, agent ?? '') : await stateOfRun(deps, org, parseId('run', run));
      const state = { ...found, labels: joinLabels(found.labels, labels) };
      return { ...answerOf(deps, state, { tool, args }), run: run ?? null };
    },
  };
}

function answerOf(
  deps: PolicyTrialDeps,
  state: RunState,
  { tool, args }: { tool: string; args: Call['args'] | undefined },
): Omit<PolicyTrial, 'run'> {
  const plan = planOf(state);
  // whether arguments fit is the schema's question; without any, only the policy is asked
  const rules = args === undefined ? { ...deps.rules, validate: () => [] } : deps.rules;
  const verdict = judgeCall({ state, rules }, { tool, args: args ?? {}, invalid: null });
  const { entry } = verdict;
  const decision =
    verdict.kind === 'decided'
      ? { ...verdict.decision, faults: [] }
      : { answer: 'invalid' as const, rules: [], reason: verdict.message, faults: [...verdict.faults] };
  return {
    agent: { name: plan.agent.name, version: plan.agent.version },
    tool,
    ...decision,
    tier: plan.tier,
    labels: [...state.labels],
    sideEffect: entry?.sideEffect ?? null,
    taints: entry?.taints ?? [],
    labelsAfter: joinLabels(state.labels, entry?.taints ?? []),
    tools: manifestOf(state).map(({ name }) => name),
  };
}

async function stateOfRun({ store }: PolicyTrialDeps, org: OrgId, run: RunId): Promise<RunState> {
  await existingRun(store, { org, run });
  return loadState(store, { org, run });
}

/** As a run of the agent would stand when it has begun. */
async function freshState(deps: PolicyTrialDeps, org: OrgId, agent: string): Promise<RunState> {
  const plan = await deps.agents.planNow(org, agent);
  const state = { ...emptyState(), queued: queuedWith(plan) };
  if (plan.kind === 'command') return state;
  const [found, agents] = await Promise.all([deps.tools.resolve(org, plan.tools), deps.agents.childManifest(org, plan.agents)]);
  return { ...state, tools: [...found.tools.map(({ spec }) => ToolManifestEntry.parse(spec)), ...agents.entries] };
}

/** Only the plan of it is ever looked at. */
function queuedWith(plan: RunPlan): EventOf<'run.queued'> {
  return {
    type: 'run.queued',
    purpose: 'dry',
    trigger: 'manual',
    plan,
    input: null,
    labels: [],
    parent: null,
    origin: null,
    by: { actor: 'system', name: 'policy trial' },
    correlationId: '',
    rules: RULES_VERSION,
    deadlineMs: null,
  };
}
