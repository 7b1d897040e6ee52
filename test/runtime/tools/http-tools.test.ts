import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { createHttpClient, type Resolve } from '../../../src/runtime/tools/builtin/http-client.ts';
import { createHttpTools } from '../../../src/runtime/tools/builtin/http-tools.ts';
import { mayConnect, whyForbidden } from '../../../src/runtime/tools/builtin/network-address.ts';
import { caller, contextOf } from './support.ts';

type Listener = { port: number; connections: number; requests: IncomingMessage[]; bodies: string[] } & AsyncDisposable;

async function listen(host: string, answer: (request: IncomingMessage, response: ServerResponse) => void, port = 0): Promise<Listener> {
  const state: Listener = { port: 0, connections: 0, requests: [], bodies: [], [Symbol.asyncDispose]: async () => undefined };
  const server = createServer((request, response) => {
    state.requests.push(request);
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      state.bodies.push(body);
      answer(request, response);
    });
  });
  server.on('connection', () => (state.connections += 1));
  await new Promise<void>((resolve) => void server.listen(port, host, resolve));
  state.port = (server.address() as AddressInfo).port;
  state[Symbol.asyncDispose] = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return state;
}

const ok = (_request: IncomingMessage, response: ServerResponse): void => void response.end('fine');

/** Every name leads to the address that is its first label with dashes, `v6-` in front for IPv6; others are given. */
function resolver(names: Record<string, readonly string[]> = {}): Resolve {
  return async (hostname) => {
    const known = names[hostname];
    if (known) return known;
    throw new TypeError('ENOTFOUND');
  };
}

function httpCaller(
  ports: readonly number[],
  { allow = [], resolve = resolver() }: { allow?: readonly string[]; resolve?: Resolve } = {},
): ReturnType<typeof caller> {
  return caller(createHttpTools({ client: createHttpClient({ resolve, ports: new Set(ports) }) }), contextOf({ networkAllow: allow }));
}

const FORBIDDEN_ADDRESSES = `
  127.0.0.1 127.0.0.2 127.1.2.3 127.255.255.254 0.0.0.0 0.1.2.3 255.255.255.255 10.0.0.1 10.255.255.255 172.16.0.1
  172.31.255.254 192.168.0.1 192.168.255.255 100.64.0.1 100.127.255.254 169.254.169.254 169.254.0.1 168.63.129.16
  100.100.100.200 192.0.0.192 192.0.0.1 192.88.99.1 192.0.2.1 198.51.100.1 203.0.113.1 198.18.0.1 198.19.255.255 224.0.0.1
  239.255.255.250 240.0.0.1 254.1.1.1 :: ::1 0:0:0:0:0:0:0:1 fe80::1 febf::1 fec0::1 fc00::1 fd00:ec2::254 fd12:3456::1 ff02::1
  ff0e::1 2001:db8::1 3fff::1 100::1 5f00::1 4000::1 ::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:10.0.0.1 ::ffff:169.254.169.254
  ::ffff:8.8.8.8:0 ::127.0.0.1 ::7f00:1 ::10.0.0.1 ::ffff:0:127.0.0.1 64:ff9b::127.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b:1::7f00:1
  2002:7f00:1:: 2002:a9fe:a9fe::1 2001:0:7f00:1:: 2001::1 2607:f8b0::5efe:7f00:1 2607:f8b0::200:5efe:a00:1 2001:10::1
  2001:20::1 2620:4f:8000::1 2001:2::1 2001:4:112::1 2001:3::1 2001:1::1
`
  .trim()
  .split(/\s+/);

