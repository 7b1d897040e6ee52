/** The console's files as the server gives them: the page under every address, hashed files for ever, compressed ahead, nothing beside. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { createConsoleApp } from '../../support/console-app.ts';

const ROOT = join(import.meta.dirname, '../../..');
const DIST = join(ROOT, 'web/dist');

before(() => {
  const built = spawnSync(process.execPath, [join(ROOT, 'web/build.ts'), '--if-stale'], { encoding: 'utf8' });
  assert.equal(built.status, 0, built.stderr);
});

const get = (app: ReturnType<typeof createConsoleApp>, path: string, headers: Record<string, string> = {}) =>
  app.request(path, { headers: { host: '127.0.0.1:7420', accept: 'text/html', ...headers } });

test('every address of a page gets the page, never kept, under a policy that allows this origin alone [WEB-1]', async () => {
  const app = createConsoleApp(DIST);
  for (const path of ['/', '/runs', '/runs/run_x', '/agents/a/edit', '/index.html', '/no/such/page']) {
    const response = await get(app, path);
    assert.equal(response.status, 200, path);
    assert.equal(response.headers.get('cache-control'), 'no-store');
    const policy = response.headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self';/);
    assert.doesNotMatch(policy, /unsafe|http|\*/);
    const page = await response.text();
    assert.doesNotMatch(page, /<script(?![^>]*\bsrc="\/)|<style|\sstyle=|\son\w+=|https?:/, 'nothing inline and nothing from elsewhere');
  }
});

test('addresses of machines, and programs that want no page, get their problem instead of a page', async () => {
  const app = createConsoleApp(DIST);
  for (const path of ['/api/v1/nothing', '/mcp', '/assets/gone.js', '/gateway/x']) {
    const response = await get(app, path);
    assert.match(response.headers.get('content-type') ?? '', /problem\+json/, path);
  }
  assert.equal((await get(app, '/runs', { accept: '*/*' })).status, 404);
  for (const path of ['/../package.json', '/assets/../../package.json', '/%2e%2e/package.json', '/.sources', '/assets/x.js.br']) {
    assert.notEqual((await get(app, path, { accept: '*/*' })).status, 200, path);
  }
});

test('hashed files are kept for ever and come as the client can take them [WEB-1]', async () => {
  const app = createConsoleApp(DIST);
  const page = await (await get(app, '/')).text();
  const script = /src="(\/assets\/[^"]+\.js)"/.exec(page)?.[1] ?? assert.fail(page);
  const plain = await get(app, script, { accept: '*/*' });
  assert.equal(plain.headers.get('cache-control'), 'public, max-age=31536000, immutable');
  assert.match(plain.headers.get('content-type') ?? '', /^text\/javascript/);
  const text = await plain.text();
  for (const [encoding, open] of [
    ['br', brotliDecompressSync],
    ['gzip', gunzipSync],
  ] as const) {
    const response = await get(app, script, { 'accept-encoding': encoding });
    assert.equal(response.headers.get('content-encoding'), encoding);
    assert.equal(open(Buffer.from(await response.arrayBuffer())).toString('utf8'), text);
  }
  const etag = plain.headers.get('etag') ?? '';
  assert.equal((await get(app, script, { 'if-none-match': etag })).status, 304);
  assert.equal((await get(app, '/theme.js')).headers.get('cache-control'), 'no-cache', 'what has no hash in its name is asked for again');
});

test('where nothing is built, the page says what to do and everything else works', async () => {
  const app = createConsoleApp(join(ROOT, 'web/none'));
  const response = await get(app, '/');
  assert.equal(response.status, 503);
  assert.match(await response.text(), /npm run build/);
});
