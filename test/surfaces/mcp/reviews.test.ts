/** Toolsets `reviews` and `personas` as MCP clients use them: a review never holds them up, and is a task where they know tasks (spec PER-2). */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { testHome } from '../../support/home.ts';
import { startModelUpstream } from '../../support/model-upstream.ts';
import { testServer } from '../../support/server.ts';
import type { TestServer } from '../../support/server.ts';
import { runClient, testClients } from '../../support/test-clients.ts';
import { until } from '../../support/until.ts';

const CODE = 'export function f(x: string) {\n  eval(x);\n}\n';

type Answer = { result?: Record<string, unknown>; error?: { code: number; message: string } };

/** One request of a client of revision 2026-07-28, with or without the tasks extension. */
async function send(
  server: TestServer,
  toolset: string,
  asked: { method: string; params: Record<string, unknown>; tasks?: boolean; key?: string },
): Promise<Answer> {
  const { method, params, tasks = false, key = server.localKey } = asked;
  const name = [params['name'], params['taskId']].find((each) => typeof each === 'string') ?? '';
  const extensions = tasks ? { extensions: { 'io.modelcontextprotocol/tasks': {} } } : {};
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': extensions,
  };
  const response = await fetch(`${server.url}/mcp?toolset=${toolset}`, {
    method: 'POST',
    headers: {
      ...{ 'content-type': 'application/json', accept: 'application/json, text/event-stream', authorization: `Bearer ${key}` },
      ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': method, 'mcp-name': name },
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta } }),
  });
  return (await response.json()) as Answer;
}

