/**
 * Every page of the console in a real browser: in both themes and at three widths, empty and filled, nothing that axe faults, nothing
 * wider than the screen, nothing asked of another origin, no error.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { axeFaults } from '../support/axe.ts';
import type { TestBrowser } from '../support/browser.ts';
import { NO_BROWSER, testBrowser } from '../support/browser.ts';
import { consoleWorld } from '../support/console-world.ts';
import { LOOKS, lookAt } from '../support/look-at.ts';
import { testServer } from '../support/server.ts';

/** Addresses that need nothing to be there. */
const PAGES = ['/', '/runs', '/agents', '/schedules', '/no/such/page'];

let browser: TestBrowser;
before(async () => {
  if (NO_BROWSER === false) browser = await testBrowser();
});
after(() => browser?.[Symbol.asyncDispose]());

test('every page, with nothing there yet [WEB-1]', { skip: NO_BROWSER }, async () => {
  await using server = await testServer({ workers: 0 });
  await lookAt(browser, server, { paths: PAGES, told: 'empty' });
});

test('every page, with agents, runs and questions there [WEB-1]', { skip: NO_BROWSER }, async () => {
  await using world = await consoleWorld();
  const { done, asks, approval, cancelled } = world.runs;
  const paths = [
    ...PAGES,
    ...[done, asks, approval, cancelled].map((run) => `/runs/${run}`),
    `/runs/${done}?step=5`,
    `/runs/${done}?tab=about`,
    `/runs/${done}?tab=journal`,
    `/runs/${done}/compare/${cancelled}`,
    '/agents/new',
    '/agents/nightly-audit',
    ...['edit', 'versions', 'schedules'].map((part) => `/agents/nightly-audit/${part}`),
  ];
  await lookAt(browser, world.server, { paths, told: 'filled' });
});

test('a source that fails says so, what happened and what to do, and hides nothing else [WEB-1]', { skip: NO_BROWSER }, async () => {
  await using world = await consoleWorld();
  const { page, context } = await browser.open(world.server, '/no/such/page');
  const problem = { code: 'unavailable', detail: 'The database does not answer.', next: 'Try again in a while.', correlationId: 'cor_test' };
  await context.route(/\/api\/v1\/(?:alerts|runs|agents)(?:\?|$)/, (route) =>
    route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify(problem) }),
  );
  await page.goto(`${world.server.url}/`);
  await page.getByText('Alerts could not be read').waitFor();
  await page.getByRole('button', { name: 'Approve' }).waitFor();
  assert.deepEqual(await axeFaults(page), []);
  for (const path of ['/runs', '/agents']) {
    await page.goto(world.server.url + path);
    const alert = page.getByRole('alert');
    await alert.getByText('The database does not answer.').waitFor();
    assert.match((await alert.textContent()) ?? '', /could not be read.*Try again in a while/);
    assert.deepEqual(await axeFaults(page), []);
  }
  await context.unroute(/./);
  await context.close();
});

test('a browser can install it: name, icons, start, all from here [WEB-1]', { skip: NO_BROWSER }, async () => {
  await using server = await testServer({ workers: 0 });
  const { page, context, faults } = await browser.open(server);
  await page.getByRole('heading', { name: 'Home' }).waitFor();
  const session = await context.newCDPSession(page);
  const { installabilityErrors } = await session.send('Page.getInstallabilityErrors');
  assert.deepEqual(
    installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito'),
    [],
  );
  const manifest = (await (await fetch(`${server.url}/console.webmanifest`)).json()) as { icons: { src: string; type: string }[] };
  for (const { src, type } of manifest.icons) {
    const icon = await fetch(server.url + src);
    assert.deepEqual([icon.status, icon.headers.get('content-type')], [200, type], src);
  }
  assert.deepEqual(faults, []);
  await context.close();
});

test('the page of signing in [WEB-1]', { skip: NO_BROWSER }, async () => {
  await using server = await testServer({ workers: 0 });
  for (const { width, theme } of LOOKS) {
    const context = await browser.browser.newContext({ viewport: { width, height: 800 }, colorScheme: theme });
    const page = await context.newPage();
    await page.goto(server.url);
    await page.getByLabel('Your key').fill('wl_wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    assert.deepEqual(await axeFaults(page), []);
    await page.getByLabel('Your key').fill(server.ownerKey);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Home' }).waitFor();
    assert.equal(await page.evaluate('Object.values(localStorage).concat(Object.values(sessionStorage)).join().includes("wl_")'), false);
    await context.close();
  }
});

test('the link of the first start signs in once; used again it says so and ends no session [WEB-1, IDN-1]', { skip: NO_BROWSER }, async () => {
  await using server = await testServer({ workers: 0 });
  const context = await browser.browser.newContext();
  const first = await context.newPage();
  await first.goto(server.url + (server.signInPath ?? ''));
  await first.getByRole('heading', { name: 'Home' }).waitFor();
  assert.equal(new URL(first.url()).hash, '', 'the token does not stay in the address');
  const again = await context.newPage();
  await again.goto(server.url + (server.signInPath ?? ''));
  assert.match((await again.getByRole('alert').textContent()) ?? '', /used before/);
  await first.reload();
  await first.getByRole('button', { name: 'Sign out' }).click();
  await first.getByLabel('Your key').waitFor();
  await context.close();
});
