/** Hooks of coding CLIs: briefed, kept alive, stopped and reminded, with the server and without it. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { briefingOperations } from '../../../src/work/briefing/contract.ts';
import type { SessionView } from '../../../src/work/sessions/contract.ts';
import { sessionOperations } from '../../../src/work/sessions/contract.ts';
import type { CallOptions, FakeServer } from '../../support/cli.ts';
import { NOW_MS, answers, windlass } from '../../support/cli.ts';
import type { TestCheckout } from '../../support/checkout.ts';
import { testCheckout } from '../../support/checkout.ts';

const NEXT = { nextHeartbeatAtMs: NOW_MS + 600_000, nextHeartbeatInMs: 600_000 };

const BRIEFING = {
  ...{
    project: { id: 'prj_1', code: 'app', name: 'App' },
    session: null,
    atMs: NOW_MS,
    view: 'brief' as const,
    markdown: '# Briefing of app\n\n2 alerts.',
  },
  ...{ tokens: 9, bytes: 30, budgetTokens: 3_000, parts: [], sources: [], faults: [] },
};

function session(over: Partial<SessionView> = {}): SessionView {
  return {
    ...{ id: 'sess_1', project: 'app', actor: 'act_1', agent: 'claude', machine: 'desk', repository: null, clientSession: 'c1', track: null },
    ...{ branch: 'main', startCommit: null, commit: null, issue: null, workingOn: '', metadata: {}, state: 'active', endReason: null },
    ...{ startedAtMs: NOW_MS, heartbeatAtMs: NOW_MS, endedAtMs: null, handoff: null, claims: [] },
    ...over,
  };
}

/** What the server was told, in order. */
function server(over: Partial<SessionView> = {}): FakeServer & { told: { what: string; input: unknown }[] } {
  const told: { what: string; input: unknown }[] = [];
  const note = <T>(what: string, input: unknown, value: T): T => {
    told.push({ what, input });
    return value;
  };
  return {
    told,
    operations: [
      answers(sessionOperations.start, (input) =>
        note('start', input, {
          session: session(over),
          outcome: 'created' as const,
          closed: [],
          others: [],
          othersTotal: { kind: 'exact' as const, value: 0 },
          warnings: [],
          branchPrefix: 'desk-claude',
          ...NEXT,
        }),
      ),
      answers(sessionOperations.heartbeat, (input) => note('heartbeat', input, NEXT)),
      answers(sessionOperations.update, (input) => note('update', input, { session: session(over), warnings: [] })),
      answers(sessionOperations.get, () => session(over)),
      answers(briefingOperations.read, () => BRIEFING),
    ],
  };
}

