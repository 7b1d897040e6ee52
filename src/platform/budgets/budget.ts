/**
 * What a budget is (spec BUD-2, BUD-8, BUD-9): where it holds, what it counts, for how long. Pure; how it is kept is the ledger's.
 */
import { amountText } from '../../kernel/amount.ts';
import type { BudgetPeriod, BudgetScope, BudgetUnit, BudgetView } from './contract.ts';

/** Why a call may not be made. Amounts are in the budget's unit. */
export type BudgetRefusal = {
  budget: string;
  scope: BudgetScope;
  unit: BudgetUnit;
  period: BudgetPeriod;
  /** With what was granted on top. */
  limit: number;
  spent: number;
  reserved: number;
  left: number;
  /** When the period ends; null when it never does. */
  resetsAtMs: number | null;
  /** It would fit once calls under way have settled: worth asking again after this long. Null when it would not. */
  retryAfterMs: number | null;
  /** `unpriced`: a budget in money holds, the model has no known price, and no budget in tokens or calls stands behind it. */
  why: 'exhausted' | 'unpriced';
  /** For people: what is left, when it resets, how to ask for more. */
  message: string;
};

const SCOPE_WORDS = {
  org: 'the organization',
  project: 'the project',
  agent: 'the agent',
  key: 'the key',
  run: 'the run',
} as const satisfies Record<BudgetScope, string>;
const PERIOD_WORDS = {
  run: 'for each run',
  five_hours: 'in 5 hours',
  day: 'a day',
  week: 'a week',
  month: 'a month',
  total: 'in total',
} as const satisfies Record<BudgetPeriod, string>;

/** `5.00 USD a day of the organization`. */
export function budgetText({ scope, unit, period, limit }: Pick<BudgetRefusal, 'scope' | 'unit' | 'period' | 'limit'>): string {
  return `${amountText(unit, limit)} ${PERIOD_WORDS[period]} of ${SCOPE_WORDS[scope]}`;
}

/** Why, what is left, when it resets, what to do. `tried`: the budget is the plan's, which nobody of the organization can raise. */
export function refusalText(refusal: Omit<BudgetRefusal, 'message'>, tried: boolean): string {
  const { unit, spent, reserved, left, resetsAtMs, budget } = refusal;
  const resets = resetsAtMs === null ? 'It does not reset by itself.' : `It resets at ${minute(resetsAtMs)} UTC.`;
  if (refusal.why === 'unpriced') {
    return `The price of the model is not known, and the budget of ${budgetText(refusal)} (${budget}) caps money, so the call is refused rather than guessed. Give the model a price in windlass.yaml, or set a budget in tokens beside it.`;
  }
  const state = `${amountText(unit, spent)} spent, ${amountText(unit, reserved)} reserved by calls under way, ${amountText(unit, left)} left`;
  const what =
    refusal.retryAfterMs === null
      ? `The budget of ${budgetText(refusal)} does not cover this: ${state}.`
      : `The budget of ${budgetText(refusal)} is held by calls under way: ${state}. Try again when they are over.`;
  const more = tried ? 'To have more, use a key of your own (plan builder).' : `Ask for more: windlass budget request ${budget}`;
  return `${what} ${resets} ${more}`;
}

/** Of a budget that is used up, or of which 80% is spent (spec BUD-3). */
export function nearEndText(budget: BudgetView): string {
  const { unit, limit, granted, spent, reserved, left, resetsAtMs, state, scope, name } = budget;
  const of = scope === 'org' || name === '' ? '' : ` ${name}`;
  const what = `${budgetText({ ...budget, limit: limit + granted })}${of}`;
  const held = reserved === 0 ? '' : `, ${amountText(unit, reserved)} reserved by calls under way`;
  const resets = resetsAtMs === null ? 'it does not reset by itself' : `it resets at ${minute(resetsAtMs)} UTC`;
  const head = state === 'exhausted' ? `The budget of ${what} is used up` : `At least 80% of the budget of ${what} is spent`;
  return `${head}: ${amountText(unit, spent)} spent${held}, ${amountText(unit, left)} left; ${resets}.`;
}

function minute(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
}
