/** A ledger, budgets and the account over one real store, with an organization of the caller's and a stranger's. */
import { createBudgets } from '../../../src/platform/budgets/service.ts';
import { listBudgets } from '../../../src/platform/budgets/store.ts';
import { createSpend } from '../../../src/work/spend/service.ts';
import { callerOf, testIdentity, testOwner } from '../../support/identity.ts';
import { openLedger, planned } from '../../support/ledger.ts';

export async function world() {
  const at = await openLedger();
  const identity = testIdentity(at.db);
  const { org, owner } = await testOwner(identity, 'Mine');
  const { owner: stranger } = await testOwner(identity, 'Other');
  const told: (string | null)[] = [];
  const logged: string[] = [];
  const budgets = createBudgets({
    ...{ db: at.db, ids: identity.deps.ids, recordAdmin: identity.deps.recordAdmin },
    log: (_level, message) => void logged.push(message),
    tellWaiting:
      async (_tx, _org, { budget }) =>
      () =>
        void told.push(budget),
    providers: () => [],
  });
  const spend = createSpend({ db: at.db, listBudgets, fixedCosts: { 'Claude Max': { usdPerMonth: 100 } } });
  const { handlers } = budgets;
  const mine = (over: Parameters<typeof planned>[0] = {}) => planned({ ...over, org });
  return { ...at, org, me: callerOf(owner), them: callerOf(stranger), owner, identity, budgets, handlers, spend, told, logged, mine };
}