/** Ways to write an address that a URL parser takes; `PORT` is the listener's. */
const FORBIDDEN_URLS = `
  http://127.0.0.1:PORT/ http://127.1:PORT/ http://127.0.1:PORT/ http://2130706433:PORT/ http://0x7f000001:PORT/
  http://0x7f.0.0.1:PORT/ http://0177.0.0.1:PORT/ http://0x7f.1:PORT/ http://017700000001:PORT/ http://127.0.0.1.:PORT/
  http://0:PORT/ http://0.0.0.0:PORT/ http://00000000177.1:PORT/ http://0x7F.0x0.0x0.0x1:PORT/ http://①②⑦.⓪.⓪.①:PORT/
  http://１２７.0.0.1:PORT/ http://127。0。0。1:PORT/ http://%31%32%37.0.0.1:PORT/ http://[::1]:PORT/ http://[0:0:0:0:0:0:0:1]:PORT/
  http://[::ffff:127.0.0.1]:PORT/ http://[::ffff:7f00:1]:PORT/ http://[::127.0.0.1]:PORT/ http://[::]:PORT/
  http://[0000::1]:PORT/ http://[64:ff9b::7f00:1]:PORT/ http://localhost:PORT/ http://LOCALHOST:PORT/ http://localhost.:PORT/
  http://a.localhost:PORT/ http://rebind.example:PORT/ http://mixed.example:PORT/ http://six.example:PORT/
  http://mapped.example:PORT/ http://zone.example:PORT/ http://metadata.google.internal:PORT/ http://user@127.0.0.1:PORT/
  http://user:pw@good.example:PORT/ http://good.example:PORT@127.0.0.1:PORT/ http://127.0.0.1:PORT\\@good.example/
  http:\\\\127.0.0.1:PORT\\ http:127.0.0.1:PORT http:///127.0.0.1:PORT http://127.0.0.1:PORT/#good.example
  http://127.0.0.1:PORT?good.example https://127.0.0.1:PORT/ HTTP://127.0.0.1:PORT/ ftp://127.0.0.1:PORT/ file:///etc/passwd
  gopher://127.0.0.1:PORT/ data:text/plain,x javascript:1 ws://127.0.0.1:PORT/ unix:/var/run/docker.sock
  http+unix://%2Fvar%2Frun%2Fx blob:http://127.0.0.1:PORT/x http://[::1%25lo]:PORT/ http://[fe80::1%25eth0]:PORT/
  http://256.256.256.256:PORT/ http://0x1ffffffff:PORT/ http:///:PORT http://:PORT/ //127.0.0.1:PORT/ 127.0.0.1:PORT
  http://good.example:22/ http://good.example:25/ http://good.example:5432/ http://good.example:6379/
  https://good.example:2375/ http://good.example:9200/
`
  .trim()
  .split(/\s+/)
  .concat([' http://127.0.0.1:PORT/', 'ht\ntp://127.0.0.1:PORT/', 'http://127.0.0\t.1:PORT/', '']);

const NAMES: Record<string, readonly string[]> = {
  localhost: ['127.0.0.1', '::1'],
  'a.localhost': ['127.0.0.1'],
  'rebind.example': ['127.0.0.1'],
  'mixed.example': ['93.184.216.34', '127.0.0.1'],
  'six.example': ['::1'],
  'mapped.example': ['::ffff:127.0.0.1'],
  'zone.example': ['::1%lo'],
  'metadata.google.internal': ['169.254.169.254'],
  'good.example': ['93.184.216.34'],
};

test(`none of ${FORBIDDEN_ADDRESSES.length} forbidden addresses may be connected to, with or without a name [TOL-10, S6]`, async () => {
  for (const address of FORBIDDEN_ADDRESSES) {
    assert.notEqual(whyForbidden(address), null, address);
    assert.equal(mayConnect(address, { target: { hostname: 'x.example', port: 80 }, allow: [] }), false, address);
    const call = httpCaller([80], { resolve: resolver({ 'x.example': [address] }) });
    const outcome = await call('http_request', { url: 'http://x.example/' });
    assert.ok(!outcome.ok && outcome.class === 'denied', `${address}: ${JSON.stringify(outcome)}`);
  }
  for (const address of [
    '8.8.8.8',
    '93.184.216.34',
    '1.1.1.1',
    '172.15.0.1',
    '172.32.0.1',
    '100.63.0.1',
    '100.128.0.1',
    '2606:4700:4700::1111',
    '2a00:1450::1',
    '2620:fe::fe',
  ]) {
    assert.equal(whyForbidden(address), null, address);
  }
});

test(`none of ${FORBIDDEN_URLS.length} forbidden URLs makes a connection, for reading, sending or by redirect [TOL-10, S6]`, async () => {
  await using victim = await listen('127.0.0.1', ok);
  await using victim6 = await listen('::1', ok, victim.port);
  const urls = FORBIDDEN_URLS.map((url) => url.replaceAll('PORT', String(victim.port)));
  let target = '';
  await using open = await listen('127.0.0.2', (_request, response) => {
    // what no header can hold is percent-encoded, as a hostile server would
    response.writeHead(302, { location: target.replaceAll(/[^\x21-\x7e]/g, (char) => encodeURIComponent(char)) });
    response.end();
  });
  const call = httpCaller([victim.port, open.port], { resolve: resolver({ ...NAMES, 'open.example': ['127.0.0.2'] }), allow: ['127.0.0.2'] });
  for (const url of urls) {
    for (const tool of ['http_request', 'http_send']) assert.equal((await call(tool, { url })).ok, false, `${tool} ${url}`);
    target = url;
    // an empty or relative place leads back to the open server, until the redirects are used up
    assert.equal((await call('http_request', { url: `http://open.example:${open.port}/` })).ok, false, `redirect to ${url}`);
  }
  assert.equal(victim.connections + victim6.connections, 0);
  assert.ok(open.connections >= urls.length);
});

