/** Signing in with a browser, over the wire: keys and links become sessions, which end with their key, their time, or a word. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signInOperations } from '../../../src/platform/sign-in/contract.ts';
import { identityOperations } from '../../../src/platform/identity/contract.ts';
import { GUESSES_PER_MINUTE } from '../../../src/surfaces/http/admit.ts';
import { problemOf } from '../../support/api-operations.ts';
import type { TestServer } from '../../support/server.ts';
import { testServer } from '../../support/server.ts';

type Credential = { key: string } | { link: string };
const open = (server: TestServer, body: Credential | object, headers: Record<string, string> = {}) =>
  server.request('//session', { method: 'POST', key: null, body, headers: { origin: server.url, 'user-agent': 'Test browser', ...headers } });

async function cookieOf(server: TestServer, credential: Credential): Promise<string> {
  const response = await open(server, credential);
  assert.equal(response.status, 200);
  return response.headers.get('set-cookie')?.split(';')[0] ?? assert.fail('no cookie');
}

const self = (server: TestServer, cookie: string, headers: Record<string, string> = {}) =>
  server.request('/self', { key: null, headers: { cookie, ...headers } });

test('a key typed once becomes a cookie that scripts cannot read, and only its digest is stored [IDN-1]', async () => {
  await using server = await testServer({ workers: 0 });
  const response = await open(server, { key: server.ownerKey });
  const cookie = response.headers.get('set-cookie') ?? '';
  const { port } = new URL(server.url);
  assert.match(cookie, new RegExp(`^windlass_session_${port}=wls_[\\w-]{43}; Path=/; HttpOnly; SameSite=Strict; Max-Age=1209600$`));
  const token = /wls_[\w-]{43}/.exec(cookie)?.[0] ?? '';
  const me = (await (await self(server, cookie.split(';')[0] ?? '')).json()) as { actor: { name: string }; role: string };
  assert.deepEqual([me.actor.name, me.role], ['owner', 'owner']);
  const rows = await server.db.owner<{ row: string }>('select row_to_json(s)::text as row from sign_in s');
  assert.equal(rows.length, 1);
  assert.equal(rows[0]?.row.includes(token) || rows[0]?.row.includes(server.ownerKey), false);
  assert.equal((await server.request('/self', { key: token })).status, 401, 'a session is no key');
  assert.equal((await self(server, `windlass_session_1=${token}`)).status, 401, 'nor is it the cookie of another port');
  assert.equal(server.logged.join('').includes(token), false);
});

test('behind TLS the cookie is for TLS only', async () => {
  await using server = await testServer({ workers: 0 });
  const { host } = new URL(server.url);
  const response = await open(server, { key: server.ownerKey }, { origin: `https://${host}` });
  assert.match(response.headers.get('set-cookie') ?? '', /; Secure$/);
});

test('a link signs in once, for 15 minutes, and of two at once one [IDN-1]', async () => {
  await using server = await testServer({ workers: 0 });
  const { token, path } = await server.api().call(signInOperations.link, {});
  assert.equal(path, `/sign-in#${token}`);
  const both = await Promise.all([open(server, { link: token }), open(server, { link: token })]);
  assert.deepEqual(
    both.map(({ status }) => status).toSorted((a, b) => a - b),
    [200, 401],
  );
  assert.match((await problemOf(await open(server, { link: token }))).detail, /used before/);
  const late = await server.api().call(signInOperations.link, {});
  await server.db.owner("update sign_in_link set expires_at = clock_now() - interval '1 second'");
  assert.equal((await open(server, { link: late.token })).status, 401);
  assert.equal((await open(server, { link: server.ownerKey })).status, 401, 'a key is no link');
  const first = /wll_[\w-]{43}/.exec(server.signInPath ?? '')?.[0];
  assert.notEqual(first, undefined, 'the first start offers one');
});

test('a session ends by signing out, with its key, with its time, and by an admin, at once [IDN-1]', async () => {
  await using server = await testServer({ workers: 0 });
  const key = await server.key({ role: 'operator' });
  const ends: [string, (cookie: string) => Promise<unknown>][] = [
    ['sign-out', (cookie) => server.request('//session', { method: 'DELETE', key: null, headers: { cookie, origin: server.url } })],
    ['time', () => server.db.owner("update sign_in set expires_at = clock_now() - interval '1 second'")],
    [
      'an admin',
      async () => {
        const { items } = await server.api().call(signInOperations.list, {});
        assert.equal(items.length, 1);
        return server.api().call(signInOperations.end, { id: items[0]?.id ?? '' });
      },
    ],
    ['its key', () => server.api().call(identityOperations.revokeKey, { id: key.id })],
  ];
  for (const [how, end] of ends) {
    const cookie = await cookieOf(server, { key: key.secret });
    assert.equal((await self(server, cookie)).status, 200, how);
    await end(cookie);
    const response = await self(server, cookie);
    assert.equal(response.status, 401, how);
    assert.match((await problemOf(response)).detail, /signed out/);
  }
  assert.equal((await open(server, { key: key.secret })).status, 401, 'a revoked key opens nothing');
});

test('a cookie is taken only from a page of this server, and changes only with its origin named', async () => {
  await using server = await testServer({ workers: 0 });
  const cookie = await cookieOf(server, { key: server.ownerKey });
  for (const site of ['cross-site', 'same-site']) assert.equal((await self(server, cookie, { 'sec-fetch-site': site })).status, 403, site);
  for (const site of ['same-origin', 'none']) assert.equal((await self(server, cookie, { 'sec-fetch-site': site })).status, 200, site);
  const change = (headers: Record<string, string>) =>
    server.request('/actors', { method: 'POST', key: null, body: { kind: 'user', name: 'Ada' }, headers: { cookie, ...headers } });
  assert.equal((await change({})).status, 403, 'no origin');
  assert.equal((await change({ origin: 'http://127.0.0.1:1' })).status, 403, 'another port');
  assert.equal((await change({ origin: server.url })).status, 201);
  assert.equal((await open(server, { key: server.ownerKey }, { origin: 'http://127.0.0.1:1' })).status, 403, 'signing in from elsewhere');
  const unnamed = await server.request('//session', { method: 'POST', key: null, body: { key: server.ownerKey } });
  assert.equal(unnamed.status, 403, 'signing in from nowhere');
});

test('everybody sees and ends their own sign-ins, an admin those of all [IDN-1, IDN-2]', async () => {
  await using server = await testServer({ workers: 0 });
  const viewer = await server.key({ role: 'viewer', name: 'Vera' });
  await cookieOf(server, { key: server.ownerKey });
  await cookieOf(server, { key: viewer.secret });
  const names = async (key: string): Promise<string[]> =>
    (await server.api(key).call(signInOperations.list, {})).items.map(({ actor }) => actor.name);
  assert.deepEqual((await names(server.ownerKey)).toSorted(), ['Vera', 'owner']);
  assert.deepEqual(await names(viewer.secret), ['Vera']);
  const { items } = await server.api().call(signInOperations.list, {});
  const owners = items.find(({ actor }) => actor.name === 'owner');
  await assert.rejects(server.api(viewer.secret).call(signInOperations.end, { id: owners?.id ?? '' }), /There is no sign-in/);
  const other = await server.addOrganization();
  await assert.rejects(server.api(other.ownerKey).call(signInOperations.end, { id: owners?.id ?? '' }), /There is no sign-in/);
  assert.deepEqual(await names(other.ownerKey), []);
});

test('what is no credential is refused, and guesses are limited by address [IDN-2]', async () => {
  await using server = await testServer({ workers: 0 });
  for (const body of [{}, { key: 1 }, { key: 'wl_a', link: 'wll_b' }, { key: 'x'.repeat(501) }]) {
    const response = await open(server, body);
    assert.equal(response.status, 400, JSON.stringify(body));
    await problemOf(response);
  }
  assert.equal((await open(server, { key: 'x'.repeat(10_000) })).status, 413);
  for (let guess = 0; guess < GUESSES_PER_MINUTE; guess += 1) assert.equal((await open(server, { key: `wl_${'0'.repeat(43)}` })).status, 401);
  assert.equal((await open(server, { key: `wl_${'0'.repeat(43)}` })).status, 429);
});
