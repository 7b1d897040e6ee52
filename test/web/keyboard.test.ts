/** The console by keyboard alone: an approval is answered, a run forked, an agent changed; no mouse is touched. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { approvalOperations } from '../../src/platform/approvals/contract.ts';
import { runOperations } from '../../src/runtime/runs/contract.ts';
import { agentOperations } from '../../src/work/agents/contract.ts';
import type { TestBrowser } from '../support/browser.ts';
import { NO_BROWSER, testBrowser } from '../support/browser.ts';
import { consoleWorld } from '../support/console-world.ts';
import { testServer } from '../support/server.ts';
import { until } from '../support/until.ts';

let browser: TestBrowser;
before(async () => {
  if (NO_BROWSER === false) browser = await testBrowser();
});
after(() => browser?.[Symbol.asyncDispose]());

const TABS_MAX = 120;

/** What has the focus, as people know it: its label, name or text. */
const FOCUSED = `((e) => [e?.tagName, e?.getAttribute('aria-label') ?? e?.labels?.[0]?.textContent ?? e?.textContent ?? ''].join(' ').trim())(document.activeElement)`;

async function tabTo(page: Page, wanted: RegExp): Promise<void> {
  for (let step = 0; step < TABS_MAX; step += 1) {
    if (wanted.test(await page.evaluate(FOCUSED))) return;
    await page.keyboard.press('Tab');
  }
  assert.fail(`${String(wanted)} cannot be reached by Tab`);
}

test('an approval is denied with a reason, and another answered, by keyboard alone [WEB-1]', { skip: NO_BROWSER }, async () => {
  await using world = await consoleWorld();
  const { page, faults } = await browser.open(world.server);
  const answers = async () => {
    const { items } = await world.server.api().call(approvalOperations.list, { state: 'answered' });
    return items.map(({ answer }) => [answer?.answer, answer?.text]);
  };
  await page.getByRole('button', { name: 'Approve' }).waitFor();
  for (let step = 0; !(await page.evaluate<string>(FOCUSED)).includes('team-news wants to call http_send'); step += 1) {
    assert.equal(step < 5, true, 'j does not come to the approval');
    await page.keyboard.press('j');
  }
  await page.keyboard.press('d');
  await tabTo(page, /^TEXTAREA Why/);
  await page.keyboard.type('Not before Monday.');
  await tabTo(page, /^BUTTON Deny$/);
  await page.keyboard.press('Enter');
  await until('the answer is there', 5_000, async () => (await answers()).length === 1);
  assert.deepEqual(await answers(), [['deny', 'Not before Monday.']]);
  await page.getByText('Denied: http_send is not carried out.').waitFor();
  await page.getByText('wants to call').waitFor({ state: 'detached' });
  await tabTo(page, /^BUTTON 1\.4$/);
  await page.keyboard.press('Enter');
  await until('the second answer is there', 5_000, async () => (await answers()).length === 2);
  await page.getByText('Nothing needs you.').waitFor();
  assert.deepEqual(faults, []);
});

test('what is approved is exactly what was shown, or what was edited [WEB-1, APR-1]', { skip: NO_BROWSER }, async () => {
  await using world = await consoleWorld();
  const { page } = await browser.open(world.server, `/runs/${world.runs.approval}`);
  const shown = JSON.parse((await page.locator('.need pre').textContent()) ?? '') as Record<string, unknown>;
  await page.getByRole('button', { name: 'Edit first' }).click();
  await page.getByLabel('Arguments, whole').fill(JSON.stringify({ ...shown, body: 'Edited.' }));
  await page.getByRole('button', { name: 'Approve as edited' }).click();
  const { items } = await until('it is answered', 5_000, async () => {
    const page1 = await world.server.api().call(approvalOperations.list, { state: 'answered' });
    return page1.items.length > 0 ? page1 : null;
  });
  assert.deepEqual(items[0]?.args, shown);
  assert.deepEqual(items[0]?.answer?.args, { ...shown, body: 'Edited.' });
});

