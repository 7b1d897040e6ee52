/**
 * What a run's entries do to budgets (spec BUD-1, BUD-2): derived from the entries themselves, so that none can be written without it, and
 * carried out in their commit. Not the run's own limits: those are limits.ts.
 */
import { sha256Hex } from '../../kernel/canonical-json.ts';
import type { EventOf, RunEvent } from '../../kernel/events.ts';
import { storedId } from '../../kernel/ids.ts';
import { lowerOutput, type Room, type SpendOp } from '../../platform/budgets/spend.ts';
import { worstCaseMicroUsd } from '../../platform/budgets/cost.ts';
import type { BudgetRefusal } from '../../platform/budgets/budget.ts';
import { reservedUsage } from './limits.ts';
import type { RunState } from './state.ts';
import type { RunRow } from './store-port.ts';

export type Refused = { refusal: BudgetRefusal; room: Room };

/** The one thing that these entries, written together, do to budgets; null for none. */
export function spendOf(row: RunRow, state: RunState, events: readonly RunEvent[]): SpendOp | null {
  const place: SpendOp['place'] = {
    org: row.org,
    project: row.project,
    agent: row.agent,
    key: state.queued?.by.keyId === undefined ? null : storedId('key', state.queued.by.keyId),
    actor: row.actor,
    root: row.root,
    child: row.parent !== null,
  };
  const base = { id: row.id, place };
  for (const event of events) {
    switch (event.type) {
      case 'run.started':
        // what may not begin yet is not counted yet
        return events.some(({ type }) => type === 'budget.exhausted') ? null : { ...base, kind: 'start' };
      case 'run.resumed':
        return state.uncounted ? { ...base, kind: 'start' } : null;
      case 'model.intended':
        return { ...base, kind: 'reserve', ...reserved(state, event) };
      case 'model.replied':
      case 'model.failed':
        return { ...base, ...settled(state, event) };
      case 'run.ended':
        return state.model.open === null ? null : { ...base, ...abandoned(state, state.model.open) };
      default:
    }
  }
  return null;
}

function isRehearsed(state: RunState, model: string): boolean {
  return state.models[model]?.rehearsed === true;
}

function reserved(state: RunState, event: EventOf<'model.intended'>): { model: string; rehearsed: boolean; tokens: number; microUsd: number | null } {
  const rehearsed = isRehearsed(state, event.model);
  const { reservation, maxOutputTokens } = event;
  return {
    model: event.model,
    rehearsed,
    tokens: reservation?.tokens ?? maxOutputTokens,
    microUsd: rehearsed ? 0 : (reservation?.microUsd ?? null),
  };
}

type Settled = Omit<Extract<SpendOp, { kind: 'settle' }>, 'id' | 'place' | 'kind'> & { kind: 'settle' | 'lapse' };

function settled(state: RunState, event: EventOf<'model.replied' | 'model.failed'>): Settled {
  const { usage, costMicroUsd: microUsd, model } = event;
  const failed = event.type === 'model.failed';
  return {
    kind: failed && event.kind === 'interrupted' ? 'lapse' : 'settle',
    model,
    rehearsed: isRehearsed(state, model),
    usage,
    microUsd,
    failed,
    // what certainly used nothing was refused before any work
    counts: !failed || usage.inputTokens + usage.outputTokens > 0,
    atMs: state.model.open?.atMs ?? state.atMs,
  };
}

/** A call that the run's end leaves without an outcome. */
function abandoned(state: RunState, { event, atMs }: NonNullable<RunState['model']['open']>): Settled {
  const { microUsd, model, rehearsed } = reserved(state, event);
  const usage = reservedUsage(event.reservation, event.maxOutputTokens);
  return { kind: 'lapse', model, rehearsed, usage, microUsd, failed: true, counts: true, atMs };
}

/**
 * The same call with a lower output limit that fits into what a budget leaves; null when there is none. While calls under way hold the rest
 * it is better to wait for them than to be cut short.
 */
export function lowered(state: RunState, intended: EventOf<'model.intended'>, refused: Refused): EventOf<'model.intended'> | null {
  const { maxOutputTokens, reservation } = intended;
  if (reservation === null || refused.refusal.retryAfterMs !== null) return null;
  const price = state.models[intended.model]?.price ?? null;
  const inputTokens = reservation.tokens - maxOutputTokens;
  const lower = lowerOutput({ inputTokens, maxOutputTokens, price }, refused);
  if (lower === null) return null;
  return {
    ...intended,
    maxOutputTokens: lower,
    reservation: { tokens: inputTokens + lower, microUsd: worstCaseMicroUsd(price, inputTokens, lower) },
  };
}

/** The longest that a run waits before it looks again whether calls under way left room. */
const LONGEST_RETRY_MS = 60_000;

/** What the journal says of a refusal. Runs that wait for one another's calls come back later each time, and not all at once. */
export function exhausted(nowMs: number, { refusal }: Refused, { run, seq, refusals }: RunState): EventOf<'budget.exhausted'> {
  const { budget, unit, message, retryAfterMs, why } = refusal;
  const spread = Number.parseInt(sha256Hex(`${run} ${seq}`).slice(0, 8), 16) / 2 ** 32;
  const againMs = retryAfterMs === null ? null : Math.min(LONGEST_RETRY_MS, retryAfterMs * 2 ** Math.min(refusals, 10)) * (1 + spread);
  // no period's end brings a price: somebody has to give one, or a budget in tokens
  const resetsAtMs = againMs === null ? (why === 'unpriced' ? null : refusal.resetsAtMs) : nowMs + Math.floor(againMs);
  return { type: 'budget.exhausted', budget, unit, resetsAtMs, message };
}
