/**
 * Drives the pure core over a scripted world: no store, no clock, no model. What the real interpreter does with workers and commits, this does
 * with an array. Crashes are scripted: a crash loses the outcome of what was in flight and another lease takes over.
 */
import assert from 'node:assert/strict';
import { sha256Hex } from '../../src/kernel/canonical-json.ts';
import type { Entry, EventOf, RunEvent } from '../../src/kernel/events.ts';
import { NO_USAGE, type AssistantPart } from '../../src/kernel/messages.ts';
import { DEFAULT_LIMITS, type ModelFacts, type RunPlan, type ToolManifestEntry } from '../../src/kernel/plan.ts';
import { decideByTier } from '../../src/platform/policy/policy.ts';
import type { Action, PlannedCall } from '../../src/runtime/runs/action.ts';
import { fold } from '../../src/runtime/runs/fold.ts';
import { isSameWait, next } from '../../src/runtime/runs/next.ts';
import type { ModelPlan, Rules } from '../../src/runtime/runs/rules.ts';
import { estimateTokens } from '../../src/runtime/models/tokens.ts';
import { emptyState, type RunState } from '../../src/runtime/runs/state.ts';

export const RULES: Rules = { decide: decideByTier, validate: () => [], countTokens: estimateTokens, openUntilMs: () => null, history: [] };

export const FACTS: ModelFacts = {
  windowTokens: 200_000,
  maxOutputTokens: 4_000,
  price: { input: 1_000_000, cachedInput: 100_000, cacheWrite: 1_000_000, output: 2_000_000, date: '2026-11-01' },
  rehearsed: true,
};

export function toolEntry(name: string, over: Partial<ToolManifestEntry> = {}): ToolManifestEntry {
  return {
    name,
    description: `The tool ${name}`,
    inputSchema: { type: 'object' },
    kind: 'call',
    sideEffect: 'read',
    taints: [],
    recovery: 'none',
    timeoutMs: 10_000,
    settleMs: 0,
    shownChars: 2_000,
    ...over,
  };
}

export function modelPlan(over: Partial<ModelPlan> = {}): ModelPlan {
  return {
    kind: 'model',
    agent: { id: 'agt_1', name: 'tester', version: 1 },
    tier: 3,
    limits: DEFAULT_LIMITS,
    evidence: null,
    confirm: [],
    approvalTtlMs: 86_400_000,
    onApprovalExpiry: 'deny',
    instructions: 'Do the work.',
    model: 'test/one',
    fallbacks: [],
    tools: [],
    agents: [],
    outputSchema: null,
    temperature: null,
    ...over,
  };
}

export function queued(plan: RunPlan, over: Partial<EventOf<'run.queued'>> = {}): EventOf<'run.queued'> {
  return {
    type: 'run.queued',
    purpose: 'live',
    trigger: 'manual',
    plan,
    input: 'Please do it.',
    labels: [],
    parent: null,
    origin: null,
    by: { actor: 'act_1', name: 'Ada' },
    correlationId: 'cor_1',
    rules: 1,
    deadlineMs: null,
    ...over,
  };
}

export function says(text: string): AssistantPart[] {
  return [{ type: 'text', text }];
}

export type ScriptedCall = [tool: string, args: ToolArgs, callId?: string];

export function calls(...list: ScriptedCall[]): AssistantPart[] {
  return list.map(([tool, args, callId], index) => ({ type: 'tool_call', callId: callId ?? `c${index}`, tool, args }));
}

type ToolArgs = EventOf<'tool.intended'>['args'];
type ModelOutcome =
  | AssistantPart[]
  | { content: AssistantPart[]; finish: EventOf<'model.replied'>['finish'] }
  /** `holdMs`: the provider says not before so long from now. */
  | (Pick<EventOf<'model.failed'>, 'kind' | 'retryable'> & { holdMs?: number })
  | 'crash';
/** Null: the worker dies before the outcome is recorded. */
type ToolOutcome = string | Partial<EventOf<'tool.done'>> | { failed: EventOf<'tool.failed'>['class']; message: string } | null;

