/**
 * Puts together what meters and caps spending: the ledger of the gateway, budgets, the account, and what every process does for them. Wiring
 * only, so that `main.ts` has a line for it.
 */
import type { Base, Closer } from './ground.ts';
import { repeat } from './ground.ts';
import type { Bound } from './kernel/operation.ts';
import { bind } from './kernel/operation.ts';
import { budgetOperations } from './platform/budgets/contract.ts';
import type { LedgerService } from './platform/budgets/ledger-service.ts';
import { LEDGER_LIMITS } from './platform/budgets/ledger-service.ts';
import type { Budgets } from './platform/budgets/service.ts';
import { createBudgets } from './platform/budgets/service.ts';
import { listBudgets } from './platform/budgets/store.ts';
import type { Principal } from './platform/identity/principal.ts';
import { byOf } from './platform/identity/principal.ts';
import type { Models } from './runtime/models/model.ts';
import { grantToWaiting } from './runtime/runs/waiting-store.ts';
import type { WakeupHub } from './runtime/runs/wakeup.ts';
import type { Database } from './storage/database.ts';
import { spendOperations } from './work/spend/contract.ts';
import type { FixedCosts } from './kernel/fixed-costs.ts';
import { createSpend } from './work/spend/service.ts';

export type SpendingParts = Pick<Base, 'clock' | 'ids' | 'log' | 'recordAdmin'> & {
  db: Database;
  hub: Pick<WakeupHub, 'wake'>;
  models: Pick<Models, 'available'>;
  ledger: LedgerService;
  fixedCosts: FixedCosts;
};
export type Spending = { ledger: LedgerService; budgets: Budgets; operations: Bound<Principal>[]; closers: Closer[] };

export function createSpending({ db, ids, log, clock, recordAdmin, hub, models, ledger, fixedCosts }: SpendingParts): Spending {
  const budgets = createBudgets({
    ...{ db, ids, log, recordAdmin },
    tellWaiting: async (tx, org, { budget, by, reason }) => {
      const runs = await grantToWaiting(tx, org, { budget, reason, by: byOf(by), actor: by.actor });
      return () => runs.forEach((run) => hub.wake(org, run));
    },
    providers: () => models.available().flatMap(({ provider, keyed }) => (keyed ? [provider] : [])),
  });
  const spend = createSpend({ db, listBudgets, fixedCosts });
  return {
    ledger,
    budgets,
    operations: [...bind(budgetOperations, budgets.handlers), ...bind(spendOperations, spend.handlers)],
    // every process says that its calls are alive, and settles those of the dead
    closers: [
      repeat({ clock, everyMs: LEDGER_LIMITS.heartbeatMs, log, what: 'heartbeats of calls' }, () => ledger.heartbeat()),
      repeat({ clock, everyMs: LEDGER_LIMITS.sweepMs, log, what: 'settling abandoned calls' }, () => ledger.sweep()),
      repeat({ clock, everyMs: LEDGER_LIMITS.sweepMs, log, what: 'telling of budgets' }, () => budgets.tell()),
    ],
  };
}
