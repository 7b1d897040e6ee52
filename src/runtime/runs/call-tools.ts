/**
 * Carries out tool calls: reads of a turn side by side, a write alone, an effect of an earlier lease once more or by its probe.
 * A write's intent is durable before it begins and its outcome after it; what may have happened stays open for the pure core,
 * which knows how to recover it (spec RUN-4).
 */
import type { EventOf, RunEvent } from '../../kernel/events.ts';
import { joinLabels } from '../../kernel/labels.ts';
import type { ToolContext, ToolOutcome } from '../tools/tool.ts';
import type { Action, OpenEffect, PlannedCall } from './action.ts';
import type { DriveDeps } from './drive-deps.ts';
import { DRIVE_LIMITS } from './drive-limits.ts';
import { mayAct, write, type HeldRun } from './held-run.ts';
import { cutOff, interruptibly } from './interrupts.ts';

type Intent = OpenEffect['intent'];

export async function callTools(deps: DriveDeps, held: HeldRun, action: Extract<Action, { do: 'call_tools' }>): Promise<void> {
  const intents = action.calls.map((call) => intend(deps, call));
  if (action.calls.every((call) => call.tool.sideEffect === 'read')) return carryOutReads(deps, held, intents);
  for (const intent of intents) {
    if (held.over === null) await carryOutWrite(deps, held, intent);
  }
}

export async function recover(deps: DriveDeps, held: HeldRun, { intent, how }: OpenEffect): Promise<void> {
  if (how === 'probe' && !(await isUndone(deps, held, intent))) return;
  const renewed = { ...intent, deadlineMs: deps.clock.nowMs() + timeoutMs(held, intent) };
  await (intent.sideEffect === 'read' ? carryOutReads(deps, held, [renewed]) : carryOutWrite(deps, held, renewed));
}

function intend(deps: DriveDeps, call: PlannedCall): Intent {
  return { ...call.intent, deadlineMs: deps.clock.nowMs() + call.tool.timeoutMs };
}

/** Intents and outcomes share a commit when all is over quickly; otherwise the intents can be watched meanwhile. */
async function carryOutReads(deps: DriveDeps, held: HeldRun, intents: readonly Intent[]): Promise<void> {
  const over = new AbortController();
  const reading = interruptibly(deps, held, (signal) => sideBySide(intents, (intent) => carryOut(deps, held, { intent, signal })));
  const done = reading.then(() => over.abort());
  await deps.clock.sleep(DRIVE_LIMITS.readIntentAfterMs, over.signal);
  const slow = !over.signal.aborted;
  if (slow) await write(deps, held, intents);
  const outcomes = await reading;
  await done;
  // a read cut off by this worker's own end is simply read again by the next
  if (outcomes.some(({ outcome }) => !outcome.ok) && cutOff(deps, held)) return;
  await write(deps, held, [...(slow ? [] : intents), ...outcomes.map((one) => outcomeEvent(deps, held, one))]);
}

async function carryOutWrite(deps: DriveDeps, held: HeldRun, intent: Intent): Promise<void> {
  if (!(await write(deps, held, [intent]))) return;
  if (!mayAct(deps.clock, held)) {
    held.over = { why: 'lost' };
    return;
  }
  const outcome = await interruptibly(deps, held, (signal) => carryOut(deps, held, { intent, signal }));
  if (!outcome.outcome.ok && (outcome.outcome.mayHaveHappened === true || cutOff(deps, held))) return;
  await write(deps, held, [outcomeEvent(deps, held, outcome)]);
}

