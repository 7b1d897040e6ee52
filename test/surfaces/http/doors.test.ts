/** Every door of every operation: keys, roles, scopes, hosts, pages, and inputs that are none. Read from the OpenAPI document. */
import assert from 'node:assert/strict';
import { request as plainRequest } from 'node:http';
import { test } from 'node:test';
import { Role, Scope } from '../../../src/platform/identity/contract.ts';
import { PERMISSIONS, usefulScopes } from '../../../src/platform/identity/permissions.ts';
import type { Permission } from '../../../src/platform/identity/permissions.ts';
import { GUESSES_PER_MINUTE } from '../../../src/surfaces/http/admit.ts';
import { MAX_BODY_BYTES } from '../../../src/surfaces/http/app.ts';
import type { ApiOperation } from '../../support/api-operations.ts';
import { apiOperations, fillPath, leastRequest, problemOf } from '../../support/api-operations.ts';
import type { TestServer } from '../../support/server.ts';
import { testServer } from '../../support/server.ts';

/** Wrong keys are limited by address, so that a server takes only so many of them. */
async function inServers(each: (server: TestServer, operations: ApiOperation[]) => Promise<void>): Promise<void> {
  let from = 0;
  let more = true;
  while (more) {
    await using server = await testServer({ workers: 0 });
    const all = await apiOperations(server);
    await each(server, all.slice(from, from + GUESSES_PER_MINUTE));
    from += GUESSES_PER_MINUTE;
    more = from < all.length;
  }
}

const UNKNOWN_KEY = 'wl_0000000000000000000000000000000000000000000';

for (const [kind, make] of [
  ['no', async () => null],
  ['an unknown', async () => UNKNOWN_KEY],
  ['an expired', (server: TestServer) => endedKey(server, 'expires_at')],
  ['a revoked', (server: TestServer) => endedKey(server, 'revoked_at')],
] as const) {
  test(`${kind} key opens no operation [IDN-2, S7]`, async () => {
    await inServers(async (server, operations) => {
      const key = await make(server);
      for (const op of operations) {
        const { path, ...request } = leastRequest(op);
        const response = await server.request(path, { ...request, key });
        assert.equal(response.status, 401, `${op.name} with ${kind} key`);
        assert.equal(response.headers.get('www-authenticate'), 'Bearer realm="windlass"');
        const problem = await problemOf(response);
        assert.equal(problem.code, 'unauthenticated');
        assert.equal(problem.detail, key === null ? 'No key was given.' : 'This key is not known, has expired, or was revoked.');
      }
    });
  });
}

async function endedKey(server: TestServer, column: 'expires_at' | 'revoked_at'): Promise<string> {
  const key = await server.key({ role: 'owner' });
  assert.equal((await server.request('/self', { key: key.secret })).status, 200);
  await server.db.owner(`update api_key set ${column} = clock_now() - interval '1 second' where id = $1`, [key.id]);
  return key.secret;
}

test('keys in other places and forms are no keys [IDN-2, S7]', async () => {
  await using server = await testServer({ workers: 0 });
  const key = server.ownerKey;
  const tampered = `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`;
  const authorizations = [
    ...['', 'Bearer', 'Bearer ', key, `Basic ${Buffer.from(`:${key}`).toString('base64')}`, `Token ${key}`, `Bearer ${key} extra`, `Bearer "${key}"`],
    ...[`Bearer ${tampered}`, `Bearer ${key}A`, `Bearer ${key.slice(0, -1)}`, `Bearer ${key.toUpperCase()}`, `Bearer ${'A'.repeat(7_000)}`],
    ...['Bearer null', 'Bearer undefined', 'Bearer true', "Bearer ' or '1'='1", 'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJvd25lciJ9.', `Bearer,${key}`],
  ];
  for (const authorization of authorizations) {
    const response = await server.request('/self', { key: null, headers: { authorization } });
    assert.equal(response.status, 401, authorization);
    await problemOf(response);
  }
  for (const path of [`/self?key=${key}`, `/self?access_token=${key}`, `/self?authorization=Bearer%20${key}`]) {
    assert.equal((await server.request(path, { key: null })).status, 401, path);
  }
  for (const name of ['x-api-key', 'cookie', 'x-forwarded-user', 'x-windlass-actor', 'proxy-authorization']) {
    assert.equal((await server.request('/self', { key: null, headers: { [name]: `Bearer ${key}` } })).status, 401, name);
  }
  assert.equal((await server.request('/self', { key: null, headers: { authorization: `bearer ${key}` } })).status, 200);
});

test('a role that is too small and a scope that is missing are refused, by name of what is missing [IDN-1, IDN-2]', async () => {
  await using server = await testServer({ workers: 0 });
  const keys = new Map<string, string>();
  const keyOf = async (role: Role, scopes: Scope[]): Promise<string> => {
    const name = `${role} ${scopes.join()}`;
    const key = keys.get(name) ?? (await server.key({ role, scopes })).secret;
    keys.set(name, key);
    return key;
  };
  for (const op of await apiOperations(server)) {
    const rule = PERMISSIONS[op.permission as Permission];
    const below = Role.options[Role.options.indexOf(rule.role) - 1];
    const { path, ...request } = leastRequest(op);
    if (below !== undefined) {
      const response = await server.request(path, { ...request, key: await keyOf(below, usefulScopes('owner')) });
      assert.equal(response.status, 403, `${op.name} by a ${below}`);
      const problem = await problemOf(response);
      assert.deepEqual([problem.code, problem.detail.includes(`the role ${rule.role}`)], ['denied', true], problem.detail);
    }
    const others = Scope.options.filter((scope) => scope !== rule.scope && scope !== 'gateway');
    const response = await server.request(path, { ...request, key: await keyOf('owner', others) });
    assert.equal(response.status, 403, `${op.name} without the scope ${rule.scope}`);
    assert.match((await problemOf(response)).detail, new RegExp(`the scope "${rule.scope}"`));
  }
});

