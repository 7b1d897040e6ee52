/**
 * The rules of budgets as a model in memory, written for reading: what `spend_apply` of the database is held to, and what the memory store and
 * the simulation stand on. One call of `apply` is one commit.
 */
import type { BudgetPeriod, BudgetScope, BudgetUnit } from '../../src/platform/budgets/contract.ts';
import { refusalText } from '../../src/platform/budgets/budget.ts';
import { countedTokens } from '../../src/platform/budgets/cost.ts';
import type { BudgetWarning, SpendOp, SpendVerdict } from '../../src/platform/budgets/spend.ts';

export type ModelBudget = { org: string; id: string; scope: BudgetScope; subject: string; unit: BudgetUnit; period: BudgetPeriod; amount: number };
type Counter = { spent: number; reserved: number; sinceMs: number | null; warned: boolean };
type Grant = { budget: string; amount: number; untilMs: number };
type Part = { budget: string; root: string; sinceMs: number | null; unit: BudgetUnit; amount: number };

const RANK: Record<BudgetScope, number> = { org: 0, project: 1, agent: 2, key: 3, run: 4 };
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export type BudgetModel = {
  set(budget: ModelBudget): void;
  remove(id: string): void;
  grant(grant: Grant): void;
  /** Settles first, then reserves, in order; verdicts by the index of the op. */
  apply(ops: readonly SpendOp[], nowMs: number): Map<number, SpendVerdict>;
  counter(budget: string, root?: string): { spent: number; reserved: number };
  /** What is still reserved by a run or call. */
  held(id: string): boolean;
};

/** `agentsAbove` gives the agents of a run's parents, `earlierKeys` the keys that a key replaced. */
export function createBudgetModel(
  ports: { agentsAbove?: (org: string, run: string) => string[]; earlierKeys?: (org: string, key: string) => string[] } = {},
): BudgetModel {
  const budgets = new Map<string, ModelBudget>();
  const counters = new Map<string, Counter>();
  const holds = new Map<string, Part[]>();
  const grants: Grant[] = [];

  const counterOf = (budget: string, root: string): Counter => {
    const key = `${budget}/${root}`;
    const known = counters.get(key) ?? { spent: 0, reserved: 0, sinceMs: null, warned: false };
    counters.set(key, known);
    return known;
  };
  const limitOf = (budget: ModelBudget, nowMs: number): number =>
    grants.filter((grant) => grant.budget === budget.id && grant.untilMs > nowMs).reduce((sum, grant) => sum + grant.amount, budget.amount);

  const applicable = (op: SpendOp): ModelBudget[] => {
    const { org, project, agent, key, root, child } = op.place;
    const agents = [agent, ...(child ? (ports.agentsAbove?.(org, op.id) ?? []) : [])];
    const keys = key === null ? [] : [key, ...(ports.earlierKeys?.(org, key) ?? [])];
    const subjects: Record<BudgetScope, readonly (string | null)[]> = { org: [org], project: [project], agent: agents, key: keys, run: [root] };
    return [...budgets.values()]
      .filter((budget) => budget.org === org && subjects[budget.scope].includes(budget.subject))
      .filter((budget) => (op.kind === 'start') === (budget.unit === 'runs') && (budget.period !== 'run' || root !== null))
      .toSorted((a, b) => RANK[a.scope] - RANK[b.scope] || (a.id < b.id ? -1 : 1));
  };

  const settle = (op: Extract<SpendOp, { kind: 'settle' | 'lapse' | 'release' }>, nowMs: number): SpendVerdict | null => {
    const parts = holds.get(op.id) ?? [];
    holds.delete(op.id);
    const warned: BudgetWarning[] = [];
    for (const part of parts) {
      const budget = budgets.get(part.budget);
      const counter = counterOf(part.budget, part.root);
      if (budget === undefined || counter.sinceMs !== part.sinceMs) continue;
      const actual = op.kind === 'lapse' ? part.amount : op.kind === 'release' ? 0 : usedIn(part.unit, op);
      counter.reserved -= part.amount;
      counter.spent += actual;
      const limit = limitOf(budget, nowMs);
      if (counter.warned || actual === 0 || counter.spent * 5 < limit * 4) continue;
      counter.warned = true;
      warned.push({ budget: budget.id, usedShare: limit === 0 ? 1 : counter.spent / limit, resetsAtMs: untilOf(budget.period, counter.sinceMs) });
    }
    return warned.length === 0 ? null : { refused: null, settled: false, warned };
  };

  const reserve = (op: Extract<SpendOp, { kind: 'reserve' | 'start' }>, nowMs: number): SpendVerdict | null => {
    if (op.kind === 'reserve' && op.rehearsed) return null;
    const wanted = applicable(op).map((budget) => {
      const root = budget.period === 'run' ? (op.place.root ?? '') : '';
      const counter = counterOf(budget.id, root);
      const sinceMs = sinceOf(budget.period, counter.sinceMs, nowMs);
      if (sinceMs !== counter.sinceMs) Object.assign(counter, { spent: 0, reserved: 0, sinceMs, warned: false });
      const need = op.kind === 'start' || budget.unit === 'calls' ? 1 : budget.unit === 'tokens' ? op.tokens : (op.microUsd ?? 0);
      return { budget, root, counter, need, limit: limitOf(budget, nowMs) };
    });
    const money = wanted.find(({ budget }) => budget.unit === 'micro_usd');
    const unpriced =
      op.kind === 'reserve' && op.microUsd === null && money !== undefined && wanted.every(({ budget }) => budget.unit === 'micro_usd');
    const full = wanted.filter(({ counter, need, limit }) => counter.spent + counter.reserved + need > limit);
    if (!unpriced && full.length === 0) {
      for (const { counter, need } of wanted) {
        if (op.kind === 'start') counter.spent += need;
        else counter.reserved += need;
      }
      const parts = wanted
        .filter(({ need }) => op.kind === 'reserve' && need > 0)
        .map(({ budget, root, counter, need }): Part => ({ budget: budget.id, root, sinceMs: counter.sinceMs, unit: budget.unit, amount: need }));
      if (parts.length > 0) holds.set(op.id, parts);
      return null;
    }
    const passing = !unpriced && full.every(({ counter, need, limit }) => counter.spent + need <= limit);
    const passes = (one: (typeof wanted)[number]): boolean => one.counter.spent + one.need <= one.limit;
    const resets = (one: (typeof wanted)[number]): number => untilOf(one.budget.period, one.counter.sinceMs) ?? Infinity;
    const worst = unpriced ? money : full.toSorted((a, b) => Number(passes(a)) - Number(passes(b)) || resets(b) - resets(a))[0];
    if (worst === undefined) return null;
    const { budget, counter, limit } = worst;
    const facts = {
      ...{
        budget: budget.id,
        scope: budget.scope,
        unit: budget.unit,
        period: budget.period,
        limit,
        spent: counter.spent,
        reserved: counter.reserved,
      },
      left: Math.max(0, limit - counter.spent - counter.reserved),
      resetsAtMs: untilOf(budget.period, counter.sinceMs),
      retryAfterMs: passing ? 5_000 : null,
      why: unpriced ? ('unpriced' as const) : ('exhausted' as const),
    };
    const left = (unit: BudgetUnit): number | null => {
      const all = wanted.filter((one) => one.budget.unit === unit).map((one) => one.limit - one.counter.spent - one.counter.reserved);
      return all.length === 0 ? null : Math.min(...all);
    };
    const room = unpriced ? { microUsd: null, tokens: null } : { microUsd: left('micro_usd'), tokens: left('tokens') };
    return { refused: { refusal: { ...facts, message: refusalText(facts, false) }, room }, settled: false, warned: [] };
  };

  return {
    set: (budget) => void budgets.set(budget.id, budget),
    remove: (id) => void budgets.delete(id),
    grant: (grant) => void grants.push(grant),
    held: (id) => holds.has(id),
    counter(budget, root = '') {
      const { spent, reserved } = counterOf(budget, root);
      return { spent, reserved };
    },
    apply(ops, nowMs) {
      const verdicts = new Map<number, SpendVerdict>();
      const note = (index: number, verdict: SpendVerdict | null): void => void (verdict !== null && verdicts.set(index, verdict));
      ops.forEach((op, index) => (op.kind === 'settle' || op.kind === 'lapse' || op.kind === 'release' ? note(index, settle(op, nowMs)) : undefined));
      ops.forEach((op, index) => (op.kind === 'reserve' || op.kind === 'start' ? note(index, reserve(op, nowMs)) : undefined));
      return verdicts;
    },
  };
}

