/** Where spending goes at its present pace (spec BUD-5). Pure, and plain: the share of the period that is over, nothing cleverer. */
import type { BudgetView } from '../../platform/budgets/contract.ts';

/** A month or a period this young says nothing yet. */
const LEAST_MS = 6 * 3_600_000;
const LEAST_SHARE = 0.05;

type Month = { nowMs: number; monthMs: number; endsAtMs: number };

export function forecastMonth(microUsd: number, { nowMs, monthMs, endsAtMs }: Month): { monthMicroUsd: number | null; how: string } {
  const overMs = nowMs - monthMs;
  if (overMs < LEAST_MS) return { monthMicroUsd: null, how: 'The month is less than six hours old: too young to tell.' };
  const share = overMs / (endsAtMs - monthMs);
  const days = (overMs / 86_400_000).toFixed(1);
  return { monthMicroUsd: Math.round(microUsd / share), how: `What the first ${days} days of the month cost, at the same pace to its end.` };
}

/** Budgets of a period that at its pace are used up before it ends, the first one first. Calls under way count as spent. */
export function runsOut(budgets: readonly BudgetView[], nowMs: number): { budget: string; atMs: number }[] {
  return budgets
    .flatMap(({ id, sinceMs, resetsAtMs, spent, reserved, limit, granted, left }) => {
      if (sinceMs === null || resetsAtMs === null || left === 0 || spent === 0) return [];
      const overMs = nowMs - sinceMs;
      if (overMs < (resetsAtMs - sinceMs) * LEAST_SHARE) return [];
      const atMs = Math.round(sinceMs + (overMs * (limit + granted - reserved)) / spent);
      return atMs < resetsAtMs ? [{ budget: id, atMs: Math.max(atMs, nowMs) }] : [];
    })
    .toSorted((a, b) => a.atMs - b.atMs);
}
