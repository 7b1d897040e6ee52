/** The frame of the pages of spend, and amounts as people read and write them. */
import type { ReactNode } from 'react';
import type { BudgetUnit } from '../../../../src/platform/budgets/contract.ts';
import { Page } from '../../parts/page.tsx';
import { money, number, tokens } from '../../state/format.ts';

const TABS = [
  { to: '/spend', label: 'Spend' },
  { to: '/spend/budgets', label: 'Budgets' },
];

export function SpendPage({ title, actions, children }: { title: 'Spend' | 'Budgets'; actions?: ReactNode; children: ReactNode }) {
  return (
    <Page title={title} tabs={TABS} {...(actions === undefined ? {} : { actions })}>
      {children}
    </Page>
  );
}

const MICRO_USD = 1_000_000;

/** `$12.00`, `2.5M tokens`, `30 calls`. */
export function amount(value: number, unit: BudgetUnit): string {
  if (unit === 'micro_usd') return money({ microUsd: value, known: true });
  return `${unit === 'tokens' ? tokens(value) : number(value)} ${unit}`;
}

/** What is typed, in dollars or as a count, in the unit of the budget; null when it is no amount. */
export function amountOf(typed: string, unit: BudgetUnit): number | null {
  const value = Number(typed.replaceAll(',', ''));
  if (typed.trim() === '' || !Number.isFinite(value) || value < 0) return null;
  return Math.round(unit === 'micro_usd' ? value * MICRO_USD : value);
}

export function typedOf(value: number, unit: BudgetUnit): string {
  return String(unit === 'micro_usd' ? value / MICRO_USD : value);
}

export function unitWord(unit: BudgetUnit): string {
  return unit === 'micro_usd' ? 'US dollars' : unit;
}
