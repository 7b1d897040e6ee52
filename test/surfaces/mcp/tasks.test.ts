/** Runs as MCP tasks, as a client of revision 2026-07-28 with the extension speaks of them on the wire. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentOperations } from '../../../src/work/agents/contract.ts';
import { testServer } from '../../support/server.ts';
import type { TestServer } from '../../support/server.ts';
import { until } from '../../support/until.ts';

type Answer = { result?: Record<string, unknown>; error?: { code: number; message: string } };

async function send(server: TestServer, key: string, { method, params }: { method: string; params: Record<string, unknown> }): Promise<Answer> {
  const name = params['name'] ?? params['taskId'];
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} }, extensions: { 'io.modelcontextprotocol/tasks': {} } },
  };
  const response = await fetch(`${server.url}/mcp`, {
    method: 'POST',
    headers: {
      ...{ 'content-type': 'application/json', accept: 'application/json, text/event-stream', authorization: `Bearer ${key}` },
      ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': method, 'mcp-name': String(name) },
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta } }),
  });
  return (await response.json()) as Answer;
}

const SCRIPT =
  'turns:\n  - calls:\n      - tool: ask_human\n        args: { question: "Which colour?" }\n  - text: "It is {{ results.ask_human.last.text }}."\n';

test('a run is a task: it asks by a form, is answered, and ends with its answer; another is cancelled [MCP-2, APR-1]', async () => {
  await using server = await testServer({ rehearsals: { asker: SCRIPT } });
  await server.api().call(agentOperations.create, { name: 'asker', instructions: 'Ask.', model: 'rehearsal/asker', tools: ['ask_human'] });
  const start = async (): Promise<string> => {
    const { result } = await send(server, server.localKey, { method: 'tools/call', params: { name: 'run_start', arguments: { agent: 'asker' } } });
    assert.deepEqual([result?.['resultType'], result?.['status']], ['task', 'working']);
    return String(result?.['taskId']);
  };
  const get = async (taskId: string, key = server.ownerKey): Promise<Record<string, unknown>> =>
    (await send(server, key, { method: 'tasks/get', params: { taskId } })).result ?? {};
  const reaches = (taskId: string, status: string): Promise<Record<string, unknown>> =>
    until(`task ${status}`, 10_000, async () => {
      const task = await get(taskId);
      return task['status'] === status ? task : null;
    });
  const taskId = await start();
  const asked = await reaches(taskId, 'input_required');
  const [key = ''] = Object.keys(asked['inputRequests'] as object);
  assert.match(JSON.stringify(asked['inputRequests']), /Which colour\?/);
  // The key that may not answer sees a task that works on, and why in words.
  assert.equal((await get(taskId, server.localKey))['status'], 'working');
  const inputResponses = { [key]: { action: 'accept', content: { answer: 'answer', text: 'Blue' } } };
  const updated = await send(server, server.ownerKey, { method: 'tasks/update', params: { taskId, inputResponses } });
  assert.equal(updated.result?.['resultType'], 'complete', JSON.stringify(updated));
  assert.match(JSON.stringify((await reaches(taskId, 'completed'))['result']), /It is [^"]*Blue/);

  const other = await start();
  await send(server, server.localKey, { method: 'tasks/cancel', params: { taskId: other } });
  await reaches(other, 'cancelled');
  const stranger = await server.addOrganization();
  assert.equal((await send(server, stranger.ownerKey, { method: 'tasks/get', params: { taskId } })).error?.code, -32602);
});
