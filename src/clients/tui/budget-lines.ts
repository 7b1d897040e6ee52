/** Budgets as they are seen over the runs. Pure. */
import { amountText } from '../../kernel/amount.ts';
import { renderCount } from '../../kernel/page.ts';
import type { BudgetView } from '../../platform/budgets/contract.ts';
import { relativeTime } from '../cli/format.ts';
import { table } from '../cli/table.ts';
import type { Line, Style } from '../cli/terminal.ts';
import type { State } from './state.ts';
import { wrapLine } from './wrap.ts';

const STYLES: Readonly<Record<BudgetView['state'], Style>> = { open: 'green', warned: 'yellow', exhausted: 'red' };
const NAME_CHARS = 60;

export function budgetLines({ snapshot, size, nowMs }: State): Line[] {
  const budgets = snapshot?.budgets ?? null;
  if (budgets === null) return ['Reading …'];
  if (!budgets.ok) return wrapLine([['red', `Budgets could not be read: ${budgets.why}`]], size.columns);
  const { items, total } = budgets.value;
  if (items.length === 0) return wrapLine('There is no budget: nothing is capped. Set one: windlass budget set 10usd --period day', size.columns);
  const rows = items.map((each): Line[] => [
    each.scope === 'org' || each.name === '' ? each.scope : `${each.scope} ${each.name.slice(0, NAME_CHARS)}`,
    each.period.replace('_', ' '),
    amountText(each.unit, each.limit + each.granted),
    amountText(each.unit, each.spent),
    amountText(each.unit, each.reserved),
    [[STYLES[each.state], amountText(each.unit, each.left)]],
    each.resetsAtMs === null ? 'never' : relativeTime(each.resetsAtMs, nowMs),
  ]);
  const lines = table(['of', 'period', 'limit', 'spent', 'reserved', 'left', 'resets'], rows, size.columns);
  const whole = total.kind === 'exact' && total.value <= items.length;
  return whole ? lines : [...lines, '', [['dim', `${items.length} of ${renderCount(total)} shown.`]]];
}