export type World = {
  queued: EventOf<'run.queued'>;
  tools?: readonly ToolManifestEntry[];
  models?: Record<string, ModelFacts>;
  rules?: Partial<Rules>;
  /** Reply number `n`, 1-based, over the whole run. */
  model: (n: number, action: Extract<Action, { do: 'call_model' }>) => ModelOutcome;
  tool?: (call: PlannedCall, n: number) => ToolOutcome;
  /** What a probe finds. */
  probe?: (callId: string) => 'done' | 'not_done' | 'unknown';
  child?: (action: Extract<Action, { do: 'start_child' }>) => Partial<EventOf<'child.ended'>>;
  /** The answer to a question; null lets it expire. */
  answer?: (asked: EventOf<'approval.asked'>) => Partial<EventOf<'approval.answered'>> | null;
  /** Events that arrive before step `n`, 1-based. */
  inbox?: (step: number, state: RunState) => RunEvent[];
  /** The state and entries that a fork begins with. */
  from?: RunState;
  run?: string;
  stepMs?: number;
  /** Steps after which driving stops; more than 2,000 fail. */
  maxSteps?: number;
};

export type Driven = { entries: Entry[]; state: RunState; actions: Action[]; nowMs: number };

/** Runs until the end, `maxSteps`, or a wait that nothing in the world ends. */
export function drive(world: World): Driven {
  const run = createDrive(world);
  const most = world.maxSteps ?? 2_000;
  for (let step = 1; run.state().ended === null; step += 1) {
    if (step > most) {
      assert.ok(world.maxSteps !== undefined, `the run did not end within ${most} steps`);
      break;
    }
    run.append(...(world.inbox?.(step, run.state()) ?? []));
    if (!run.step()) break;
  }
  return run.result();
}

export function rulesOf(world: World): Rules {
  return { ...RULES, ...world.rules };
}

