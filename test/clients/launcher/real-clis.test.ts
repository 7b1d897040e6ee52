/**
 * Claude Code, Codex and Gemini CLI as they are, each launched by `windlass launch` against the real server, with a scripted model on
 * loopback: each starts a session over MCP, calls a tool that needs a credential in its shell and over MCP, keeps a note, and ends with a
 * handoff, which the next one is shown by its hook before its model says a word.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { test } from 'node:test';
import { handoffOperations } from '../../../src/work/handoffs/contract.ts';
import { noteOperations } from '../../../src/work/knowledge/contract.ts';
import { projectOperations } from '../../../src/work/projects/contract.ts';
import { sessionOperations } from '../../../src/work/sessions/contract.ts';
import { testCheckout } from '../../support/checkout.ts';
import { windlass } from '../../support/cli.ts';
import type { Asked } from '../../support/model-upstream.ts';
import { startModelUpstream } from '../../support/model-upstream.ts';
import type { Answer } from '../../support/provider-protocols.ts';
import { testIds } from '../../support/identity.ts';
import { testServer } from '../../support/server.ts';
import { testClients } from '../../support/test-clients.ts';

const REMOTE = 'https://github.example/acme/app.git';
const BIN = join(import.meta.dirname, '../../../bin/windlass.mjs');
const TOKEN = 'tok-Zq81xwPk93hh';
const PROOF = createHash('sha256').update(TOKEN).digest('hex');
const LAUNCH_MS = 120_000;

/** Tells a digest of the credential, as a tool that calls a service with it would prove that it has it. */
const SHELL_TOOL = `#!/bin/sh\nprintf %s "$API_TOKEN" | sha256sum | cut -d' ' -f1\n`;
const MCP_TOOL = `import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  const text = createHash('sha256').update(process.env.API_TOKEN ?? '').digest('hex');
  if (method === 'initialize') say({ id, result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'deploy', version: '1' } } });
  else if (method === 'tools/list') say({ id, result: { tools: [{ name: 'whoami', description: 'Whose credential', inputSchema: { type: 'object', properties: {} } }] } });
  else if (method === 'tools/call') say({ id, result: { content: [{ type: 'text', text: 'mcp ' + text }] } });
  else if (id !== undefined) say({ id, error: { code: -32601, message: 'no' } });
}
`;
const server = { command: process.execPath, args: ['deploy.mjs'] };
const FILES = {
  'README.md': '# App\n',
  'deploy.sh': SHELL_TOOL,
  'deploy.mjs': MCP_TOOL,
  '.windlass/launch.yaml': 'secrets:\n  required: [API_TOKEN]\n',
  '.mcp.json': JSON.stringify({ mcpServers: { deploy: { ...server, alwaysLoad: true } } }, null, 2),
  '.claude/settings.local.json': JSON.stringify({ enabledMcpjsonServers: ['deploy'], permissions: { allow: ['mcp__deploy', 'Bash(sh deploy.sh)'] } }),
  '.codex/config.toml': `# ours\n[mcp_servers.deploy]\ncommand = ${JSON.stringify(process.execPath)}\nargs = ["deploy.mjs"]\nenv_vars = ["API_TOKEN"]\ndefault_tools_approval_mode = "approve"\n`,
  '.gemini/settings.json': JSON.stringify({ mcpServers: { deploy: { ...server, trust: true } } }, null, 2),
};

const WAITS_MAX = 5;
const SHELL = /^(?:Bash|exec_command|run_shell_command)$/;

/** What the hook at the start told of the session, as a model reads it. */
function told(text: string): { machine: string | undefined; clientSession: string | undefined } {
  return { machine: /machine \\"([^"\\]+)/.exec(text)?.[1], clientSession: /clientSession \\"([^"\\]+)/.exec(text)?.[1] };
}

type Step = { tool: RegExp; args: (tool: string, asked: Asked) => object };

