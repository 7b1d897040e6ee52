/**
 * The three real CLIs, launched through the model gateway: the first launch makes the project's virtual key, the next one takes it from the vault, and
 * what each asks a model is answered, metered and counted there.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { test } from 'node:test';
import { identityOperations } from '../../../src/platform/identity/contract.ts';
import { projectOperations } from '../../../src/work/projects/contract.ts';
import { insertBudget, readCounter } from '../../support/budgets.ts';
import { testCheckout } from '../../support/checkout.ts';
import { startModelUpstream } from '../../support/model-upstream.ts';
import { REPORTED } from '../../support/provider-protocols.ts';
import { testServer } from '../../support/server.ts';
import { testClients } from '../../support/test-clients.ts';
import { until } from '../../support/until.ts';

const REMOTE = 'https://github.example/acme/app.git';
const BIN = join(import.meta.dirname, '../../../bin/windlass.mjs');
const LAUNCH_MS = 120_000;
const PROVIDER_KEY = 'provider-key-0123456789';
const SAID = 'It came through.';

const ARGS = {
  claude: ['-p', 'Go.', '--output-format', 'json', '--model', 'claude-sonnet-5-5'],
  codex: ['exec', '--json', '-m', 'gpt-5.4-mini', '--disable', 'plugins', 'Go.'],
  gemini: ['-m', 'gemini-2.5-flash', '-p', 'Go.', '-o', 'json', '--approval-mode', 'yolo'],
} as const;
const CLIS = ['claude', 'codex', 'gemini'] as const;

type Launched = { code: number; out: string; err: string };

function launch(args: readonly string[], options: { cwd: string; env: Record<string, string> }): Promise<Launched> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [BIN, 'launch', 'app', ...args], { ...options, timeout: LAUNCH_MS }, (error, out, err) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, out, err });
    });
    child.stdin?.end();
  });
}

test(
  'launched CLIs ask their models through the gateway, with one virtual key of the project that the first launch makes [LCH-1, GTW-2, BUD-6]',
  { timeout: 600_000 },
  async (t) => {
    const clients = await testClients();
    if ('skip' in clients) return t.skip(clients.skip);
    using at = testCheckout({ remote: REMOTE, files: { 'README.md': '# App\n' }, clis: [] });
    at.git('add', '-A');
    at.git('commit', '-q', '-m', 'Begin');
    await using upstream = await startModelUpstream(() => ({ text: SAID }));
    await using server = await testServer({
      workers: 0,
      env: { TEST_KEY: PROVIDER_KEY },
      config: {
        providers: {
          anthropic: { kind: 'anthropic', baseUrl: `${upstream.url}/v1`, keyEnv: 'TEST_KEY' },
          openai: { kind: 'openai', baseUrl: `${upstream.url}/v1`, keyEnv: 'TEST_KEY' },
          google: { kind: 'google', baseUrl: `${upstream.url}/v1beta`, keyEnv: 'TEST_KEY' },
        },
      },
    });
    const project = await server.api().call(projectOperations.add, { path: at.top, code: 'app' });
    const budget = {
      org: server.org,
      id: 'bud_app',
      scope: 'project',
      subject: project.id,
      unit: 'tokens',
      period: 'total',
      amount: 50_000_000,
    } as const;
    await insertBudget(server.db, budget);

    for (const [i, cli] of CLIS.entries()) {
      const own = join(at.home, cli);
      mkdirSync(own, { recursive: true });
      const path = [dirname(process.execPath), join(clients.folder, 'node_modules/.bin'), '/usr/bin', '/bin'].join(delimiter);
      const env = {
        ...{ HOME: own, PATH: path, WINDLASS_HOME: server.home, CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1', DISABLE_AUTOUPDATER: '1' },
        ...(i === 0 ? { WINDLASS_KEY: server.ownerKey } : {}),
      };
      const { code, out, err } = await launch([cli, '--trust', '--', ...ARGS[cli]], { cwd: at.top, env });
      assert.equal(code, 0, `${cli}: ${err}\n${out.slice(-3_000)}`);
      assert.match(
        err,
        i === 0 ? /ok +gateway +http\S+\/gateway, with a new virtual key of app/ : /ok +gateway +http\S+\/gateway, with the virtual key of app/,
      );
      assert.ok(out.includes(SAID), `${cli}: ${err}\n${out.slice(-3_000)}`);
    }

    const keys = (await server.api().call(identityOperations.listKeys, {})).items.filter(({ name }) => name.startsWith('launcher of'));
    assert.deepEqual(
      keys.map((key) => key.project),
      [project.id],
    );
    const answers = upstream.asked.filter(({ path }) => !/count_?tokens/i.test(path));
    assert.ok(answers.length >= CLIS.length);
    assert.ok(answers.every(({ headers }) => JSON.stringify(headers).includes(PROVIDER_KEY)));
    assert.ok(!JSON.stringify(upstream.asked).includes('wl_'), 'no key of ours goes to a provider');
    const tokens = answers.length * (REPORTED.input - REPORTED.cached + REPORTED.output);
    await until(`${tokens} tokens to be spent by the project`, 5_000, async () => {
      const { spent, reserved } = await readCounter(server.db, budget.id);
      return spent === tokens && reserved === 0;
    });
  },
);
