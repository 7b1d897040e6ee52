/** The account in one answer (spec BUD-5). Reads only. */
import type { OrgId } from '../../kernel/ids.ts';
import type { Handlers } from '../../kernel/operation.ts';
import type { Count } from '../../kernel/page.ts';
import type { BudgetView } from '../../platform/budgets/contract.ts';
import { nearEnds, reachOf } from '../../platform/budgets/service.ts';
import type { Reach } from '../../platform/budgets/store.ts';
import { databaseMs } from '../../platform/budgets/store.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Database, Tx } from '../../storage/database.ts';
import type { AccountView, Share, spendOperations } from './contract.ts';
import { SPEND_PARTS_SHOWN, SPEND_SHOWN } from './contract.ts';
import { byDay, DAY_MS, NO_FIGURES } from './days.ts';
import { fixedNow, type FixedCosts } from '../../kernel/fixed-costs.ts';
import { forecastMonth, runsOut } from './forecast.ts';
import type { SpendRow } from './store.ts';
import * as store from './store.ts';

export type SpendDeps = {
  db: Database;
  fixedCosts: FixedCosts;
  listBudgets: (tx: Tx, org: OrgId, filter: { scope: null; limit: number; reach: Reach }) => Promise<{ rows: BudgetView[]; total: number }>;
};

const BUDGETS_SHOWN = 100;
const exact = (value: number): Count => ({ kind: 'exact', value });

export function createSpend({ db, listBudgets, fixedCosts }: SpendDeps): { handlers: Handlers<Principal, typeof spendOperations> } {
  return {
    handlers: {
      read: ({ principal }) =>
        db.asOrg(principal.org, async (tx): Promise<AccountView> => {
          const { org } = principal;
          const reach = reachOf(principal);
          const { nowMs, runs, requests } = await store.waitingCounts(tx, org);
          const now = new Date(nowMs);
          const dayMs = Math.floor(nowMs / DAY_MS) * DAY_MS;
          const [monthMs, endsAtMs] = [0, 1].map((later) => Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + later, 1)) as [number, number];
          const [rows, top, budgets, near] = await Promise.all([
            store.spendRows(tx, org, { dayMs, monthMs }),
            store.topRuns(tx, org, { sinceMs: monthMs, limit: SPEND_SHOWN }),
            listBudgets(tx, org, { scope: null, limit: BUDGETS_SHOWN, reach }),
            nearEnds(tx, org, { reach }),
          ]);
          const all = rows.find((row) => row.by === 'all');
          const fixed = fixedNow(fixedCosts, nowMs);
          const month = all?.month ?? NO_FIGURES;
          return {
            ...{ nowMs, todaySinceMs: dayMs, monthSinceMs: monthMs, today: all?.today ?? NO_FIGURES, month },
            agents: shares(rows, 'agent'),
            projects: shares(rows, 'project'),
            keys: shares(rows, 'key'),
            models: shares(rows, 'model'),
            actors: shares(rows, 'actor'),
            budgets: { items: budgets.rows, shown: budgets.rows.length, total: exact(budgets.total) },
            nearEnd: near,
            fixed: { items: fixed, monthMicroUsd: fixed.reduce((sum, each) => sum + each.monthMicroUsd, 0) },
            forecast: { ...forecastMonth(month.microUsd, { nowMs, monthMs, endsAtMs }), endsAtMs, runsOut: runsOut(budgets.rows, nowMs) },
            topRuns: { items: top.rows, shown: top.rows.length, total: exact(top.total) },
            runsWaiting: exact(runs),
            openRequests: exact(requests),
          };
        }),
      days: ({ principal: { org } }, { days, by }) =>
        db.asOrg(org, async (tx) => {
          const nowMs = await databaseMs(tx);
          const sinceMs = (Math.floor(nowMs / DAY_MS) - days + 1) * DAY_MS;
          const rows = await store.spendByDay(tx, org, { by, sinceMs, shown: SPEND_PARTS_SHOWN });
          return { nowMs, by, ...byDay(rows, { sinceMs, days }) };
        }),
    },
  };
}

function shares(rows: readonly SpendRow[], by: SpendRow['by']): { items: Share[]; shown: number; total: Count } {
  const found = rows.filter((row) => row.by === by);
  const items = found
    .slice(0, SPEND_SHOWN)
    .map(({ id, name, today, month }) => ({ id: id === '' ? null : id, name: id === '' ? 'none' : name, today, month }));
  return { items, shown: items.length, total: exact(found.length) };
}