function usedIn(unit: BudgetUnit, op: Extract<SpendOp, { kind: 'settle' | 'lapse' }>): number {
  if (unit === 'tokens') return countedTokens(op.usage);
  return unit === 'calls' ? (op.counts ? 1 : 0) : (op.microUsd ?? 0);
}

/** Start of the window that a moment falls into. */
function sinceOf(period: BudgetPeriod, sinceMs: number | null, nowMs: number): number | null {
  const start = Math.floor(nowMs / DAY_MS) * DAY_MS;
  const day = new Date(start);
  switch (period) {
    case 'day':
      return Math.max(sinceMs ?? 0, start);
    case 'week':
      return Math.max(sinceMs ?? 0, start - ((day.getUTCDay() + 6) % 7) * DAY_MS);
    case 'month':
      return Math.max(sinceMs ?? 0, Date.UTC(day.getUTCFullYear(), day.getUTCMonth(), 1));
    case 'five_hours':
      return sinceMs === null || nowMs >= sinceMs + 5 * HOUR_MS ? nowMs : sinceMs;
    case 'run':
    case 'total':
      return 0;
  }
}

function untilOf(period: BudgetPeriod, sinceMs: number | null): number | null {
  if (sinceMs === null) return null;
  const since = new Date(sinceMs);
  switch (period) {
    case 'day':
      return sinceMs + DAY_MS;
    case 'week':
      return sinceMs + 7 * DAY_MS;
    case 'month':
      return Date.UTC(since.getUTCFullYear(), since.getUTCMonth() + 1, 1);
    case 'five_hours':
      return sinceMs + 5 * HOUR_MS;
    case 'run':
    case 'total':
      return null;
  }
}
