import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { getRequestListener } from '@hono/node-server';
import { createMcpHandler } from '@modelcontextprotocol/server';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { JsonObject } from '../../../src/kernel/canonical-json.ts';
import { type Clock, systemClock } from '../../../src/kernel/clock.ts';
import { createChildRecords, createIdentify } from '../../../src/runtime/tools/child-records.ts';
import { createMcpSource } from '../../../src/runtime/tools/mcp/source.ts';
import { IDLE_MS } from '../../../src/runtime/tools/mcp/server.ts';
import type { McpServerConfig } from '../../../src/runtime/tools/mcp/server-config.ts';
import { createTools, type ToolChoice } from '../../../src/runtime/tools/registry.ts';
import type { ToolContext, ToolOutcome, Tools } from '../../../src/runtime/tools/tool.ts';
import { until } from '../../support/until.ts';
import { buildServer } from './fixtures/new-server.ts';
import { buildOldServer } from './fixtures/old-server.ts';
import { callDeps, contextOf, ORG, processesWith, runProcess, temporaryFolder } from './support.ts';

const node = process.execPath;
const NEW = join(import.meta.dirname, 'fixtures/new-server.ts');
const OLD = join(import.meta.dirname, 'fixtures/old-server.ts');

type Fixture = {
  tools: Tools;
  children: () => string[];
  call(name: string, args?: JsonObject, context?: Partial<ToolContext>): Promise<ToolOutcome>;
  names(pattern: string): Promise<string[]>;
  why(pattern: string): Promise<string>;
} & AsyncDisposable;

function fixture(
  servers: Record<string, McpServerConfig>,
  { clock = systemClock, secrets = {}, choices = {} }: { clock?: Clock; secrets?: Record<string, string>; choices?: Record<string, ToolChoice> } = {},
): Fixture {
  const folder = temporaryFolder();
  const records = join(folder.path, 'children');
  const identify = createIdentify({ run: runProcess, platform: process.platform, deadlineMs: () => systemClock.nowMs() + 5_000 });
  const deps = {
    spawn,
    clock,
    records: createChildRecords({ folder: records, identify, pid: process.pid }),
    secrets: async (name: string) => secrets[name] ?? null,
    fetch,
    random: Math.random,
    path: process.env['PATH'] ?? '',
    version: '0.0.0',
    async makeHome(name: string) {
      const home = join(folder.path, 'homes', name);
      await mkdir(home, { recursive: true });
      return home;
    },
  };
  const sources = Object.entries(servers).map(([name, config]) => createMcpSource({ name, config, deps }));
  const tools = createTools({ ...callDeps({ clock }), builtins: [], sources, choices: new Map(Object.entries(choices)) });
  const children = (): string[] => {
    try {
      return readdirSync(records);
    } catch {
      return []; // none was ever started
    }
  };
  return {
    tools,
    children,
    async call(name, args = {}, context = {}) {
      const found = await tools.resolve(ORG, [name]);
      const tool = found.tools[0];
      if (!tool) return { ok: false, class: 'tool_error', message: found.missing[0]?.why ?? '' };
      return tool.call(args, contextOf({ deadlineMs: clock.nowMs() + 60_000, ...context }));
    },
    names: async (pattern) => (await tools.resolve(ORG, [pattern])).tools.map((tool) => tool.spec.name),
    why: async (pattern) => (await tools.resolve(ORG, [pattern])).missing[0]?.why ?? '',
    async [Symbol.asyncDispose]() {
      await tools.close();
      folder[Symbol.dispose]();
    },
  };
}

const stdio = (file: string, part: Partial<{ env: Record<string, string>; args: string[] }> = {}): McpServerConfig => ({
  command: node,
  args: [file],
  env: {},
  tools: {},
  ...part,
});

async function serve(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ url: string; requests: IncomingMessage[]; close(): Promise<void> } & AsyncDisposable> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    handler(request, response);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, requests, close, [Symbol.asyncDispose]: close };
}

const text = (outcome: ToolOutcome): string => (outcome.ok ? outcome.text : outcome.message);

