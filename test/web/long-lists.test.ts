/** Lists of ten thousand: honest totals, more appended by cursor, few rows on the page, no long frame. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { TestBrowser } from '../support/browser.ts';
import { NO_BROWSER, testBrowser } from '../support/browser.ts';
import { contextWorld } from '../support/context-world.ts';
import { crowd } from '../support/crowd.ts';

let browser: TestBrowser;
before(async () => {
  if (NO_BROWSER === false) browser = await testBrowser();
});
after(() => browser?.[Symbol.asyncDispose]());

const SCROLL = `new Promise((resolve) => {
  const frames = [];
  let last = performance.now();
  const step = (now) => {
    frames.push(now - last);
    last = now;
    scrollBy(0, 400);
    if (frames.length < 120) requestAnimationFrame(step); else resolve(frames.slice(2));
  };
  requestAnimationFrame(step);
})`;

test('a list of 10,000 goes on by cursor, keeps what was there, and stays smooth [WEB-1]', { skip: NO_BROWSER }, async () => {
  await using world = await contextWorld();
  await crowd(world.server);
  const { page, faults, context } = await browser.open(world.server, '/no/such/page');
  const asked: URL[] = [];
  page.on('request', (request) => {
    if (/\/api\/v1\/notes\?/.test(request.url())) asked.push(new URL(request.url()));
  });
  await page.goto(`${world.server.url}/context/notes`);
  await page.getByText('50 of 10,001 notes').waitFor();
  for (let more = 1; more <= 10; more += 1) {
    await page.getByRole('button', { name: 'Show more' }).click();
    await page.getByText(`${(50 + 200 * more).toLocaleString('en')} of 10,001 notes`).waitFor();
  }
  assert.equal(asked.length, 11, 'one request for each page');
  assert.equal(
    asked.slice(1).every((url) => url.searchParams.has('cursor')),
    true,
  );
  const rows = await page.locator('tbody tr').count();
  assert.equal(rows < 700, true, `${rows} rows stand on the page`);
  const frames = (await page.evaluate<number[]>(SCROLL)).toSorted((a, b) => a - b);
  const median = frames[Math.floor(frames.length / 2)] ?? 0;
  assert.equal(median < 50, true, `a frame takes ${median} ms`);
  // what is written meanwhile comes first, and what was read before stays
  await page.getByRole('button', { name: 'New note' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Title').fill('Written meanwhile');
  await dialog.getByLabel('Content').fill('Now.');
  await dialog.getByRole('button', { name: 'Keep it' }).click();
  await page.getByRole('heading', { name: 'Written meanwhile' }).waitFor();
  await page.goBack();
  await page.getByText('2,050 of 10,002 notes').or(page.getByText('2,051 of 10,002 notes')).waitFor();
  await page.getByText(/After the first 400 as it was/).waitFor();
  await page.locator('tbody').first().getByText('Written meanwhile').waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test('every list of 10,000 says how many there are [WEB-1]', { skip: NO_BROWSER }, async () => {
  await using world = await contextWorld();
  await crowd(world.server);
  const { page, faults, context } = await browser.open(world.server, '/no/such/page');
  for (const [path, told] of [
    ['/context?state=ended', /50 of 10,00\d sessions/],
    ['/context/handoffs', /50 of 10,00\d handoffs/],
    ['/context/documents', /50 of 10,00\d documents/],
    ['/context/alerts', /50 of 10,00\d alerts/],
    ['/settings/keys', /50 of 10,00\d keys/],
    ['/settings/people', /50 of 10,00\d/],
  ] as const) {
    await page.goto(world.server.url + path);
    await page.getByText(told).waitFor();
    await page.getByRole('button', { name: 'Show more' }).click();
    await page.getByText(/250 of 10,00\d/).waitFor();
  }
  assert.deepEqual(faults, []);
  await context.close();
});
