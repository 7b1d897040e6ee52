/**
 * What a budget is (spec BUD-2, BUD-8, BUD-9): where it holds, what it counts, for how long. Pure; how it is kept is the ledger's.
 */
import { z } from 'zod';

/** In the order in which their rows are locked. A run's is its whole tree's: children count to the topmost run. */
export const BudgetScope = z.enum(['org', 'project', 'agent', 'key', 'run']);
export type BudgetScope = z.infer<typeof BudgetScope>;

/** Tokens are all but cached input (spec HAR-2), money is micro-USD. */
export const BudgetUnit = z.enum(['micro_usd', 'tokens', 'calls', 'runs']);
export type BudgetUnit = z.infer<typeof BudgetUnit>;

/**
 * `run`: each tree of runs for itself. `five_hours` begins with the first call after the one before it ended, as
 * subscriptions count. `day` is a day of UTC, `week` begins on Monday, `month` on the 1st, all at 00:00 UTC. `total` never ends.
 */
export const BudgetPeriod = z.enum(['run', 'five_hours', 'day', 'week', 'month', 'total']);
export type BudgetPeriod = z.infer<typeof BudgetPeriod>;

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