test('a stdio server is started on demand and its tools are unknown until the operator says otherwise [TOL-1] [TOL-6]', async () => {
  await using box = fixture({ new: stdio(NEW), old: stdio(OLD) }, { choices: { new__sum: { sideEffect: 'read', taints: [] } } });
  assert.deepEqual(box.children(), []);
  const { tools } = await box.tools.resolve(ORG, ['new.*', 'old__echo']);
  assert.equal(box.children().length, 2);
  const echo = tools.find((tool) => tool.spec.name === 'new__echo');
  assert.deepEqual(
    [echo?.spec.sideEffect, echo?.spec.recovery, echo?.spec.taints, echo?.spec.source, echo?.spec.hints?.['readOnlyHint']],
    ['external', 'none', ['untrusted'], 'mcp:new', true],
  );
  assert.equal(tools.find((tool) => tool.spec.name === 'new__sum')?.spec.sideEffect, 'read');
  assert.equal(text(await box.call('new__echo', { text: 'hello' })), 'hello');
  assert.equal(text(await box.call('old__echo', { text: 'hello' })), 'hello');
  const sum = await box.call('new__sum', { a: 1, b: 2 });
  assert.ok(sum.ok && sum.text === '{"sum":3}');
  assert.deepEqual(sum.structured, { sum: 3 });
  assert.match(text(await box.call('new__picture')), /^\[image: image\/png, 3 bytes, SHA-256 [0-9a-f]{64}\]$/);
  const fail = await box.call('new__fail');
  assert.ok(!fail.ok && fail.message === 'no luck' && fail.mayHaveHappened === undefined);
  const wrong = await box.call('new__echo', { text: 1 });
  assert.ok(!wrong.ok && wrong.class === 'invalid_input');
});

test('a stdio child sees only what is named, secrets among it, and none in its arguments [TOL-5]', async () => {
  await using box = fixture(
    {
      good: stdio(NEW, { env: { TOKEN: 'Bearer ${secret:API}' } }),
      lost: stdio(NEW, { env: { TOKEN: '${secret:NOT_THERE}' } }),
      shown: stdio(NEW, { args: [NEW, '--token=${secret:API}'] }),
    },
    { secrets: { API: 'very-secret-value' } },
  );
  const env = JSON.parse(text(await box.call('good__env'))) as Record<string, string>;
  assert.equal(env['TOKEN'], 'Bearer very-secret-value');
  assert.deepEqual(
    Object.keys(env).toSorted((a, b) => a.localeCompare(b)),
    ['HOME', 'LANG', 'PATH', 'TOKEN', 'WINDLASS_CHILD'],
  );
  assert.match(await box.why('lost.*'), /stage "credentials": the secret NOT_THERE is not there/);
  assert.match(await box.why('shown.*'), /process list/);
});

test('a broken server takes only its own tools away, and says why and at which stage [TOL-6]', async () => {
  await using closed = await serve((_request, response) => {
    response.writeHead(401);
    response.end();
  });
  const silent = await serve(() => undefined);
  await silent.close();
  await using box = fixture({
    fine: stdio(OLD),
    missing: { command: 'no-such-program-here', args: [], env: {}, tools: {} },
    dies: { command: 'sh', args: ['-c', 'echo no config >&2; exit 7'], env: {}, tools: {} },
    deaf: { url: silent.url, headers: {}, tools: {} },
    locked: { url: closed.url, headers: {}, tools: {} },
    'Bad Name': stdio(OLD),
  });
  assert.deepEqual(await box.names('fine.*'), ['fine__echo', 'fine__grow']);
  assert.match(await box.why('missing.*'), /stage "spawn": there is no such program/);
  assert.match(await box.why('dies.*'), /stage "initialize": .*it exited with code 7; no config/);
  assert.match(await box.why('deaf.*'), /stage "connect": nothing listens/);
  assert.match(await box.why('locked.*'), /stage "initialize": it answered HTTP 401; check the credential/);
  assert.match(await box.why('Bad Name.*'), /cannot name a server/);
});

test('a server that dies in mid-call leaves the outcome open and is started again with backoff [TOL-6] [RUN-4]', async () => {
  await using box = fixture({ new: stdio(NEW) });
  const died = await box.call('new__die');
  assert.ok(!died.ok && died.mayHaveHappened === true, JSON.stringify(died));
  assert.match(died.message, /ended in the middle of the call: it exited with code 3; out of cheese/);
  assert.equal(text(await box.call('new__echo', { text: 'back' })), 'back');
});

test('a call that hangs is stopped at its deadline and the server lives on; one that floods is ended [TOL-4]', async () => {
  await using box = fixture({ new: stdio(NEW) }, { choices: { new__hang: { timeoutMs: 100 } } });
  const hung = await box.call('new__hang');
  assert.ok(!hung.ok && hung.class === 'timeout' && hung.mayHaveHappened === true, JSON.stringify(hung));
  const [child] = box.children();
  assert.equal(text(await box.call('new__echo', { text: 'alive' })), 'alive');
  assert.deepEqual(box.children(), [child]);
  const stop = new AbortController();
  const pending = box.call('new__hang', {}, { signal: stop.signal });
  stop.abort();
  assert.equal((await pending).ok, false);
  const flood = await box.call('new__flood');
  assert.ok(!flood.ok && flood.message.includes('over 10000000 bytes'), JSON.stringify(flood).slice(0, 300));
});

