/** The pages of context: sessions, handoffs, notes, documents, standards, alerts, duties, the week, the briefing. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { handoffOperations } from '../../src/work/handoffs/contract.ts';
import { noteOperations } from '../../src/work/knowledge/contract.ts';
import { standardOperations } from '../../src/work/standards/contract.ts';
import { axeFaults } from '../support/axe.ts';
import type { TestBrowser } from '../support/browser.ts';
import { NO_BROWSER, testBrowser } from '../support/browser.ts';
import { contextWorld } from '../support/context-world.ts';
import { lookAt, picture, settled } from '../support/look-at.ts';
import { testServer } from '../support/server.ts';
import { until } from '../support/until.ts';

const PARTS = ['', '/handoffs', '/notes', '/documents', '/standards', '/alerts', '/duties', '/week', '/briefing'];
const PAGES = PARTS.map((part) => `/context${part}`);

let browser: TestBrowser;
before(async () => {
  if (NO_BROWSER === false) browser = await testBrowser();
});
after(() => browser?.[Symbol.asyncDispose]());

test('every page of context, with nothing there yet [WEB-1]', { skip: NO_BROWSER }, async () => {
  await using server = await testServer({ workers: 0 });
  await lookAt(browser, server, { paths: PAGES, told: 'empty' });
});

test('every page of context, with something of everything there [WEB-1]', { skip: NO_BROWSER }, async () => {
  await using world = await contextWorld();
  const { session, handoff, note, document, proposal, standard } = world.ids;
  const paths = [
    '/',
    ...PAGES,
    '/context/notes?q=bearings',
    '/context/projects/mill',
    `/context/sessions/${session}`,
    `/context/handoffs/${handoff}`,
    `/context/notes/${note}`,
    `/context/documents/${document}?to=2`,
    `/context/standards/${standard}`,
    `/context/proposals/${proposal}`,
  ];
  await lookAt(browser, world.server, { paths, told: 'filled' });
});

test('a list that cannot be read says so, and what to do [WEB-1]', { skip: NO_BROWSER }, async () => {
  await using server = await testServer({ workers: 0 });
  const { page, context } = await browser.open(server, '/no/such/page');
  const problem = { code: 'unavailable', detail: 'The database does not answer.', next: 'Try again in a while.', correlationId: 'cor_test' };
  await context.route(/\/api\/v1\/(?:sessions|handoffs|notes|documents|standards|alerts|duties|weekly-plan)(?:\?|$)/, (route) =>
    route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify(problem) }),
  );
  for (const path of PAGES.filter((each) => !each.endsWith('briefing'))) {
    await page.goto(server.url + path);
    await page.getByRole('alert').getByText('The database does not answer.').waitFor();
    await settled(page);
    await picture(page, `failed${path}`);
    assert.deepEqual(await axeFaults(page), [], path);
  }
  await context.unroute(/./);
  await context.close();
});

test('a proposal is approved as the exact text that was shown, and a handoff taken [WEB-1, STD-2, HND-2]', { skip: NO_BROWSER }, async () => {
  await using world = await contextWorld();
  const api = world.server.api();
  const { page, faults } = await browser.open(world.server, `/context/proposals/${world.ids.proposal}`);
  const before = await api.call(standardOperations.proposal, { id: world.ids.proposal });
  await page.getByText(before.hash.slice(0, 16)).waitFor();
  await page.getByRole('button', { name: 'Approve and write' }).click();
  await page.getByText('Approved and written.').waitFor();
  await page.getByRole('link', { name: 'The standard it became' }).waitFor();
  const after = await api.call(standardOperations.proposal, { id: world.ids.proposal });
  assert.deepEqual([after.state, after.hash], ['written', before.hash]);
  await page.goto(`${world.server.url}/context/handoffs/${world.ids.handoff}`);
  await page.getByRole('button', { name: 'Take it' }).click();
  await page.getByText('Taken: it waits no more.').waitFor();
  assert.equal((await api.call(handoffOperations.get, { id: world.ids.handoff })).queue, 'taken');
  assert.deepEqual(faults, []);
});

test('a note is written by keyboard, found by its words, and says at whose word [WEB-1, KNO-1]', { skip: NO_BROWSER }, async () => {
  await using server = await testServer({ workers: 0 });
  const { page, faults } = await browser.open(server, '/context/notes');
  await page.getByRole('button', { name: 'New note' }).focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Keep it' }).focus();
  await page.keyboard.press('Enter');
  await dialog.getByText('is needed').first().waitFor();
  await dialog.getByLabel('Title').focus();
  await page.keyboard.type('Where the keys hang');
  await dialog.getByLabel('Content').focus();
  await page.keyboard.type('Behind the door.');
  await dialog.getByRole('button', { name: 'Keep it' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Where the keys hang' }).waitFor();
  const { items } = await until('the note is there', 5_000, async () => {
    const found = await server.api().call(noteOperations.search, { query: 'door' });
    return found.items.length > 0 ? found : null;
  });
  const note = await server.api().call(noteOperations.get, { id: items[0]?.id ?? '' });
  assert.deepEqual([note.content, note.written.word], ['Behind the door.', 'owner wrote it in the console.']);
  assert.deepEqual(faults, []);
});
