/** Budgets in a test's database, past the service: arranging and looking. */
import type { TestDatabase } from './database.ts';
import type { ModelBudget } from './budget-model.ts';

/** A budget without a window of time stands since `sinceMs`; the others find theirs with the first call. */
export async function insertBudget(db: Pick<TestDatabase, 'owner'>, budget: ModelBudget, sinceMs = 0): Promise<void> {
  const since = budget.period === 'total' || budget.period === 'run' ? new Date(sinceMs).toISOString() : null;
  await db.owner(
    `insert into budget (org_id, id, scope, subject, unit, period, amount, since, created_by) values ($1, $2, $3, $4, $5, $6, $7, $8, 'act_1')
     on conflict (org_id, id) do update set amount = excluded.amount`,
    [budget.org, budget.id, budget.scope, budget.subject, budget.unit, budget.period, budget.amount, since],
  );
}

export async function readCounter(db: Pick<TestDatabase, 'owner'>, budget: string, root = ''): Promise<{ spent: number; reserved: number }> {
  const [row] =
    root === ''
      ? await db.owner<{ spent: string; reserved: string }>('select spent, reserved from budget where id = $1', [budget])
      : await db.owner<{ spent: string; reserved: string }>('select spent, reserved from budget_run where budget_id = $1 and run_id = $2', [
          budget,
          root,
        ]);
  return { spent: Number(row?.spent ?? 0), reserved: Number(row?.reserved ?? 0) };
}