for (const [kind, file] of [
  ['new', NEW],
  ['old', OLD],
] as const) {
  test(`a changed tool list is honoured: ${kind} revision over stdio [TOL-6]`, async () => {
    await using box = fixture({ it: stdio(file) });
    assert.equal((await box.names('it.*')).includes('it__grown'), false);
    assert.equal(text(await box.call('it__grow')), 'grew');
    await until('the new tool is listed', 5_000, async () => (await box.names('it.*')).includes('it__grown'));
    assert.equal(text(await box.call('it__grown')), 'I am new');
  });
}

test('servers over HTTP, new and old revision, with headers from secrets; a lost session is opened anew [TOL-1] [TOL-5]', async () => {
  const handler = createMcpHandler(buildServer);
  const listener = getRequestListener((request) => handler.fetch(request));
  await using modern = await serve((request, response) => void listener(request, response));
  let session: StreamableHTTPServerTransport | null = null;
  await using old = await serve((request, response) => {
    const answer = async (): Promise<void> => {
      const known = request.headers['mcp-session-id'];
      if (known !== undefined && known !== session?.sessionId) {
        response.writeHead(404);
        response.end();
        return;
      }
      if (known === undefined) {
        session = new StreamableHTTPServerTransport({ sessionIdGenerator: () => randomUUID() });
        await buildOldServer().connect(session);
      }
      await session?.handleRequest(request, response);
    };
    void answer();
  });
  await using box = fixture(
    { modern: { url: modern.url, headers: { authorization: 'Bearer ${secret:API}' }, tools: {} }, old: { url: old.url, headers: {}, tools: {} } },
    { secrets: { API: 'very-secret-value' } },
  );
  assert.equal(text(await box.call('modern__echo', { text: 'hi' })), 'hi');
  assert.ok(modern.requests.every((request) => request.headers.authorization === 'Bearer very-secret-value'));
  assert.equal(text(await box.call('old__echo', { text: 'hi' })), 'hi');
  session = null;
  assert.equal(text(await box.call('old__echo', { text: 'again' })), 'again');
  await box.tools.close();
  assert.equal(old.requests.at(-1)?.method, 'DELETE', 'the session is ended, not left behind');
});

test('a server over HTTP that goes away is said to be away [TOL-6]', async () => {
  const handler = createMcpHandler(buildServer);
  const listener = getRequestListener((request) => handler.fetch(request));
  await using modern = await serve((request, response) => void listener(request, response));
  await using box = fixture({ modern: { url: modern.url, headers: {}, tools: {} } });
  assert.equal(text(await box.call('modern__echo', { text: 'hi' })), 'hi');
  await modern.close();
  // a connection that was kept open breaks in mid-call, of which nobody can tell what it did
  assert.equal((await box.call('modern__echo', { text: 'hi' })).ok, false);
  const gone = await box.call('modern__echo', { text: 'hi' });
  assert.ok(!gone.ok && gone.message === 'Server "modern", call: it cannot be reached' && gone.mayHaveHappened === undefined, JSON.stringify(gone));
});

test('an idle server is stopped with all it started, and comes back when it is needed [TOL-6]', { skip: process.platform !== 'linux' }, async () => {
  const real: Clock = systemClock;
  let idle: (() => void) | null = null;
  let skippedMs = 0;
  const clock: Clock = {
    nowMs: () => systemClock.nowMs() + skippedMs,
    // the long sleep is the idle timer; everything shorter is real
    sleep: async (ms, signal) => {
      if (ms < IDLE_MS / 2) return real.sleep(ms, signal);
      await new Promise<void>((resolve) => {
        idle = resolve;
        signal?.addEventListener('abort', () => resolve(), { once: true });
      });
    },
  };
  const marker = randomUUID();
  await using box = fixture({ new: stdio(NEW, { env: { MARKER: marker } }) }, { clock });
  assert.match(text(await box.call('new__fork')), /^\d+$/);
  assert.equal(processesWith(marker).length, 2);
  skippedMs += IDLE_MS + 1;
  await until('the idle timer is set', 2_000, () => idle);
  (idle as (() => void) | null)?.();
  await until('server and grandchild are gone', 5_000, () => processesWith(marker).length === 0);
  await until('its record is gone', 2_000, () => box.children().length === 0);
  assert.equal(text(await box.call('new__echo', { text: 'back' })), 'back');
});