test('a name that changes its address between check and connection, or between hops, gets nowhere [TOL-10, S6]', async () => {
  await using victim = await listen('127.0.0.1', ok);
  await using open = await listen(
    '127.0.0.2',
    (_request, response) => {
      response.writeHead(307, { location: '/again' });
      response.end();
    },
    victim.port,
  );
  let asked = 0;
  const call = httpCaller([victim.port], {
    allow: ['127.0.0.2'],
    resolve: async () => {
      asked += 1;
      return asked === 1 ? ['127.0.0.2'] : ['127.0.0.1'];
    },
  });
  const outcome = await call('http_request', { url: `http://rebind.example:${victim.port}/` });
  assert.ok(!outcome.ok && outcome.class === 'denied', JSON.stringify(outcome));
  assert.deepEqual([asked, open.connections, victim.connections], [2, 1, 0]);
});

test('50 good forms pass, by name, range, port and wildcard [TOL-10, S6]', async () => {
  await using server = await listen('127.0.0.1', ok);
  await using server6 = await listen('::1', ok, server.port);
  const { port } = server;
  const resolve = resolver({
    'api.intra.example': ['127.0.0.1'],
    'six.intra.example': ['::1'],
    'both.intra.example': ['::1', '127.0.0.1'],
    localhost: ['127.0.0.1'],
  });
  const hosts = ['api.intra.example', 'API.intra.example', 'api.intra.example.', 'both.intra.example', '127.0.0.1', '127.1', 'localhost'];
  const lists = [
    ['*.intra.example', '127.0.0.1', 'localhost'],
    ['127.0.0.0/8', '::1/128'],
    [`api.intra.example:${port}`, `both.intra.example:${port}`, `127.0.0.1:${port}`, `localhost:${port}`],
  ];
  let good = 0;
  const expectGood = async (call: ReturnType<typeof caller>, url: string, tool: string): Promise<void> => {
    const outcome = await call(tool, { url });
    assert.ok(outcome.ok, `${url}: ${JSON.stringify(outcome)}`);
    assert.deepEqual(outcome.labels, ['untrusted', 'private']);
    good += 1;
  };
  for (const allow of lists) {
    const call = httpCaller([port], { resolve, allow });
    for (const host of hosts) for (const tool of ['http_request', 'http_send']) await expectGood(call, `http://${host}:${port}/a?b=c`, tool);
  }
  const six = httpCaller([], { resolve, allow: ['six.intra.example', '::1', `[::1]:${port}`] });
  for (const host of ['six.intra.example', '[::1]', '[0:0:0:0:0:0:0:1]']) {
    for (const path of ['/', '/x', '?q', '#f']) await expectGood(six, `http://${host}:${port}${path}`, 'http_request');
  }
  assert.ok(good >= 50, String(good));
  assert.equal(server.connections + server6.connections, good);
  const other = httpCaller([port], { resolve, allow: ['api.intra.example:1'] });
  assert.equal((await other('http_request', { url: `http://api.intra.example:${port}/` })).ok, false, 'another port is not named');
  const named = httpCaller([80], { resolve: resolver({ 'x.example': ['169.254.169.254'] }), allow: ['x.example', '*'] });
  assert.equal((await named('http_request', { url: 'http://x.example/' })).ok, false, 'a name never opens metadata');
});

