/** Agents, pure: their states, when failures stop one, who may use one, and what one may make of another. */
import type { Fault } from '../../kernel/errors.ts';
import { AppError } from '../../kernel/errors.ts';
import { DEFAULT_LIMITS } from '../../kernel/plan.ts';
import type { FinalStatus } from '../../kernel/run-status.ts';
import { RUN_STATUSES } from '../../kernel/run-status.ts';
import type { Role } from '../../platform/identity/contract.ts';
import { isListed } from '../../platform/policy/policy.ts';
import type { AgentDefinition } from './definition.ts';

export type AgentState = 'active' | 'paused' | 'error' | 'archived';
/** Spec AGT-4. */
export const FAILURES_TO_ERROR = 3;

/** What a person may do to an agent, and from which state. Into `error` only the platform puts one. */
const TRANSITIONS = {
  pause: { from: ['active', 'error'], to: 'paused' },
  resume: { from: ['paused', 'error'], to: 'active' },
  archive: { from: ['active', 'paused', 'error'], to: 'archived' },
  revive: { from: ['archived'], to: 'active' },
} as const satisfies Record<string, { from: readonly AgentState[]; to: AgentState }>;
export type AgentAction = keyof typeof TRANSITIONS;

/** The state after it; the same state when it is there already. @throws AppError `conflict` */
export function transition(state: AgentState, action: AgentAction): AgentState {
  const rule = TRANSITIONS[action];
  if (state === rule.to) return state;
  if (rule.from.some((from) => from === state)) return rule.to;
  throw new AppError('conflict', `An agent that is ${state} cannot be ${action === 'archive' ? 'archived' : `${action}d`}.`, {
    next: state === 'archived' ? 'Create or apply it again to bring it back.' : 'Look at its state first.',
  });
}

export type Health = { state: AgentState; failures: number };

/** What a run's end makes of its agent (spec AGT-4): a success resets, a failure counts, other ends say nothing. */
export function afterRun(agent: Health, status: FinalStatus): Health {
  if (status === 'succeeded') return { ...agent, failures: 0 };
  if (!RUN_STATUSES[status].countsAsFailure) return agent;
  const failures = agent.failures + 1;
  return { failures, state: agent.state === 'active' && failures >= FAILURES_TO_ERROR ? 'error' : agent.state };
}

/** @throws AppError `agent_halted` for an agent that takes no runs, with what to do. */
export function refuseHalted(agent: { name: string; state: AgentState; stateReason: string }): void {
  if (agent.state === 'active') return;
  const why = agent.stateReason === '' ? '' : `: ${agent.stateReason.replace(/\.$/, '')}`;
  const next = {
    paused: `Resume it: windlass agent resume ${agent.name}`,
    error: `Look at its last runs, mend the cause, then: windlass agent resume ${agent.name}`,
    archived: 'Create or apply it again to bring it back.',
  }[agent.state];
  throw new AppError('agent_halted', `Agent ${agent.name} is ${agent.state === 'error' ? 'in error' : agent.state}${why}.`, { next });
}

export type Requester = { actor: string; name: string; role: Role; channel: string | null };

/** Whether the definition lets this requester use the agent (spec AGT-3). A sub-agent run and a schedule ask nobody. */
export function mayUse(definition: Pick<AgentDefinition, 'access'>, who: Requester): boolean {
  const access = definition.access;
  if (access === undefined) return true;
  const named = access.people.includes(who.actor) || access.people.includes(who.name) || access.roles.includes(who.role);
  const somewhere = access.channels.length === 0 || who.channel === null || access.channels.includes(who.channel);
  const nobodyNamed = access.people.length === 0 && access.roles.length === 0;
  // channels alone open it to whoever is in one of them
  return somewhere && (named || (nobodyNamed && who.channel !== null));
}

/**
 * What in `wanted` goes beyond `own`: an agent may make or change only agents with at most its own tools, agents, skills,
 * network, tier, limits and budget, and with at least its own confirmations (spec AGT-1). Empty when nothing does.
 */
export function beyondOwn(own: AgentDefinition, wanted: AgentDefinition): Fault[] {
  const faults: Fault[] = [];
  const beyond = (path: string, message: string): void => void faults.push({ path, message });
  if (wanted.kind === 'command' && own.kind !== 'command') beyond('kind', 'an agent with a model may not make one that runs commands');
  for (const [path, allowed, asked] of [
    ['tools', own.tools, wanted.tools],
    ['network.allow', own.network.allow, wanted.network.allow],
    ['agents', own.agents, wanted.agents],
    ['skills', own.skills, wanted.skills],
  ] as const) {
    for (const name of asked) if (!isListed(allowed, name) && !allowed.includes(name)) beyond(path, `${name} is not among its maker's own`);
  }
  if (own.kind === 'command' && wanted.kind === 'command') {
    const known = new Set(own.commands.map((command) => JSON.stringify(command.argv)));
    for (const command of wanted.commands)
      if (!known.has(JSON.stringify(command.argv))) beyond('commands', `${command.name} is not a command of its maker`);
  }
  for (const tool of wanted.tools) {
    const within = own.confirm.filter((name) => name !== tool && isListed([tool], name));
    for (const name of isListed(own.confirm, tool) ? [tool, ...within] : within) {
      if (!isListed(wanted.confirm, name)) beyond('confirm', `${name} waits for a person in its maker, so it must here`);
    }
  }
  if (wanted.tier < own.tier) beyond('tier', `tier ${wanted.tier} is more than its maker's ${own.tier}`);
  if (wanted.environment !== own.environment) beyond('environment', "must be its maker's own");
  for (const [name, most] of limitsOf(own)) {
    const asked = limitsOf(wanted).get(name) ?? Infinity;
    if (asked > most) beyond(`limits.${name}`, `${asked === Infinity ? 'no limit' : asked} is more than its maker's ${most}`);
  }
  if (budgetIsMore(own.budget, wanted.budget)) beyond('budget', "is more than its maker's");
  return faults;
}

function limitsOf(definition: AgentDefinition): Map<string, number> {
  const { limits } = definition;
  return new Map([
    ['turns', limits.turns ?? DEFAULT_LIMITS.turns],
    ['toolCalls', limits.toolCalls ?? DEFAULT_LIMITS.toolCalls],
    ['activeMinutes', limits.activeMinutes ?? DEFAULT_LIMITS.activeMs / 60_000],
    ['tokens', limits.tokens ?? DEFAULT_LIMITS.tokens],
    ['costUsd', limits.costUsd ?? Infinity],
  ]);
}

/** Whether `after` may spend what `before` could not; no budget is no cap. Budgets of another unit or period cannot be compared: more. */
export function budgetIsMore(before: AgentDefinition['budget'], after: AgentDefinition['budget']): boolean {
  if (before === undefined) return false;
  if (after === undefined || after.period !== before.period) return true;
  if (before.usd !== undefined) return after.usd === undefined || after.usd > before.usd;
  return after.tokens === undefined || after.tokens > (before.tokens ?? 0);
}
