/**
 * The walk of somebody who knows nothing, from the first page by what is written there alone: answers an approval, finds why a run
 * failed, caps an agent's spend, changes an agent and sees what changed, finds what a session left behind, stops everything.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { approvalOperations } from '../../src/platform/approvals/contract.ts';
import { budgetOperations } from '../../src/platform/budgets/contract.ts';
import { runOperations } from '../../src/runtime/runs/contract.ts';
import { agentOperations } from '../../src/work/agents/contract.ts';
import { handoffOperations } from '../../src/work/handoffs/contract.ts';
import { projectOperations } from '../../src/work/projects/contract.ts';
import { sessionOperations } from '../../src/work/sessions/contract.ts';
import type { TestBrowser } from '../support/browser.ts';
import { NO_BROWSER, testBrowser } from '../support/browser.ts';
import { testCheckout } from '../support/checkout.ts';
import type { ConsoleWorld } from '../support/console-world.ts';
import { consoleWorld } from '../support/console-world.ts';
import { picture } from '../support/look-at.ts';
import { until } from '../support/until.ts';

let browser: TestBrowser;
before(async () => {
  if (NO_BROWSER === false) browser = await testBrowser();
});
after(() => browser?.[Symbol.asyncDispose]());

/** A run that failed, and a session that ended and left a handoff. */
async function past({ server }: ConsoleWorld): Promise<void> {
  const api = server.api();
  await api.call(agentOperations.create, { name: 'forge-watch', model: 'rehearsal/talk', instructions: 'x', tools: ['forge.*'] });
  await api.call(agentOperations.run, { name: 'forge-watch' });
  await api.call(projectOperations.add, { path: testCheckout({ files: { 'README.md': '# Mill\n' } }).top, code: 'mill', name: 'The mill' });
  const { session } = await api.call(sessionOperations.start, { agent: 'claude', project: 'mill', machine: 'laptop', workingOn: 'Mends the sieve.' });
  await api.call(handoffOperations.write, {
    session: session.id,
    status: 'in_progress',
    summary: 'The sieve is mended, the bearing is not.',
    next: ['Order a bearing.'],
  });
  await api.call(sessionOperations.end, { id: session.id });
  await until('it failed', 20_000, async () => (await api.call(runOperations.list, { status: 'failed' })).items.length === 1);
}

const nav = (page: Page, name: string) => page.getByRole('navigation', { name: 'Pages' }).first().getByRole('link', { name }).click();

test('a newcomer finds the way without documents [WEB-1]', { skip: NO_BROWSER }, async () => {
  await using world = await consoleWorld();
  await past(world);
  const api = world.server.api();
  const { page, faults } = await browser.open(world.server);

  // answers an approval
  const asked = page.locator('article, section, .card').filter({ hasText: 'wants to call' }).last();
  await asked.getByRole('link', { name: 'external_confirmed' }).waitFor();
  await picture(page, 'newcomer-home');
  await page.getByRole('button', { name: 'Deny' }).click();
  await page.getByRole('dialog').getByRole('textbox').fill('Not today.');
  await page.getByRole('dialog').getByRole('button', { name: 'Deny' }).click();
  await until('it is denied', 10_000, async () => (await api.call(approvalOperations.list, { state: 'answered' })).items.length === 1);

  // finds why a run failed
  await page.getByRole('link', { name: /1 run/ }).and(page.locator('[href*="failed"]')).click();
  await page.getByRole('link', { name: /forge-watch/ }).click();
  await page
    .getByText(/could not begin, because not all it needs is there/)
    .first()
    .waitFor();
  await page.getByText(/forge/).first().waitFor();
  await picture(page, 'newcomer-failed');

  // caps an agent's spend
  await nav(page, 'Agents');
  await page.getByRole('link', { name: 'team-news' }).click();
  await page.getByText('nothing caps it').waitFor();
  await page.getByRole('link', { name: 'Cap its spend' }).click();
  const dialog = page.getByRole('dialog', { name: 'New budget' });
  assert.equal(await dialog.getByLabel('Which agent').inputValue(), 'team-news');
  await dialog.getByLabel(/Limit/).fill('5');
  await dialog.getByRole('button', { name: 'Set it' }).click();
  await page.getByText('Set: what would go over it is refused.').waitFor();
  const [budget] = (await api.call(budgetOperations.list, {})).items;
  assert.deepEqual([budget?.scope, budget?.name, budget?.limit, budget?.period], ['agent', 'team-news', 5_000_000, 'month']);

  // changes an agent and sees what changed
  await nav(page, 'Agents');
  await page.getByRole('link', { name: 'team-news' }).click();
  await page.getByText(/\$5(\.00)? left of \$5(\.00)? each month/).waitFor();
  await page.getByRole('link', { name: 'Edit' }).click();
  await page.getByLabel('Instructions').fill('Tell the team, and be short.');
  await page.getByRole('button', { name: 'Review changes' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await page.getByRole('link', { name: 'Versions' }).click();
  await page.getByRole('button', { name: 'with 1' }).click();
  await page.getByText('Tell the team, and be short.').first().waitFor();
  await picture(page, 'newcomer-changed');

  // finds what a session left behind
  await nav(page, 'Context');
  await page.getByRole('link', { name: 'sessions that ended' }).click();
  await page.getByRole('link', { name: 'claude on laptop' }).click();
  await page.getByRole('link', { name: 'its handoff' }).click();
  await page.getByText('The sieve is mended, the bearing is not.').first().waitFor();

  // stops everything
  await nav(page, 'Home');
  await page.getByRole('button', { name: 'Stop everything' }).click();
  await page.getByRole('dialog').getByLabel('Why, for the record').fill('a drill');
  await picture(page, 'newcomer-stop');
  await page.getByRole('dialog').getByRole('button', { name: 'Stop everything' }).click();
  await page.getByText(/4 agents paused, \d runs? cancelled\./).waitFor();
  await until('nothing lives', 10_000, async () => (await api.call(runOperations.list, { live: 'true' })).items.length === 0);
  await nav(page, 'Agents');
  await page
    .getByText(/everything was stopped: a drill/)
    .first()
    .waitFor();
  await picture(page, 'newcomer-stopped');
  assert.deepEqual(faults, []);
});
