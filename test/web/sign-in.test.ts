/** Signing in with an identity provider, in a real browser: whole through, refused with words, and let in by an admin. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { identityOperations } from '../../src/platform/identity/contract.ts';
import { axeFaults } from '../support/axe.ts';
import type { TestBrowser } from '../support/browser.ts';
import { NO_BROWSER, testBrowser } from '../support/browser.ts';
import { LOOKS, picture } from '../support/look-at.ts';
import { CLIENT_ID, CLIENT_SECRET, startIssuer } from '../support/openid-issuer.ts';
import { testServer } from '../support/server.ts';

let browser: TestBrowser;
before(async () => {
  if (NO_BROWSER === false) browser = await testBrowser();
});
after(() => browser?.[Symbol.asyncDispose]());

const openId = {
  name: 'Example',
  clientId: CLIENT_ID,
  clientSecret: 'OPENID_SECRET',
  origin: null,
  emailDomains: null,
  roles: null,
  newPeople: null,
};

async function throughProvider(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Continue with Example' }).click();
  await page.getByRole('link', { name: 'Continue as Ana' }).click();
}

test(
  'somebody unknown is refused in words, is let in by an admin, and comes back to the page they wanted [IDN-1, WEB-1]',
  { skip: NO_BROWSER },
  async () => {
    await using issuer = await startIssuer();
    await using server = await testServer({
      workers: 0,
      env: { OPENID_SECRET: CLIENT_SECRET },
      config: { openId: { ...openId, issuer: issuer.url } },
    });
    const context = await browser.browser.newContext();
    const page = await context.newPage();
    await page.goto(`${server.url}/runs?status=failed`);
    await throughProvider(page);
    await page.getByRole('alert').getByText('Nobody has let your email address in here yet.').waitFor();
    assert.deepEqual(await axeFaults(page), []);

    const admin = await browser.open(server, '/settings/people');
    await admin.page.getByRole('button', { name: 'Add somebody' }).click();
    await admin.page.getByRole('dialog').getByLabel('Name').fill('Ana Lind');
    await admin.page.getByRole('dialog').getByRole('button', { name: 'Add', exact: true }).click();
    const letting = admin.page.getByRole('dialog', { name: 'Let Ana Lind sign in with Example' });
    await letting.getByLabel('Email').fill('Ana@example.com');
    await letting.getByRole('button', { name: 'Let in' }).click();
    await admin.page.getByText('member, ana@example.com').waitFor();
    assert.deepEqual(admin.faults, []);

    await page.goto(`${server.url}/runs?status=failed`);
    await throughProvider(page);
    await page.getByRole('heading', { name: 'Runs' }).waitFor();
    assert.equal(page.url(), `${server.url}/runs?status=failed`);
    assert.equal(
      (await page.context().cookies()).some(
        ({ name, httpOnly, sameSite }) => name.startsWith('windlass_session') && httpOnly && sameSite === 'Strict',
      ),
      true,
    );
    const ana = (await server.api().call(identityOperations.listActors, {})).items.find(({ name }) => name === 'Ana Lind');
    assert.equal(ana?.signIn?.email, 'ana@example.com');

    await admin.page
      .getByRole('row', { name: /Ana Lind/ })
      .getByRole('button', { name: 'Let sign in' })
      .click();
    await admin.page.getByRole('button', { name: 'No longer let in' }).click();
    await admin.page.getByText('Ana Lind no longer signs in with Example.').waitFor();
    await page.reload();
    await page.getByRole('button', { name: 'Continue with Example' }).waitFor();
  },
);

test('the sign-in page is whole at every width, with and without a provider [WEB-1]', { skip: NO_BROWSER }, async () => {
  await using issuer = await startIssuer();
  await using server = await testServer({ workers: 0, config: { openId: { ...openId, clientSecret: null, issuer: issuer.url } } });
  await using plain = await testServer({ workers: 0 });
  for (const look of LOOKS) {
    const context = await browser.browser.newContext({ viewport: { width: look.width, height: 800 }, colorScheme: look.theme });
    const page = await context.newPage();
    for (const path of ['/', '/sign-in?problem=email_unverified', '/sign-in?problem=made-up']) {
      await page.goto(server.url + path);
      await page.getByRole('button', { name: 'Continue with Example' }).waitFor();
      assert.equal(await page.getByRole('alert').count(), path === '/' ? 0 : 1);
      assert.deepEqual(await axeFaults(page), [], `${path} at ${look.width}`);
      await picture(page, `sign-in${path}-${look.width}`);
      assert.equal(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth'), true);
    }
    await page.goto(plain.url);
    await page.getByLabel('Your key').waitFor();
    assert.equal(await page.getByText('Continue with').count(), 0);
    await context.close();
  }
});
