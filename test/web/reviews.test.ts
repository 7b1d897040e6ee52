/** The pages of reviews: panels with grades, single reviews, findings and what a person makes of them. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { projectOperations } from '../../src/work/projects/contract.ts';
import { findingOperations, panelOperations } from '../../src/work/reviews/contract.ts';
import type { TestBrowser } from '../support/browser.ts';
import { NO_BROWSER, testBrowser } from '../support/browser.ts';
import { lookAt } from '../support/look-at.ts';
import { ORDERS_AFTER, reviewRepository } from '../support/review-repository.ts';
import { testServer } from '../support/server.ts';
import { until } from '../support/until.ts';

const PAGES = ['', '/jobs', '/findings'].map((part) => `/reviews${part}`);

let browser: TestBrowser;
before(async () => {
  if (NO_BROWSER === false) browser = await testBrowser();
});
after(() => browser?.[Symbol.asyncDispose]());

test(
  'a panel is started in the console, seen with its grades, and a finding dismissed with a reason [WEB-1, REV-1]',
  { skip: NO_BROWSER },
  async () => {
    using repository = reviewRepository();
    await using server = await testServer();
    const api = server.api();
    await lookAt(browser, server, { paths: PAGES, told: 'empty' });
    await api.call(projectOperations.add, { path: repository.path, code: 'shop' });
    repository.write('src/orders.ts', ORDERS_AFTER);
    repository.commit('Add search and notices');
    const { page, faults, context } = await browser.open(server, '/reviews');
    await page.getByRole('button', { name: 'Review a change' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('security', { exact: true }).check();
    await dialog.getByLabel('architect', { exact: true }).check();
    await dialog.getByRole('button', { name: 'Start the panel' }).click();
    await page.waitForURL(/\/reviews\/panels\/.+/);
    const id = page.url().split('/').at(-1) ?? '';
    const panel = await until('the panel ends', 60_000, async () => {
      const found = await api.call(panelOperations.get, { id, waitSeconds: 1 });
      return found.ended ? found : null;
    });
    assert.equal(panel.findings.length > 0, true);
    await page.goto(`${server.url}/reviews/findings?state=open`);
    await page.getByRole('button', { name: 'Dismiss' }).first().click();
    await page.getByRole('dialog').getByLabel('Why?').fill('It is a fixture.');
    await page.getByRole('dialog').getByRole('button', { name: 'Dismiss' }).click();
    await page.getByText('Dismissed.').waitFor();
    const { items } = await api.call(findingOperations.list, { state: 'dismissed' });
    assert.deepEqual(
      items.map(({ reason }) => reason),
      ['It is a fixture.'],
    );
    assert.deepEqual(faults, []);
    await context.close();
    const paths = [...PAGES, `/reviews/panels/${id}`, `/reviews/jobs/${panel.members[0]?.job ?? ''}`];
    await lookAt(browser, server, { paths, told: 'filled' });
  },
);
