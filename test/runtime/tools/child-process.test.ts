import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../../src/kernel/clock.ts';
import { killGroup } from '../../../src/runtime/tools/child-process.ts';
import { createChildRecords, createIdentify } from '../../../src/runtime/tools/child-records.ts';
import { createCommandRunner, type CommandRequest } from '../../../src/runtime/tools/command.ts';
import { until } from '../../support/until.ts';
import { contextOf, processesWith, runProcess, temporaryFolder } from './support.ts';

const linux = { skip: process.platform === 'linux' ? false : 'looks processes up in /proc' };
const identify = createIdentify({ run: runProcess, platform: process.platform, deadlineMs: () => systemClock.nowMs() + 5_000 });

function commandsIn(folder: string): {
  run: ReturnType<typeof createCommandRunner>;
  records: ReturnType<typeof createChildRecords>;
  recordsFolder: string;
} {
  const recordsFolder = join(folder, 'children');
  const records = createChildRecords({ folder: recordsFolder, identify, pid: process.pid });
  const run = createCommandRunner({
    run: runProcess,
    records,
    nowMs: () => systemClock.nowMs(),
    path: process.env['PATH'] ?? '',
    scrub: (text) => text,
  });
  return { run, records, recordsFolder };
}

const command = (script: string, part: Partial<CommandRequest> = {}): CommandRequest => ({
  name: 'step',
  argv: ['sh', '-c', script],
  env: {},
  timeoutMs: 10_000,
  ...part,
});

test('a command runs without a shell of ours, in the checkout, with only the environment that is named [AGT-7] [TOL-5]', async () => {
  using folder = temporaryFolder();
  const { run } = commandsIn(folder.path);
  const context = contextOf({ checkout: folder.path });
  const plain = await run({ name: 'echo', argv: ['echo', '$HOME; id', '*'], env: {}, timeoutMs: 10_000 }, context);
  assert.ok(plain.ok && plain.text === '$HOME; id *\n' && plain.evidence?.level === 'observed', JSON.stringify(plain));
  const env = await run({ name: 'env', argv: ['env'], env: { GIVEN: 'yes' }, timeoutMs: 10_000 }, context);
  assert.ok(env.ok);
  const names = env.text
    .trim()
    .split('\n')
    .map((line) => line.split('=')[0]);
  assert.deepEqual(
    names.toSorted((a = '', b = '') => a.localeCompare(b)),
    ['GIVEN', 'LANG', 'PATH', 'WINDLASS_CHILD'],
  );
  const where = await run(command('pwd'), context);
  assert.ok(where.ok && where.text.trim() === folder.path);
});

test('exit code, signal, missing program and lack of a checkout are each said as what they are', async () => {
  using folder = temporaryFolder();
  const { run } = commandsIn(folder.path);
  const context = contextOf({ checkout: folder.path });
  const message = async (request: CommandRequest, where = context): Promise<string> => {
    const outcome = await run(request, where);
    return outcome.ok ? 'ok' : outcome.message;
  };
  assert.match(await message(command('echo out; echo err >&2; exit 3')), /exited with code 3\.\nout\n\n\[stderr\]\nerr/);
  assert.match(await message(command('kill -9 $$')), /ended by SIGKILL/);
  assert.match(await message({ ...command(''), argv: ['no-such-program-here'] }), /could not be started/);
  assert.match(await message({ ...command(''), argv: [] }), /no program/);
  assert.match(await message({ ...command(''), argv: ['a\0b'] }), /could not be started/);
  assert.match(await message(command('true'), contextOf()), /needs a checkout/);
  assert.match(await message(command('head -c 3000000 /dev/zero | tr "\\0" x; exit 1')), /output beyond 1000000 bytes was dropped|cut: /);
});

/** Ways to leave something behind; MARK is in the environment of all of them. */
const SCRIPTS = [
  'true',
  'exit 1',
  'sleep 300 & true',
  'sleep 300',
  'sleep 300 & sleep 300',
  'setsid sleep 300 & sleep 300',
  'setsid sleep 300 >/dev/null 2>&1 & true',
  'nohup sleep 300 >/dev/null 2>&1 & sleep 300',
  "trap '' TERM INT HUP; sleep 300 & wait",
  'while :; do echo flood; done',
  '(sh -c "sleep 300 & sleep 300" &) ; sleep 300',
  'kill -9 $$',
];

test('1,000 calls that are killed, time out, flood and fork leave no process behind [TOL-4, R6]', linux, async () => {
  using folder = temporaryFolder();
  const { run, recordsFolder } = commandsIn(folder.path);
  const secret = `mark-${process.pid}-${systemClock.nowMs()}`;
  let calls = 0;
  const worker = async (): Promise<void> => {
    while (calls < 1_000) {
      const number = (calls += 1);
      const script = SCRIPTS[number % SCRIPTS.length] ?? '';
      const stop = new AbortController();
      const signal = number % 5 === 0 ? AbortSignal.timeout(number % 40) : stop.signal;
      const context = contextOf({ checkout: folder.path, callId: `call_${number}`, signal });
      await run(command(script, { timeoutMs: 20 + (number % 3) * 20, env: { MARK: secret } }), context);
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  // a process that was sent SIGKILL may still be on its way out
  await until('the last of them is gone', 5_000, () => processesWith(secret).length === 0);
  assert.deepEqual(processesWith(secret), []);
  assert.deepEqual(readdirSync(recordsFolder), []);
});

test('what a killed process left running is ended at the next start, and nobody else is', linux, async () => {
  using folder = temporaryFolder();
  const { records, recordsFolder } = commandsIn(folder.path);
  const left = spawn('sleep', ['300'], { detached: true, stdio: 'ignore' });
  const kept = spawn('sleep', ['300'], { detached: true, stdio: 'ignore' });
  const reused = spawn('sleep', ['300'], { detached: true, stdio: 'ignore' });
  const gone = new Promise((resolve) => void left.once('exit', resolve));
  try {
    await records.add({ pid: kept.pid ?? 0, mark: 'kept', what: 'of a living owner' });
    const identity = await identify(left.pid ?? 0);
    const dead = { owner: 999_999_999, ownerIdentity: 'nobody', mark: 'none', what: 'server' };
    writeFileSync(join(recordsFolder, `${left.pid}.json`), JSON.stringify({ pid: left.pid, identity, ...dead }));
    writeFileSync(join(recordsFolder, `${reused.pid}.json`), JSON.stringify({ pid: reused.pid, identity: 'another start', ...dead }));
    writeFileSync(join(recordsFolder, 'torn.json'), '{"pid":');
    assert.equal(await records.reap(), 1);
    await gone;
    assert.equal(left.signalCode, 'SIGKILL');
    assert.deepEqual([kept.exitCode, kept.signalCode, reused.signalCode], [null, null, null]);
    assert.deepEqual(readdirSync(recordsFolder), [`${kept.pid}.json`]);
    assert.equal(existsSync(`/proc/${kept.pid}`), true);
  } finally {
    for (const child of [left, kept, reused]) killGroup(child.pid);
  }
});
