/** Account status in one call (spec BUD-5): what was spent by whom, what is left, where it goes, what costs most. */
import { z } from 'zod';
import { operation } from '../../kernel/operation.ts';
import { Count } from '../../kernel/page.ts';
import { BudgetView } from '../../platform/budgets/contract.ts';

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
};
