/** The official conformance suite against the real MCP surface; its fixtures are one more toolset. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/kernel/clock.ts';
import { createHttpApp } from '../../src/surfaces/http/app.ts';
import { createGuard } from '../../src/surfaces/http/guard.ts';
import { listen } from '../../src/surfaces/http/listen.ts';
import { createRateLimiter } from '../../src/surfaces/http/rate-limit.ts';
import { createOnceStore } from '../../src/surfaces/http/store.ts';
import { mountMcp } from '../../src/surfaces/mcp/mount.ts';
import { testDatabase } from '../support/database.ts';
import { testIdentity, testIds, testOwner } from '../support/identity.ts';
import { CONFORMANCE_TOOLSET } from '../support/mcp-conformance/toolset.ts';
import { runClient, testClients } from '../support/test-clients.ts';

const SUITE_MS = 240_000;

/** Scenarios that no revision scores and that we do not meet, each with its reason. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  'http-custom-header-server-validation':
    'pending in the suite; no tool of ours mirrors an argument into a header (x-mcp-header), so there is nothing to check',
};

for (const revision of ['2026-07-28', '2025-11-25']) {
  test(`the official suite passes for revision ${revision} [MCP-2]`, async (t) => {
    const clients = await testClients();
    if ('skip' in clients) return t.skip(clients.skip);
    await using server = await conformanceServer();
    const suite = join(clients.folder, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');
    const { code, output } = await runClient(suite, ['server', '--url', server.url, '--requirements', revision], SUITE_MS);
    assert.equal(code, 0, output);
    // Beside what the revision requires, the suite runs extensions (tasks among them) and what is to come.
    const failed = [...output.matchAll(/^✗ ([\w-]+): /gm)].map((match) => match[1] ?? '');
    const passed = [...output.matchAll(/^✓ ([\w-]+): /gm)].length;
    assert.deepEqual(
      failed.filter((name) => !(name in EXCEPTIONS)),
      [],
      output,
    );
    assert.ok(passed >= 30, output);
  });
}

/** The surface with the suite's fixtures, behind a proxy that brings the key the suite does not know. */
async function conformanceServer(): Promise<AsyncDisposable & { url: string }> {
  const db = await testDatabase();
  const identity = testIdentity(db);
  const { secret } = await testOwner(identity);
  const log = (): void => {};
  const door = {
    operations: [],
    authenticate: identity.authenticate,
    limiter: createRateLimiter({ nowMs: () => systemClock.nowMs() }),
    requestsPerMinute: () => Number.MAX_SAFE_INTEGER,
    ids: testIds,
    ...{ log, version: '1.0.0', clock: systemClock },
  };
  const app = createHttpApp({
    ...door,
    guard: createGuard({ hosts: [] }),
    once: createOnceStore(db),
    nowMs: () => systemClock.nowMs(),
    onAnswered: log,
    first: log,
  });
  const mcp = mountMcp(app, { ...door, toolsets: [CONFORMANCE_TOOLSET], newSessionId: randomUUID });
  const listening = await listen(app, { host: '127.0.0.1', port: 0, clock: systemClock });
  const proxy = createServer((incoming, outgoing) => {
    const headers = { ...incoming.headers, authorization: `Bearer ${secret}` };
    const onward = request(`${listening.url}${incoming.url ?? ''}`, { method: incoming.method, headers }, (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers);
      outgoing.flushHeaders();
      response.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    outgoing.on('close', () => onward.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://localhost:${(proxy.address() as AddressInfo).port}/mcp`,
    async [Symbol.asyncDispose]() {
      proxy.closeAllConnections();
      await new Promise((resolve) => proxy.close(resolve));
      await mcp.close();
      await listening.close();
      await db[Symbol.asyncDispose]();
    },
  };
}
