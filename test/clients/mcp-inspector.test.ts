/** The official Inspector as a real client of the real server: it lists the tools, starts a run and follows it. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { agentOperations } from '../../src/work/agents/contract.ts';
import { testServer } from '../support/server.ts';
import { runClient, testClients } from '../support/test-clients.ts';

test('the Inspector lists tools, starts a run and watches it to its end [MCP-1]', async (t) => {
  const clients = await testClients();
  if ('skip' in clients) return t.skip(clients.skip);
  await using server = await testServer({ rehearsals: { hello: 'turns:\n  - text: Hello from the script.\n' } });
  await server.api().call(agentOperations.create, { name: 'hello', instructions: 'Greet.', model: 'rehearsal/hello' });
  const folder = join(clients.folder, 'node_modules/@modelcontextprotocol/inspector');
  const { bin } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { bin: Record<string, string> };
  const inspect = async (...args: string[]): Promise<string> => {
    const where = ['--cli', `${server.url}/mcp`, '--transport', 'http', '--header', `Authorization: Bearer ${server.ownerKey}`];
    const { code, output } = await runClient(join(folder, Object.values(bin)[0] ?? ''), [...where, ...args], 60_000);
    assert.equal(code, 0, output);
    return output;
  };
  assert.match(await inspect('--method', 'tools/list'), /"run_start"/);
  const started = await inspect('--method', 'tools/call', '--tool-name', 'run_start', '--tool-arg', 'agent=hello');
  const id = /run_[0-9a-z]{26}/.exec(started)?.[0] ?? '';
  assert.match(await inspect('--method', 'tools/call', '--tool-name', 'run_watch', '--tool-arg', `id=${id}`), /Hello from the script\./);
});
