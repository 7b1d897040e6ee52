/** Completion in the real shells: what each offers after the same words. Shells that are not here are skipped, and said to be. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder, windlass } from '../../support/cli.ts';
import { NO_TMUX, openTmux } from '../../support/tmux.ts';

const LINES: readonly (readonly [string, readonly string[]])[] = [
  ['windlass ru', ['run', 'runs']],
  ['windlass policy ', ['--help', '--json', 'rules', 'try']],
  ['windlass policy try --l', ['--labels']],
  ['windlass runs list --st', ['--status']],
  ['windlass key create x --ro', ['--role']],
];
const missing = (shell: string) => (spawnSync(shell, ['--version']).status === 0 ? false : `${shell} is not installed here`);

async function scriptOf(shell: string, folder: string): Promise<string> {
  const { exit, out } = await windlass(['completion', shell]);
  assert.equal(exit, 0);
  const file = join(folder, `completion.${shell}`);
  writeFileSync(file, out);
  return file;
}

function ask(shell: string, script: string): string[][] {
  const { stdout, stderr, status } = spawnSync(shell, ['-c', script], { encoding: 'utf8', env: { PATH: process.env['PATH'], HOME: '/nonexistent' } });
  assert.deepEqual([status, stderr], [0, '']);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) =>
      line
        .split(' ')
        .filter((word) => word !== '')
        .toSorted(),
    );
}

test('bash offers commands, verbs and flags [CLI-1]', { skip: missing('bash') }, async () => {
  using folder = temporaryFolder();
  const offer = '() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _windlass; echo "${COMPREPLY[*]}"; }';
  const calls = LINES.map(([line]) => `offer ${line}${line.endsWith(' ') ? '""' : ''}`);
  const offered = ask('bash', [`source ${await scriptOf('bash', folder.path)}`, `offer${offer}`, ...calls].join('\n'));
  assert.deepEqual(
    offered,
    LINES.map(([, words]) => words),
  );
});

test('fish offers commands, verbs and flags, and verbs only once [CLI-1]', { skip: missing('fish') }, async () => {
  using folder = temporaryFolder();
  const calls = LINES.map(([line]) => `echo (complete -C "${line}" | cut -f1)`);
  const script = (more: string[]) => ask('fish', [`source ${file}`, ...more].join('\n'));
  const file = await scriptOf('fish', folder.path);
  assert.deepEqual(
    script(calls),
    LINES.map(([, words]) => words),
  );
  const [after = []] = script(['echo (complete -C "windlass runs list " | cut -f1)']);
  assert.deepEqual(
    after.filter((word) => !word.startsWith('-')),
    [],
  );
});

test('zsh completes what is typed [CLI-1]', { skip: missing('zsh') || NO_TMUX }, async () => {
  using folder = temporaryFolder();
  writeFileSync(join(folder.path, '.zshrc'), `autoload -U compinit && compinit -u -D\nsource ${await scriptOf('zsh', folder.path)}\nPS1='%% '\n`);
  using terminal = openTmux({ columns: 100, rows: 20, env: { ZDOTDIR: folder.path }, cwd: folder.path });
  terminal.type('exec zsh -i');
  terminal.press('Enter');
  await terminal.sees(/^% $|^%$/m);
  terminal.type('windlass pol');
  terminal.press('Tab');
  await terminal.sees(/windlass policy/);
  terminal.type('tr');
  terminal.press('Tab');
  terminal.type('a b --l');
  terminal.press('Tab');
  await terminal.sees(/windlass policy try a b --labels/);
});
