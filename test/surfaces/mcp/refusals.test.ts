/** What `/mcp` refuses, and how it says so: with the code, the reason and the next step, and nothing of its inside. */
import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { test } from 'node:test';
import { agentOperations } from '../../../src/work/agents/contract.ts';
import { newClient, oldClient } from '../../support/mcp.ts';
import type { TestServer } from '../../support/server.ts';
import { testServer } from '../../support/server.ts';

const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: envelope() } };
const INITIALIZE = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
};

function envelope(): object {
  return {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
}

function post(
  server: TestServer,
  body: unknown,
  options: { key?: string | null; headers?: Record<string, string>; query?: string } = {},
): Promise<Response> {
  const { key = server.ownerKey } = options;
  return fetch(`${server.url}/mcp${options.query ?? ''}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...options.headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

const MODERN = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' };

test('no key and a wrong key are 401 with a challenge, in both eras [MCP-1, IDN-2]', async () => {
  await using server = await testServer({ workers: 0 });
  for (const key of [null, 'wl_wrong', `${server.ownerKey}x`]) {
    for (const [body, headers] of [
      [LIST, MODERN],
      [INITIALIZE, {}],
    ] as const) {
      const response = await post(server, body, { key, headers });
      assert.equal(response.status, 401);
      assert.match(response.headers.get('www-authenticate') ?? '', /^Bearer/);
      assert.match(await response.text(), /Authorization: Bearer KEY/);
    }
  }
  assert.equal((await post(server, LIST, { headers: MODERN })).status, 200);
});

test('another Host and a page of another origin are refused [MCP-1, IDN-2]', async () => {
  await using server = await testServer({ workers: 0 });
  assert.equal((await post(server, LIST, { headers: { ...MODERN, origin: 'https://evil.example' } })).status, 403);
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const headers = { ...MODERN, host: 'evil.example', authorization: `Bearer ${server.ownerKey}`, 'content-type': 'application/json' };
    const request = httpRequest(`${server.url}/mcp`, { method: 'POST', headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on('error', reject);
    request.end(JSON.stringify(LIST));
  });
  assert.equal(status, 421);
});

test('a body over 4 MB is 413, one that is no JSON or not declared as JSON is refused [MCP-1]', async () => {
  await using server = await testServer({ workers: 0 });
  assert.equal((await post(server, { ...LIST, padding: 'x'.repeat(5 * 1024 * 1024) }, { headers: MODERN })).status, 413);
  assert.equal((await post(server, '{"jsonrpc": "2.0", ', { headers: MODERN })).status, 400);
  assert.equal((await post(server, LIST, { headers: { ...MODERN, 'content-type': 'text/plain' } })).status, 415);
  assert.equal((await post(server, { jsonrpc: '2.0', id: 1, method: 'tools/list' })).status, 400);
});

test('an unknown toolset is 404 and says which there are [MCP-2, API-3]', async () => {
  await using server = await testServer({ workers: 0 });
  const response = await post(server, LIST, { headers: MODERN, query: '?toolset=poetry' });
  assert.equal(response.status, 404);
  assert.match(await response.text(), /There is: agents/);
  assert.equal((await post(server, LIST, { headers: { ...MODERN, 'x-windlass-toolset': 'agents' } })).status, 200);
});

for (const [era, connect] of [
  ['new', newClient],
  ['old', oldClient],
] as const) {
  test(`a viewer reads and changes nothing, at the ${era} client [MCP-1, IDN-2]`, async () => {
    await using server = await testServer({ workers: 0 });
    await server.api().call(agentOperations.create, { name: 'kept', instructions: 'Stay.' });
    const viewer = await server.key({ role: 'viewer' });
    await using client = await connect({ url: server.url, key: viewer.secret });
    assert.match((await client.call('agent_list')).text, /1 of 1 agents[^]*kept/);
    for (const [tool, args] of [
      ['agent_create', { name: 'mine', instructions: 'Do.' }],
      ['agent_update', { name: 'kept', changes: { instructions: 'Go.' } }],
      ['agent_pause_resume', { name: 'kept', action: 'pause' }],
      ['run_start', { agent: 'kept' }],
    ] as const) {
      const refused = await client.call(tool, args);
      assert.equal(refused.isError, true, tool);
      assert.match(refused.text, /Not allowed[^]*Next: [^]*denied/);
    }
    assert.equal((await server.api().call(agentOperations.get, { name: 'kept' })).version, 1);
  });

  test(`what belongs to another organization is as unknown as what is not there, at the ${era} client [MCP-1, IDN-1]`, async () => {
    await using server = await testServer({ workers: 0 });
    await server.api().call(agentOperations.create, { name: 'ours', instructions: 'Stay.' });
    const { id } = await server.api().call(agentOperations.run, { name: 'ours' });
    const other = await server.addOrganization();
    await using client = await connect({ url: server.url, key: other.ownerKey });
    const unknown = 'run_01jd2m7x9c4qf8w3v5k6t1z0ab';
    for (const tool of ['run_show', 'run_watch', 'run_cancel']) {
      const [theirs, nobodys] = [await client.call(tool, { id }), await client.call(tool, { id: unknown })];
      assert.equal(theirs.isError, true);
      const plain = (text: string): string => text.replaceAll(/(?:run|cor)_\w+/g, '');
      assert.equal(plain(theirs.text), plain(nobodys.text));
    }
    assert.equal((await client.call('agent_show', { name: 'ours' })).isError, true);
    await assert.rejects(client.read(`windlass://runs/${id}`), /not found/i);
    await assert.rejects(client.read(`windlass://runs/${unknown}`), /not found/i);
    assert.deepEqual(await client.resources(), []);
  });

  test(`bad input names every fault and the next step; an unknown tool is a protocol error, at the ${era} client [API-3, MCP-1]`, async () => {
    await using server = await testServer({ workers: 0 });
    await using client = await connect({ url: server.url, key: server.ownerKey });
    const bad = await client.call('run_list', { limit: 100_000, live: 'perhaps', color: 'red' });
    assert.equal(bad.isError, true);
    assert.match(bad.text, /limit: [^]*live: [^]*color[^]*Next: /);
    assert.match((await client.call('agent_create', { name: 'Not A Name', tier: 9 })).text, /name: [^]*tier: /);
    assert.match((await client.call('run_show', { id: 'run_nonsense' })).text, /is not a run id[^]*Next: An id of a run looks like/);
    await assert.rejects(client.call('launch_rocket', {}), /There is no tool launch_rocket/);
    await assert.rejects(client.prompt('start_agent', { agent: 'x' }), /needs task/);
    await assert.rejects(client.read('file:///etc/passwd'), /not found/i);
  });
}