async function hook(
  at: TestCheckout,
  argv: readonly string[],
  { input = {}, ...options }: CallOptions & { input?: object } = {},
): Promise<Record<string, unknown>> {
  // a deadline that never comes: what is late is another test's
  const sleep = (_ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
  const stdin = JSON.stringify({ session_id: 'c1', cwd: at.top, ...input });
  const done = await windlass(['hook', ...argv], {
    home: at.home,
    cwd: at.top,
    sleep,
    stdin,
    execute: async () => '',
    ...options,
    env: { WINDLASS_PROJECT: 'app', ...options.env },
  });
  assert.deepEqual([done.exit, done.err], [0, '']);
  return JSON.parse(done.out) as Record<string, unknown>;
}

function contextOf(answer: Record<string, unknown>): string {
  return (answer['hookSpecificOutput'] as { additionalContext: string }).additionalContext;
}

const failing = { hook_event_name: 'PostToolUse', tool_name: 'Bash', tool_response: { is_error: true, stdout: 'TypeError: cannot read it' } };
const command = (text: string): object => ({ ...failing, tool_input: { command: text } });

test('at the start the session begins and the briefing enters the context, for every CLI [LCH-6, BRF-1]', async () => {
  using at = testCheckout({ remote: 'git@github.example:acme/app.git' });
  for (const cli of ['claude', 'codex', 'gemini']) {
    const fake = server();
    const text = contextOf(await hook(at, ['start', '--cli', cli], { server: fake, input: { hook_event_name: 'SessionStart' } }));
    assert.match(text, /# Briefing of app[\s\S]*Your session is `sess_1`.*clientSession "c1"/);
    assert.deepEqual(
      { ...(fake.told[0]?.input as object), commit: undefined },
      {
        project: 'app',
        repository: 'git@github.example:acme/app.git',
        agent: cli,
        machine: 'desk',
        clientSession: 'c1',
        branch: 'main',
        commit: undefined,
      },
    );
  }
});

test('without the server the copy serves, with its age; without a copy that is said, and nothing fails [LCH-5]', async () => {
  using at = testCheckout();
  assert.match(contextOf(await hook(at, ['start', '--cli', 'claude'], { server: null })), /^Windlass does not answer: no session was started/);
  await hook(at, ['start', '--cli', 'claude'], { server: server() });
  const old = contextOf(await hook(at, ['start', '--cli', 'claude'], { server: null, nowMs: NOW_MS + 5 * 3_600_000 }));
  assert.match(old, /This is a copy from 5 h ago, not the present state[\s\S]*# Briefing of app/);
});

test('the third same error stops each CLI with the form, and counting begins anew [LCH-7]', async () => {
  using at = testCheckout();
  for (const cli of ['claude', 'codex', 'gemini']) {
    const fake = server();
    await hook(at, ['start', '--cli', cli], { server: fake });
    assert.deepEqual(await hook(at, ['tool', '--cli', cli], { server: fake, input: command('make a') }), {});
    assert.deepEqual(await hook(at, ['tool', '--cli', cli], { server: null, input: command('make b') }), {});
    const stopped = await hook(at, ['tool', '--cli', cli], { server: fake, input: command('make c') });
    assert.equal(stopped['continue'], false);
    assert.match(
      String(stopped['stopReason']),
      /^BLOCKED: the same error came back 3 times.*\nTRIED: Bash make a.*make b.*make c.*\nNEED: a decision/,
    );
    assert.match(JSON.stringify(fake.told.at(-1)), /BLOCKED: a stop rule tripped/);
    assert.deepEqual(await hook(at, ['tool', '--cli', cli], { server: fake, input: command('make d') }), {});
  }
});

test('a tool call is a heartbeat when one is due, and no sooner; compaction leaves a checkpoint [LCH-6, SES-3]', async () => {
  using at = testCheckout();
  const fake = server();
  const ok = { hook_event_name: 'PostToolUse', tool_name: 'Read', tool_input: { path: 'a' }, tool_response: 'text' };
  await hook(at, ['start', '--cli', 'claude'], { server: fake });
  await hook(at, ['tool', '--cli', 'claude'], { server: fake, input: ok });
  assert.deepEqual(
    fake.told.map(({ what }) => what),
    ['start'],
  );
  await hook(at, ['tool', '--cli', 'claude'], { server: fake, input: ok, nowMs: NEXT.nextHeartbeatAtMs });
  assert.deepEqual(
    fake.told.map(({ what }) => what),
    ['start', 'heartbeat'],
  );
  await hook(at, ['compact', '--cli', 'claude'], { server: fake });
  assert.match(JSON.stringify(fake.told.at(-1)), /"update".*"compactedAtMs"/);
});

test('who ends after work without a handoff is reminded once, with what happened [LCH-6]', async () => {
  using at = testCheckout();
  const fake = server();
  const start = () => hook(at, ['start', '--cli', 'gemini'], { server: fake });
  const stop = (input: object = {}, using: FakeServer = fake) => hook(at, ['stop', '--cli', 'gemini'], { server: using, input });
  await start();
  assert.deepEqual(await stop(), {});
  await hook(at, ['tool', '--cli', 'gemini'], { server: fake, input: { tool_name: 'write_file', tool_input: { path: 'a' }, tool_response: 'done' } });
  assert.deepEqual(await stop({ stop_hook_active: true }), {});
  assert.deepEqual(await stop({}, server({ handoff: 'ho_1', state: 'ended' })), {});
  const reminded = await stop();
  assert.equal(reminded['decision'], 'deny');
  assert.match(String(reminded['reason']), /has left no handoff\. What happened in it: no commit, .*`session_end`/);
  assert.deepEqual(await stop(), {});
});

test('what is no input of a CLI is no failure', async () => {
  using at = testCheckout();
  for (const stdin of ['', 'nonsense', '[]', '{"session_id": 5}']) {
    const { exit, out } = await windlass(['hook', 'tool', '--cli', 'codex'], { home: at.home, stdin });
    assert.deepEqual([exit, out], [0, '{}\n']);
  }
  assert.equal((await windlass(['hook', 'later', '--cli', 'codex'], { home: at.home })).exit, 2);
});

/** What the launcher keeps of the server's projects. */
function neighbours(at: TestCheckout): void {
  const of = (code: string, path: string | null, remote: string) => ({
    ...{ id: `prj_${code}`, code, name: code, path, remote, repositories: [remote], capabilities: [], secretsPath: null, designSpec: null },
    ...{ environments: [], status: 'active', platform: false, declared: false, createdAtMs: NOW_MS },
  });
  const projects = [
    of('app', at.top, 'git@github.example:acme/app.git'),
    of('site', join(at.top, '../site'), 'https://github.example/acme/site.git'),
    of('part', join(at.top, 'vendor/part'), 'https://github.example/acme/part.git'),
  ];
  mkdirSync(join(at.home, 'launcher'), { recursive: true });
  writeFileSync(join(at.home, 'launcher/projects.json'), JSON.stringify({ atMs: NOW_MS, projects }));
}

test('a command or an edit that names another project is refused before it runs, and the second time stops with the form [LCH-6, LCH-7, POL-4]', async () => {
  using at = testCheckout({ remote: 'git@github.example:acme/app.git' });
  neighbours(at);
  const before = (cli: string, input: object, options: CallOptions = {}) => hook(at, ['before', '--cli', cli], { server: null, ...options, input });
  const shell = (text: string) => ({ hook_event_name: 'PreToolUse', tool_name: 'Bash', tool_input: { command: text } });
  for (const [i, input] of [
    shell('cd ../site && git push'),
    shell('git clone ssh://git@github.example/Acme/Site.git'),
    shell(`cat "${join(at.top, '../site/.env')}"`),
    shell('cp a vendor/../../site/a'),
    { tool_name: 'Write', tool_input: { file_path: join(at.top, '../site/a.ts'), content: 'x' } },
    { tool_name: 'apply_patch', tool_input: { command: `*** Begin Patch\n*** Update File: ${join(at.top, 'vendor/part/a.ts')}\n` } },
  ].entries()) {
    const told = await before('codex', { ...input, session_id: `s${i}` });
    const { permissionDecision, permissionDecisionReason } = told['hookSpecificOutput'] as Record<string, string>;
    assert.equal(permissionDecision, 'deny', JSON.stringify(input));
    assert.match(
      String(permissionDecisionReason),
      /of the project (?:site|part), and the active project is app\. Leave the work to (?:site|part): tool handoff.*advisory/,
    );
  }
  for (const input of [
    shell('cd src && git push origin main && cat ../app/README.md'),
    shell(`git clone https://github.example/acme/app && ls ${at.top}/../siteling`),
    { tool_name: 'Edit', tool_input: { file_path: join(at.top, 'a.md'), new_string: 'See https://github.example/acme/site and ../site' } },
    { tool_name: 'Read' },
  ])
    assert.deepEqual(await before('claude', { ...input, session_id: 'free' }), {}, JSON.stringify(input));
  assert.deepEqual(await before('claude', shell('cd ../site'), { env: { WINDLASS_PROJECT: '' } }), {}, 'a CLI that nobody launched is left alone');
  assert.equal((await before('gemini', { ...shell('cd ../site'), session_id: 'g' }))['decision'], 'deny');
  const fake = server();
  await hook(at, ['start', '--cli', 'gemini'], { server: fake, input: { session_id: 'g' } });
  const stopped = await before('gemini', { ...shell('cat ../site/a'), session_id: 'g' }, { server: fake });
  assert.equal(stopped['continue'], false);
  assert.match(
    String(stopped['stopReason']),
    /^BLOCKED: calls into another project were refused 2 times; the active project is app\nTRIED: Bash cd \.\.\/site → of site; .*\nNEED: /,
  );
  assert.match(JSON.stringify(fake.told.at(-1)), /BLOCKED: a stop rule tripped/);
  const long = 'a'.repeat(200_000);
  const beganMs = performance.now();
  assert.deepEqual(await before('claude', { ...shell(`${long}://${long}@${long}`), session_id: 'long' }), {});
  assert.ok(performance.now() - beganMs < 2_000, 'no text holds a hook up');
});

test('what a CLI has used is told with its heartbeat and at its end, from its own record [LCH-6]', async () => {
  using at = testCheckout();
  const lines = (...entries: object[]) => entries.map((each) => JSON.stringify(each)).join('\n');
  const message = (id: string, output: number) => ({
    type: 'assistant',
    message: { id, model: 'm-1', usage: { input_tokens: 3, cache_creation_input_tokens: 10, cache_read_input_tokens: 100, output_tokens: output } },
  });
  const total = (output: number) => ({
    type: 'event_msg',
    payload: { type: 'token_count', info: { total_token_usage: { input_tokens: 226, cached_input_tokens: 200, output_tokens: output } } },
  });
  const records = {
    claude: `${lines(message('a', 1), message('a', 5), message('b', 6))}\n{"cut`,
    codex: lines({ type: 'turn_context', payload: { model: 'm-1' } }, total(4), total(11)),
    gemini: lines(
      { sessionId: 'x', kind: 'main' },
      {
        $set: {
          messages: [
            { id: '1', type: 'user' },
            { id: '2', type: 'gemini' },
          ],
        },
      },
      { id: '2', type: 'gemini', model: 'm-1', tokens: { input: 226, output: 10, cached: 200, thoughts: 1 } },
    ),
  };
  for (const [cli, record] of Object.entries(records)) {
    const fake = server({ metadata: { compactedAtMs: 1 } });
    at.write('record.jsonl', record);
    const input = { transcript_path: join(at.top, 'record.jsonl'), tool_name: 'Read', tool_input: {}, tool_response: 'x', session_id: cli };
    await hook(at, ['start', '--cli', cli], { server: fake, input });
    await hook(at, ['tool', '--cli', cli], { server: fake, input, nowMs: NEXT.nextHeartbeatAtMs });
    const metadata = { compactedAtMs: 1, inputTokens: 226, cachedInputTokens: 200, outputTokens: 11, model: 'm-1' };
    assert.deepEqual(fake.told.at(-1), { what: 'update', input: { id: 'sess_1', under: [], metadata } }, cli);
    await hook(at, ['before', '--cli', cli], { server: fake, input: { ...input, tool_name: 'mcp__windlass__session_end' } });
    await hook(at, ['stop', '--cli', cli], { server: fake, input });
    assert.equal(fake.told.filter(({ what }) => what === 'update').length, 3);
    at.write('record.jsonl', 'nothing of ours');
    await hook(at, ['stop', '--cli', cli], { server: fake, input });
    assert.equal(fake.told.filter(({ what }) => what === 'update').length, 3, 'unknown is not told as nothing');
  }
});