test('bodies are bounded after decompression, HTML becomes Markdown, JSON is parsed, binary is said [TOL-10]', async () => {
  const pages: Record<string, { type: string; body: Buffer | string; encoding?: string }> = {
    '/bomb': { type: 'text/plain', body: gzipSync(Buffer.alloc(300_000_000)), encoding: 'gzip' },
    '/big': { type: 'text/plain', body: 'x'.repeat(3_000_000) },
    '/html': {
      type: 'text/html; charset=utf-8',
      body: '<head><title>no</title></head><h1>Title</h1><script>alert(1)</script><p>a <a href="/b">link</a></p>',
    },
    '/json': { type: 'application/json', body: brotliCompressSync('{"a":[1,2]}'), encoding: 'br' },
    '/binary': { type: 'image/png', body: Buffer.from([0, 1, 2]) },
    '/latin': { type: 'text/plain; charset=iso-8859-1', body: Buffer.from([0xe9]) },
    '/odd': { type: 'text/plain', body: 'x', encoding: 'zstd, gzip' },
    '/broken': { type: 'text/plain', body: 'not gzip', encoding: 'gzip' },
    '/missing': { type: 'text/plain', body: 'not here' },
  };
  await using server = await listen('127.0.0.1', (request, response) => {
    const page = pages[request.url ?? ''];
    response.writeHead(request.url === '/missing' ? 404 : 200, {
      'content-type': page?.type ?? '',
      ...(page?.encoding ? { 'content-encoding': page.encoding } : {}),
    });
    response.end(page?.body);
  });
  const call = httpCaller([server.port], { allow: ['127.0.0.1'] });
  const get = async (path: string): Promise<{ text: string; structured: Record<string, unknown> }> => {
    const outcome = await call('http_request', { url: `http://127.0.0.1:${server.port}${path}` });
    return outcome.ok ? { text: outcome.text, structured: outcome.structured as Record<string, unknown> } : { text: outcome.message, structured: {} };
  };
  for (const path of ['/bomb', '/big']) {
    const page = await get(path);
    assert.deepEqual(
      [page.structured['bytes'], page.structured['cut']],
      path === '/big' ? [2_000_000, true] : [2_000_000, true],
      page.text.slice(0, 100),
    );
  }
  const html = await get('/html');
  assert.match(html.text, /# Title\n\na \[link\]\(\/b\)/);
  assert.doesNotMatch(html.text, /alert/);
  assert.deepEqual((await get('/json')).structured['json'], { a: [1, 2] });
  assert.match((await get('/binary')).text, /binary content: 3 bytes/);
  assert.match((await get('/latin')).text, /é$/);
  assert.match((await get('/odd')).text, /encoding that is not read here/);
  assert.match((await get('/broken')).text, /failed \(Z_DATA_ERROR\)/);
  assert.match((await get('/missing')).text, /^HTTP 404/);
});

test('a page built to take for ever is stopped with the call', async () => {
  await using server = await listen('127.0.0.1', (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.end('<b>'.repeat(600_000));
  });
  const tools = createHttpTools({ client: createHttpClient({ resolve: resolver(), ports: new Set([server.port]) }) });
  const stop = new AbortController();
  const call = caller(tools, contextOf({ networkAllow: ['127.0.0.1'], signal: stop.signal }));
  const pending = call('http_request', { url: `http://127.0.0.1:${server.port}/` });
  stop.abort();
  assert.equal((await pending).ok, false);
});

test('http_send carries the key, follows no redirect, and says whether its effect may have happened [TOL-10] [RUN-4]', async () => {
  await using server = await listen('127.0.0.1', (request, response) => {
    const status = Number(/\d+/.exec(request.url ?? '')?.[0] ?? 200);
    if (request.url === '/hang-up') return void request.socket.destroy();
    response.writeHead(status, status === 307 ? { location: '/elsewhere' } : {});
    response.end(`status ${status}`);
  });
  const call = httpCaller([server.port], { allow: ['127.0.0.1'] });
  const send = (path: string, extra = {}): ReturnType<typeof call> =>
    call('http_send', { url: `http://127.0.0.1:${server.port}${path}`, body: '{"a":1}', ...extra });
  assert.ok((await send('/200')).ok);
  assert.deepEqual(
    [server.requests[0]?.headers['idempotency-key'], server.requests[0]?.headers['content-type'], server.bodies[0]],
    ['key-1', 'application/json', '{"a":1}'],
  );
  const redirected = await send('/307');
  assert.ok(redirected.ok && redirected.text.startsWith('HTTP 307'));
  assert.equal(server.requests.length, 2);
  const unsure = async (outcome: ReturnType<typeof call>): Promise<boolean | undefined> => {
    const result = await outcome;
    return result.ok ? undefined : (result.mayHaveHappened ?? false);
  };
  assert.equal(await unsure(send('/400')), false);
  assert.equal(await unsure(send('/503')), true);
  assert.equal(await unsure(send('/hang-up')), true);
  assert.equal(await unsure(call('http_send', { url: 'http://127.0.0.1:1/' })), false);
  assert.equal(await unsure(send('/200', { headers: { Host: 'other' } })), false);
  assert.equal(server.requests.length, 5);
});
