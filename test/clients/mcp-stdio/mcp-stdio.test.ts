/** `windlass mcp`, by real clients that start it, and what it does when the server is away, forgets, or is of another version. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Bridge } from '../../../src/clients/mcp-stdio/bridge.ts';
import { createBridge } from '../../../src/clients/mcp-stdio/bridge.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { VERSION } from '../../../src/main.ts';
import { agentOperations } from '../../../src/work/agents/contract.ts';
import { testHome } from '../../support/home.ts';
import { newClient, oldClient } from '../../support/mcp.ts';
import type { TestServer } from '../../support/server.ts';
import { testServer } from '../../support/server.ts';

const REHEARSALS = { hello: 'turns:\n  - text: Hello from the script.\n' };

for (const [era, connect] of [
  ['2026-07-28', newClient],
  ['2025-11-25', oldClient],
] as const) {
  test(`a client of ${era} that starts a program runs an agent with the local key [MCP-1]`, async () => {
    await using server = await testServer({ rehearsals: REHEARSALS });
    await server.api().call(agentOperations.create, { name: 'hello', instructions: 'Greet.', model: 'rehearsal/hello' });
    await using client = await connect({ url: server.url, key: '', stdioHome: server.home });
    assert.ok((await client.names()).includes('run_start'));
    const id = String((await client.call('run_start', { agent: 'hello' })).structured['id']);
    const watched = await client.call('run_watch', { id });
    assert.match(watched.text, /Hello from the script\./);
    // the SDK drops progress that is still being handed on when the answer comes, so not the last of it
    assert.ok(watched.progress.includes('run.started'), watched.progress.join());
    assert.match((await client.call('agent_create', { name: 'mine', instructions: 'Do.' })).text, /Not allowed/);
  });

  test(`without a server a client of ${era} is told how to start one [MCP-1, API-3]`, async () => {
    await using home = testHome();
    await assert.rejects(connect({ url: 'http://127.0.0.1:1', key: '', stdioHome: home.path }), /No Windlass has been started|era|negotiat/i);
  });
}

type Wire = { id?: number; result?: { content?: { text: string }[]; tools?: unknown[] }; error?: { message: string } };

type Bridged = AsyncDisposable & { bridge: Bridge; wrote: Wire[]; sessions: string[] };

function bridged(server: Pick<TestServer, 'url' | 'localKey'>, version = VERSION, toolset?: string): Bridged {
  const wrote: Wire[] = [];
  const sessions: string[] = [];
  const bridge = createBridge({
    locate: async () => ({ url: server.url, key: server.localKey }),
    fetch: async (input, init) => {
      const response = await fetch(input, init);
      const session = response.headers.get('mcp-session-id');
      if (session !== null && !sessions.includes(session)) sessions.push(session);
      return response;
    },
    ...{ clock: systemClock, version, toolset, warn: () => {}, write: (message: object) => void wrote.push(message) },
  });
  return { bridge, wrote, sessions, [Symbol.asyncDispose]: () => bridge.close() };
}

const INITIALIZE = {
  ...{ jsonrpc: '2.0', id: 1, method: 'initialize' },
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
};

async function say({ bridge, wrote }: Bridged, message: object): Promise<Wire | undefined> {
  await bridge.take(JSON.stringify({ jsonrpc: '2.0', ...message }));
  return wrote.at(-1);
}

test('a session that the server forgot is opened again and the client notices nothing [MCP-1]', async () => {
  await using server = await testServer({ workers: 0 });
  await using client = bridged(server);
  await say(client, INITIALIZE);
  await say(client, { method: 'notifications/initialized' });
  assert.equal((await say(client, { id: 2, method: 'tools/list' }))?.id, 2);
  const headers = { authorization: `Bearer ${server.localKey}`, 'mcp-session-id': client.sessions[0] ?? '' };
  assert.equal((await fetch(`${server.url}/mcp`, { method: 'DELETE', headers })).status, 200);
  const [first, second] = await Promise.all([say(client, { id: 3, method: 'tools/list' }), say(client, { id: 4, method: 'tools/list' })]);
  assert.ok(first !== undefined && second !== undefined);
  const answers = client.wrote.filter(({ id }) => id === 3 || id === 4);
  assert.ok(answers.length === 2 && answers.every(({ result }) => result?.tools !== undefined), JSON.stringify(answers).slice(0, 300));
  assert.equal(client.wrote.filter(({ id }) => id === 1).length, 1);
  assert.equal(client.sessions.length, 2);
});

test('a server that is away, a wrong key and a line that is no message are answers, not ends [MCP-1, API-3]', async () => {
  await using server = await testServer({ workers: 0 });
  await using away = bridged({ url: 'http://127.0.0.1:1', localKey: 'wl_none' });
  assert.match((await say(away, INITIALIZE))?.error?.message ?? '', /No Windlass answers at http:\/\/127\.0\.0\.1:1\. Start it with/);
  await using stranger = bridged({ url: server.url, localKey: 'wl_wrong' });
  assert.match((await say(stranger, INITIALIZE))?.error?.message ?? '', /not known, has expired, or was revoked/);
  await stranger.bridge.take('{"jsonrpc": ');
  assert.match(stranger.wrote.at(-1)?.error?.message ?? '', /no JSON-RPC message/);
});

test('code older than the server, or newer, is said once [MCP-4]', async () => {
  await using server = await testServer({ workers: 0 });
  for (const [version, expected] of [
    ['0.0.1', /reconnect the MCP server/],
    ['99.0.0', /restart it/],
  ] as const) {
    await using client = bridged(server, version);
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    const call = (id: number): Promise<Wire | undefined> =>
      say(client, { id, method: 'tools/call', params: { name: 'status', arguments: {}, _meta } });
    assert.match((await call(1))?.result?.content?.at(-1)?.text ?? '', expected);
    assert.doesNotMatch((await call(2))?.result?.content?.at(-1)?.text ?? '', expected);
  }
});

test('the toolset that was asked for is the one that is served [MCP-1]', async () => {
  await using server = await testServer();
  await using agents = bridged(server, VERSION, 'agents');
  await agents.bridge.take(JSON.stringify(INITIALIZE));
  assert.equal(agents.wrote.at(-1)?.error, undefined);
  await using other = bridged(server, VERSION, 'unheard-of');
  await other.bridge.take(JSON.stringify(INITIALIZE));
  assert.match(other.wrote.at(-1)?.error?.message ?? '', /no toolset "unheard-of"/);
});
