/** Runs and events as tests of stores need them: complete, and as dull as possible. */
import type { EventOf, RunEvent } from '../../src/kernel/events.ts';
import type { ActorId, AgentId, CorrelationId, OrgId, RunId } from '../../src/kernel/ids.ts';
import { DEFAULT_LIMITS } from '../../src/kernel/plan.ts';
import type { NewRun } from '../../src/runtime/runs/store-port.ts';

export const ACTOR = 'act_test' as ActorId;
const BY = { actor: ACTOR, name: 'Tess' };

export function queuedEvent(over: Partial<EventOf<'run.queued'>> = {}): EventOf<'run.queued'> {
  return {
    type: 'run.queued',
    purpose: 'live',
    trigger: 'manual',
    plan: {
      kind: 'command',
      agent: { id: 'agt_test', name: 'test', version: 1 },
      tier: 3,
      limits: DEFAULT_LIMITS,
      evidence: null,
      confirm: [],
      approvalTtlMs: 60_000,
      onApprovalExpiry: 'deny',
      commands: [],
    },
    input: {},
    labels: [],
    parent: null,
    origin: null,
    by: BY,
    correlationId: 'cor_test',
    rules: 1,
    deadlineMs: null,
    ...over,
  };
}

export function newRun(org: string, id: string, over: Partial<NewRun> = {}): NewRun {
  const run = id as RunId;
  return {
    org: org as OrgId,
    id: run,
    project: null,
    agent: 'agt_test' as AgentId,
    agentName: 'test',
    agentVersion: 1,
    schedule: null,
    parent: null,
    root: run,
    depth: 0,
    lane: null,
    pool: null,
    priority: 'normal',
    deadlineMs: null,
    actor: ACTOR,
    correlation: 'cor_test' as CorrelationId,
    queued: queuedEvent(),
    notBeforeMs: null,
    ...over,
  };
}

export function noteEvent(text: string): RunEvent {
  return { type: 'note', text, by: BY };
}

export function endedEvent(status: EventOf<'run.ended'>['status'] = 'succeeded'): EventOf<'run.ended'> {
  const usage = { inputTokens: 0, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0, estimated: false };
  return {
    type: 'run.ended',
    status,
    reason: 'It is over.',
    answer: null,
    partial: false,
    rehearsed: false,
    failure: null,
    escalation: null,
    evidence: [],
    usage,
    cost: { microUsd: 0, known: true },
  };
}
