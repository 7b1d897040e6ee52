/** Budgets in words. Pure. */
import type { BudgetView } from '../../../../src/platform/budgets/contract.ts';

export function budgetName(budget: Pick<BudgetView, 'scope' | 'name'>): string {
  return budget.scope === 'org' ? 'Everything' : `${budget.scope} ${budget.name}`;
}

/** `each month`, `each five hours`, `in all`. */
export function periodOf({ period }: Pick<BudgetView, 'period'>): string {
  return period === 'total' ? 'in all' : `each ${period.replace('_', ' ')}`;
}
