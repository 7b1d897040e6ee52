/** The pages of spend: what was spent by whom, budgets, asking for more and granting it. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { systemClock } from '../../src/kernel/clock.ts';
import { storedId } from '../../src/kernel/ids.ts';
import { budgetOperations } from '../../src/platform/budgets/contract.ts';
import { createLedger } from '../../src/platform/budgets/ledger-service.ts';
import { identityOperations } from '../../src/platform/identity/contract.ts';
import { agentOperations } from '../../src/work/agents/contract.ts';
import type { TestBrowser } from '../support/browser.ts';
import { NO_BROWSER, testBrowser } from '../support/browser.ts';
import { testIds } from '../support/identity.ts';
import { planned, replied } from '../support/ledger.ts';
import { lookAt } from '../support/look-at.ts';
import type { TestServer } from '../support/server.ts';
import { testServer } from '../support/server.ts';

const PAGES = ['/spend', '/spend/budgets'];

let browser: TestBrowser;
before(async () => {
  if (NO_BROWSER === false) browser = await testBrowser();
});
after(() => browser?.[Symbol.asyncDispose]());

/** Three agents that called models, a budget nearly used up, and a request for more of it. */
async function spent(server: TestServer): Promise<{ budget: string; request: string }> {
  const api = server.api();
  const [org] = await server.db.owner<{ id: string }>('select id from org');
  const me = await api.call(identityOperations.whoami, {});
  const ledger = createLedger({ db: server.db, clock: systemClock, ids: testIds, randomBytes, process: 'wrk_test', log: () => {} });
  for (const [index, name] of ['nightly-audit', 'release-notes', 'team-news'].entries()) {
    const agent = await api.call(agentOperations.create, { name, instructions: 'Do what is asked.', model: 'rehearsal/talk' });
    for (let call = 0; call <= index * 2; call += 1) {
      const plan = planned({
        org: org?.id ?? '',
        key: me.key.id,
        model: `anthropic/claude-${index}`,
        inputTokens: 900_000,
        maxOutputTokens: 400_000,
      });
      const begun = await ledger.begin({ ...plan, place: { ...plan.place, agent: storedId('agt', agent.id), actor: storedId('act', me.actor.id) } });
      assert.equal(begun.ok, true);
      if (begun.ok) await ledger.end(begun.call, replied(800_000, 300_000));
    }
  }
  const budget = await api.call(budgetOperations.set, { scope: 'agent', subject: 'team-news', unit: 'micro_usd', period: 'month', limit: 6_000_000 });
  await api.call(budgetOperations.set, { scope: 'org', unit: 'tokens', period: 'day', limit: 100_000_000 });
  const asking = await server.key({ role: 'member', kind: 'user', name: 'Ada' });
  const request = await server
    .api(asking.secret)
    .call(budgetOperations.request, { id: budget.id, amount: 4_000_000, reason: 'The release is on Friday and the notes are long.' });
  return { budget: budget.id, request: request.id };
}

/** Three weeks before today in which the same was called, now more and now less, once without a price. */
async function earlier(server: TestServer): Promise<void> {
  await server.db.owner(
    `insert into spend_day (org_id, day, project_id, agent_id, key_id, model, actor_id, rehearsed, calls, failed, estimated, unpriced, outside, input_tokens,
       cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, micro_usd)
     select org_id, day - n, project_id, agent_id, key_id, model, actor_id, rehearsed, calls * w, failed, case when n = 3 then 1 else 0 end,
       case when n = 5 then calls else 0 end, outside, input_tokens * w, cached_input_tokens * w, cache_write_tokens, output_tokens * w, reasoning_tokens, micro_usd * w
     from spend_day, generate_series(1, 21) n, lateral (select (n * 7 + length(model)) % 6 as w) weight where n % 6 <> 4`,
  );
}

test('spend by day is a chart that keys move through, and the same as a table [WEB-1, BUD-5]', { skip: NO_BROWSER }, async () => {
  await using server = await testServer({ workers: 0 });
  await spent(server);
  await earlier(server);
  const { page, faults, context } = await browser.open(server, '/spend?by=model&days=30');
  const chart = page.getByRole('slider', { name: 'Spend by day and model, in money' });
  await chart.waitFor();
  const told = () => chart.getAttribute('aria-valuetext');
  assert.match((await told()) ?? '', /which is not over: \$/);
  await chart.focus();
  for (let back = 0; back < 5; back += 1) await page.keyboard.press('ArrowLeft');
  assert.match((await told()) ?? '', /: ≥ \$.* without a price/, 'a day with a model without a price is a lower bound');
  await page.keyboard.press('Home');
  assert.equal(await chart.getAttribute('aria-valuenow'), '0');
  await page.getByText('The same as a table').click();
  const rows = await page.getByRole('group', { name: 'Spend by day as a table' }).getByRole('row').count();
  assert.equal(rows > 15, true, `${rows} rows`);
  await page.getByLabel('What is counted').selectOption('tokens');
  await page.getByRole('slider', { name: 'Spend by day and model, in tokens' }).waitFor();
  assert.deepEqual(faults, []);
  await context.close();
  await lookAt(browser, server, { paths: ['/spend?by=model', '/spend?by=agent&unit=tokens&days=7', '/spend?by=key&days=90'], told: 'charted' });
});

test('the pages of spend, with nothing spent and with budgets, spend and a request there [WEB-1]', { skip: NO_BROWSER }, async () => {
  await using server = await testServer({ workers: 0 });
  await lookAt(browser, server, { paths: PAGES, told: 'empty' });
  await spent(server);
  await lookAt(browser, server, { paths: ['/', ...PAGES], told: 'spent' });
});

test(
  'a budget near its end is on Home until it has more, and a request for it is granted there [WEB-1, BUD-3, BUD-9]',
  { skip: NO_BROWSER },
  async () => {
    await using server = await testServer({ workers: 0 });
    const { budget } = await spent(server);
    const { page, faults } = await browser.open(server);
    const near = page.getByRole('article', { name: /At least 80% of the budget of 6\.00 USD a month of the agent team-news is spent/ });
    await near.waitFor();
    await page
      .getByRole('article', { name: /Ada asks for more/ })
      .getByRole('button', { name: 'Grant' })
      .click();
    await page.getByText('Granted: runs that wait for it go on.').waitFor();
    await near.waitFor({ state: 'detached' });
    const granted = await server.api().call(budgetOperations.get, { id: budget });
    assert.deepEqual([granted.granted, granted.requests.map(({ state }) => state)], [4_000_000, ['granted']]);
    await page.goto(`${server.url}/spend/budgets`);
    await page.getByRole('button', { name: 'New budget' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Holds').selectOption('agent');
    await dialog.getByLabel('Which agent').fill('nightly-audit');
    await dialog.getByLabel('Limit').fill('2.50');
    await dialog.getByRole('button', { name: 'Set it' }).click();
    await page.getByText('Set: what would go over it is refused.').waitFor();
    const { items } = await server.api().call(budgetOperations.list, { scope: 'agent' });
    assert.deepEqual(
      items.filter(({ name }) => name === 'nightly-audit').map(({ limit, period, unit }) => [limit, period, unit]),
      [[2_500_000, 'month', 'micro_usd']],
    );
    assert.deepEqual(faults, []);
  },
);
