/** The command line as a process of its own, through `bin/windlass.mjs`, against the real server. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { approvalOperations } from '../../../src/platform/approvals/contract.ts';
import { runOperations } from '../../../src/runtime/runs/contract.ts';
import type { RunDetail } from '../../../src/runtime/runs/contract.ts';
import { agentOperations } from '../../../src/work/agents/contract.ts';
import type { PlanView } from '../../../src/work/agents/contract.ts';
import type { TestServer } from '../../support/server.ts';
import { testServer } from '../../support/server.ts';
import { until } from '../../support/until.ts';

const BIN = join(import.meta.dirname, '../../../bin/windlass.mjs');

const SCRIPTS = {
  greeter: 'turns:\n  - text: "Hello {{ input.json.who | default: input.text }}."\n',
  asker:
    'turns:\n  - text: I need a word.\n    calls: [{ tool: ask_human, args: { question: "Red or blue?", choices: [red, blue] } }]\n  - text: "It is {{ results.ask_human.last.text }}."\n',
  sleeper: 'turns:\n  - hang: true\n',
};

type Finished = { exit: number | null; out: string; err: string };
type Started = { finished: Promise<Finished>; kill(signal: NodeJS.Signals): void; printed(): string };

function start(server: TestServer, argv: readonly string[], { key = '', cwd = server.home, stdin = '' } = {}): Started {
  const env = { PATH: process.env['PATH'], WINDLASS_HOME: server.home, WINDLASS_KEY: key };
  const child = spawn(process.execPath, [BIN, ...argv], { env, cwd });
  child.stdin.end(stdin);
  const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (printed += chunk));
  const finished = Promise.all([exit, text(child.stderr)]).then(([code, err]) => ({ exit: code, out: printed, err }));
  return { finished, kill: (signal) => void child.kill(signal), printed: () => printed };
}

async function windlass(server: TestServer, argv: readonly string[], options: Parameters<typeof start>[2] = {}): Promise<Finished> {
  return start(server, argv, options).finished;
}

async function serverWith(names: readonly (keyof typeof SCRIPTS)[]): Promise<TestServer> {
  const server = await testServer({ rehearsals: SCRIPTS });
  for (const name of names) {
    await server
      .api()
      .call(agentOperations.create, { name, model: `rehearsal/${name}`, instructions: 'x', tools: name === 'asker' ? ['ask_human'] : [] });
  }
  return server;
}

test('a run by the local key, from start to answer, in a process of its own [CLI-1, AGT-1]', async () => {
  await using server = await serverWith(['greeter']);
  const run = await windlass(server, ['run', 'greeter', '--input', '{"who": "Ada"}', '--wait']);
  assert.equal(run.err, '');
  assert.equal(run.exit, 0);
  assert.match(run.out, /^1 \S+ run\.queued greeter v1, manual by local/);
  assert.match(run.out, /succeeded \(rehearsed\): .*run_\w+\n\nHello Ada\.\n$/);
  const json = await windlass(server, ['run', 'greeter', '--input', '-', '--wait', '--json'], { stdin: 'Bob\n' });
  const detail = JSON.parse(json.out) as RunDetail;
  assert.deepEqual([detail.status, detail.answer, detail.rehearsed], ['succeeded', 'Hello Bob.', true]);
  const list = JSON.parse((await windlass(server, ['runs', '--json'])).out) as { shown: number; total: unknown };
  assert.deepEqual([list.shown, list.total], [2, { kind: 'exact', value: 2 }]);
  for (const verb of ['verify', 'replay', 'transcript', 'events', 'prompt', 'cassette', 'show']) {
    const { exit, err } = await windlass(server, ['runs', verb, 'latest']);
    assert.equal(exit, 0, `${verb}: ${err}`);
  }
});

test('exit codes: unknown is 3, what the local key may not do is 4, a bad call is 2 [CLI-1]', async () => {
  await using server = await serverWith([]);
  const unknown = await windlass(server, ['run', 'nobody', '--wait']);
  assert.equal(unknown.exit, 3);
  assert.match(unknown.err, /^error: .*nobody.*\n {2}next: /);
  const denied = await windlass(server, ['key', 'list', '--json']);
  assert.equal(denied.exit, 4);
  assert.equal((JSON.parse(denied.err) as { error: { code: string } }).error.code, 'denied');
  const badKey = await windlass(server, ['runs'], { key: 'wl_wrong' });
  assert.equal(badKey.exit, 4);
  assert.equal((await windlass(server, ['runs', '--limit', 'many'])).exit, 2);
});

test('a run that asks waits for the answer of a person, which the local key cannot give [APR-1]', async () => {
  await using server = await serverWith(['asker']);
  const waiting = start(server, ['run', 'asker', '--wait', '--json']);
  const question = await until('a question', 10_000, async () => (await server.api().call(approvalOperations.list, {})).items[0]);
  const local = await windlass(server, ['answer', question.id, 'blue']);
  assert.equal(local.exit, 4);
  assert.match(local.err, /WINDLASS_KEY/);
  const owner = { key: server.ownerKey };
  assert.match((await windlass(server, ['approve', question.id, '--yes'], owner)).err, /does not answer this question/);
  assert.match((await windlass(server, ['approvals', 'show', question.id.slice(-8)], owner)).out, /^Red or blue\?\n[^]*windlass answer apr_/);
  const answered = await windlass(server, ['answer', question.id.slice(-8), 'blue'], owner);
  assert.equal(answered.err, '');
  const { exit, out, err } = await waiting.finished;
  assert.equal(exit, 0);
  assert.equal((JSON.parse(out) as RunDetail).answer, 'It is blue.');
  assert.equal((JSON.parse(err) as { waiting: { question: string } }).waiting.question, 'Red or blue?');
  assert.equal((await windlass(server, ['answer', question.id, 'red'], owner)).exit, 1);
});

test('Ctrl-C leaves the run going; cancel ends it [RUN-5]', async () => {
  await using server = await serverWith(['sleeper']);
  const watching = start(server, ['run', 'sleeper', '--wait']);
  const status = async (): Promise<string | undefined> => (await server.api().call(runOperations.list, {})).items[0]?.status;
  await until('the run going', 10_000, async () => watching.printed().includes('model.intended') && (await status()) === 'running');
  watching.kill('SIGINT');
  const { exit, out } = await watching.finished;
  assert.equal(exit, 130);
  assert.match(out, /The run goes on\. Watch it again: windlass watch run_/);
  assert.equal(await status(), 'running');
  assert.equal((await windlass(server, ['runs', 'cancel', 'latest', '--reason', 'enough'])).exit, 0);
  await until('the cancelling', 5_000, async () => (await status()) === 'cancelled');
  assert.equal((await windlass(server, ['watch', 'latest'])).exit, 1);
});

test('plan shows what a folder would change, apply does it, drift is told, faults have file and line [AGT-8]', async () => {
  await using server = await serverWith([]);
  const folder = join(server.home, 'agents');
  mkdirSync(folder);
  const write = (name: string, yaml: string): void => writeFileSync(join(folder, `${name}.yaml`), yaml);
  const owner = { key: server.ownerKey };
  write('digest', 'name: digest\ninstructions: |\n  Read.\n  Say.\nlimits:\n  turns: 5\n');
  const first = await windlass(server, ['plan', '--exit-code']);
  assert.equal(first.exit, 1);
  assert.match(first.out, /^\+ digest is created {2}agents\/digest\.yaml\n/);
  const unasked = await windlass(server, ['apply'], owner);
  assert.equal(unasked.exit, 2);
  assert.match(unasked.err, /\+ digest is created[^]*nothing was applied\.\n {2}next: Give --yes/);
  assert.equal((await windlass(server, ['apply', '--yes'], owner)).exit, 0);
  assert.equal((await windlass(server, ['plan', '--exit-code'])).exit, 0);

  write('digest', 'name: digest\ninstructions: |\n  Read.\n  Tell.\nlimits:\n  turns: 7\n');
  await server
    .api()
    .call(agentOperations.update, { name: 'digest', instructions: 'Read.\nSay.\n', limits: { turns: 5 }, description: 'Changed here.' });
  const second = await windlass(server, ['plan']);
  assert.match(second.out, /~ digest is updated/);
  assert.match(second.out, /~ limits\.turns: 5 → 7/);
  assert.match(second.out, /- Say\.\n\s+\+ Tell\./);
  assert.match(second.out, /changed in the store since the last apply, which this overwrites:\n\s+~ description: "" → "Changed here\."/);
  const applied = JSON.parse((await windlass(server, ['apply', '--yes', '--json'], owner)).out) as PlanView;
  assert.equal(applied.changes[0]?.action, 'update');
  assert.match((await windlass(server, ['agent', 'diff', 'digest', '1'])).out, /^digest v1 → v3\n[^]*~ limits\.turns: 5 → 7/);
  assert.equal((await windlass(server, ['apply', '--yes'])).exit, 0, 'nothing to apply asks for no right');

  write('broken', 'name: broken\nlimits:\n  turns: many\n');
  const faulty = await windlass(server, ['plan']);
  assert.equal(faulty.exit, 2);
  assert.match(faulty.err, /agents\/broken\.yaml:3 limits\.turns: /);
});

test('agents are created, shown, paused, resumed and archived; a key is made and revoked [AGT-1]', async () => {
  await using server = await serverWith([]);
  const owner = { key: server.ownerKey };
  const yaml = 'name: helper\nmodel: rehearsal/greeter\ninstructions: Greet.\n';
  for (const [argv, expected] of [
    [['agent', 'create', '-'], /helper is created/],
    [['agent', 'pause', 'helper', '--reason', 'moves'], /is paused/],
    [['agent', 'show', 'helper'], /paused since .*: moves[^]*instructions: Greet\./],
    [['agent', 'resume', 'helper'], /takes runs again/],
    [['agent', 'update', 'helper', '-', '--base', '1'], /is now version|unchanged|version 1/],
    [['agent', 'versions', 'helper'], /version +made/],
    [['agent', 'archive', 'helper'], /is archived/],
    [['key', 'create', 'CI', '--role', 'member', '--scopes', 'read'], /^wl_\S+\n/],
    [['key', 'list'], /CI/],
    [['status'], /Nothing waits for you\./],
    [['tool', 'list'], /file_read/],
    [['project'], /No projects/],
    [['session'], /No live sessions/],
    [['agent', 'template', 'repo-digest'], /repo-digest/],
  ] as const) {
    const { exit, out, err } = await windlass(server, argv, { ...owner, stdin: yaml });
    assert.equal(exit, 0, `${argv.join(' ')}: ${err}`);
    assert.match(out, expected);
  }
  const { items } = JSON.parse((await windlass(server, ['key', '--json'], owner)).out) as { items: { id: string; name: string }[] };
  const made = items.find((key) => key.name === 'CI');
  assert.ok(made !== undefined);
  assert.match((await windlass(server, ['key', 'revoke', made.id.slice(-8)], owner)).out, /"CI" .* no longer works/);
});

test('doctor with the server up: the key, the tools, the version, and nothing that fails [CLI-1]', async () => {
  await using server = await serverWith([]);
  const { exit, out } = await windlass(server, ['doctor', '--json']);
  const { checks } = JSON.parse(out) as { checks: { name: string; state: string; found: string }[] };
  const found = Object.fromEntries(checks.map((check) => [check.name, check.found]));
  assert.match(found['key'] ?? '', /local \(cli\), member, may read, run, context; it cannot answer/);
  assert.match(found['server'] ?? '', /version 0\.1\.0, started/);
  assert.match(found['tools'] ?? '', /every tool server answers/);
  assert.equal(exit, checks.some((check) => check.state === 'fail') ? 1 : 0);
});

test('a person is added, let in by email and shut out [CLI-1, IDN-1]', async () => {
  await using server = await testServer({ workers: 0 });
  const key = server.ownerKey;
  const added = await windlass(server, ['person', 'add', 'Ana Lind', '--email', 'Ana@Example.com', '--role', 'operator'], { key });
  assert.deepEqual([added.err, added.out], ['', 'Ana Lind signs in as operator with ana@example.com.\n']);
  const moved = await windlass(server, ['person', 'let-in', 'ana@example.com', 'lind@example.com'], { key });
  assert.equal(moved.out, 'Ana Lind signs in as member with lind@example.com.\n');
  assert.match((await windlass(server, ['person'], { key })).out, /Ana Lind +user +member, lind@example\.com/);
  assert.match((await windlass(server, ['person', 'shut-out', 'lind@example.com'], { key })).out, /no longer signs in/);
  const unknown = await windlass(server, ['person', 'shut-out', 'lind@example.com'], { key });
  assert.deepEqual([unknown.exit, unknown.out], [3, '']);
  const denied = await windlass(server, ['person', 'add', 'Mallory']);
  assert.equal(denied.exit, 4, denied.err);
});
