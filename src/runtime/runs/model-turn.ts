/**
 * One call of the model: which model, after which failures, how large, under which decision (spec HAR-6, HAR-7).
 */
import { sha256Hex } from '../../kernel/canonical-json.ts';
import type { Decision } from '../../kernel/events.ts';
import { backoffMs, MAX_RETRIES } from '../../kernel/retry.ts';
import type { Action } from './action.ts';
import { compact, type SummaryPrompt } from './compaction.ts';
import { assemble } from './context.ts';
import { end, halt, triedText } from './ending.ts';
import { factsOf, fitCall, limitReached, MAX_OUTPUT_TOKENS } from './limits.ts';
import { modelPlanOf, type Context } from './rules.ts';
import type { RunState } from './state.ts';
import { isHold, waitUntil } from './waiting.ts';

/** Why a run goes over to another model, or waits, without a failure of its own. */
export const CIRCUIT_OPEN = 'the circuit of its provider is open';

/** Calls of one turn that providers answered with a time to come again; then the run gives up, however patient. */
const MAX_HOLDS = 50;

/** Failures after which waiting would not help. */
const AT_ONCE: ReadonlySet<string> = new Set(['interrupted', 'aborted']);

export function callModel(context: Context): Action {
  const { state, nowMs, rules } = context;
  const afterFailure = retryOrFallBack(context);
  if (afterFailure !== null) return afterFailure;
  const retrying = state.model.turn > state.model.replied;
  const limit = limitReached(state, nowMs, retrying ? 'retry' : 'turn');
  if (limit !== null) return end(state, { status: 'limited', reason: limit });
  const prompt = assemble(state, rules, retrying ? state.model.turn : state.model.turn + 1);
  const compaction = compact(context, prompt);
  if (compaction !== null && 'record' in compaction) return compaction.record;
  return compaction === null ? ask(context, { ...prompt, summarises: 0, mostOutputTokens: MAX_OUTPUT_TOKENS }) : ask(context, compaction.summary);
}

/** The call itself, as large as window and limits let it be. */
function ask(context: Context, prompt: SummaryPrompt): Action {
  const { state, nowMs } = context;
  const { assembled, summarises, instructions, messages, tools } = prompt;
  const room = fitCall(state, nowMs, { facts: factsOf(state), inputTokens: assembled.tokens, mostOutputTokens: prompt.mostOutputTokens });
  if ('why' in room) return end(state, { status: 'limited', reason: room.why });
  const decision = decideModel(context);
  if (decision.answer !== 'allow') {
    return end(state, { status: 'failed', failure: 'denied', reason: `The model ${state.model.name} may not be used: ${decision.reason}.` });
  }
  const plan = modelPlanOf(state);
  return {
    do: 'call_model',
    assembled,
    intended: {
      type: 'model.intended',
      turn: assembled.turn,
      attempt: state.model.failures.length + 1,
      model: state.model.name,
      summarises,
      contextHash: assembled.hash,
      ...room,
      decision,
    },
    request: { instructions, messages, tools, outputSchema: summarises > 0 ? null : plan.outputSchema, temperature: plan.temperature },
  };
}

function decideModel({ state, rules }: Context): Decision {
  const { tier, model, fallbacks, confirm } = modelPlanOf(state);
  try {
    return rules.decide({
      action: 'model',
      name: state.model.name,
      sideEffect: 'read',
      tier,
      allowlist: [model, ...fallbacks],
      confirm,
      labels: state.labels,
      taints: [],
    });
  } catch (thrown) {
    // What cannot be decided is not done; the reason ends up in the run's.
    return { answer: 'deny', rules: ['error'], reason: `the policy failed: ${thrown instanceof Error ? thrown.message : String(thrown)}` };
  }
}