test('a session is its key’s alone, and one that is not here is 404 [MCP-1]', async () => {
  await using server = await testServer({ workers: 0 });
  const opened = await post(server, INITIALIZE);
  const session = opened.headers.get('mcp-session-id') ?? '';
  assert.ok(session.length >= 32);
  await opened.text();
  const list = { jsonrpc: '2.0', id: 2, method: 'tools/list' };
  const headers = { 'mcp-session-id': session };
  assert.equal((await post(server, list, { headers })).status, 200);
  assert.equal((await post(server, list, { headers, key: server.localKey })).status, 404);
  assert.equal((await post(server, list, { headers: { 'mcp-session-id': 'another-process' } })).status, 404);
  const ended = await fetch(`${server.url}/mcp`, { method: 'DELETE', headers: { ...headers, authorization: `Bearer ${server.ownerKey}` } });
  assert.equal(ended.status, 200);
  assert.equal((await post(server, list, { headers })).status, 404);
});

test('requests over HTTP and MCP count against one limit of the actor [API-2]', async () => {
  await using server = await testServer({ workers: 0 });
  const service = await server.key({ role: 'viewer', kind: 'service' });
  const remaining = async (response: Response): Promise<number> => {
    await response.text();
    return Number(response.headers.get('ratelimit-remaining'));
  };
  const first = await remaining(await post(server, LIST, { headers: MODERN, key: service.secret }));
  assert.equal(await remaining(await server.request('/agents', { key: service.secret })), first - 1);
  let last = await post(server, LIST, { headers: MODERN, key: service.secret });
  for (let i = 0; last.status === 200 && i < 120; i += 1) {
    await last.text();
    last = await post(server, LIST, { headers: MODERN, key: service.secret });
  }
  assert.equal(last.status, 429);
  assert.ok(Number(last.headers.get('retry-after')) > 0);
});
