/** The official Inspector against toolset `context`, over HTTP and over `windlass mcp`: tools, resources and prompts of a whole session. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { documentOperations } from '../../src/work/documents/contract.ts';
import { testIds } from '../support/identity.ts';
import { testServer } from '../support/server.ts';
import { runClient, testClients } from '../support/test-clients.ts';

const BIN = join(import.meta.dirname, '../../bin/windlass.mjs');
const TOOLS = ['preflight', 'session_start', 'session_update', 'session_end', 'briefing', 'claim', 'handoff', 'note', 'notes', 'doc', 'doc_audit'];
/** How the Inspector ends when a tool answered with a refusal. */
const REFUSED = 5;
const MORE = ['cadence', 'weekly_plan', 'work_queue', 'projects'];

for (const over of ['http', 'stdio'] as const) {
  test(`the Inspector goes through a session over ${over}: tools, resources, prompts [MCP-1, BRF-1, SES-5]`, { timeout: 300_000 }, async (t) => {
    const clients = await testClients();
    if ('skip' in clients) return t.skip(clients.skip);
    await using server = await testServer({ workers: 0 });
    for (const code of ['app', 'site'])
      await server.db.owner('insert into project (org_id, id, code, name) values ($1, $2, $3, $3)', [server.org, testIds.next('prj'), code]);
    const document = await server.api().call(documentOperations.put, { name: 'docs/API.md', project: 'app', content: '# API of the mill\n' });
    const folder = join(clients.folder, 'node_modules/@modelcontextprotocol/inspector');
    const { bin } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { bin: Record<string, string> };
    const url = ['--cli', `${server.url}/mcp?toolset=context`, '--transport', 'http', '--header', `Authorization: Bearer ${server.ownerKey}`];
    const program = ['--cli', '-e', `WINDLASS_HOME=${server.home}`, process.execPath, BIN, 'mcp', '--toolset', 'context'];
    const inspect = async (args: readonly string[], exit = 0): Promise<string> => {
      const { code, output } = await runClient(join(folder, Object.values(bin)[0] ?? ''), [...(over === 'http' ? url : program), ...args], 60_000);
      assert.equal(code, exit, output);
      return output;
    };
    const call = (name: string, ...args: string[]) =>
      inspect(['--method', 'tools/call', '--tool-name', name, ...args.flatMap((each) => ['--tool-arg', each])]);
    const listed = await inspect(['--method', 'tools/list']);
    for (const name of [...TOOLS, ...MORE]) assert.ok(listed.includes(`"name": "${name}"`), name);
    const started = await call('session_start', 'project=app', 'agent=inspector', 'machine=desk');
    const session = /sess_[0-9a-z]{26}/.exec(started)?.[0] ?? '';
    assert.match(started, /created in `app`/);
    assert.match(await call('doc', 'action=read', `id=${document.id}`, `session=${session}`), /API of the mill/);
    const elsewhere = ['--method', 'tools/call', '--tool-name', 'doc_audit', '--tool-arg', 'project=site', '--tool-arg', `session=${session}`];
    assert.match(await inspect(elsewhere, REFUSED), /out of bounds here: the active project is app/);
    assert.match(await inspect(['--method', 'resources/list']), new RegExp(`windlass://documents/${document.id}`));
    assert.match(await inspect(['--method', 'resources/templates/list']), /windlass:\/\/handoffs\/\{id\}/);
    assert.match(await inspect(['--method', 'resources/read', '--uri', `windlass://documents/${document.id}`]), /API of the mill/);
    assert.match(await inspect(['--method', 'prompts/list']), /"start_session"[^]*"end_session"/);
    assert.match(await inspect(['--method', 'prompts/get', '--prompt-name', 'start_session', '--prompt-args', 'project=app']), /# Briefing: `app`/);
    assert.match(await call('session_end', `session=${session}`, 'without=manual'), /has ended/);
  });
}