/** What the failures of this turn and open circuits ask for before the next call; null when it may be made now. */
function retryOrFallBack(context: Context): Action | null {
  const { state, nowMs, rules } = context;
  const last = state.model.failures.at(-1);
  const model = state.model.name;
  if (last !== undefined) {
    const { kind, message, retryable, notBeforeMs } = last.event;
    if (isHold(last)) {
      if (nowMs < (notBeforeMs ?? 0)) return leave(context, `it is not to be called before ${minute(notBeforeMs ?? 0)} UTC: ${message}`);
    } else {
      const retries = state.model.failures.filter((failure) => failure.event.kind !== 'aborted' && !isHold(failure)).length;
      if (!retryable || retries > MAX_RETRIES) return leave(context, `${kind}: ${message}`);
      const dueMs = AT_ONCE.has(kind) ? 0 : last.atMs + backoffMs(retries, jitter(state), Math.max(0, (notBeforeMs ?? 0) - last.atMs));
      const limited = kind === 'rate_limited' || kind === 'overloaded';
      if (nowMs < dueMs)
        return waitUntil(nowMs, { for: limited ? 'rate_limit' : 'time', untilMs: dueMs, reason: `tries ${model} again after: ${message}` });
    }
  }
  const openUntilMs = rules.openUntilMs(model);
  if (openUntilMs === null || openUntilMs <= nowMs) return null;
  return fallBack(context, CIRCUIT_OPEN) ?? waitUntil(nowMs, { for: 'time', untilMs: openUntilMs, reason: `${model}: ${CIRCUIT_OPEN}` });
}

/** Goes over to another model; where none may be called now, waits for the first that may be again; else gives up. */
function leave(context: Context, why: string): Action {
  return fallBack(context, why) ?? waitForHeld(context) ?? giveUp(context.state);
}

function fallBack({ state, nowMs }: Context, why: string): Action | null {
  const { model, fallbacks } = modelPlanOf(state);
  const { name, held, turn } = state.model;
  const chain = [model, ...fallbacks];
  const at = chain.indexOf(name);
  // back to one before it only where it was left for being held, and no longer is
  const to =
    chain.slice(at + 1).find((each) => (held[each] ?? 0) <= nowMs) ??
    chain.slice(0, Math.max(0, at)).find((each) => each !== name && (held[each] ?? Infinity) <= nowMs);
  return to === undefined ? null : { do: 'record', events: [{ type: 'model.fellback', turn, from: name, to, why }] };
}

/** Until the provider that named the earliest time may be called again (spec GTW-10); null when none did, or the agent is not to wait. */
function waitForHeld({ state, nowMs }: Context): Action | null {
  const { held, holds, name } = state.model;
  const { model, fallbacks, waitForProvider } = modelPlanOf(state);
  if (waitForProvider === false || holds > MAX_HOLDS) return null;
  const [first] = [model, ...fallbacks].filter((each) => (held[each] ?? 0) > nowMs).toSorted((a, b) => (held[a] ?? 0) - (held[b] ?? 0));
  if (first === undefined) return null;
  const untilMs = held[first] ?? 0;
  const others = fallbacks.length === 0 ? '' : ', and none of its fallbacks can be called';
  const said = state.model.failures.at(-1)?.event.message ?? '';
  const words = first === name && said !== '' ? `: ${said}` : '';
  return waitUntil(nowMs, { for: 'rate_limit', untilMs, reason: `${first} is not to be called before ${minute(untilMs)} UTC${others}${words}` });
}

function minute(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
}

function giveUp(state: RunState): Action {
  const last = state.model.failures.at(-1)?.event;
  const message = last?.message ?? 'it could not be called';
  if (last?.kind !== 'credential') {
    const unwaited = modelPlanOf(state).waitForProvider === false && Object.hasOwn(state.model.held, state.model.name);
    const why = unwaited ? `${message} The agent is not to wait for that (waitForProvider).` : message;
    return end(state, { status: 'failed', failure: 'model_error', reason: `The model ${state.model.name} failed: ${why}` });
  }
  const blocked = `The model ${state.model.name} has no valid credential: ${message}`;
  return halt(
    state,
    {
      blocked,
      tried: `Called ${state.model.name} ${state.model.failures.length} times. ${triedText(state, () => true)}`,
      need: `a credential for ${state.model.name}`,
    },
    'missing_credential',
  );
}

/** In [0, 1), the same for the same attempt, so that replay waits as long. */
function jitter(state: RunState): number {
  return Number.parseInt(sha256Hex(`${state.run} ${state.model.turn} ${state.model.failures.length}`).slice(0, 8), 16) / 2 ** 32;
}