/** A request with a Host of its own, which fetch does not let out of hand. */
function raw(server: TestServer, request: { path: string; method: string; headers: Record<string, string> }): Promise<Response> {
  return new Promise((resolve, reject) => {
    const { port } = new URL(server.url);
    const sent = plainRequest({ host: '127.0.0.1', port, ...request }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () =>
        resolve(new Response(Buffer.concat(chunks), { status: answer.statusCode ?? 0, headers: answer.headers as Record<string, string> })),
      );
    });
    sent.on('error', reject);
    sent.end();
  });
}

test('another Host and a page of another origin reach no route [IDN-2]', async () => {
  await using server = await testServer({ workers: 0 });
  const routes = (await apiOperations(server)).map((op) => ({ method: op.method, path: `/api/v1${fillPath(op.path)}` }));
  for (const path of ['/healthz', '/readyz', '/version', '/metrics', '/api/v1/openapi.json', '/nothing']) routes.push({ method: 'GET', path });
  const authorization = `Bearer ${server.ownerKey}`;
  for (const route of routes) {
    const name = `${route.method} ${route.path}`;
    const misdirected = await raw(server, { ...route, headers: { host: 'attacker.example', authorization } });
    assert.equal(misdirected.status, 421, name);
    assert.equal((await problemOf(misdirected)).code, 'misdirected');
    for (const origin of ['https://attacker.example', 'null', `${server.url}.attacker.example`, 'http://localhost:1']) {
      const refused = await raw(server, { ...route, headers: { host: new URL(server.url).host, origin, authorization } });
      assert.equal(refused.status, 403, `${name} from ${origin}`);
      assert.equal(refused.headers.get('access-control-allow-origin'), null);
      await problemOf(refused);
    }
  }
  const own = await raw(server, {
    method: 'GET',
    path: '/api/v1/self',
    headers: { host: new URL(server.url).host, origin: server.url, authorization },
  });
  assert.equal(own.status, 200);
});

test('a body that is none, too large or of another kind is refused before anything is done [API-1]', async () => {
  await using server = await testServer({ workers: 0 });
  for (const op of (await apiOperations(server)).filter(({ method }) => method !== 'GET')) {
    const path = fillPath(op.path);
    const send = async (body: string, headers: Record<string, string> = {}) => {
      const response = await server.request(path, { method: op.method, body, headers });
      return { status: response.status, problem: await problemOf(response) };
    };
    for (const body of ['{', '[]', '"text"', 'null', '{"a":1}{', '\u0000', '{"__proto__": }']) {
      const { status, problem } = await send(body);
      assert.deepEqual([status, problem.code], [400, 'invalid_input'], `${op.name} with ${body}`);
    }
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonp', '']) {
      assert.equal((await send('{}', { 'content-type': type })).status, 415, `${op.name} as ${type}`);
    }
    const { status, problem } = await send('{"noSuchMember": 1, "constructor": 2}');
    assert.equal(status, 400, op.name);
    assert.deepEqual(
      problem.faults?.filter(({ path }) => ['noSuchMember', 'constructor'].includes(path) || path === '(top)').length,
      problem.faults?.some(({ path }) => path === '(top)') ? 1 : 2,
      JSON.stringify(problem.faults),
    );
  }
  const huge = await server.request('/agents', { method: 'POST', body: `{"name": "${'x'.repeat(MAX_BODY_BYTES)}"}` });
  assert.equal(huge.status, 413);
  assert.equal((await problemOf(huge)).code, 'too_large');
  const streamed = await fetch(`${server.url}/api/v1/agents`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.ownerKey}`, 'content-type': 'application/json' },
    body: ReadableStream.from(Array.from({ length: 80 }, () => Buffer.alloc(64 * 1024, 32))),
    duplex: 'half',
  });
  assert.equal(streamed.status, 413);
});

test('every missing member is named, and so is a query that is not known [API-1]', async () => {
  await using server = await testServer({ workers: 0 });
  for (const op of await apiOperations(server)) {
    const required = (op.body?.['required'] ?? []) as string[];
    if (required.length > 0) {
      const response = await server.request(fillPath(op.path), { method: op.method, body: {} });
      assert.equal(response.status, 400, op.name);
      const named = (await problemOf(response)).faults?.map(({ path }) => path.split('.')[0]);
      assert.deepEqual(new Set(named), new Set(required), op.name);
    }
    if (op.method !== 'GET') continue;
    const response = await server.request(`${fillPath(op.path)}?noSuchFilter=1`);
    assert.equal(response.status, 400, op.name);
    assert.equal(
      (await problemOf(response)).faults?.some(({ path }) => path === 'noSuchFilter'),
      true,
      op.name,
    );
  }
});

test('what is not there says so, with and without a key [API-1]', async () => {
  await using server = await testServer({ workers: 0 });
  for (const [path, method] of [
    ['/no/such', 'GET'],
    ['//nothing', 'GET'],
    ['/runs', 'DELETE'],
    ['/self', 'POST'],
    ['//healthz', 'POST'],
  ] as const) {
    const response = await server.request(path, { method });
    assert.equal(response.status, 404, `${method} ${path}`);
    await problemOf(response);
  }
  assert.equal((await server.request('/no/such', { key: null })).status, 401);
});
