/**
 * The first minute of README.md as it stands there: started as `npm start` does, compared line by line, every command run, killed, started again.
 * Takes the working tree as it is and a repository, home and database of its own.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from './support/until.ts';

const ROOT = join(import.meta.dirname, '..');
const BIN = join(ROOT, 'bin/windlass.mjs');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

function blocks(language: string): string[] {
  return [...README.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map((match) => match[1] ?? '');
}

function place() {
  const folder = mkdtempSync(join(tmpdir(), 'windlass-first-'));
  const repo = join(folder, 'repo');
  const home = join(folder, '.windlass');
  mkdirSync(repo);
  const git = (...args: string[]): void => {
    const done = spawnSync('git', ['-C', repo, '-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', '-c', 'commit.gpgsign=false', ...args]);
    assert.equal(done.status, 0, String(done.stderr));
  };
  git('init', '-q', '-b', 'main');
  writeFileSync(join(repo, 'a.txt'), 'one\n');
  git('add', '-A');
  git('commit', '-q', '-m', 'Begin');
  const env = { PATH: process.env['PATH'], HOME: folder, WINDLASS_PORT: '0' };
  return {
    repo,
    home,
    env,
    [Symbol.dispose]() {
      try {
        // for root the database stands elsewhere, and the home says where
        rmSync(readFileSync(join(home, 'postgres.place'), 'utf8').trim(), { recursive: true, force: true });
      } catch {
        // it stands in the home
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function start(at: { repo: string; env: NodeJS.ProcessEnv }, env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [BIN, 'up'], { cwd: at.repo, env: { ...at.env, ...env } });
  const out = { text: '', exit: undefined as number | null | undefined };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk: string) => (out.text += chunk));
  child.once('close', (code) => (out.exit = code));
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await until('the server ends', 15_000, () => out.exit !== undefined);
  };
  return {
    out,
    end,
    printed: (line: RegExp) =>
      until(`"${line.source}" is printed`, 60_000, () => line.exec(out.text) ?? (out.exit === undefined ? null : assert.fail(out.text))),
    [Symbol.asyncDispose]: async () => (out.exit === undefined ? end('SIGKILL') : undefined),
  };
}

test('the first minute goes as README.md says, survives kill -9, and starts again [OPS-1, CLI-1]', async () => {
  using at = place();
  {
    // A first start that fails must not use up the key that is shown once.
    const taken = createServer().listen(0, '127.0.0.1');
    await until('a port is taken', 5_000, () => taken.listening);
    const address = taken.address();
    const failed = start(at, { WINDLASS_PORT: String(typeof address === 'object' ? address?.port : 0) });
    await until('the start fails', 60_000, () => failed.out.exit !== undefined);
    taken.close();
    assert.equal(failed.out.exit, 5);
    assert.match(failed.out.text, /^error: Port \d+ on 127\.0\.0\.1 is already in use\.\n {2}next: .*WINDLASS_PORT=/);
  }
  await using first = start(at);
  await first.printed(/Stop the server: Ctrl-C/);

  const lines = first.out.text.split('\n');
  let from = 0;
  for (const line of (blocks('text')[0] ?? '').split('\n').filter((text) => text !== '')) {
    const pattern = new RegExp(
      `^${line
        .replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
        .replaceAll('…', '.*')
        .replace(':7420', String.raw`:\d+`)}$`,
    );
    const found = lines.findIndex((text, index) => index >= from && pattern.test(text));
    assert.notEqual(found, -1, `README.md promises "${line}" after line ${from} of:\n${first.out.text}`);
    from = found + 1;
  }
  const key = /^ {2}(wl_\S+)$/m.exec(first.out.text)?.[1] ?? '';

  mkdirSync(join(at.repo, 'agents'));
  writeFileSync(join(at.repo, 'agents/changes.yaml'), blocks('yaml')[0] ?? '');
  // what names another's place, and the screen, which takes a terminal, are left out
  const commands = blocks('sh').flatMap((block) =>
    block.split('\n').filter((line) => line.startsWith('npx windlass ') && !/QUESTION|PATH|PROJECT|windlass top$/.test(line)),
  );
  assert.ok(commands.length >= 10, 'README.md shows commands');
  for (const command of commands) {
    const env = { ...at.env, ...(commands.indexOf(command) < commands.indexOf('npx windlass plan') ? {} : { WINDLASS_KEY: key }) };
    const shell = command.replace('npx windlass', `"$NODE" "$BIN"`);
    const ran = spawnSync('sh', ['-c', shell], { cwd: at.repo, env: { ...env, NODE: process.execPath, BIN }, encoding: 'utf8' });
    assert.equal(ran.status, 0, `${command}\n${ran.stdout}${ran.stderr}`);
  }
  const list = (): unknown[] => {
    const ran = spawnSync(process.execPath, [BIN, 'runs', '--json'], { cwd: at.repo, env: at.env, encoding: 'utf8' });
    assert.equal(ran.status, 0, ran.stderr);
    const { items } = JSON.parse(ran.stdout) as { items: { id: string; status: string }[] };
    return items.map(({ id, status }) => [id, status]);
  };
  const before = list();
  assert.ok(before.length >= 3, 'the runs that README.md starts');
  await first.end('SIGKILL');

  await using next = start(at);
  await next.printed(/Ctrl-C stops the server/);
  assert.doesNotMatch(next.out.text, /wl_/);
  assert.deepEqual(list(), before);
  await next.end('SIGINT');
  assert.match(next.out.text, /Nothing was lost/);
  assert.equal(next.out.exit, 0);
});
