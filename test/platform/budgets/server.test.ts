/** Budgets through the doors of the real server: a run that waits and is granted more, what a key may, the plan of the operator, MCP and the command line. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { amountText, parseAmount } from '../../../src/kernel/amount.ts';
import type { BudgetView } from '../../../src/platform/budgets/contract.ts';
import { nearEndText } from '../../../src/platform/budgets/budget.ts';
import { budgetOperations } from '../../../src/platform/budgets/contract.ts';
import { runOperations } from '../../../src/runtime/runs/contract.ts';
import { BUDGETS_TOOLSET } from '../../../src/surfaces/mcp/budgets-toolset.ts';
import { agentOperations } from '../../../src/work/agents/contract.ts';
import { spendOperations } from '../../../src/work/spend/contract.ts';
import { statusOperations } from '../../../src/work/status/contract.ts';
import { answers, NOW_MS, windlass } from '../../support/cli.ts';
import { page } from '../../support/cli-fixtures.ts';
import { testServer } from '../../support/server.ts';
import { until } from '../../support/until.ts';

const HELLO = { hello: 'turns:\n  - text: Hello.\n' };

test('a run over its budget waits, and goes on when a person grants more, through the doors of the server [BUD-3, BUD-9]', async () => {
  await using server = await testServer({ rehearsals: HELLO });
  const api = server.api();
  await api.call(agentOperations.create, { name: 'greeter', instructions: 'Greet.', model: 'rehearsal/hello' });
  const { id: budget } = await api.call(budgetOperations.set, { scope: 'agent', subject: 'greeter', unit: 'runs', period: 'month', limit: 0 });
  const { id } = await api.call(agentOperations.run, { name: 'greeter', input: {} });
  const statusOf = async (): Promise<string> => (await api.call(runOperations.get, { id })).status;
  await until('the run to wait', 10_000, async () => (await statusOf()) === 'waiting');
  const waiting = await api.call(runOperations.get, { id });
  assert.equal(waiting.waitingFor, 'budget');
  assert.match(waiting.reason, /0 runs a month of the agent.*resets at/);
  assert.deepEqual((await api.call(spendOperations.read, {})).runsWaiting, { kind: 'exact', value: 1 });
  const { budgetsNearEnd } = await api.call(statusOperations.read, {});
  assert.deepEqual([budgetsNearEnd.total, budgetsNearEnd.items[0]?.state], [{ kind: 'exact', value: 1 }, 'exhausted']);
  assert.match(budgetsNearEnd.items[0]?.text ?? '', /^The budget of 0 runs a month of the agent greeter is used up/);
  const member = server.api((await server.key({ role: 'member' })).secret);
  const asked = await member.call(budgetOperations.request, { id: budget, amount: 1, reason: 'to greet' });
  await assert.rejects(member.call(budgetOperations.grant, { id: budget, amount: 1, request: asked.id }), { code: 'denied' });
  await assert.rejects(server.api(server.localKey).call(budgetOperations.change, { id: budget, limit: 9 }), { code: 'denied' });
  await api.call(budgetOperations.grant, { id: budget, amount: 1, request: asked.id });
  await until('the run to end', 10_000, async () => (await statusOf()) === 'succeeded');
  const shown = await api.call(budgetOperations.get, { id: budget });
  assert.deepEqual([shown.spent, shown.left, shown.requests[0]?.state], [1, 0, 'granted']);
  const account = await api.call(spendOperations.read, {});
  assert.deepEqual([account.today.rehearsedCalls, account.today.calls, account.today.microUsd], [1, 0, 0]);
  assert.equal(account.agents.items[0]?.name, 'greeter');
  assert.equal((await api.call(statusOperations.read, {})).budgetsNearEnd.items[0]?.spent, 1, 'one of one');
});

test('the operator’s plan caps the organization from the start [BUD-4]', async () => {
  await using server = await testServer({ workers: 0, config: { tryTokensPerDay: 5_000 } });
  const plan = await server.api().call(budgetOperations.plan, {});
  assert.deepEqual([plan.plan, plan.tokensPerDay, plan.leftTokens], ['try', 5_000, 5_000]);
});

test('the toolset budgets says who may change what [MCP-2]', () => {
  const writes = BUDGETS_TOOLSET.tools.filter(({ listed }) => !listed.annotations.readOnlyHint).map(({ listed }) => listed.name);
  assert.deepEqual(writes, ['budget_request', 'budget_grant', 'budget_set', 'budget_remove']);
  assert.ok(BUDGETS_TOOLSET.tools.every(({ listed }) => listed.description.length < 200));
});

test('amounts are read as they are written, and refused where they say nothing [CLI-1]', () => {
  const units = fc.constantFrom('micro_usd' as const, 'tokens' as const, 'calls' as const, 'runs' as const);
  fc.assert(
    fc.property(units, fc.nat(1_000_000_000), (unit, amount) => {
      const text = unit === 'micro_usd' ? `${(amount / 1_000_000).toFixed(6)}usd` : `${amount} ${unit}`;
      assert.deepEqual(parseAmount(text), { unit, amount });
    }),
  );
  assert.deepEqual(parseAmount('$5'), { unit: 'micro_usd', amount: 5_000_000 });
  assert.deepEqual(parseAmount('1.5M tokens'), { unit: 'tokens', amount: 1_500_000 });
  assert.deepEqual(parseAmount('1,000 calls'), { unit: 'calls', amount: 1_000 });
  for (const wrong of ['', '5', '5eur', '-5usd', '1e9tokens', '0.0000001usd', '1.5runs', '$5tokens', '99999999999999999999tokens', 'NaNusd'])
    assert.equal(parseAmount(wrong), null, wrong);
  assert.equal(amountText('micro_usd', 12_345_678), '12.34 USD');
  assert.equal(amountText('runs', 1), '1 run');
});

const BUDGET: BudgetView = {
  ...{ id: 'bud_01kaghv4000000000000abcdef', scope: 'org', subject: 'org_1', name: 'Mine', unit: 'micro_usd', period: 'day' },
  ...{ limit: 5_000_000, granted: 0, spent: 4_500_000, reserved: 250_000, left: 250_000, state: 'warned' },
  ...{ sinceMs: NOW_MS - 3_600_000, resetsAtMs: NOW_MS + 7_200_000, plan: null, createdAtMs: NOW_MS - 86_400_000 },
};

test('windlass budget sets what was written, lists what is left, and says what to type for a wrong amount [CLI-1]', async () => {
  const given: unknown[] = [];
  const set = answers(budgetOperations.set, (input) => {
    given.push(input);
    return { ...BUDGET, scope: input.scope, unit: input.unit, period: input.period, limit: input.limit };
  });
  const server = {
    operations: [
      set,
      answers(budgetOperations.list, () => ({ ...page([BUDGET]), nearEnd: { ...page([{ ...BUDGET, text: nearEndText(BUDGET) }]) } })),
    ],
  };
  const listed = await windlass(['budget'], { server });
  assert.match(
    listed.out,
    /budget +of +limit +period +spent +reserved +left +resets\nbud_\S+ +org +5\.00 USD +day +4\.50 USD +0\.25 USD +0\.25 USD +in 2 h\n/,
  );
  assert.match(
    listed.out,
    /\nAt least 80% of the budget of 5\.00 USD a day of the organization is spent: 4\.50 USD spent, 0\.25 USD reserved by calls under way, 0\.25 USD left; it resets at/,
  );
  assert.equal((await windlass(['budget', 'set', '0.20usd', '--agent', 'digest', '--period', 'run'], { server })).exit, 0);
  assert.equal((await windlass(['budget', 'set', '1M tokens'], { server })).exit, 0);
  assert.deepEqual(given, [
    { scope: 'agent', subject: 'digest', unit: 'micro_usd', period: 'run', limit: 200_000 },
    { scope: 'org', unit: 'tokens', period: 'month', limit: 1_000_000 },
  ]);
  const wrong = await windlass(['budget', 'set', '5 apples'], { server });
  assert.equal(wrong.exit, 2);
  assert.match(wrong.err, /"5 apples" is no amount\.\n {2}next: Write it with its unit/);
  assert.equal((await windlass(['budget', 'set', '5usd', '--period', 'year'], { server })).exit, 2);
  assert.equal((await windlass(['budget', 'set', '5usd', '--agent', 'a', '--project', 'p'], { server })).exit, 2);
});
