/**
 * Carries out one model call: intent committed before it, since it spends; its reply or failure after it. Whether to repeat,
 * fall back or give up is the pure core's.
 */
import type { EventOf } from '../../kernel/events.ts';
import { NO_USAGE, type Message, type ToolResultPart, type Usage } from '../../kernel/messages.ts';
import type { ReplyOwner } from '../models/kept-replies.ts';
import type { ModelOutcome, ModelRequest } from '../models/model.ts';
import { costMicroUsd } from '../../platform/budgets/cost.ts';
import type { Action } from './action.ts';
import type { DriveDeps } from './drive-deps.ts';
import { DRIVE_LIMITS } from './drive-limits.ts';
import { mayAct, write, type HeldRun } from './held-run.ts';
import { cutOff, interruptibly } from './interrupts.ts';
import { reservedUsage } from './limits.ts';
import { startPreview } from './preview.ts';
import { exhausted, lowered } from './spend.ts';
import { activeMs } from './state.ts';

type CallModel = Extract<Action, { do: 'call_model' }>;
type Intended = EventOf<'model.intended'>;

export async function callModel(deps: DriveDeps, held: HeldRun, action: CallModel): Promise<void> {
  const request = requestOf(held, action);
  if (await answeredByKept(deps, held, { action, request })) return;
  const intended = await intend(deps, held, action);
  if (intended === null) return;
  if (!mayAct(deps.clock, held)) {
    held.over = { why: 'lost' };
    return;
  }
  const beganMs = deps.clock.nowMs();
  const preview = startPreview(deps, held.row, intended.turn);
  const outcome = await interruptibly(deps, held, (signal) =>
    deps.models.call(
      { ...request, maxOutputTokens: intended.maxOutputTokens },
      { signal, timeoutMs: timeLeftMs(deps, held), onDelta: (text) => preview.add(text) },
    ),
  );
  await preview.end();
  if (!outcome.ok && cutOff(deps, held)) return;
  await write(deps, held, [outcomeEvent(deps, held, { intended, outcome, ms: Math.max(0, deps.clock.nowMs() - beganMs) })]);
  await tellWarnings(deps, held);
  const seconds = cacheSecondsOf(held);
  if (outcome.ok && seconds !== null) await deps.replies?.keep(ownerOf(held), request, { seconds, reply: outcome.reply });
}

function requestOf(held: HeldRun, action: CallModel): ModelRequest {
  const { model, maxOutputTokens, turn } = action.intended;
  return { ...action.request, messages: messagesFor(held, model, action), model, maxOutputTokens, turn };
}

function cacheSecondsOf({ state }: HeldRun): number | null {
  const plan = state.queued?.plan;
  return plan?.kind === 'model' ? (plan.cacheSeconds ?? null) : null;
}

function ownerOf({ row }: HeldRun): ReplyOwner {
  return { org: row.org, project: row.project, agent: row.agent };
}

/** Writes the reply to the very same request before, where the agent asks for it and there is one (spec GTW-4): it costs nothing. */
async function answeredByKept(deps: DriveDeps, held: HeldRun, asked: { action: CallModel; request: ModelRequest }): Promise<boolean> {
  const { action, request } = asked;
  if (cacheSecondsOf(held) === null || deps.replies === undefined) return false;
  const kept = await deps.replies.find(ownerOf(held), request);
  if (kept === null) return false;
  // journaled as a call that can use next to nothing, so that budgets in calls count it and a crash in between costs nothing
  const nothing = { maxOutputTokens: 1, reservation: { tokens: 1, microUsd: 0 } };
  const intended = await intend(deps, held, { ...action, intended: { ...action.intended, ...nothing } });
  if (intended === null) return true;
  const { turn, model } = intended;
  await write(deps, held, [{ type: 'model.replied', turn, model, ...kept, usage: NO_USAGE, costMicroUsd: 0, rehearsed: false, kept: true, ms: 0 }]);
  await tellWarnings(deps, held);
  return true;
}

