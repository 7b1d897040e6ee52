/** `windlass launch`: what it finds, writes, hands over and refuses, with CLIs that are only started in name. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { z } from 'zod';
import { identityOperations } from '../../../src/platform/identity/contract.ts';
import { documentOperations } from '../../../src/work/documents/contract.ts';
import { projectOperations } from '../../../src/work/projects/contract.ts';
import type { ProjectView } from '../../../src/work/projects/contract.ts';
import { CLIS } from '../../../src/clients/launcher/clis.ts';
import { remoteHints } from '../../../src/clients/launcher/remote-login.ts';
import type { HttpApp } from '../../../src/surfaces/http/context.ts';
import type { CallOptions, FakeServer } from '../../support/cli.ts';
import { NOW_MS, answers, windlass } from '../../support/cli.ts';
import { page } from '../../support/cli-fixtures.ts';
import type { TestCheckout } from '../../support/checkout.ts';
import { testCheckout } from '../../support/checkout.ts';

const MACHINE = { name: 'desk', pid: 1, kill: () => true } as const;
type WhoAmI = z.input<typeof identityOperations.whoami.output>;

const REMOTE = 'git@github.example:acme/app.git';

const PLAIN = {
  ...{ capabilities: [], secretsPath: null, designSpec: null, environments: [] },
  ...{ status: 'active', platform: false, declared: false },
} as const satisfies Partial<ProjectView>;

function project(over: Partial<ProjectView> = {}): ProjectView {
  const { remote = REMOTE } = over;
  const repositories = remote === null ? [] : [remote];
  return { id: 'prj_1', code: 'app', name: 'Application', path: null, ...PLAIN, createdAtMs: NOW_MS, repositories, ...over, remote };
}

function server(projects: readonly ProjectView[] = [project()]): FakeServer {
  return {
    operations: [
      answers(projectOperations.list, () => page(projects)),
      answers(documentOperations.list, () => page([])),
      answers(identityOperations.whoami, (): WhoAmI => ({
        actor: { id: 'a', kind: 'cli', name: 'local' },
        key: { id: 'k', fingerprint: 'f' },
        role: 'member',
        scopes: ['read'],
        permissions: [],
      })),
    ],
  };
}

type Started = { program: string; args: readonly string[]; cwd: string; env: Record<string, string | undefined> };

async function launch(
  at: TestCheckout,
  argv: readonly string[],
  options: CallOptions = {},
): Promise<{ exit: number; out: string; err: string; started: Started[] }> {
  const started: Started[] = [];
  const done = await windlass(['launch', ...argv], {
    server: server(),
    home: at.home,
    cwd: at.top,
    start: async (program, args, { cwd, env }) => {
      started.push({ program, args, cwd, env: { ...env } });
      return 0;
    },
    ...options,
    env: { PATH: at.bin, HOME: at.home, ...options.env },
  });
  return { ...done, started };
}

test('a launch finds the checkout by its remote, sets the CLI up and starts it there [LCH-1, LCH-3, LCH-6, LCH-7]', async () => {
  using at = testCheckout({ remote: 'https://github.example/Acme/App' });
  const { exit, err, out, started } = await launch(at, ['app', 'claude', '--', '-p', 'go']);
  assert.equal(exit, 0, err);
  assert.equal(out, '');
  assert.deepEqual([started[0]?.cwd, started[0]?.args], [at.top, ['-p', 'go']]);
  assert.match(err, /ok {4}project +app \(Application\) in .*branch main/);
  assert.match(err, /ok {4}environment +production/);
  assert.match(err, /written: \.mcp\.json, \.claude\/settings\.local\.json, AGENTS\.md, CLAUDE\.md, GEMINI\.md/);
  const env = started[0]?.env ?? {};
  assert.deepEqual([env['WINDLASS_PROJECT'], env['WINDLASS_AGENT'], env['WINDLASS_ENVIRONMENT']], ['app', 'claude', 'production']);
  assert.equal(env['PATH']?.split(':')[0], join(at.home, 'bin'));
  assert.match(readFileSync(join(at.home, 'bin/windlass'), 'utf8'), /exec '.*node' '.*windlass\.mjs' "\$@"/);
  const mcp = JSON.parse(at.read('.mcp.json')) as { mcpServers: { windlass: { command: string } } };
  assert.equal(mcp.mcpServers.windlass.command, 'windlass');
  for (const file of ['AGENTS.md', 'CLAUDE.md', 'GEMINI.md']) {
    for (const words of [/BLOCKED:/, /TRIED:/, /NEED:/, /the same error has come 3 times/, /on nothing else/, /session_start/])
      assert.match(at.read(file), words);
  }
});

test('every CLI is set up in its own format, and removed again leaves the bytes that were there [LCH-1, LCH-6]', async () => {
  const files = {
    '.mcp.json': '{\n    "mcpServers": { "other": { "command": "x" } }\n}',
    '.claude/settings.local.json': '{"permissions":{"allow":["Bash(ls)"]},"hooks":{"Stop":[{"hooks":[{"type":"command","command":"say done"}]}]}}\n',
    '.codex/config.toml':
      '# mine\nmodel = "gpt" # why\n\n[[hooks.Stop]]\n[[hooks.Stop.hooks]]\ntype = "command"\ncommand = "mine"\n\n[mcp_servers.other]\ncommand = "y"',
    '.gemini/settings.json': '// notes\n{\n\t"mcpServers": {},\n\t"security": { "environmentVariableRedaction": { "allowed": ["MINE_KEY"] } },\n}\n',
    'AGENTS.md': '# How we work\r\n\r\nCarefully.\r\n',
  };
  using at = testCheckout({ remote: REMOTE, files });
  chmodSync(join(at.top, '.mcp.json'), 0o600);
  const before = at.snapshot();
  for (const cli of ['claude', 'codex', 'gemini']) {
    const { exit, err } = await launch(at, ['app', cli]);
    assert.equal(exit, 0, err);
  }
  assert.match(at.read('.codex/config.toml'), /^# mine\nmodel = "gpt" # why\n[\s\S]*\[mcp_servers\.windlass\]/);
  assert.match(at.read('.gemini/settings.json'), /"MINE_KEY", "WINDLASS_KEY"/);
  assert.match(at.read('AGENTS.md'), /^# How we work\r\n\r\nCarefully\.\r\n\r\n<!-- windlass:begin/);
  const again = at.snapshot();
  await launch(at, ['app', 'gemini']);
  assert.deepEqual(at.snapshot(), again);
  const removed = await launch(at, ['--remove'], { server: null });
  assert.equal(removed.exit, 0, removed.err);
  assert.deepEqual(at.snapshot(), before);
  assert.match((await launch(at, ['--remove'], { server: null })).out, /Nothing of ours/);
});

const anyJson = fc.dictionary(
  fc.constantFrom('mcpServers', 'model', 'theme', 'ü'),
  fc.dictionary(fc.constantFrom('one', 'two'), fc.jsonValue({ maxDepth: 1 })),
);

test('over generated configurations nothing but ours changes, and removal restores every byte [LCH-1]', async () => {
  await fc.assert(
    fc.asyncProperty(anyJson, fc.constantFrom(undefined, 2, '\t'), fc.constantFrom('claude', 'gemini'), async (value, indent, cli) => {
      const text = JSON.stringify(value, null, indent);
      using at = testCheckout({ remote: REMOTE, files: { '.mcp.json': text, '.gemini/settings.json': text } });
      const before = at.snapshot();
      const { exit, err } = await launch(at, ['app', cli]);
      assert.equal(exit, 0, err);
      await launch(at, ['--remove'], { server: null });
      assert.deepEqual(at.snapshot(), before);
    }),
    { numRuns: 12 },
  );
});

test('broken, foreign, read-only and escaping configuration is refused with the fix, and nothing is written [LCH-1]', async () => {
  const cases: [string, Record<string, string>, RegExp, ((at: TestCheckout) => void)?][] = [
    [
      'claude',
      { '.mcp.json': '{ "mcpServers": {\n "a": 1\n "b": 2 }' },
      /files: \.mcp\.json is not as it should be: line 3: .*Mend .*\.mcp\.json and launch again/s,
    ],
    ['codex', { '.codex/config.toml': 'model = \n' }, /files: \.codex\/config\.toml.*no TOML/s],
    ['codex', { '.codex/config.toml': '[mcp_servers.windlass]\ncommand = "mine"\n' }, /has a server called windlass of its own/],
    ['codex', { '.codex/config.toml': 'mcp_servers = { a = { command = "x" } }\n' }, /no TOML, or defines something twice/],
    ['gemini', { '.gemini/settings.json': '[]' }, /the whole is not an object/],
    ['claude', { '.mcp.json': '{}' }, /read-only.*chmod u\+w/s, (at) => chmodSync(join(at.top, '.mcp.json'), 0o444)],
    ['claude', {}, /leads out of.*Put a file in the place of the link/s, (at) => symlinkSync('/etc/hostname', join(at.top, '.mcp.json'))],
    ['claude', {}, /leads out of/, (at) => symlinkSync(at.bin, join(at.top, '.claude'))],
    ['claude', {}, /is no file/, (at) => mkdirSync(join(at.top, '.mcp.json'))],
    ['claude', {}, /not in UTF-8/, (at) => writeFileSync(join(at.top, 'AGENTS.md'), Buffer.from([0x66, 0xfc, 0x72]))],
    ['claude', { 'CLAUDE.md': '<!-- windlass:begin 123 -->\n' }, /do not stand there once each/],
    ['claude', { '.windlass/launch.yaml': 'secrets:\n  require: [A]\n' }, /launch\.yaml is not valid/],
    ['claude', { '.windlass/skills/Bad Name/SKILL.md': '' }, /not named like a skill/],
  ];
  for (const [cli, files, expected, prepare] of cases) {
    using at = testCheckout({ remote: REMOTE, files });
    prepare?.(at);
    const before = at.snapshot();
    const { exit, err, started } = await launch(at, ['app', cli]);
    assert.notEqual(exit, 0, String(expected));
    assert.match(err, expected);
    assert.deepEqual(at.snapshot(), before);
    assert.equal(started.length, 0);
    chmodSync(at.top, 0o755);
  }
});

test('a link within the checkout stays a link and is written once [LCH-3]', async () => {
  using at = testCheckout({ remote: REMOTE, files: { 'AGENTS.md': '# Ours\n' } });
  symlinkSync('AGENTS.md', join(at.top, 'CLAUDE.md'));
  const before = at.snapshot();
  assert.equal((await launch(at, ['app', 'claude'])).exit, 0);
  assert.equal(at.snapshot()['CLAUDE.md'], 'link');
  assert.equal(at.read('AGENTS.md').match(/windlass:begin/g)?.length, 1);
  await launch(at, ['--remove']);
  assert.deepEqual(at.snapshot(), before);
});

test('what was lost is put back, what was changed by hand is named and kept [LCH-1, LCH-3]', async () => {
  using at = testCheckout({ remote: REMOTE });
  await launch(at, ['app', 'claude']);
  rmSync(join(at.top, '.mcp.json'));
  at.write('CLAUDE.md', at.read('CLAUDE.md').replace('## Boundary', '## Our boundary'));
  const { err } = await launch(at, ['app', 'claude']);
  assert.ok(existsSync(join(at.top, '.mcp.json')));
  assert.match(err, /warn {2}files +CLAUDE\.md: our block was changed by hand; kept as it is/);
  assert.match(at.read('CLAUDE.md'), /## Our boundary/);
  const removed = await launch(at, ['--remove']);
  assert.match(removed.out, /kept +CLAUDE\.md/);
});

test('secrets are handed over from the vault, shown by name and place, and shadowing is said [LCH-1, SEC-2]', async () => {
  using at = testCheckout({
    remote: REMOTE,
    files: { '.windlass/launch.yaml': 'secrets:\n  required: [API_TOKEN, GH_TOKEN]\n  optional: [SENTRY_DSN]\n' },
  });
  const set = (path: string, name: string, value: string) => windlass(['secret', 'set', path, name, '--from', '-'], { home: at.home, stdin: value });
  const missing = await launch(at, ['app', 'claude'], { env: { GH_TOKEN: 'from-shell-1' } });
  assert.equal(missing.exit, 3);
  assert.match(missing.err, /secrets: API_TOKEN is required and not there\.[\s\S]*windlass secret set app API_TOKEN/);
  await set('app', 'API_TOKEN', 'prod-Zq81xwPk');
  await set('app/vault', 'HIDDEN', 'never-Zq81xwPk');
  const { started, err } = await launch(at, ['app', 'claude'], { env: { GH_TOKEN: 'from-shell-1', API_TOKEN: 'stale-one-22' } });
  assert.match(err, /secrets +API_TOKEN from app; GH_TOKEN from your shell/);
  assert.match(err, /warn {2}secrets +API_TOKEN of your shell has another value and is not used/);
  assert.doesNotMatch(err, /prod-Zq|stale-one|from-shell/);
  assert.deepEqual(
    [started[0]?.env['API_TOKEN'], started[0]?.env['GH_TOKEN'], started[0]?.env['HIDDEN']],
    ['prod-Zq81xwPk', 'from-shell-1', undefined],
  );

  const none = await launch(at, ['app', 'claude', '--staging'], { env: { GH_TOKEN: 'x-shell-1' } });
  assert.match(none.err, /Nothing is stored at app\/staging/);
  await set('app', 'OTHER', 'prod-Other99x');
  await set('app/staging', 'API_TOKEN', 'stag-Zq81xwPk');
  const staging = await launch(at, ['app', 'claude', '--staging'], { env: { GH_TOKEN: 'x-shell-1' } });
  assert.equal(staging.started[0]?.env['API_TOKEN'], 'stag-Zq81xwPk');
  assert.match(staging.err, /production's value is used in staging for OTHER/);
  const dry = await launch(at, ['app', 'claude', '--dry-run', '--json'], { env: { GH_TOKEN: 'x-shell-1' } });
  assert.doesNotMatch(dry.out, /prod-|stag-|x-shell/);
});

test('the names that Gemini CLI would take from its children are allowed there, and shells of Codex keep them [LCH-2]', async () => {
  using at = testCheckout({ remote: REMOTE });
  await windlass(['secret', 'set', 'app', 'API_TOKEN', '--from', '-'], { home: at.home, stdin: 'prod-Zq81xwPk' });
  await launch(at, ['app', 'gemini']);
  assert.match(at.read('.gemini/settings.json'), /"WINDLASS_KEY",\s+"API_TOKEN"/);
  const { started } = await launch(at, ['app', 'codex']);
  assert.ok(started[0]?.args.includes('shell_environment_policy.ignore_default_excludes=true'));
  assert.match(at.read('.codex/config.toml'), /env_vars = \["WINDLASS_HOME", .*"WINDLASS_KEY"/);
});

test('a dry run shows every change and does nothing [LCH-1]', async () => {
  using at = testCheckout({ remote: REMOTE });
  const before = at.snapshot();
  const { out, started } = await launch(at, ['app', 'codex', '--dry-run']);
  assert.match(out, /new +\.codex\/config\.toml\n +\+ # >>> windlass/);
  assert.match(out, /Would start: .*codex/);
  assert.deepEqual([at.snapshot(), started.length, existsSync(join(at.home, 'bin'))], [before, 0, false]);
});

test('unknown projects, missing clones, two projects and missing CLIs are told with what to type [LCH-1, PRJ-2]', async () => {
  using at = testCheckout({ remote: REMOTE, clis: ['gemini'] });
  const say = async (argv: string[], projects?: ProjectView[], cwd?: string) =>
    (await launch(at, argv, { server: server(projects), env: { WINDLASS_DEV: '/nonexistent' }, ...(cwd === undefined ? {} : { cwd }) })).err;
  assert.match(await say(['nope']), /project: There is no project nope\.[\s\S]*There is app/);
  assert.match(
    await say(['app'], [project({ remote: 'git@github.example:acme/elsewhere.git' })]),
    /No checkout of app[\s\S]*git clone git@github\.example:acme\/elsewhere\.git/,
  );
  assert.match(await say(['.'], [project(), project({ id: 'prj_2', code: 'app-2' })]), /Two projects have this repository: app, app-2/);
  assert.match(await say(['.'], []), /No project has the remote[\s\S]*windlass project add/);
  assert.match(await say(['.'], undefined, '/'), /in no git repository/);
  assert.match(await say(['app', 'claude']), /Claude Code is not on PATH\.[\s\S]*npm install -g @anthropic-ai\/claude-code/);
  assert.match(await say(['app', 'cursor']), /There is no coding CLI "cursor"/);
  assert.match(await say(['app']), /gemini +Gemini CLI 2\.40\.0/);
});

test('projects, checkouts and CLIs are listed [LCH-1]', async () => {
  using at = testCheckout({ remote: REMOTE, clis: ['codex'] });
  const { out } = await launch(at, ['--list'], {
    server: server([project(), project({ id: 'prj_2', code: 'site', remote: 'git@x.example:a/b.git' })]),
  });
  assert.match(out, new RegExp(`app +${at.top}`));
  assert.match(out, /site +no checkout: git clone git@x\.example:a\/b\.git/);
  assert.match(out, /codex +2\.40\.0/);
  assert.match(out, /claude +not installed: npm install/);
});

test('without the server a launch goes on with what was known, and says how old it is [LCH-5]', async () => {
  using at = testCheckout({ remote: REMOTE });
  assert.equal((await launch(at, ['app', 'claude'], { server: null })).exit, 5);
  await launch(at, ['app', 'claude']);
  const { exit, err, started } = await launch(at, ['app', 'claude'], { server: null, nowMs: NOW_MS + 3 * 3_600_000 });
  assert.deepEqual([exit, started.length], [0, 1]);
  assert.match(err, /warn {2}server +No Windlass answers.*3 h ago/);
  assert.match(err, /briefing +none is kept/);
});

test("the agent gets the machine's key and not the person's, and gateway variables of the shell do not win [LCH-1, SEC-6]", async () => {
  using at = testCheckout({ remote: REMOTE });
  writeFileSync(join(at.home, 'local.key'), 'wl_local');
  const { started, err } = await launch(at, ['app', 'claude']);
  assert.equal(started[0]?.env['WINDLASS_KEY'], undefined);
  assert.match(err, /WINDLASS_KEY of your shell is not passed on/);
});

test('a credential of the vault that would win over the gateway is left out, and that is said [LCH-1, SEC-7]', async () => {
  using at = testCheckout({ remote: REMOTE });
  const set = (path: string, name: string, value: string) =>
    windlass(['secret', 'set', path, name, '--from', '-', '--as-is'], { home: at.home, stdin: value });
  await set('app', 'ANTHROPIC_API_KEY', 'sk-ant-of-the-vault-0123456789');
  await set('app', 'OTHER_TOKEN', 'tok-Zq81xwPk93hh');
  const known = server();
  const first = await launch(at, ['app', 'claude'], { server: known });
  assert.equal(first.started[0]?.env['ANTHROPIC_API_KEY'], 'sk-ant-of-the-vault-0123456789', 'without a gateway it is the CLI’s own');
  await set('app/vault', 'WINDLASS_GATEWAY_KEY', 'wl_virtual_key_of_the_project');
  const gateway = (app: HttpApp): void => void app.get('/gateway/anthropic/v1/models', (c) => c.json({ data: [{}] }));
  const { started, err } = await launch(at, ['app', 'claude'], { server: { ...known, first: gateway } });
  const env = started[0]?.env ?? {};
  assert.deepEqual([env['ANTHROPIC_API_KEY'], env['ANTHROPIC_AUTH_TOKEN']], [undefined, 'wl_virtual_key_of_the_project']);
  assert.equal(env['OTHER_TOKEN'], 'tok-Zq81xwPk93hh');
  assert.match(err, /warn {2}variables +ANTHROPIC_API_KEY of the vault would win over the gateway's key and is left out/);
});

test('over SSH no browser is asked for, and a locked keychain is named [LCH-4]', async () => {
  using at = testCheckout({ remote: REMOTE });
  const { err } = await launch(at, ['app', 'codex'], { env: { SSH_CONNECTION: '10.0.0.1 5 10.0.0.2 22' } });
  assert.match(err, /desk over SSH\. Windlass uses the key files of this machine and opens no browser[\s\S]*codex login --device-auth/);
  const ask = (platform: NodeJS.Platform, execute: () => Promise<string>) =>
    remoteHints({ env: { SSH_TTY: '/dev/pts/1' }, machine: { ...MACHINE, platform }, execute }, CLIS.claude);
  const locked = () => Promise.reject(new Error('SecKeychainCopySettings: User interaction is not allowed.'));
  assert.match((await ask('darwin', locked)).join('\n'), /keychain is locked.*security unlock-keychain/);
  assert.equal((await ask('darwin', async () => 'no-timeout')).length, 1, 'an open one is no trouble');
  assert.equal((await ask('linux', locked)).length, 1);
  assert.deepEqual(await remoteHints({ env: {}, machine: { ...MACHINE, platform: 'darwin' }, execute: locked }, CLIS.claude), []);
});

test('two launches at once end in the same files as one [LCH-1]', async () => {
  using at = testCheckout({ remote: REMOTE });
  const sleep = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const done = await Promise.all([1, 2, 3, 4].flatMap(() => [launch(at, ['app', 'claude'], { sleep }), launch(at, ['app', 'codex'], { sleep })]));
  assert.deepEqual(done.map(({ exit, err }) => (exit === 0 ? '' : err)).filter(Boolean), []);
  assert.equal(at.read('CLAUDE.md').match(/windlass:begin/g)?.length, 1);
  await launch(at, ['--remove']);
  assert.deepEqual(at.snapshot(), {});
});
