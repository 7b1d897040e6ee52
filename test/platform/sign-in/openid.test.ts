/** Signing in with an identity provider: who gets in, as whom, and that nothing which only looks like a sign-in lets anybody in. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Config } from '../../../src/config.ts';
import { identityOperations } from '../../../src/platform/identity/contract.ts';
import type { SignInProblem } from '../../../src/platform/sign-in/contract.ts';
import { problemOf } from '../../support/api-operations.ts';
import type { Issuer, Lie, Token } from '../../support/openid-issuer.ts';
import { CLIENT_ID, CLIENT_SECRET, signToken, startIssuer } from '../../support/openid-issuer.ts';
import type { TestServer } from '../../support/server.ts';
import { testServer } from '../../support/server.ts';

type OpenId = NonNullable<Config['openId']>;

function openServer(issuer: Issuer, settings: Partial<OpenId> = {}): Promise<TestServer> {
  const openId: OpenId = {
    ...{ name: 'Example', issuer: issuer.url, clientId: CLIENT_ID, clientSecret: 'OPENID_SECRET', origin: null },
    ...{ emailDomains: ['example.com'], roles: null, newPeople: null },
    ...settings,
  };
  return testServer({ workers: 0, env: { OPENID_SECRET: CLIENT_SECRET }, config: { openId } });
}

/** A browser's way there: its cookie, and where the provider sends it back to. */
async function leave(server: TestServer, issuer: Issuer): Promise<{ cookie: string; back: URL }> {
  const begun = await fetch(`${server.url}/sign-in/openid`, { redirect: 'manual' });
  assert.equal(begun.status, 303);
  const cookie = begun.headers.get('set-cookie')?.split(';')[0] ?? '';
  return { cookie, back: await issuer.visit(begun.headers.get('location') ?? '') };
}

type Ended = { session: string | null; problem: string | null; response: Response };

async function comeBack(cookie: string, back: URL): Promise<Ended> {
  const response = await fetch(back, { redirect: 'manual', headers: { cookie } });
  const set = response.headers.getSetCookie().find((each) => each.startsWith('windlass_session'));
  const location = new URL(response.headers.get('location') ?? '/', back);
  assert.equal((await response.text()).trim(), '', 'nothing is said but where to go');
  return { session: set?.split(';')[0] ?? null, problem: location.searchParams.get('problem'), response };
}

async function signIn(server: TestServer, issuer: Issuer): Promise<Ended> {
  const { cookie, back } = await leave(server, issuer);
  return comeBack(cookie, back);
}

const self = async (server: TestServer, cookie: string | null) => {
  const response = await server.request('/self', { key: null, headers: { cookie: cookie ?? '' } });
  return response.status === 200 ? ((await response.json()) as { actor: { id: string; name: string }; role: string }) : null;
};

async function addAna(server: TestServer, role: 'member' | 'operator' = 'operator'): Promise<string> {
  const { id } = await server.api().call(identityOperations.createActor, { kind: 'user', name: 'Ana' });
  await server.api().call(identityOperations.allowSignIn, { id, email: 'Ana@Example.com', role });
  return id;
}

test('a person whom an admin let in by email signs in, with the role given, and their session is one like any other [IDN-1, WEB-1]', async () => {
  await using issuer = await startIssuer();
  await using server = await openServer(issuer);
  assert.deepEqual(await (await fetch(`${server.url}/sign-in/ways`)).json(), { openId: { name: 'Example', path: '/sign-in/openid' } });
  assert.equal(issuer.asked.length, 0, 'nothing is asked of the provider before somebody signs in');
  const id = await addAna(server);
  const ended = await signIn(server, issuer);
  assert.deepEqual([ended.problem, ended.response.headers.get('location')], [null, '/']);
  const cookies = ended.response.headers.getSetCookie();
  assert.match(cookies.find((each) => each.startsWith('windlass_session')) ?? '', /; Path=\/; HttpOnly; SameSite=Strict; Max-Age=1209600$/);
  assert.match(cookies.find((each) => each.startsWith('windlass_attempt')) ?? '', /=; Path=\/sign-in; HttpOnly; SameSite=Lax; Max-Age=0$/);
  const me = await self(server, ended.session);
  assert.deepEqual([me?.actor.id, me?.role], [id, 'operator']);
  assert.deepEqual(issuer.faults, []);
  const again = await signIn(server, issuer);
  assert.equal((await self(server, again.session))?.actor.id, id);
  const keys = (await server.api().call(identityOperations.listKeys, {})).items.filter(({ actor }) => actor.id === id);
  assert.deepEqual(
    keys.map(({ name, role }) => [name, role]),
    [['signs in with Example', 'operator']],
    'two sign-ins stand for one key',
  );
  const stored = JSON.stringify(await server.db.owner('select * from sign_in_attempt'));
  assert.equal(/wla_/.test(stored), false, 'only digests are stored');
});

