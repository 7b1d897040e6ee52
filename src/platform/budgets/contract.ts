/** What surfaces can ask of budgets: see, set, change, ask for more, grant (spec BUD-2, BUD-4, BUD-8, BUD-9). */
import { z } from 'zod';
import { operation } from '../../kernel/operation.ts';
import { Count, PageInput, pageOf } from '../../kernel/page.ts';
import { storableText } from '../../kernel/text.ts';

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

const Id = z.string().max(60);
/** A thousand million USD; the same for what is counted. */
const Amount = z.int().positive().max(1_000_000_000_000_000).meta({ description: 'In the unit of the budget: micro-USD, tokens, calls or runs.' });
const Limit = Amount.or(z.literal(0)).meta({ description: 'Most of the unit in a period; money is in micro-USD. 0 allows nothing.' });
const Reason = storableText(1_000).default('').meta({ description: 'Why, for who decides and for the record.' });

export const BudgetView = z.object({
  id: z.string(),
  scope: BudgetScope,
  subject: z.string(),
  /** Of the subject: a project's code, an agent's or key's name. */
  name: z.string(),
  unit: BudgetUnit,
  period: BudgetPeriod,
  /** Its own limit, and what is granted on top of it now. */
  limit: z.int(),
  granted: z.int(),
  spent: z.int(),
  /** Held by calls under way; what they do not use is given back. */
  reserved: z.int(),
  left: z.int(),
  state: z.enum(['open', 'warned', 'exhausted']),
  sinceMs: z.int().nullable(),
  /** Null: it does not reset, or its five hours have not begun. */
  resetsAtMs: z.int().nullable(),
  /** Set by the operator's plan; the organization cannot change it. */
  plan: z.literal('try').nullable(),
  createdAtMs: z.int(),
});
export type BudgetView = z.infer<typeof BudgetView>;

/** 80% of it is spent, or it is used up (spec BUD-3). It stops being so when it resets, is granted more or its limit is raised. */
export const NearEnd = BudgetView.extend({ text: z.string().meta({ description: 'For people: how much is spent, what is left, when it resets.' }) });
export type NearEnd = z.infer<typeof NearEnd>;
/** Used up first. */
export const NearEnds = z.object({ items: z.array(NearEnd), shown: z.int(), total: Count });
export type NearEnds = z.infer<typeof NearEnds>;

const By = z.object({ actor: z.string(), name: z.string() });

export const GrantView = z.object({
  id: z.string(),
  budget: z.string(),
  amount: z.int(),
  reason: z.string(),
  /** The request that it answers. */
  request: z.string().nullable(),
  by: By,
  atMs: z.int(),
  untilMs: z.int(),
  active: z.boolean(),
});
export type GrantView = z.infer<typeof GrantView>;

export const RequestView = z.object({
  id: z.string(),
  budget: z.string(),
  amount: z.int(),
  reason: z.string(),
  by: By,
  atMs: z.int(),
  state: z.enum(['open', 'granted', 'refused']),
  answeredBy: z.string().nullable(),
  answeredAtMs: z.int().nullable(),
  answer: z.string(),
});
export type RequestView = z.infer<typeof RequestView>;

export const PlanView = z.object({
  /** `try`: the operator's key within a daily budget of tokens. `builder`: keys and limits of one's own. */
  plan: z.enum(['try', 'builder']),
  tokensPerDay: z.int().nullable(),
  leftTokens: z.int().nullable(),
  resetsAtMs: z.int().nullable(),
  /** Providers whose key is there. */
  providers: z.array(z.string()),
  message: z.string(),
});

const NAMED =
  'Whom it holds for: a project by code or id, an agent by name or id, a key by id, a run by id (its whole tree). Left out for the organization.';

export const budgetOperations = {
  list: operation({
    name: 'budgets.list',
    permission: 'status.read',
    method: 'GET',
    path: '/budgets',
    summary: 'Lists budgets with what is spent, reserved and left of each, and when it resets.',
    input: PageInput.omit({ cursor: true }).extend({ scope: BudgetScope.optional() }),
    output: pageOf(BudgetView).extend({ nearEnd: NearEnds.meta({ description: 'Of all budgets, whatever was asked for.' }) }),
  }),
  get: operation({
    name: 'budgets.get',
    permission: 'status.read',
    method: 'GET',
    path: '/budgets/{id}',
    summary: 'Shows a budget with who asked for more, who granted what and until when.',
    input: z.object({ id: Id }),
    output: BudgetView.extend({ grants: z.array(GrantView), requests: z.array(RequestView) }),
  }),
  set: operation({
    name: 'budgets.set',
    permission: 'budgets.raise',
    method: 'PUT',
    path: '/budgets',
    summary: 'Sets the budget of a subject in a unit and period: makes it, or changes its limit.',
    input: z.object({
      scope: BudgetScope,
      subject: storableText(200).optional().meta({ description: NAMED }),
      unit: BudgetUnit,
      period: BudgetPeriod,
      limit: Limit,
    }),
    output: BudgetView,
  }),
  change: operation({
    name: 'budgets.change',
    permission: 'budgets.raise',
    method: 'PUT',
    path: '/budgets/{id}',
    summary: 'Changes the limit of a budget; runs that wait for it look again.',
    input: z.object({ id: Id, limit: Limit }),
    output: BudgetView,
  }),
  remove: operation({
    name: 'budgets.remove',
    permission: 'budgets.raise',
    method: 'DELETE',
    path: '/budgets/{id}',
    summary: 'Removes a budget: nothing is capped by it any more.',
    input: z.object({ id: Id }),
    output: BudgetView,
    effect: 'destructive',
  }),
  request: operation({
    name: 'budgets.request',
    permission: 'runs.create',
    method: 'POST',
    path: '/budgets/{id}/requests',
    summary: 'Asks for more of a budget; who may raise budgets sees it and answers.',
    input: z.object({ id: Id, amount: Amount, reason: Reason }),
    output: RequestView,
    status: 201,
  }),
  requests: operation({
    name: 'budgets.requests',
    permission: 'status.read',
    method: 'GET',
    path: '/budget-requests',
    summary: 'Lists who asked for more, the newest first.',
    input: PageInput.omit({ cursor: true }).extend({ state: z.enum(['open', 'granted', 'refused']).optional() }),
    output: pageOf(RequestView),
  }),
  grant: operation({
    name: 'budgets.grant',
    permission: 'budgets.raise',
    method: 'POST',
    path: '/budgets/{id}/grants',
    summary: 'Grants more of a budget until a time; runs that wait for it go on.',
    input: z.object({
      id: Id,
      amount: Amount,
      reason: Reason,
      request: Id.optional().meta({ description: 'The request that this answers.' }),
      untilMs: z
        .int()
        .positive()
        .max(253_402_300_799_999)
        .optional()
        .meta({ description: 'In milliseconds since the epoch; until the budget resets, or for 7 days where it never does, when left out.' }),
    }),
    output: GrantView,
    status: 201,
  }),
  refuse: operation({
    name: 'budgets.refuse',
    permission: 'budgets.raise',
    method: 'POST',
    path: '/budget-requests/{id}/refuse',
    summary: 'Refuses a request for more, with a word why.',
    input: z.object({ id: Id, reason: Reason }),
    output: RequestView,
  }),
  plan: operation({
    name: 'plan.get',
    permission: 'status.read',
    method: 'GET',
    path: '/plan',
    summary: 'Shows whose key pays for models and within which daily budget.',
    input: z.object({}),
    output: PlanView,
  }),
};
