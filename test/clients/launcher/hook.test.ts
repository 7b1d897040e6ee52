/** Hooks of coding CLIs: briefed, kept alive, stopped and reminded, with the server and without it. */
import assert from 'node:assert/strict';
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