test('what changes who a person is signs them out: another role, another email, no email [IDN-1]', async () => {
  await using issuer = await startIssuer();
  await using server = await openServer(issuer);
  const id = await addAna(server);
  const api = server.api();
  const changes: (() => Promise<unknown>)[] = [
    () => api.call(identityOperations.allowSignIn, { id, email: 'ana@example.com', role: 'member' }),
    () => api.call(identityOperations.allowSignIn, { id, email: 'ana.lind@example.com', role: 'member' }),
    () => api.call(identityOperations.endSignIn, { id }),
  ];
  const roles: (string | undefined)[] = [];
  for (const change of changes) {
    const { items } = await api.call(identityOperations.listActors, {});
    issuer.user['email'] = items.find((actor) => actor.id === id)?.signIn?.email;
    const { session } = await signIn(server, issuer);
    roles.push((await self(server, session))?.role);
    await change();
    assert.equal(await self(server, session), null, 'the session goes on');
  }
  assert.deepEqual(roles, ['operator', 'member', 'member']);
  assert.equal((await signIn(server, issuer)).problem, 'unknown_person');
});

test('an email that the provider gives to another account lets nobody in, until an admin says so [IDN-1]', async () => {
  await using issuer = await startIssuer();
  await using server = await openServer(issuer);
  const id = await addAna(server);
  assert.equal((await signIn(server, issuer)).problem, null);
  issuer.user = { ...issuer.user, sub: 'somebody-else' };
  assert.equal((await signIn(server, issuer)).problem, 'other_account');
  await server.api().call(identityOperations.endSignIn, { id });
  await server.api().call(identityOperations.allowSignIn, { id, email: 'ana@example.com', role: 'member' });
  assert.equal((await signIn(server, issuer)).problem, null);
});

test('unknown people are let in where the configuration says so, as what it says, once [IDN-1]', async () => {
  await using issuer = await startIssuer();
  await using server = await openServer(issuer, { newPeople: 'viewer' });
  const ended = await Promise.all([signIn(server, issuer), signIn(server, issuer)]);
  const people = await Promise.all(ended.map(({ session }) => self(server, session)));
  assert.deepEqual(
    people.map((me) => [me?.actor.name, me?.role]),
    [
      ['Ana', 'viewer'],
      ['Ana', 'viewer'],
    ],
  );
  assert.equal(new Set(people.map((me) => me?.actor.id)).size, 1, 'two at once are one person');
  issuer.user = { sub: 'm', email: 'mallory@elsewhere.org', email_verified: true };
  assert.equal((await signIn(server, issuer)).problem, 'email_domain');
});

test('a claim of the provider says what somebody is: the highest role it gives, anew at each sign-in [IDN-1]', async () => {
  await using issuer = await startIssuer();
  const roles = { claim: 'groups', values: { staff: 'member', leads: 'admin', __proto__x: 'owner' } } as const;
  await using server = await openServer(issuer, { roles, newPeople: null });
  await addAna(server);
  const told = async (groups: unknown): Promise<string> => {
    issuer.user['groups'] = groups;
    const { session, problem } = await signIn(server, issuer);
    return problem ?? (await self(server, session))?.role ?? 'nobody';
  };
  assert.deepEqual(
    [
      await told(['staff', 'leads']),
      await told('staff'),
      await told(['guests']),
      await told(undefined),
      await told({ leads: true }),
      await told('constructor'),
    ],
    ['admin', 'member', 'no_role', 'no_role', 'no_role', 'no_role'],
  );
});

test('nobody lets in who is above them, a program nobody, and one email one person [IDN-1, IDN-2]', async () => {
  await using issuer = await startIssuer();
  await using server = await openServer(issuer);
  const id = await addAna(server);
  const admin = await server.key({ role: 'admin' });
  const service = await server.key({ role: 'admin', kind: 'service' });
  const put = (key: string, body: object, who = id) => server.request(`/actors/${who}/sign-in`, { method: 'PUT', key, body });
  assert.equal((await put(admin.secret, { email: 'ana@example.com', role: 'owner' })).status, 403);
  assert.equal((await put(service.secret, { email: 'ana@example.com', role: 'viewer' })).status, 403);
  assert.equal((await put(server.ownerKey, { email: 'ana@example.com', role: 'owner' })).status, 200);
  assert.equal((await put(admin.secret, { email: 'ana@example.com', role: 'viewer' })).status, 403, 'an admin lowers no owner');
  const taken = await problemOf(await put(server.ownerKey, { email: 'ANA@example.com', role: 'viewer' }, admin.actor));
  assert.match(taken.detail, /lets in Ana already/);
  assert.equal((await put(server.ownerKey, { email: 'no address' }, admin.actor)).status, 400);
  assert.equal((await put(server.ownerKey, { email: 'x@example.com' }, service.actor)).status, 400, 'a service is no person');
});

