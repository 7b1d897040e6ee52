/** Toolset `budgets`: what was spent, what is left, asking for more. Only a person who may raise budgets grants. */
import { z } from 'zod';
import { amountText } from '../../kernel/amount.ts';
import { isoTime } from '../../kernel/clock.ts';
import { renderCount } from '../../kernel/page.ts';
import type { BudgetView, RequestView } from '../../platform/budgets/contract.ts';
import { budgetOperations } from '../../platform/budgets/contract.ts';
import type { AccountView, Figures } from '../../work/spend/contract.ts';
import { spendOperations } from '../../work/spend/contract.ts';
import { renderPage } from './render.ts';
import { Limit } from './tool-inputs.ts';
import type { Tool, Toolset } from './toolset.ts';
import { NO_RESOURCES, NO_TASKS, operationTool } from './toolset.ts';

const BudgetId = z.string().max(60).meta({ description: 'Budget id, as in bud_01jd….' });

const TOOLS: readonly Tool[] = [
  operationTool({
    name: 'spend_status',
    title: 'What was spent',
    description: 'Spend today and this month by agent, project, key, model and person, budgets with what is left, a forecast, the dearest runs.',
    input: z.strictObject({}),
    use: spendOperations.read,
    show: renderAccount,
  }),
  operationTool({
    name: 'budget_list',
    title: 'List budgets',
    description: 'Lists budgets with what is spent, reserved and left of each, and when it resets.',
    input: z.strictObject({ limit: Limit, scope: budgetOperations.list.input.shape.scope }),
    use: budgetOperations.list,
    show: (page) => renderPage('budgets', page, budgetLine),
  }),
  operationTool({
    name: 'budget_show',
    title: 'Show a budget',
    description: 'Shows a budget with who asked for more, who granted what and until when.',
    input: z.strictObject({ id: BudgetId }),
    use: budgetOperations.get,
    show(budget) {
      const grants = budget.grants.map(
        ({ amount, by, untilMs, active }) =>
          `- ${amountText(budget.unit, amount)} granted by ${by.name}, ${active ? 'until' : 'ended'} ${isoTime(untilMs)}`,
      );
      const requests = budget.requests.map((each) => `- ${requestLine(each)}`);
      return [budgetLine(budget), ...grants, ...requests].join('\n');
    },
  }),
  operationTool({
    name: 'budget_request',
    title: 'Ask for more',
    description: 'Asks for more of a budget. A person who may raise budgets answers.',
    input: budgetOperations.request.input,
    use: budgetOperations.request,
    show: (request) => `Asked: ${requestLine(request)}`,
  }),
  operationTool({
    name: 'budget_requests',
    title: 'Requests for more',
    description: 'Lists who asked for more of which budget.',
    input: z.strictObject({ limit: Limit, state: budgetOperations.requests.input.shape.state }),
    use: budgetOperations.requests,
    show: (page) => renderPage('requests', page, requestLine),
  }),
  operationTool({
    name: 'budget_grant',
    title: 'Grant more',
    description: 'Grants more of a budget until a time, only at the word of a person who may raise budgets. Runs that wait for it go on.',
    input: budgetOperations.grant.input,
    use: budgetOperations.grant,
    show: (grant) => `Granted until ${isoTime(grant.untilMs)}.`,
  }),
  operationTool({
    name: 'budget_set',
    title: 'Set a budget',
    description: 'Makes a budget of the organization, a project, an agent, a key or a run, or changes its limit. Money is in micro-USD.',
    input: budgetOperations.set.input,
    use: budgetOperations.set,
    show: budgetLine,
  }),
  operationTool({
    name: 'budget_remove',
    title: 'Remove a budget',
    description: 'Removes a budget: nothing is capped by it any more.',
    input: z.strictObject({ id: BudgetId }),
    use: budgetOperations.remove,
    show: (budget) => `Gone: ${budgetLine(budget)}`,
  }),
];

export const BUDGETS_TOOLSET: Toolset = {
  name: 'budgets',
  instructions: 'Spend and budgets of this Windlass. Amounts are whole numbers in the unit of the budget; money is in micro-USD (1 USD is 1000000).',
  tools: TOOLS,
  resources: NO_RESOURCES,
  prompts: [],
  tasks: NO_TASKS,
  complete: async () => [],
};

function budgetLine(budget: BudgetView): string {
  const { id, scope, name, unit, period, limit, granted, spent, reserved, left, state, resetsAtMs } = budget;
  const more = granted === 0 ? '' : ` + ${amountText(unit, granted)} granted`;
  const resets = resetsAtMs === null ? 'does not reset' : `resets ${isoTime(resetsAtMs)}`;
  return `\`${id}\` ${scope} ${name}, ${period.replace('_', ' ')}: ${amountText(unit, limit)}${more}; ${amountText(unit, spent)} spent, ${amountText(unit, reserved)} reserved, **${amountText(unit, left)} left** (${state}), ${resets}`;
}

function requestLine({ id, budget, amount, by, state, reason }: RequestView): string {
  return `\`${id}\` ${by.name} asks for ${amount} more of \`${budget}\` (${state})${reason === '' ? '' : `: ${reason}`}`;
}

function figures({ microUsd, calls, rehearsedCalls, estimatedCalls, unpricedCalls }: Figures): string {
  return `${amountText('micro_usd', microUsd)} by ${calls} calls (${estimatedCalls} estimated, ${unpricedCalls} without a price), ${rehearsedCalls} rehearsed`;
}

function renderAccount(account: AccountView): string {
  const { forecast } = account;
  const least = account.month.unpricedCalls === 0 ? '' : 'at least ';
  const month = forecast.monthMicroUsd === null ? forecast.how : `${least}${amountText('micro_usd', forecast.monthMicroUsd)}. ${forecast.how}`;
  const parts = (['agents', 'projects', 'keys', 'models', 'actors'] as const).flatMap((what) => {
    const { items, shown, total } = account[what];
    if (shown === 0) return [];
    return [
      `\n## By ${what} (${shown} of ${renderCount(total)})\n`,
      ...items.map((each) => `- ${each.name}: today ${figures(each.today)}; month ${figures(each.month)}`),
    ];
  });
  return [
    `- today: ${figures(account.today)}`,
    `- this month: ${figures(account.month)}`,
    `- forecast: ${month}`,
    `- waiting for budget: ${renderCount(account.runsWaiting)} runs; requests for more: ${renderCount(account.openRequests)}`,
    ...account.fixed.items.map(
      ({ name, monthMicroUsd }) => `- fixed, beside what is metered: ${name}, ${amountText('micro_usd', monthMicroUsd)} a month`,
    ),
    ...account.nearEnd.items.map(({ text }) => `- ${text}`),
    ...account.budgets.items.map((each) => `- ${budgetLine(each)}`),
    ...parts,
    ...account.topRuns.items.slice(0, 5).map(({ id, agent, microUsd }) => `- run \`${id}\` of ${agent}: ${amountText('micro_usd', microUsd)}`),
  ].join('\n');
}