function steps(cli: string): Step[] {
  const handoff = {
    status: 'in_progress',
    summary: `What ${cli} leaves: the token works.`,
    accomplished: [`${cli} proved the token`],
    next: ['Go on'],
  };
  return [
    { tool: /session_start$/, args: (_tool, { text }) => ({ project: 'app', agent: cli, branch: 'main', ...told(text) }) },
    {
      tool: SHELL,
      args: (tool) => (tool === 'exec_command' ? { cmd: 'sh deploy.sh' } : { command: 'sh deploy.sh', description: 'Proves the token' }),
    },
    // the hook refuses it before it runs
    { tool: SHELL, args: (tool) => (tool === 'exec_command' ? { cmd: 'cat ../site/plan' } : { command: 'cat ../site/plan', description: 'Peeks' }) },
    { tool: /whoami$/, args: () => ({}) },
    { tool: /[_/]note$/, args: () => ({ title: `Note of ${cli}`, content: 'The token works.', word: 'Keep that the token works.', project: 'app' }) },
    { tool: /session_end$/, args: (_tool, { text }) => ({ handoff, session: /Your session is `(sess_\w+)`/.exec(text)?.[1] }) },
  ];
}

/** One step for each request, told apart by the calls that the request shows as made. */
function scripted(cli: string): (asked: Asked) => Answer {
  return (asked) => {
    const made = steps(cli).filter((_, i) => asked.text.includes(`call_step_${i}`)).length;
    const step = steps(cli)[made];
    if (step === undefined) return { text: 'Done.' };
    const tool = asked.tools.find((name) => step.tool.test(name));
    if (tool === undefined) return waiting(asked);
    const [namespace, name] = tool.includes('/') ? tool.split('/') : [undefined, tool];
    return {
      calls: [
        {
          id: `call_step_${made}`,
          name: name ?? tool,
          json: JSON.stringify(step.args(name ?? tool, asked)),
          ...(namespace === undefined ? {} : { namespace }),
        },
      ],
      finish: 'tool_calls',
    };
  };
}

/** Codex asks its model before a slow server has shown its tools, which come with a later request. */
function waiting(asked: Asked): Answer {
  const waited = Array.from({ length: WAITS_MAX }, (_, i) => i).filter((i) => asked.text.includes(`call_wait_${i}`)).length;
  const shell = asked.tools.find((name) => SHELL.test(name));
  if (shell === undefined || waited === WAITS_MAX) return { text: 'A tool is missing.' };
  const args = shell === 'exec_command' ? { cmd: `sleep ${1 + waited}` } : { command: `sleep ${1 + waited}`, description: 'Waits' };
  return { calls: [{ id: `call_wait_${waited}`, name: shell, json: JSON.stringify(args) }], finish: 'tool_calls' };
}

const ARGS = {
  claude: ['--allowedTools=Bash(sh deploy.sh),Bash(cat:*),mcp__deploy', '-p', 'Go.', '--output-format', 'json', '--model', 'scripted-1'],
  codex: ['exec', '--json', '-m', 'scripted-1', '--disable', 'plugins', 'Go.'],
  gemini: ['-m', 'scripted-1', '-p', 'Go.', '-o', 'json', '--approval-mode', 'yolo'],
} as const;

type Launched = { code: number; out: string; err: string };

function run(args: readonly string[], options: { cwd: string; env: Record<string, string> }): Promise<Launched> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [BIN, ...args], { ...options, timeout: LAUNCH_MS, maxBuffer: 64 * 1024 * 1024 }, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1, out, err });
    });
    child.stdin?.end();
  });
}