test('a provider that is away, calls itself otherwise, or does not know this server is told in words, and nothing of it leaves [IDN-2]', async () => {
  await using issuer = await startIssuer();
  await using server = await openServer(issuer);
  await addAna(server);
  const begin = async (): Promise<string | null> => {
    const response = await fetch(`${server.url}/sign-in/openid`, { redirect: 'manual' });
    return new URL(response.headers.get('location') ?? '', server.url).searchParams.get('problem');
  };
  issuer.lie = { document: (honest) => ({ ...honest, issuer: 'https://elsewhere.example' }) };
  assert.equal(await begin(), 'not_believed');
  issuer.lie = { document: () => ({ error: 'secret-of-the-provider' }) };
  assert.equal(await begin(), 'not_believed');
  issuer.lie = {};
  await using stranger = await openServer(issuer, { clientSecret: null });
  await addAna(stranger);
  assert.equal((await signIn(stranger, issuer)).problem, 'not_set_up', 'the provider wants a secret');
  await using forgetful = await openServer(issuer, { clientSecret: 'NOT_THERE' });
  assert.equal(
    new URL((await fetch(`${forgetful.url}/sign-in/openid`, { redirect: 'manual' })).headers.get('location') ?? '', 'http://x').search,
    '?problem=not_set_up',
  );
  assert.match(forgetful.logged.join('\n'), /the secret NOT_THERE is not in the environment/);
  assert.equal((await signIn(server, issuer)).problem, null, 'it is asked again, and lets in');
  assert.equal(
    /secret-of-the-provider|access-token-of-ana|eyJ/.test([server, stranger, forgetful].flatMap(({ logged }) => logged).join('\n')),
    false,
  );
});

test('a server without a provider has no such door', async () => {
  await using server = await testServer({ workers: 0 });
  assert.deepEqual(await (await fetch(`${server.url}/sign-in/ways`)).json(), { openId: null });
  assert.equal((await fetch(`${server.url}/sign-in/callback?code=x&state=y`, { headers: { accept: 'application/json' } })).status, 404);
});

test('a browser under another name of this server goes to the one that the provider sends it back to', async () => {
  await using issuer = await startIssuer();
  await using server = await openServer(issuer);
  const { port } = new URL(server.url);
  const response = await fetch(`http://localhost:${port}/sign-in/openid`, { redirect: 'manual' });
  assert.equal(response.headers.get('location'), `${server.url}/sign-in/openid`);
  assert.deepEqual(response.headers.getSetCookie(), []);
});

const claims = (changes: object): Lie => ({ token: ({ header, claims: honest }) => ({ header, claims: { ...honest, ...changes } }) });
const header = (changes: object): Lie => ({ token: ({ header: honest, claims: same }) => ({ header: { ...honest, ...changes }, claims: same }) });
const without = (name: string): Lie => claims({ [name]: undefined });
const as = (alg: string, { claims: same }: Token): Token => ({ header: { alg, kid: 'own' }, claims: same });
const nowSeconds = Math.floor(Date.now() / 1_000);

