/**
 * Every page of the console in a real browser: in both themes and at three widths, empty and filled, nothing that axe faults, nothing
 * wider than the screen, nothing asked of another origin, no error.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { agentOperations } from '../../src/work/agents/contract.ts';
import { axeFaults } from '../support/axe.ts';
import type { TestBrowser } from '../support/browser.ts';
import { NO_BROWSER, testBrowser } from '../support/browser.ts';
import type { TestServer } from '../support/server.ts';
import { testServer } from '../support/server.ts';
import { until } from '../support/until.ts';

const REHEARSALS = { talk: 'turns:\n  - text: Done. Nothing was found.\n' };
const LOOKS = [
  { width: 375, theme: 'light', touch: true },
  { width: 375, theme: 'dark', touch: true },
  { width: 768, theme: 'light' },
  { width: 1440, theme: 'dark' },
  { width: 1440, theme: 'light' },
] as const;

/** Addresses that need nothing to be there. */
const PAGES = ['/', '/runs', '/agents', '/no/such/page'];

let browser: TestBrowser;
before(async () => {
  if (NO_BROWSER === false) browser = await testBrowser();
});
after(() => browser?.[Symbol.asyncDispose]());

async function lookAt(server: TestServer, paths: readonly string[]): Promise<void> {
  for (const look of LOOKS) {
    const { page, context, faults } = await browser.open(server, '/', look);
    for (const path of paths) {
      const at = `${path} at ${look.width} px, ${look.theme}`;
      await page.goto(server.url + path);
      await page.waitForSelector('h1');
      await page.waitForSelector('.bones', { state: 'detached' });
      assert.deepEqual(await axeFaults(page), [], at);
      assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true, `${at} is wider than the screen`);
    }
    assert.deepEqual(faults, [], `${look.width} px, ${look.theme}`);
    await context.close();
  }
}

test('every page, with nothing there yet [WEB-1]', { skip: NO_BROWSER }, async () => {
  await using server = await testServer({ workers: 0 });
  await lookAt(server, PAGES);
});

test('every page, with agents and runs there [WEB-1]', { skip: NO_BROWSER }, async () => {
  await using server = await testServer({ rehearsals: REHEARSALS });
  for (const name of ['audit', 'notes', 'triage']) {
    await server.api().call(agentOperations.create, { name, instructions: 'Talk.', model: 'rehearsal/talk', description: 'Says what matters.' });
    await server.api().call(agentOperations.run, { name });
  }
  await until('the runs end', 10_000, async () => /"count":\{"kind":"exact","value":3\}/.test(await (await server.request('/status')).text()));
  await lookAt(server, PAGES);
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