test('a run is forked with other instructions, by keyboard alone [WEB-1]', { skip: NO_BROWSER }, async () => {
  await using world = await consoleWorld();
  const { page } = await browser.open(world.server, `/runs/${world.runs.done}`);
  await page.getByRole('list', { name: 'Steps' }).waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.getByRole('region', { name: 'Step 2' }).waitFor();
  await page.keyboard.press('f');
  await tabTo(page, /^TEXTAREA Instructions/);
  await page.keyboard.press('Control+End');
  await page.keyboard.type(' Be brief.');
  await tabTo(page, /^BUTTON Fork$/);
  await page.keyboard.press('Enter');
  await page.getByText('fork of').waitFor();
  const forked = page.url().split('/').at(-1) ?? '';
  const run = await world.server.api().call(runOperations.get, { id: forked });
  assert.deepEqual([run.origin?.run, run.origin?.seq, run.origin?.how], [world.runs.done, 2, 'fork']);
});

test('an agent is found, changed, and the difference seen before it is saved, by keyboard alone [WEB-1]', { skip: NO_BROWSER }, async () => {
  await using world = await consoleWorld();
  const { page, faults } = await browser.open(world.server);
  await page.getByRole('heading', { name: 'Home' }).waitFor();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('nightly');
  await page.getByRole('option', { name: /nightly-audit agent/ }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'nightly-audit' }).waitFor();
  await tabTo(page, /^A Edit$/);
  await page.keyboard.press('Enter');
  await page.getByLabel('Instructions').waitFor();
  await tabTo(page, /^TEXTAREA Instructions/);
  await page.keyboard.press('Control+a');
  await page.keyboard.type('Read everything twice.');
  await tabTo(page, /^BUTTON Review changes$/);
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Read everything twice.').waitFor();
  await dialog.getByText('Do what is asked.').waitFor();
  await tabTo(page, /^BUTTON Save$/);
  await page.keyboard.press('Enter');
  await page.getByText('Saved as version 2.').waitFor();
  const agent = await world.server.api().call(agentOperations.get, { name: 'nightly-audit' });
  assert.deepEqual([agent.version, agent.definition.instructions], [2, 'Read everything twice.']);
  assert.deepEqual(faults, []);
});

test('any page is found by a few letters of its name [WEB-1]', { skip: NO_BROWSER }, async () => {
  await using server = await testServer({ workers: 0 });
  const { page, faults } = await browser.open(server);
  await page.getByRole('heading', { name: 'Home' }).waitFor();
  for (const [typed, title] of [
    ['storage', 'Storage'],
    ['schedules', 'Schedules'],
    ['audit', 'Audit'],
    ['budgets', 'Budgets'],
  ] as const) {
    await page.keyboard.press('Control+k');
    await page.keyboard.type(typed);
    await page.getByRole('option', { name: new RegExp(`: ${typed} page`) }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: title, level: 1 }).waitFor();
  }
  assert.deepEqual(faults, []);
});

test('a run is started with the form of its input schema, which says what is wrong [WEB-1]', { skip: NO_BROWSER }, async () => {
  await using world = await consoleWorld();
  const { page } = await browser.open(world.server, '/agents/nightly-audit');
  await page.getByRole('button', { name: 'Run now' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Depth').fill('0');
  await dialog.getByRole('button', { name: 'Run' }).click();
  await dialog.getByText('must be 1 or more').waitFor();
  await dialog.getByLabel('Depth').fill('2');
  await dialog.getByLabel('Since').fill('yesterday');
  await dialog.getByRole('button', { name: 'Run' }).click();
  await page.waitForURL(/\/runs\/run_/);
  const run = await world.server.api().call(runOperations.get, { id: page.url().split('/').at(-1) ?? '' });
  assert.deepEqual(run.input, { depth: 2, since: 'yesterday' });
});