/** What a provider, or somebody who plays it, could send; and what the person is told. */
const LIES: readonly (readonly [string, Lie, SignInProblem])[] = [
  ['another audience', claims({ aud: 'another-client' }), 'not_believed'],
  ['an audience that only begins so', claims({ aud: `${CLIENT_ID}-2` }), 'not_believed'],
  ['audiences without who it was made for', claims({ aud: [CLIENT_ID, 'another-client'] }), 'not_believed'],
  ['made for another of its audiences', claims({ aud: [CLIENT_ID, 'another-client'], azp: 'another-client' }), 'not_believed'],
  ['no audience', without('aud'), 'not_believed'],
  ['another issuer', claims({ iss: 'https://elsewhere.example' }), 'not_believed'],
  [
    'the issuer with a slash more',
    { token: (honest) => ({ ...honest, claims: { ...honest.claims, iss: `${String(honest.claims['iss'])}/` } }) },
    'not_believed',
  ],
  ['no issuer', without('iss'), 'not_believed'],
  ['expired', claims({ exp: nowSeconds - 60 }), 'not_believed'],
  ['no end', without('exp'), 'not_believed'],
  ['an end that is text', claims({ exp: String(nowSeconds + 300) }), 'not_believed'],
  ['not valid yet', claims({ nbf: nowSeconds + 600 }), 'not_believed'],
  ['no time of issue', without('iat'), 'not_believed'],
  ['no nonce', without('nonce'), 'not_believed'],
  ['another nonce', claims({ nonce: 'n'.repeat(64) }), 'not_believed'],
  ['no subject', without('sub'), 'not_believed'],
  ['an empty subject', claims({ sub: '' }), 'not_believed'],
  ['a number as subject', claims({ sub: 1 }), 'not_believed'],
  ['alg none', { make: (token) => `${signToken(as('none', token), 'x', 'HS256').replace(/\.[^.]*$/, '')}.` }, 'not_believed'],
  ['alg None with a signature', { make: (token) => signToken(as('None', token), 'x', 'HS256') }, 'not_believed'],
  ['HS256 with the secret of the client', { make: (token) => signToken(as('HS256', token), CLIENT_SECRET, 'HS256') }, 'not_believed'],
  ['HS512 with the secret of the client', { make: (token) => signToken(as('HS512', token), CLIENT_SECRET, 'HS512') }, 'not_believed'],
  [
    'HS256 with the public key as secret',
    { make: (token, { ownPublic }) => signToken(as('HS256', token), ownPublic.export({ type: 'spki', format: 'pem' }).toString(), 'HS256') },
    'not_believed',
  ],
  ['signed by another key of the same name', { make: (token, { other }) => signToken(token, other) }, 'not_believed'],
  ['a key that the provider does not have', { ...header({ kid: 'other' }), make: (token, { other }) => signToken(token, other) }, 'not_believed'],
  [
    'a key that the token brings along',
    { make: ({ claims: same }, { other }) => signToken({ header: { alg: 'RS256', jwk: other.export({ format: 'jwk' }) }, claims: same }, other) },
    'not_believed',
  ],
  [
    'a place of keys that the token names',
    { ...header({ jku: 'https://elsewhere.example/jwks' }), make: (token, { other }) => signToken(token, other) },
    'not_believed',
  ],
  ['another algorithm than the key is for', { make: (token, { own }) => signToken(as('PS256', token), own) }, 'not_believed'],
  ['a key of another kind', { make: (token, { elliptic }) => signToken(as('ES256', token), elliptic, 'ES256') }, 'not_believed'],
  ['no signature', { make: (token, { own }) => signToken(token, own).replace(/\.[^.]*$/, '.') }, 'not_believed'],
  [
    'claims changed after signing',
    { make: (token, { own }) => swapClaims(signToken(token, own), { ...token.claims, role: 'owner' }) },
    'not_believed',
  ],
  ['an extension that must be understood', header({ crit: ['x'], x: 1 }), 'not_believed'],
  ['encrypted by nobody knows whom', { make: (token, { own }) => `${signToken(token, own)}.a.b` }, 'not_believed'],
  ['no token at all', { answer: (honest) => ({ ...honest, id_token: undefined }) }, 'not_believed'],
  ['text in place of the token', { answer: (honest) => ({ ...honest, id_token: 'let me in' }) }, 'not_believed'],
  ['an answer that is no token answer', { answer: () => ({ ok: true }) }, 'not_believed'],
  ['no email', without('email'), 'email_missing'],
  ['no word that the email is verified', without('email_verified'), 'email_unverified'],
  ['an email that is not verified', claims({ email_verified: false }), 'email_unverified'],
  ['an email that is verified in words', claims({ email_verified: 'true' }), 'email_unverified'],
  ['an email of another domain', claims({ email: 'ana@elsewhere.org' }), 'email_domain'],
  ['a domain that only begins so', claims({ email: 'ana@example.com.elsewhere.org' }), 'email_domain'],
  ['two addresses in one', claims({ email: 'x@elsewhere.org,ana@example.com' }), 'email_missing'],
  ['a list of emails', claims({ email: ['ana@example.com'] }), 'email_missing'],
  ['somebody whom nobody let in', claims({ email: 'ben@example.com', sub: 'ben' }), 'unknown_person'],
];

function swapClaims(token: string, changed: object): string {
  const [head = '', , signature = ''] = token.split('.');
  return [head, Buffer.from(JSON.stringify(changed)).toString('base64url'), signature].join('.');
}