/** Journals the intent, with a lower output limit where budgets leave less; null when it may not be made, and the journal says why. */
async function intend(deps: DriveDeps, held: HeldRun, { intended: wanted, assembled }: CallModel): Promise<Intended | null> {
  let intended: Intended | null = wanted;
  for (let fit = 1; ; fit += 1) {
    if (await write(deps, held, [assembled, intended])) return intended;
    const { refused } = held;
    if (refused === null) return null;
    held.refused = null;
    const lower: Intended | null = fit < DRIVE_LIMITS.budgetFits ? lowered(held.state, intended, refused) : null;
    if (lower === null) {
      await write(deps, held, [exhausted(deps.clock.nowMs(), refused, held.state)]);
      return null;
    }
    intended = lower;
  }
}

/** Once for each budget and period: whoever crossed the line says so. */
async function tellWarnings(deps: DriveDeps, held: HeldRun): Promise<void> {
  if (held.warned.length === 0) return;
  const events = held.warned.map((warning): EventOf<'budget.warned'> => ({ type: 'budget.warned', ...warning }));
  held.warned = [];
  await write(deps, held, events);
}

/** A rehearsal works on the data of the tools' results; a provider is sent their text alone (spec GTW-7). */
function messagesFor(held: HeldRun, model: string, { request }: CallModel): readonly Message[] {
  if (held.state.models[model]?.rehearsed !== true) return request.messages;
  const data = new Map(held.state.results.map(({ callId, structured }) => [callId, structured]));
  return request.messages.map((message) =>
    message.role === 'tool' ? { ...message, content: message.content.map((part) => withData(part, data.get(part.callId))) } : message,
  );
}

function withData(part: ToolResultPart, structured: ToolResultPart['structured']): ToolResultPart {
  return structured === undefined ? part : { ...part, structured };
}

type Happened = { intended: Intended; outcome: ModelOutcome; ms: number };

function outcomeEvent(deps: DriveDeps, held: HeldRun, { intended, outcome, ms }: Happened): EventOf<'model.replied' | 'model.failed'> {
  const { turn, attempt, model, reservation, maxOutputTokens } = intended;
  const costOf = (usage: Usage): number | null => costAt(held, model, usage);
  if (outcome.ok) {
    const { content, finish, usage, rehearsed } = outcome.reply;
    return { type: 'model.replied', turn, model, content, finish, usage, costMicroUsd: rehearsed ? 0 : costOf(usage), rehearsed, ms };
  }
  const { failure } = outcome;
  // what may have been worked on and nobody said how much counts as spent
  const usage = failure.usage ?? reservedUsage(reservation, maxOutputTokens);
  return {
    type: 'model.failed',
    turn,
    attempt,
    model,
    kind: failure.kind,
    message: failure.message,
    // stopped by a person's word: what that word was decides, not this
    retryable: failure.retryable || failure.kind === 'aborted',
    notBeforeMs: failure.retryAfterMs === null ? null : deps.clock.nowMs() + failure.retryAfterMs,
    usage,
    costMicroUsd: costOf(usage),
  };
}

/** Null where no price is known; a rehearsal costs nothing; nothing used costs nothing, whatever the price. */
function costAt(held: HeldRun, model: string, usage: Usage): number | null {
  const facts = held.state.models[model];
  if (facts?.rehearsed === true || usage.inputTokens + usage.outputTokens === 0) return 0;
  return facts === undefined || facts.price === null ? null : costMicroUsd(usage, facts.price);
}

/** The run's own limits bound a hanging provider (benchmark R5). */
function timeLeftMs(deps: DriveDeps, held: HeldRun): number {
  const nowMs = deps.clock.nowMs();
  const { queued } = held.state;
  if (queued === null) return DRIVE_LIMITS.modelTimeoutMs;
  const active = queued.plan.limits.activeMs - activeMs(held.state, nowMs);
  const deadline = queued.deadlineMs === null ? Infinity : queued.deadlineMs - nowMs;
  return Math.max(1, Math.min(DRIVE_LIMITS.modelTimeoutMs, active, deadline));
}