/** True when the probe is sure that the effect is not there; anything else is journalled. */
async function isUndone(deps: DriveDeps, held: HeldRun, intent: Intent): Promise<boolean> {
  const tool = held.tools.get(intent.tool);
  const beganMs = deps.clock.nowMs();
  const found = await interruptibly(deps, held, async (signal) => {
    if (tool?.probe === undefined) return { found: 'unknown' as const, why: `${intent.tool} cannot be asked about it now.` };
    try {
      return await tool.probe(intent.args, contextOf(held, { intent, signal, deadlineMs: beganMs + tool.spec.timeoutMs }));
    } catch (cause) {
      deps.log('warn', 'A probe failed.', { run: held.row.id, tool: intent.tool, cause });
      return { found: 'unknown' as const, why: `Looking whether it happened failed: ${cause instanceof Error ? cause.message : String(cause)}` };
    }
  });
  if (found.found === false) return true;
  const { callId, tool: name } = intent;
  const event: RunEvent =
    found.found === 'unknown'
      ? { type: 'tool.outcome_unknown', callId, tool: name, why: found.why }
      : {
          type: 'tool.done',
          callId,
          tool: name,
          text: found.text,
          labels: joinLabels(tool?.spec.taints ?? []),
          evidence: null,
          known: 'probe',
          ms: Math.max(0, deps.clock.nowMs() - beganMs),
        };
  await write(deps, held, [event]);
  return false;
}

type Happened = { intent: Intent; outcome: ToolOutcome; ms: number };

async function carryOut(deps: DriveDeps, held: HeldRun, { intent, signal }: { intent: Intent; signal: AbortSignal }): Promise<Happened> {
  const beganMs = deps.clock.nowMs();
  const outcome = await answer(deps, held, { intent, signal });
  return { intent, outcome, ms: Math.max(0, deps.clock.nowMs() - beganMs) };
}

async function answer(deps: DriveDeps, held: HeldRun, { intent, signal }: { intent: Intent; signal: AbortSignal }): Promise<ToolOutcome> {
  const tool = held.tools.get(intent.tool);
  if (tool === undefined)
    return { ok: false, class: 'tool_error', message: `${intent.tool} cannot be called now: its server does not offer it. Try another way.` };
  try {
    return await tool.call(intent.args, contextOf(held, { intent, signal, deadlineMs: intent.deadlineMs }));
  } catch (cause) {
    deps.log('error', 'A tool failed by a fault of ours.', { run: held.row.id, tool: intent.tool, cause });
    const fault = { ok: false, class: 'internal', message: `${intent.tool} failed by a fault of its own. Try another way.` } as const;
    return intent.sideEffect === 'read' ? fault : { ...fault, mayHaveHappened: true };
  }
}

function contextOf(held: HeldRun, call: { intent: Intent; signal: AbortSignal; deadlineMs: number }): ToolContext {
  const { row, surroundings } = held;
  const { callId, key } = call.intent;
  return {
    org: row.org,
    project: row.project,
    run: row.id,
    agent: row.agentName,
    callId,
    key,
    signal: call.signal,
    deadlineMs: call.deadlineMs,
    ...surroundings,
  };
}

function outcomeEvent(deps: DriveDeps, held: HeldRun, { intent, outcome, ms }: Happened): RunEvent {
  const { callId, tool } = intent;
  const labels = joinLabels(held.state.tools.find((entry) => entry.name === tool)?.taints ?? [], outcome.ok ? (outcome.labels ?? []) : []);
  if (!outcome.ok) return { type: 'tool.failed', callId, tool, class: outcome.class, message: outcome.message, labels, ms };
  const { text, structured, evidence } = outcome;
  return {
    type: 'tool.done',
    callId,
    tool,
    text,
    ...(structured === undefined ? {} : { structured: structured as EventOf<'tool.done'>['structured'] }),
    labels,
    evidence: evidence === undefined ? null : { ...evidence, callId, atMs: deps.clock.nowMs() },
    known: 'effect',
    ms,
  };
}

function timeoutMs(held: HeldRun, intent: Intent): number {
  return held.state.tools.find((entry) => entry.name === intent.tool)?.timeoutMs ?? DRIVE_LIMITS.toolTimeoutMs;
}

/** Maps with at most `parallelReads` at once, answers in the order of the items. */
async function sideBySide<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  const lane = async (): Promise<void> => {
    for (const [index, item] of queue) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(items.length, DRIVE_LIMITS.parallelReads) }, lane));
  return results;
}
