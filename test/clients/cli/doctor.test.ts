/** What doctor finds without a server, and how each finding is said. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkConfig, checkHome, checkModels, checkNode, checkPort, checkSignIn } from '../../../src/clients/cli/check-machine.ts';
import { askVersion, checkServer } from '../../../src/clients/cli/check-server.ts';
import { checkLines } from '../../../src/clients/cli/commands/doctor.ts';
import { loadConfig } from '../../../src/config.ts';
import { budgetOperations } from '../../../src/platform/budgets/contract.ts';
import { identityOperations } from '../../../src/platform/identity/contract.ts';
import type { HttpApp } from '../../../src/surfaces/http/context.ts';
import { answers, NOW_MS, temporaryFolder, windlass } from '../../support/cli.ts';

type Report = { ok: boolean; checks: { name: string; state: string; found: string; next: string | null }[] };

const never = (_ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));

test('doctor works while the server is down: nothing fails on a machine where nothing was started yet [CLI-1]', async () => {
  using folder = temporaryFolder();
  const options = { home: join(folder.path, 'home'), env: { WINDLASS_URL: '', WINDLASS_KEY: '', WINDLASS_PORT: '17429' }, sleep: never };
  const { exit, out } = await windlass(['doctor', '--json'], options);
  const report = JSON.parse(out) as Report;
  assert.deepEqual([exit, report.ok], [0, true]);
  const states = Object.fromEntries(report.checks.map((check) => [check.name, check.state]));
  assert.deepEqual(states, {
    ...{ node: 'ok', configuration: 'ok', home: 'warn', disk: 'ok', database: 'ok', port: 'ok' },
    ...{ server: 'warn', key: 'warn', models: 'warn', git: 'ok' },
  });
  for (const check of report.checks) assert.equal(check.next === null, check.state === 'ok', check.name);
  const text = await windlass(['doctor'], options);
  assert.match(text.out, /^ok {4}node {11}Node 2\d/);
  assert.match(text.out, /warn {2}home .* is not there yet\n +next: The first `windlass up` makes it\./);
  assert.match(text.out, /4 warnings, 6 ok\.\n$/);
});

test('a server that has the port but is not ours, a configuration with faults and a dead database fail with exit 1', async () => {
  using folder = temporaryFolder({ 'windlass.yaml': 'server: { port: many }\n' });
  const broken = { home: folder.path, env: { WINDLASS_CONFIG: join(folder.path, 'windlass.yaml') }, sleep: never };
  const { exit, out } = await windlass(['doctor'], broken);
  assert.equal(exit, 1);
  assert.match(out, /FAIL {2}configuration .*server\.port: .*\n +next: Mend what is listed\./);
  assert.match(out, /\d failure/);

  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const address = other.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const config = loadConfig({ flags: { port: String(port) }, env: {}, cwd: folder.path + '/none' });
  assert.equal((await checkPort(config, null)).state, 'fail');
  assert.equal((await checkPort(config, 'http://127.0.0.1:1')).state, 'warn');
  assert.equal((await checkPort(config, `http://127.0.0.1:${port}`)).state, 'ok');
  other.close();

  const dead = await windlass(['doctor', '--json'], { home: folder.path, env: { DATABASE_URL: 'postgres://u:secret@127.0.0.1:1/db' }, sleep: never });
  assert.equal(dead.exit, 1);
  const check = (JSON.parse(dead.out) as Report).checks.find((each) => each.name === 'database');
  assert.equal(check?.found, 'PostgreSQL at 127.0.0.1:1 (DATABASE_URL) does not answer');
  assert.equal(dead.out.includes('secret'), false);
});

test('the console that is not built and the gateway without a provider are told with what to do [CLI-1]', async () => {
  const plan = { plan: 'builder' as const, tokensPerDay: null, leftTokens: null, resetsAtMs: null, message: 'Keys of your own.' };
  const self = {
    ...{ actor: { id: 'act_test', kind: 'user' as const, name: 'Tess' }, key: { id: 'key_test', fingerprint: 'f' } },
    ...{ role: 'owner' as const, scopes: ['read' as const], permissions: [] },
  };
  const asked = async (providers: string[], status: number): Promise<Report['checks']> => {
    const first = (app: HttpApp): void => void app.get('/', () => new Response('page', { status }));
    const server = {
      operations: [answers(identityOperations.whoami, () => self), answers(budgetOperations.plan, () => ({ ...plan, providers }))],
      first,
    };
    const { checks } = JSON.parse((await windlass(['doctor', '--json'], { server, sleep: never })).out) as Report;
    return ['console', 'gateway'].flatMap((name) => checks.filter((check) => check.name === name));
  };
  assert.deepEqual(
    (await asked(['anthropic'], 200)).map((check) => check.state),
    ['ok', 'ok'],
  );
  const [console, gateway] = await asked([], 503);
  assert.match(console?.next ?? '', /npm run build/);
  assert.match(gateway?.found ?? '', /has the key of no provider/);
});

test('a home that others can read, or that is a file, is said to be that', async () => {
  using folder = temporaryFolder({ file: '' });
  const home = join(folder.path, 'home');
  mkdirSync(home, { mode: 0o700 });
  assert.deepEqual(
    (await checkHome(home)).map((check) => check.state),
    ['ok', 'ok'],
  );
  writeFileSync(join(home, 'local.key'), 'k', { mode: 0o644 });
  assert.match((await checkHome(home))[1]?.found ?? '', /local\.key can be read by others \(mode 644\)/);
  chmodSync(home, 0o755);
  assert.match((await checkHome(home))[0]?.found ?? '', /can be read by others \(mode 755\)/);
  assert.equal((await checkHome(join(folder.path, 'file')))[0]?.state, 'fail');
});

test('models are told by the names of keys, never by their values', () => {
  const config = loadConfig({ flags: {}, env: {}, cwd: '/nonexistent' });
  const here = checkModels({ ANTHROPIC_API_KEY: 'sk-hidden', OTHER: 'x' }, config);
  assert.deepEqual([here.state, here.found], ['ok', 'keys in this environment: ANTHROPIC_API_KEY']);
  const named = { ...config, providers: { mine: { kind: 'openai' as const, keyEnv: 'MY_KEY' } } };
  assert.match(checkModels({}, named).found, /configured and not set: MY_KEY/);
  assert.equal(checkNode('20.19.0').state, 'fail');
  assert.equal(checkNode('22.18.0').state, 'ok');
});

test('every fault of the configuration has a line, and a provider of sign-ins whose secret is missing is said [CLI-1]', () => {
  using folder = temporaryFolder({ 'windlass.yaml': 'workerz: 3\nserver: { port: seventy }\n' });
  const { check } = checkConfig({ env: {}, cwd: folder.path });
  const lines = checkLines([check]).map(String);
  assert.equal(lines.filter((line) => /workerz|server\.port/.test(line)).length, 2, lines.join('\n'));
  const config = loadConfig({ flags: {}, env: {}, cwd: '/nonexistent' });
  assert.deepEqual(checkSignIn({}, config), []);
  const openId = { name: 'Google', issuer: 'https://accounts.google.com', clientId: 'x', clientSecret: 'HIDDEN', origin: null };
  const named = { ...config, openId: { ...openId, emailDomains: null, roles: null, newPeople: null } };
  assert.match(checkSignIn({}, named)[0]?.found ?? '', /the secret HIDDEN is not in this environment/);
  assert.equal(checkSignIn({ HIDDEN: 'value' }, named)[0]?.state, 'ok');
});

test('a server that is away, dead, hung or foreign is told apart', async () => {
  const place = (pid: number | null) => ({
    url: 'http://127.0.0.1:1',
    urlFrom: 'x',
    server: pid === null ? null : { url: 'http://127.0.0.1:1', pid, version: '0.1.0' },
  });
  assert.match(checkServer(place(null), null, NOW_MS).found, /not running/);
  assert.match(checkServer(place(2 ** 22 + 1), null, NOW_MS).found, /was not stopped cleanly/);
  assert.equal(checkServer(place(process.pid), null, NOW_MS).state, 'fail');
  assert.equal(checkServer(place(null), 'foreign', NOW_MS).state, 'fail');
  const hung: typeof globalThis.fetch = (_input, init) =>
    new Promise((_resolve, reject) => init?.signal?.addEventListener('abort', () => reject(new Error('aborted')), { once: true }));
  const clock = { nowMs: () => NOW_MS, sleep: async (): Promise<void> => {} };
  assert.equal(await askVersion({ fetch: hung, clock }, 'http://127.0.0.1:1'), null);
  assert.equal(await askVersion({ fetch: async () => new Response('hello'), clock: { ...clock, sleep: never } }, 'http://127.0.0.1:1'), 'foreign');
});
