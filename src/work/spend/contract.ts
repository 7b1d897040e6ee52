/** Account status in one call (spec BUD-5): what was spent by whom, what is left, where it goes, what costs most. */
import { z } from 'zod';
import { operation } from '../../kernel/operation.ts';
import { Count } from '../../kernel/page.ts';
import { BudgetView, NearEnds } from '../../platform/budgets/contract.ts';

/** Of each list at most so many are shown; its total says of how many. */
export const SPEND_SHOWN = 20;

export const Figures = z.object({
  /** What is known to have been spent; a lower bound when `unpricedCalls` is not zero. Rehearsed calls cost nothing. */
  microUsd: z.int(),
  calls: z.int(),
  rehearsedCalls: z.int(),
  failedCalls: z.int(),
  /** Calls whose usage nobody said: counted at what they had reserved. */
  estimatedCalls: z.int(),
  /** Calls of models without a known price: in tokens only. */
  unpricedCalls: z.int(),
  inputTokens: z.int(),
  cachedInputTokens: z.int(),
  outputTokens: z.int(),
});
export type Figures = z.infer<typeof Figures>;

const Share = z.object({
  /** Null for what belongs to none: a call of the gateway without an agent, say. */
  id: z.string().nullable(),
  name: z.string(),
  today: Figures,
  month: Figures,
});
export type Share = z.infer<typeof Share>;

/** Dearest first. */
const Shares = z.object({ items: z.array(Share), shown: z.int(), total: Count });

export const AccountView = z.object({
  nowMs: z.int(),
  /** Midnight and the 1st, both UTC. */
  todaySinceMs: z.int(),
  monthSinceMs: z.int(),
  today: Figures,
  month: Figures,
  agents: Shares,
  projects: Shares,
  keys: Shares,
  models: Shares,
  actors: Shares,
  budgets: z.object({ items: z.array(BudgetView), shown: z.int(), total: Count }),
  nearEnd: NearEnds,
  /** What costs the same every month whatever is called, as the operator entered it; not part of what is metered. */
  fixed: z.object({
    items: z.array(z.object({ name: z.string(), monthMicroUsd: z.int(), endsAtMs: z.int().nullable() })),
    monthMicroUsd: z.int(),
  }),
  forecast: z.object({
    /** What the month comes to at this pace; null when it is too young to tell. */
    monthMicroUsd: z.int().nullable(),
    endsAtMs: z.int(),
    how: z.string(),
    /** Budgets that run out before they reset, at the pace of their period. */
    runsOut: z.array(z.object({ budget: z.string(), atMs: z.int() })),
  }),
  topRuns: z.object({
    items: z.array(z.object({ id: z.string(), agent: z.string(), status: z.string(), microUsd: z.int(), known: z.boolean(), createdAtMs: z.int() })),
    shown: z.int(),
    /** Runs begun this month. */
    total: Count,
  }),
  runsWaiting: Count,
  openRequests: Count,
});
export type AccountView = z.infer<typeof AccountView>;

export const SPEND_DAYS_MAX = 92;
/** Of `by`, so many are shown by themselves; the others are one row. */
export const SPEND_PARTS_SHOWN = 12;

export const DayPart = z.object({
  /** A lower bound when `unpricedCalls` is not zero. */
  microUsd: z.int(),
  /** Rehearsed ones are not among them. */
  calls: z.int(),
  unpricedCalls: z.int(),
  /** All input and output. */
  tokens: z.int(),
});
export type DayPart = z.infer<typeof DayPart>;

export const SpendBy = z.enum(['agent', 'model', 'project', 'key', 'actor']);
export type SpendBy = z.infer<typeof SpendBy>;

export const SpendDays = z.object({
  nowMs: z.int(),
  by: SpendBy,
  /** Every day of UTC, the oldest first, also those without a call; the last one is today and not over. */
  days: z.array(Figures.extend({ day: z.iso.date(), sinceMs: z.int() })),
  sum: Figures,
  /** Dearest first; `days` of each are in step with `days` above. */
  parts: z.object({
    items: z.array(z.object({ id: z.string().nullable(), name: z.string(), sum: Figures, days: z.array(DayPart) })),
    shown: z.int(),
    total: Count,
    /** What is not among the items, in one. */
    rest: z.array(DayPart),
  }),
});
export type SpendDays = z.infer<typeof SpendDays>;

export const spendOperations = {
  read: operation({
    name: 'spend.read',
    permission: 'status.read',
    method: 'GET',
    path: '/spend',
    summary: 'Shows spend today and this month by agent, project, key, model and person, budgets with what is left, a forecast and the dearest runs.',
    input: z.object({}),
    output: AccountView,
  }),
  days: operation({
    name: 'spend.days',
    permission: 'status.read',
    method: 'GET',
    path: '/spend/days',
    summary: 'Shows spend by day of UTC, in all and by agent, model, project, key or person.',
    input: z.object({
      days: z.coerce.number().int().min(1).max(SPEND_DAYS_MAX).default(30).meta({ description: 'How many, today with them.' }),
      by: SpendBy.default('agent'),
    }),
    output: SpendDays,
  }),
};