type Way = { cookie: string; back: URL };
const changed = (way: Way, change: (query: URLSearchParams) => void): Way => {
  const back = new URL(way.back);
  change(back.searchParams);
  return { ...way, back };
};
/** What could come back through the browser. `before` is another way that is still open. */
const WAYS: readonly (readonly [string, (way: Way, before: Way) => Way, SignInProblem])[] = [
  ['without the cookie', (way) => ({ ...way, cookie: '' }), 'expired'],
  ['with the cookie of another browser', (way, before) => ({ ...way, cookie: before.cookie }), 'not_believed'],
  ['with a cookie that somebody made up', (way) => ({ ...way, cookie: way.cookie.replace(/=.*/, `=wla_${'A'.repeat(43)}`) }), 'expired'],
  ['with a cookie that is none', (way) => ({ ...way, cookie: way.cookie.replace(/=.*/, "=' or 1=1 --") }), 'expired'],
  ['with another state', (way) => changed(way, (query) => query.set('state', 'f'.repeat(64))), 'not_believed'],
  ['without state', (way) => changed(way, (query) => query.delete('state')), 'not_believed'],
  ['with two states', (way) => changed(way, (query) => query.append('state', 'x')), 'not_believed'],
  ['from another issuer', (way) => changed(way, (query) => query.set('iss', 'https://elsewhere.example')), 'not_believed'],
  ['without the issuer that it promised to name', (way) => changed(way, (query) => query.delete('iss')), 'not_believed'],
  ['without a code', (way) => changed(way, (query) => query.delete('code')), 'not_believed'],
  [
    'with a code of another browser',
    (way, before) => changed(way, (query) => query.set('code', before.back.searchParams.get('code') ?? '')),
    'not_believed',
  ],
  ['with a code that nobody gave', (way) => changed(way, (query) => query.set('code', 'x')), 'not_believed'],
  ['with a token in the address', (way) => changed(way, (query) => query.set('id_token', 'x')), 'not_believed'],
  ['with an endless query', (way) => changed(way, (query) => query.set('code', 'x'.repeat(9_000))), 'not_believed'],
  ['when the person said no', (way) => changed(way, (query) => (query.delete('code'), query.set('error', 'access_denied'))), 'cancelled'],
];

let issuer: Issuer;
let server: TestServer;
before(async () => {
  issuer = await startIssuer();
  server = await openServer(issuer);
  await addAna(server);
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await issuer[Symbol.asyncDispose]();
});

test(`${LIES.length} tokens that are not to be believed let nobody in, and an honest one after each does [S7, IDN-2]`, async () => {
  let accepted = 0;
  for (const [what, lie, why] of LIES) {
    issuer.lie = lie;
    const ended = await signIn(server, issuer);
    accepted += ended.session === null ? 0 : 1;
    assert.deepEqual([what, ended.problem], [what, why]);
    issuer.lie = {};
    assert.equal((await signIn(server, issuer)).problem, null, `after ${what}`);
  }
  assert.equal(accepted, 0);
});

test(`${WAYS.length + 3} ways back that nobody began so let nobody in [S7, IDN-2]`, async () => {
  issuer.lie = {};
  await using server = await openServer(issuer);
  await addAna(server);
  for (const [what, change, why] of WAYS) {
    const [before, way] = [await leave(server, issuer), await leave(server, issuer)];
    const taken = change(way, before);
    const ended = await comeBack(taken.cookie, taken.back);
    assert.deepEqual([what, ended.problem, ended.session], [what, why, null]);
  }
  const way = await leave(server, issuer);
  assert.equal((await comeBack(way.cookie, way.back)).problem, null);
  assert.equal((await comeBack(way.cookie, way.back)).problem, 'expired', 'the same again');
  const fresh = await leave(server, issuer);
  fresh.back.searchParams.set('code', way.back.searchParams.get('code') ?? '');
  assert.equal((await comeBack(fresh.cookie, fresh.back)).problem, 'not_believed', 'a used code on a fresh way');
  const late = await leave(server, issuer);
  await server.db.owner("update sign_in_attempt set expires_at = clock_now() - interval '1 second'");
  assert.equal((await comeBack(late.cookie, late.back)).problem, 'expired');
  const begin = async () => (await fetch(`${server.url}/sign-in/openid`, { redirect: 'manual' })).headers.get('location');
  let begun = 0;
  while (begun < 400 && (await begin()) !== '/sign-in?problem=too_many') begun += 1;
  assert.equal(begun > 100 && begun < 300, true, `after ${begun} more in a minute`);
});
