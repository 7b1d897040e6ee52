/** The pages of trust and settings: what was asked and answered, tools, requests, keys, people, browsers, webhooks. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { approvalOperations } from '../../src/platform/approvals/contract.ts';
import { identityOperations } from '../../src/platform/identity/contract.ts';
import type { TestBrowser } from '../support/browser.ts';
import { NO_BROWSER, testBrowser } from '../support/browser.ts';
import { agentOperations } from '../../src/work/agents/contract.ts';
import { consoleWorld } from '../support/console-world.ts';
import { axeFaults } from '../support/axe.ts';
import { lookAt, picture, settled } from '../support/look-at.ts';
import { testServer } from '../support/server.ts';

let browser: TestBrowser;
before(async () => {
  if (NO_BROWSER === false) browser = await testBrowser();
});
after(() => browser?.[Symbol.asyncDispose]());

const SETTINGS = ['', '/keys', '/people', '/models', '/storage', '/browsers', '/webhooks'].map((part) => `/settings${part}`);

test('every page of trust and settings [WEB-1]', { skip: NO_BROWSER }, async () => {
  await using world = await consoleWorld();
  const api = world.server.api();
  const asked = await api.call(approvalOperations.list, { run: world.runs.asks });
  const [question] = asked.items;
  await api.call(approvalOperations.answer, { id: question?.id ?? '', hash: question?.hash ?? '', answer: 'answer', text: '2.0' });
  const open = await api.call(approvalOperations.list, { run: world.runs.approval });
  const traced = await world.server.request('/self');
  const paths = [
    '/trust',
    '/trust?state=expired',
    `/trust/approvals/${question?.id ?? ''}`,
    `/trust/approvals/${open.items[0]?.id ?? ''}`,
    '/trust/policy',
    '/trust/tools',
    '/trust/tools/http_send',
    '/trust/requests',
    '/trust/audit',
    `/trust/requests?id=${traced.headers.get('x-correlation-id') ?? ''}`,
    ...SETTINGS,
  ];
  await lookAt(browser, world.server, { paths, told: 'filled' });
});

test('pages of trust, settings and spend that cannot be read say so, and what to do [WEB-1]', { skip: NO_BROWSER }, async () => {
  await using server = await testServer({ workers: 0 });
  const { page, context } = await browser.open(server, '/no/such/page');
  const problem = { code: 'unavailable', detail: 'The database does not answer.', next: 'Try again in a while.', correlationId: 'cor_test' };
  await context.route(
    /\/api\/v1\/(?:approvals|tools|audit|audit\/verify|status|status\/storage|keys|actors|models|sign-ins|webhook-sources|spend|budgets|schedules)(?:\?|$)/,
    (route) => route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify(problem) }),
  );
  for (const path of ['/trust', '/trust/tools', '/trust/audit', ...SETTINGS, '/spend', '/spend/budgets', '/schedules']) {
    await page.goto(server.url + path);
    const alert = page.getByRole('alert').first();
    await alert.getByText('The database does not answer.').waitFor();
    assert.match((await alert.textContent()) ?? '', /could not be read.*Try again in a while/, path);
    await settled(page);
    await picture(page, `failed${path}`);
    assert.deepEqual(await axeFaults(page), [], path);
  }
  await context.unroute(/./);
  await context.close();
});

test('a key for models is made in the console, shown once, and revoked [WEB-1, IDN-1]', { skip: NO_BROWSER }, async () => {
  await using server = await testServer({ workers: 0 });
  const { page, faults } = await browser.open(server, '/settings/keys');
  await page.getByRole('button', { name: 'New key for models' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('editor of Ada');
  await page.getByRole('dialog').getByLabel('Requests per minute').fill('60');
  await page.getByRole('dialog').getByRole('button', { name: 'Make it' }).click();
  const secret = (await page.getByLabel('The secret').textContent()) ?? '';
  const who = await server.request('/self', { key: secret });
  assert.equal(who.status === 200 || who.status === 403, true, 'the key is let in');
  await page.getByRole('button', { name: 'I have it' }).click();
  const row = page.getByRole('row', { name: /editor of Ada/ });
  await row.waitFor();
  assert.equal((await page.content()).includes(secret.trim()), false, 'the secret is still on the page');
  await row.getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await page.getByText('Revoked: it lets nobody in any more.').waitFor();
  const { items } = await server.api().call(identityOperations.listKeys, { all: 'true' });
  const made = items.find(({ name }) => name === 'editor of Ada');
  assert.deepEqual([made?.scopes, made?.limits.requestsPerMinute, made?.state], [['gateway'], 60, 'revoked']);
  assert.deepEqual(faults, []);
});

test('whoever wonders what an agent may do asks the policy, and sees why [WEB-1, POL-1]', { skip: NO_BROWSER }, async () => {
  await using server = await testServer({ workers: 0 });
  await server
    .api()
    .call(agentOperations.create, { name: 'scout', model: 'rehearsal/scout', instructions: 'x', tools: ['http_request', 'http_send'] });
  const { page, faults } = await browser.open(server, '/trust/tools/http_request');
  await page.getByRole('link', { name: 'What would be decided' }).click();
  await page.getByLabel('If the agent').selectOption('scout');
  assert.equal(await page.getByLabel('called the tool').inputValue(), 'http_request');
  const ask = page.getByRole('button', { name: 'What would be decided?' });
  await ask.click();
  const said = page.getByRole('status').filter({ hasText: 'Decided by' });
  await said.getByText('allowed', { exact: true }).waitFor();
  await page.getByLabel('untrusted').check();
  await page.getByLabel('private').check();
  await ask.click();
  await said.getByText('a person is asked', { exact: true }).waitFor();
  await said.getByText('two_of_three').waitFor();
  await page.getByLabel('with these arguments').fill('{"url": 7}');
  await ask.click();
  await said.getByText('arguments do not fit').waitFor();
  await page.getByLabel('with these arguments').fill('{"url"');
  await ask.click();
  await page.getByText('This is no JSON yet.').waitFor();
  await page.getByLabel('called the tool').fill('shell');
  await page.getByLabel('with these arguments').fill('');
  await ask.click();
  await said.getByText('refused', { exact: true }).waitFor();
  await said.getByText('it has http_request, http_send').waitFor();
  assert.deepEqual(faults, []);
});
