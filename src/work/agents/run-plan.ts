/** From a definition to what a run is told to do. Pure. */
import type { RunLimits, RunPlan } from '../../kernel/plan.ts';
import { DEFAULT_LIMITS } from '../../kernel/plan.ts';
import type { AgentDefinition } from './definition.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

export type PlannedAgent = { id: string; version: number; definition: AgentDefinition };

export function limitsOf(definition: AgentDefinition): RunLimits {
  const { turns, toolCalls, activeMinutes, tokens, costUsd } = definition.limits;
  return {
    turns: turns ?? DEFAULT_LIMITS.turns,
    toolCalls: toolCalls ?? DEFAULT_LIMITS.toolCalls,
    activeMs: activeMinutes === undefined ? DEFAULT_LIMITS.activeMs : Math.max(1, Math.round(activeMinutes * MINUTE_MS)),
    tokens: tokens ?? DEFAULT_LIMITS.tokens,
    costMicroUsd: costUsd === undefined ? DEFAULT_LIMITS.costMicroUsd : Math.round(costUsd * 1_000_000),
  };
}

/** A child gets no more than its parent allots, and no more than its own definition says (spec RUN-8). */
export function leastLimits(a: RunLimits, b: RunLimits): RunLimits {
  const cost = [a.costMicroUsd, b.costMicroUsd].filter((value) => value !== null);
  return {
    turns: Math.min(a.turns, b.turns),
    toolCalls: Math.min(a.toolCalls, b.toolCalls),
    activeMs: Math.min(a.activeMs, b.activeMs),
    tokens: Math.min(a.tokens, b.tokens),
    costMicroUsd: cost.length === 0 ? null : Math.min(...cost),
  };
}

/** `model` and `fallbacks` are what the definition names, or the default, with aliases resolved; a command agent needs none. */
export function planOfAgent(agent: PlannedAgent, options: { model: string; fallbacks?: string[] }): RunPlan {
  const { definition } = agent;
  const base = {
    agent: { id: agent.id, name: definition.name, version: agent.version },
    tier: definition.tier,
    limits: limitsOf(definition),
    evidence: definition.evidence ?? null,
    confirm: definition.confirm,
    approvalTtlMs: Math.max(1, Math.round(definition.approval.ttlHours * HOUR_MS)),
    onApprovalExpiry: definition.approval.onExpiry,
  };
  if (definition.kind === 'command') {
    const commands = definition.commands.map(({ name, argv, timeoutSeconds, repeatable }) => ({
      name,
      argv,
      timeoutMs: Math.max(1, Math.round(timeoutSeconds * 1_000)),
      repeatable,
    }));
    return { ...base, kind: 'command', commands };
  }
  return {
    ...base,
    kind: 'model',
    instructions: definition.instructions,
    model: options.model,
    fallbacks: options.fallbacks ?? definition.fallbacks,
    tools: definition.tools,
    agents: definition.agents,
    outputSchema: definition.output ?? null,
    temperature: definition.temperature ?? null,
    ...(definition.waitForProvider === undefined ? {} : { waitForProvider: definition.waitForProvider }),
    ...(definition.cacheSeconds === undefined ? {} : { cacheSeconds: definition.cacheSeconds }),
  };
}