test('a client asks a persona, gets an id at once, polls it to its findings; a panel the same [PER-2, PER-6]', async () => {
  await using server = await testServer();
  const call = async (name: string, args: object, toolset = 'reviews') =>
    (await send(server, toolset, { method: 'tools/call', params: { name, arguments: args } })).result as {
      structuredContent: Record<string, unknown>;
      isError?: boolean;
      content: { text: string }[];
    };
  const { result } = await send(server, 'reviews', { method: 'tools/list', params: {} });
  const names = ((result?.['tools'] ?? []) as { name: string }[]).map(({ name }) => name);
  for (const name of ['persona_review', 'job_get', 'job_list', 'job_cancel', 'job_stats', 'job_reset', 'panel_review', 'standards_search'])
    assert.equal(names.includes(name), true, name);
  const started = await call('persona_review', { persona: 'security', text: CODE, name: 'src/f.ts' });
  const id = String(started.structuredContent['id']);
  assert.match(started.content[0]?.text ?? '', /^Started `run_\w+`: security on src\/f\.ts, about \d+ s\. .* job_get follows it\./);
  const job = await until('it ends', 30_000, async () => {
    const found = await call('job_get', { id, waitSeconds: 5 });
    return found.structuredContent['ended'] === true ? found : null;
  });
  assert.match(job.content[0]?.text ?? '', /## high: src\/f\.ts:2\n\nData is carried out as code\./);
  assert.match((await call('job_list', {})).content[0]?.text ?? '', new RegExp(id));
  assert.match((await call('job_stats', {})).content[0]?.text ?? '', /security: 1 reviews, 0 without an answer, 1 findings/);
  assert.equal((await call('job_cancel', { id })).structuredContent['status'], 'succeeded', 'what has ended stays as it is');
  const refused = await call('job_reset', {});
  assert.equal(refused.isError, true, 'the key of this machine removes nothing');
  const missing = await call('job_get', { id: 'run_01jd2m7x9c4qf8w3v5k6t1z0ab' });
  assert.deepEqual([missing.isError, /There is no review/.test(missing.content[0]?.text ?? '')], [true, true]);
  const panel = await call('panel_review', { text: CODE, name: 'src/f.ts', personas: ['security', 'code-reviewer'] });
  const graded = await until('the panel ends', 30_000, async () => {
    const found = await call('panel_get', { id: panel.structuredContent['id'], waitSeconds: 5 });
    return found.structuredContent['ended'] === true ? found : null;
  });
  assert.match(graded.content[0]?.text ?? '', /\| security \| D \| 1 \| 1 high: 1 or more make it D at best \|/);
});

test('each persona is a tool by name in toolset personas [PER-2]', async () => {
  await using server = await testServer();
  const { result } = await send(server, 'personas', { method: 'tools/list', params: {} });
  const names = ((result?.['tools'] ?? []) as { name: string }[]).map(({ name }) => name);
  for (const name of [
    'review_as_architect',
    'review_as_engineer',
    'review_as_data',
    'review_as_qa',
    'review_as_security',
    'review_as_sre',
    'review_as_product',
    'review_as_api_documentation',
  ]) {
    assert.equal(names.includes(name), true, name);
  }
  const started = await send(server, 'personas', { method: 'tools/call', params: { name: 'review_as_architect', arguments: { text: CODE } } });
  assert.equal(((started.result?.['structuredContent'] ?? {}) as { persona?: string }).persona, 'architect');
});

test('a review is a task where the client knows tasks: working, then completed with its findings; another is cancelled [PER-2]', async () => {
  await using server = await testServer({ rehearsals: { slow: 'turns:\n  - hang: true\n    text: never\n' } });
  const start = async (more: object = {}): Promise<string> => {
    const params = { name: 'persona_review', arguments: { persona: 'security', text: CODE, name: 'f.ts', ...more } };
    const { result } = await send(server, 'reviews', { method: 'tools/call', params, tasks: true });
    assert.deepEqual([result?.['resultType'], result?.['status']], ['task', 'working']);
    return String(result?.['taskId']);
  };
  const get = async (taskId: string) => (await send(server, 'reviews', { method: 'tasks/get', params: { taskId }, tasks: true })).result ?? {};
  const done = await start();
  const completed = await until('it is completed', 30_000, async () => {
    const task = await get(done);
    return task['status'] === 'completed' ? task : null;
  });
  assert.match(JSON.stringify(completed['result']), /code-evaluation/);
  const slow = await start({ model: 'rehearsal/slow' });
  await send(server, 'reviews', { method: 'tasks/cancel', params: { taskId: slow }, tasks: true });
  await until('it is cancelled', 30_000, async () => ((await get(slow))['status'] === 'cancelled' ? true : null));
  const unknown = await send(server, 'reviews', { method: 'tasks/get', params: { taskId: 'run_01jd2m7x9c4qf8w3v5k6t1z0ab' }, tasks: true });
  assert.equal(unknown.error?.code, -32602);
});

test('the Inspector runs a review from request to findings [PER-2]', async (t) => {
  const clients = await testClients();
  if ('skip' in clients) return t.skip(clients.skip);
  await using server = await testServer();
  const folder = join(clients.folder, 'node_modules/@modelcontextprotocol/inspector');
  const { bin } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { bin: Record<string, string> };
  const call = async (tool: string, args: Record<string, string>): Promise<string> => {
    const where = ['--cli', `${server.url}/mcp?toolset=reviews`, '--transport', 'http', '--header', `Authorization: Bearer ${server.ownerKey}`];
    const given = Object.entries(args).flatMap(([name, value]) => ['--tool-arg', `${name}=${value}`]);
    const { code, output } = await runClient(
      join(folder, Object.values(bin)[0] ?? ''),
      [...where, '--method', 'tools/call', '--tool-name', tool, ...given],
      60_000,
    );
    assert.equal(code, 0, output);
    return output;
  };
  const id = /run_[0-9a-z]{26}/.exec(await call('persona_review', { persona: 'security', text: 'eval(input)', name: 'a.js' }))?.[0] ?? '';
  assert.match(await call('job_get', { id, waitSeconds: '20' }), /Data is carried out as code/);
});

const CLAUDE_MS = 60_000;
/** A reviewer that thinks for some seconds, as models do. */
const THINKS = `turns:
  - delayMs: 4000
    calls: [{ tool: review_scan, args: {} }]
  - json:
      summary: One line is dangerous.
      findings: '{{ results.review_scan.last.json.findings }}'
      specialists: []
      proposals: []
`;

test('Claude Code, headless with a scripted model, runs a review from request to findings [PER-2]', async (t) => {
  const clients = await testClients();
  if ('skip' in clients) return t.skip(clients.skip);
  await using server = await testServer({ rehearsals: { thinks: THINKS } });
  const asks = { persona: 'security', model: 'rehearsal/thinks', text: CODE, name: 'a.ts' };
  await using upstream = await startModelUpstream((asked) => {
    const id = /run_[0-9a-z]{26}/.exec(asked.text)?.[0];
    if (asked.text.includes('call_findings'))
      return { text: asked.text.includes('Data is carried out as code') ? 'It evaluates its input.' : 'No findings came.' };
    const [name, json] = id === undefined ? ['persona_review', asks] : ['job_get', { id, waitSeconds: 50 }];
    const call = { id: id === undefined ? 'call_review' : 'call_findings', name: `mcp__windlass__${name}`, json: JSON.stringify(json) };
    return { calls: [call], finish: 'tool_calls' };
  });
  await using home = testHome();
  await mkdir(home.path);
  const tools = { type: 'http', url: `${server.url}/mcp?toolset=reviews`, headers: { Authorization: `Bearer ${server.ownerKey}` }, alwaysLoad: true };
  const given = ['--mcp-config', JSON.stringify({ mcpServers: { windlass: tools } }), '--strict-mcp-config', '--allowedTools', 'mcp__windlass'];
  const env = {
    ANTHROPIC_BASE_URL: upstream.url,
    ANTHROPIC_AUTH_TOKEN: 'k',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
  };
  const claude = execFile(
    join(clients.folder, 'node_modules/.bin/claude'),
    ['-p', 'Have a.ts reviewed.', '--output-format', 'json', '--model', 'scripted-1', ...given],
    { cwd: home.path, timeout: CLAUDE_MS, env: { PATH: process.env['PATH'], HOME: home.path, NO_PROXY: '127.0.0.1', ...env } },
  );
  claude.stdin?.end();
  const said = await text(claude.stdout ?? Readable.from([]));
  const { is_error, result } = JSON.parse(said) as { is_error: boolean; result: string };
  assert.deepEqual([is_error, result], [false, 'It evaluates its input.'], said);
});