test(
  'the three real CLIs, launched one after the other, hand over to each other [LCH-1, LCH-2, LCH-6, SES-5, BRF-1]',
  { timeout: 600_000 },
  async (t) => {
    const clients = await testClients();
    if ('skip' in clients) return t.skip(clients.skip);
    using at = testCheckout({ remote: REMOTE, files: FILES, clis: [] });
    at.git('add', '-A');
    at.git('commit', '-q', '-m', 'Begin');
    const before = at.snapshot();
    await using server = await testServer({ workers: 0 });
    await server.api().call(projectOperations.add, { path: at.top, code: 'app' });
    const site = [server.org, testIds.next('prj'), join(at.top, '../site')];
    await server.db.owner("insert into project (org_id, id, code, name, path) values ($1, $2, 'site', 'Site', $3)", site);
    mkdirSync(join(at.top, '../site'));
    writeFileSync(join(at.top, '../site/plan'), 'plan-of-site');
    await windlass(['secret', 'set', 'app', 'API_TOKEN', '--from', '-'], { home: server.home, stdin: TOKEN });

    for (const [i, cli] of (['claude', 'codex', 'gemini'] as const).entries()) {
      await using upstream = await startModelUpstream(scripted(cli));
      const own = join(at.home, cli);
      for (const folder of ['.codex', '.gemini']) mkdirSync(join(own, folder), { recursive: true });
      const provider = `name = "scripted"\nbase_url = "${upstream.url}/v1"\nwire_api = "responses"\nenv_key = "SCRIPTED_KEY"\nsupports_websockets = false`;
      writeFileSync(join(own, '.codex/config.toml'), `model_provider = "scripted"\n\n[model_providers.scripted]\n${provider}\n`);
      writeFileSync(
        join(own, '.gemini/settings.json'),
        JSON.stringify({
          security: { auth: { selectedType: 'gemini-api-key' } },
          privacy: { usageStatisticsEnabled: false },
          general: { enableAutoUpdate: false },
        }),
      );
      const path = [dirname(process.execPath), join(clients.folder, 'node_modules/.bin'), '/usr/bin', '/bin'].join(delimiter);
      const env = {
        ...{
          HOME: own,
          PATH: path,
          WINDLASS_HOME: server.home,
          SCRIPTED_KEY: 'k',
          CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
          DISABLE_AUTOUPDATER: '1',
        },
        ...{ ANTHROPIC_BASE_URL: upstream.url, ANTHROPIC_AUTH_TOKEN: 'k', GOOGLE_GEMINI_BASE_URL: upstream.url, GEMINI_API_KEY: 'k' },
      };
      const launched = await run(['launch', 'app', cli, '--trust', '--', ...ARGS[cli]], { cwd: at.top, env });
      const said = `${upstream.asked.map(({ tools }) => tools.join(' ')).join('\n')}\n${launched.err}\n${launched.out.slice(-3_000)}`;
      assert.equal(launched.code, 0, said);
      assert.match(launched.err, /ok {4}tools +the credential reaches the shell and the tools of .* \(proven now\)/, said);
      const asked = upstream.asked.filter(({ tools }) => tools.length > 0);
      const whole = asked.map(({ text }) => text).join('\n');
      assert.match(asked[0]?.text ?? '', /Your session is `sess_/, 'the hook briefs before the first word');
      const former = ['claude', 'codex'][i - 1];
      if (former !== undefined) assert.ok(whole.includes(`What ${former} leaves`), `the briefing shows ${cli} the handoff of ${former}`);
      assert.ok(whole.includes(PROOF) && whole.includes(`mcp ${PROOF}`), `the credential reached shell and server of ${cli}\n${said}`);
      assert.ok(!whole.includes(TOKEN), 'no model is told the value');
      assert.match(whole, /That is of the project site, and the active project is app/, `the hook of ${cli} refuses\n${said}`);
      assert.ok(!whole.includes('plan-of-site'), `nothing of another project is read by ${cli}`);
      const again = await run(['launch', 'app', cli, '--trust', '--', '--version'], { cwd: at.top, env });
      assert.match(again.err, /files +\d+ as they should be[\s\S]*\(proven \d+ s ago\)/, again.err);
    }

    const handoffs = await server.api().call(handoffOperations.list, { project: 'app' });
    assert.deepEqual(handoffs.items.map(({ summary }) => summary.replace(/:.*/, '')).toSorted(), [
      'What claude leaves',
      'What codex leaves',
      'What gemini leaves',
    ]);
    const notes = await server.api().call(noteOperations.list, { project: 'app' });
    assert.deepEqual(notes.items.map(({ title }) => title).toSorted(), ['Note of claude', 'Note of codex', 'Note of gemini']);
    const sessions = await server.api().call(sessionOperations.list, { project: 'app', state: 'all' });
    assert.ok(
      sessions.items.every(({ state }) => state === 'ended' || state === 'active'),
      JSON.stringify(sessions.items.map(({ agent, state }) => [agent, state])),
    );
    // the proof of credentials has a session of its own, which ends without a word
    for (const cli of ['claude', 'codex', 'gemini']) {
      const told = sessions.items.filter(({ agent }) => agent === cli).map(({ metadata }) => Number(metadata['outputTokens'] ?? 0));
      assert.ok(
        told.some((tokens) => tokens > 0),
        `what ${cli} used is told: ${JSON.stringify(told)}`,
      );
    }

    const removed = await run(['launch', 'app', '--remove'], {
      cwd: at.top,
      env: { HOME: at.home, PATH: process.env['PATH'] ?? '', WINDLASS_HOME: server.home },
    });
    assert.equal(removed.code, 0, removed.err);
    assert.deepEqual(at.snapshot(), before);
    assert.equal(realpathSync(at.top), at.top);
  },
);
