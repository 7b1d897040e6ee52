/** The console as it changes: one stream for twenty tabs, taken over when its tab goes, and long runs that stay smooth. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { identityOperations } from '../../src/platform/identity/contract.ts';
import { runOperations } from '../../src/runtime/runs/contract.ts';
import { agentOperations } from '../../src/work/agents/contract.ts';
import type { TestBrowser } from '../support/browser.ts';
import { NO_BROWSER, testBrowser } from '../support/browser.ts';
import { testServer } from '../support/server.ts';
import { until } from '../support/until.ts';

const REHEARSALS = { talk: 'turns:\n  - text: Done.\n' };
const TABS = 20;

let browser: TestBrowser;
before(async () => {
  if (NO_BROWSER === false) browser = await testBrowser();
});
after(() => browser?.[Symbol.asyncDispose]());

test('20 tabs are live at once by one stream, and another tab takes it over [WEB-1]', { skip: NO_BROWSER }, async () => {
  await using server = await testServer({ rehearsals: REHEARSALS });
  await server.api().call(agentOperations.create, { name: 'talker', instructions: 'Talk.', model: 'rehearsal/talk' });
  const { page: first, context } = await browser.open(server, '/runs');
  await first.locator('.live[data-state=live]').waitFor();
  let streams = 0;
  context.on('request', (request) => (streams += request.url().includes('/api/v1/feed') ? 1 : 0));
  const others = await Promise.all(Array.from({ length: TABS - 1 }, () => context.newPage()));
  for (const page of others) await page.goto(`${server.url}/runs`, { waitUntil: 'domcontentloaded' });
  for (const page of others) await page.locator('.live[data-state=live]').waitFor();
  assert.equal(streams, 0, 'the other tabs opened none');
  const { id } = await server.api().call(agentOperations.run, { name: 'talker' });
  for (const page of [first, ...others]) await page.locator(`a[href="/runs/${id}"]`).waitFor();
  await first.close();
  await until('another tab reads on', 10_000, () => streams === 1);
  const second = await server.api().call(agentOperations.run, { name: 'talker' });
  for (const page of others) await page.locator(`a[href="/runs/${second.id}"]`).waitFor();
  await context.close();
});

test('a tab whose key is revoked shows the page of signing in by itself [WEB-1, IDN-1]', { skip: NO_BROWSER }, async () => {
  await using server = await testServer({ workers: 0 });
  const key = await server.key({ role: 'operator' });
  const { page } = await browser.open(server, '/runs', { key: key.secret });
  await page.locator('.live[data-state=live]').waitFor();
  await server.api().call(identityOperations.revokeKey, { id: key.id });
  await page.getByLabel('Your key').waitFor({ timeout: 20_000 });
});

test('a run of 5,000 entries has few rows on the page and scrolls without a long frame [WEB-1]', { skip: NO_BROWSER }, async () => {
  await using server = await testServer({ rehearsals: REHEARSALS });
  await server.api().call(agentOperations.create, { name: 'talker', instructions: 'Talk.', model: 'rehearsal/talk' });
  const { id } = await server.api().call(agentOperations.run, { name: 'talker' });
  const { items } = await until('it ends', 10_000, async () => {
    const page = await server.api().call(runOperations.events, { id });
    return page.items.at(-1)?.event?.type === 'run.ended' ? page : null;
  });
  const reply = items.find(({ event }) => event?.type === 'model.replied') ?? assert.fail('no reply');
  const entries = Array.from({ length: 5_000 }, (_none, index) => ({ ...reply, seq: index + 1 }));
  const { page, context } = await browser.open(server, '/no/such/page');
  await context.route(/\/events\?/, (route) => {
    const after = Number(new URL(route.request().url()).searchParams.get('after'));
    const part = entries.slice(after, after + 1_000);
    const next = after + 1_000 < entries.length ? String(after + 1_000) : null;
    return route.fulfill({ json: { items: part, shown: part.length, total: { kind: 'exact', value: entries.length }, next } });
  });
  await page.goto(`${server.url}/runs/${id}`);
  await page.getByText('5,000 of 5,000').waitFor();
  const frames = await page.evaluate<number[]>(`new Promise((resolve) => {
    const box = document.querySelector('.virtual');
    const frames = [];
    let last = performance.now();
    const step = (now) => {
      frames.push(now - last);
      last = now;
      box.scrollTop += 600;
      if (frames.length < 240) requestAnimationFrame(step); else resolve(frames.slice(2));
    };
    requestAnimationFrame(step);
  })`);
  const rows = await page.locator('.step').count();
  assert.equal(rows < 80, true, `${rows} rows stand on the page`);
  const sorted = frames.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  assert.equal(median < 34, true, `a frame takes ${median} ms`);
  await context.close();
});