function createDrive(world: World): { state: () => RunState; append: (...events: RunEvent[]) => void; step: () => boolean; result: () => Driven } {
  const rules = rulesOf(world);
  const stream = world.run ?? 'run_1';
  const entries: Entry[] = [];
  const actions: Action[] = [];
  let state = world.from ?? emptyState();
  let nowMs = 1_000_000 + (world.from?.atMs ?? 0);
  let fence = 0;
  let replies = 0;
  let effects = 0;

  const append = (...events: RunEvent[]): void => {
    for (const event of events) {
      const seq = entries.length + 1;
      const prevHash = entries.at(-1)?.hash ?? '';
      const hash = sha256Hex(prevHash + JSON.stringify(event));
      const entry: Entry = {
        org: 'org_1',
        stream,
        seq,
        position: seq,
        atMs: nowMs,
        version: 1,
        actor: 'act_1',
        effectId: null,
        fence,
        prevHash,
        hash,
        event,
      };
      entries.push(entry);
      state = fold(state, entry);
      nowMs += world.stepMs ?? 5;
    }
  };
  const takeOver = (): void => {
    fence += 1;
    nowMs += 10_000;
    append({ type: 'run.resumed', worker: 'wrk_2', attempt: state.attempt + 1, after: 'takeover' });
  };

  const callModel = (action: Extract<Action, { do: 'call_model' }>): void => {
    append(action.assembled, action.intended);
    replies += 1;
    const outcome = world.model(replies, action);
    if (outcome === 'crash') return takeOver();
    nowMs += 100;
    const { turn, model, attempt } = action.intended;
    if ('kind' in outcome) {
      append({
        type: 'model.failed',
        turn,
        attempt,
        model,
        kind: outcome.kind,
        retryable: outcome.retryable,
        message: `the model is ${outcome.kind}`,
        notBeforeMs: outcome.holdMs === undefined ? null : nowMs + outcome.holdMs,
        usage: NO_USAGE,
        costMicroUsd: 0,
      });
      return;
    }
    const content = Array.isArray(outcome) ? outcome : outcome.content;
    const hasCalls = content.some((part) => part.type === 'tool_call');
    const finish = Array.isArray(outcome) ? (hasCalls ? 'tool_calls' : 'stop') : outcome.finish;
    const usage = { ...NO_USAGE, inputTokens: action.assembled.tokens, outputTokens: Math.min(action.intended.maxOutputTokens, 50) };
    const costMicroUsd = Math.ceil((usage.inputTokens * 1_000_000 + usage.outputTokens * 2_000_000) / 1_000_000);
    append({ type: 'model.replied', turn, model, content, finish, usage, costMicroUsd, rehearsed: true, ms: 100 });
  };

  /** False when the worker died. */
  const act = (call: PlannedCall): boolean => {
    effects += 1;
    const outcome = world.tool === undefined ? 'ok' : world.tool(call, effects);
    nowMs += 20;
    const settled = { callId: call.callId, tool: call.tool.name, labels: call.tool.taints, ms: 20 };
    if (outcome === null) return false;
    if (typeof outcome === 'object' && 'failed' in outcome) {
      append({ type: 'tool.failed', ...settled, class: outcome.failed, message: outcome.message });
    } else {
      append({
        type: 'tool.done',
        ...settled,
        text: '',
        evidence: null,
        known: 'effect',
        ...(typeof outcome === 'string' ? { text: outcome } : outcome),
      });
    }
    return true;
  };
  const callTools = (planned: readonly PlannedCall[]): void => {
    append(...planned.map((call) => ({ ...call.intent, deadlineMs: nowMs + call.tool.timeoutMs })));
    if (!planned.every(act)) takeOver();
  };
  const recover = ({ effect }: Extract<Action, { do: 'recover' }>): void => {
    const { intent, callId, how } = effect;
    const tool = toolEntry(intent.tool, {
      sideEffect: intent.sideEffect,
      recovery: intent.recovery,
      ...state.tools.find((entry) => entry.name === intent.tool),
    });
    if (how === 'repeat') return callTools([{ callId, tool, args: intent.args, intent }]);
    const found = world.probe?.(callId) ?? 'done';
    if (found === 'done') append({ type: 'tool.done', callId, tool: intent.tool, text: 'found', labels: [], evidence: null, known: 'probe', ms: 1 });
    else if (found === 'unknown') append({ type: 'tool.outcome_unknown', callId, tool: intent.tool, why: 'the probe could not tell' });
    else append({ type: 'tool.failed', callId, tool: intent.tool, class: 'tool_error', message: 'It did not happen.', labels: [], ms: 1 });
  };
  const startChild = (action: Extract<Action, { do: 'start_child' }>): void => {
    append({ type: 'child.started', callId: action.callId, run: `run_child_${action.callId}`, agent: action.agent, allotment: action.allotment });
  };

  /** What the world does while the run waits; false when it does nothing. */
  const endWait = (action: Extract<Action, { do: 'wait' }>): boolean => {
    const child = state.calls.find((call) => call.phase === 'child')?.child;
    const open = state.calls.filter((call) => call.phase === 'waiting').flatMap((call) => (call.question === null ? [] : [call.question.asked]));
    fence += action.release ? 1 : 0;
    for (const asked of open) {
      const answer = world.answer?.(asked) ?? null;
      if (answer === null) continue;
      nowMs += 60_000;
      const { approvalId, callId, hash } = asked;
      append({ type: 'approval.answered', approvalId, callId, hash, answer: 'approve', text: '', by: { actor: 'act_2', name: 'Grace' }, ...answer });
      return true;
    }
    if (child !== undefined && child !== null && world.child !== undefined) {
      const input = actions.find((past): past is Extract<Action, { do: 'start_child' }> => past.do === 'start_child' && past.callId === child.callId);
      assert.ok(input);
      const cost = { microUsd: 10, known: true };
      const ended = {
        status: 'succeeded' as const,
        text: 'child done',
        labels: [],
        usage: NO_USAGE,
        cost,
        turns: 1,
        toolCalls: 0,
        activeMs: 100,
        ...world.child(input),
      };
      append({ type: 'child.ended', callId: child.callId, run: child.run, ...ended });
      return true;
    }
    if (action.untilMs === null) return action.for === 'pause' && world.inbox !== undefined;
    nowMs = Math.max(nowMs, action.untilMs);
    return true;
  };
  const wait = (action: Extract<Action, { do: 'wait' }>): boolean => {
    if (action.release && !isSameWait(state, action)) {
      append({ type: 'run.waiting', for: action.for, untilMs: action.untilMs, reason: action.reason });
    }
    return endWait(action);
  };

  const carryOut = (action: Action): boolean => {
    switch (action.do) {
      case 'begin':
        append({
          type: 'run.started',
          worker: 'wrk_1',
          attempt: 1,
          tools: [...(world.tools ?? [])],
          models: world.models ?? { 'test/one': FACTS, 'test/two': FACTS },
        });
        return true;
      case 'resume':
        append({ type: 'run.resumed', worker: 'wrk_1', attempt: state.attempt + 1, after: action.after });
        return true;
      case 'record':
        append(...action.events);
        return true;
      case 'call_model':
        callModel(action);
        return true;
      case 'call_tools':
        callTools(action.calls);
        return true;
      case 'recover':
        recover(action);
        return true;
      case 'start_child':
        startChild(action);
        return true;
      case 'ask':
        append({ ...action.asked, approvalId: `apr_${entries.length}` });
        return true;
      case 'wait':
        return wait(action);
      case 'end':
        append(action.ended);
        return true;
    }
  };

  append(world.queued);
  fence = 1;
  return {
    state: () => state,
    append,
    step: () => {
      const action = next(state, nowMs, rules);
      actions.push(action);
      return carryOut(action);
    },
    result: () => ({ entries, state, actions, nowMs }),
  };
}
