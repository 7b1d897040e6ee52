/** The budgets that a run counts to: its own, its agent's, its project's, the organization's. */
import type { BudgetView } from '../../../../src/platform/budgets/contract.ts';
import type { RunDetail } from '../../../../src/runtime/runs/contract.ts';
import { Bar } from '../../parts/bar.tsx';
import { Card } from '../../parts/page.tsx';
import { api } from '../../state/api.ts';
import { useCall } from '../../state/query.ts';
import { useMay } from '../../state/session.tsx';
import { budgetName, periodOf } from '../spend/budget-words.ts';
import { amount } from '../spend/frame.tsx';

/** Among this many budgets it is looked for. */
const LOOKED_THROUGH = 200;

function holds(budget: BudgetView, run: RunDetail): boolean {
  switch (budget.scope) {
    case 'org':
      return true;
    case 'project':
      return run.project !== null && (budget.name === run.project || budget.subject === run.project);
    case 'agent':
      return budget.name === run.agent;
    case 'run':
      return budget.subject === run.id || budget.subject === run.parent;
    case 'key':
      return false;
  }
}

export function RunBudgets({ run }: { run: RunDetail }) {
  const all = useCall(api.budgets.list, useMay('status.read') ? { limit: LOOKED_THROUGH } : null, { live: [`run:${run.id}`, 'budget'] });
  const mine = (all.data?.items ?? []).filter((budget) => holds(budget, run));
  if (mine.length === 0) return null;
  return (
    <Card title="Budgets it counts to" beside={<a href="/spend/budgets">All budgets</a>}>
      <ul className="stack tight">
        {mine.map((budget) => (
          <li key={budget.id}>
            <div className="row">
              <span className="grow">
                {budgetName(budget)} <span className="muted small">{periodOf(budget)}</span>
              </span>
              <span className="small number">
                {amount(budget.spent, budget.unit)} spent
                {budget.reserved > 0 && `, ${amount(budget.reserved, budget.unit)} reserved`}, {amount(budget.left, budget.unit)} left of{' '}
                {amount(budget.limit + budget.granted, budget.unit)}
              </span>
            </div>
            <Bar
              parts={[
                { share: budget.spent / Math.max(1, budget.limit + budget.granted), kind: budget.state === 'exhausted' ? 'over' : 'full' },
                { share: budget.reserved / Math.max(1, budget.limit + budget.granted), kind: 'held' },
              ]}
            />
          </li>
        ))}
      </ul>
    </Card>
  );
}
