import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, symlinkSync, writeFileSync, chmodSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createFileTools } from '../../../src/runtime/tools/builtin/file-tools.ts';
import { createGitTools } from '../../../src/runtime/tools/builtin/git-tools.ts';
import { caller, contextOf, temporaryRepository } from './support.ts';

type Structured = { [key: string]: unknown };

async function structured(call: ReturnType<typeof caller>, name: string, args: Parameters<ReturnType<typeof caller>>[1] = {}): Promise<Structured> {
  const outcome = await call(name, args);
  assert.ok(outcome.ok, outcome.ok ? '' : outcome.message);
  return outcome.structured as Structured;
}

test('git_log answers commits with author, date, subject and counts, newest first [TOL-13]', async () => {
  using repository = temporaryRepository();
  const call = caller(createGitTools({ git: repository.git, roots: repository.worktrees }), contextOf({ checkout: repository.path }));
  const log = await structured(call, 'git_log');
  const commits = log['commits'] as {
    subject: string;
    author: string;
    body: string;
    insertions: number;
    deletions: number;
    files: { path: string }[];
    hash: string;
    date: string;
  }[];
  assert.deepEqual(
    commits.map((one) => [one.subject, one.author, one.insertions, one.deletions, one.files.map((file) => file.path)]),
    [
      ['Change a, add another', 'Ada Example', 3, 1, ['src/a.ts', 'src/with space.ts']],
      ['Start', 'Ada Example', 4, 0, ['readme.md', 'src/a.ts']],
    ],
  );
  assert.equal(commits[0]?.body, 'Because of the example.');
  assert.match(commits[0]?.hash ?? '', /^[0-9a-f]{40}$/);
  assert.match(commits[0]?.date ?? '', /^\d{4}-\d\d-\d\dT/);
  const one = await structured(call, 'git_log', { limit: 1 });
  assert.deepEqual([one['shown'], one['more']], [1, true]);
  assert.equal((await structured(call, 'git_log', { paths: ['readme.md'] }))['shown'], 1);
  assert.equal((await structured(call, 'git_log', { message: 'another' }))['shown'], 1);
  assert.equal((await structured(call, 'git_log', { author: 'nobody' }))['shown'], 0);
});

test('git_diff, git_show, git_status and git_blame read commits and the work tree [TOL-13]', async () => {
  using repository = temporaryRepository();
  const call = caller(createGitTools({ git: repository.git, roots: repository.worktrees }), contextOf({ checkout: repository.path }));
  const clean = await call('git_status');
  assert.ok(clean.ok && clean.text === 'on main\nnothing changed', JSON.stringify(clean));

  const between = await structured(call, 'git_diff', { from: 'HEAD~1', to: 'HEAD' });
  assert.deepEqual([between['filesChanged'], between['insertions'], between['deletions']], [2, 3, 1]);
  assert.match(String(between['patch']), /\+export const b = 3;/);
  const show = await call('git_show', { revision: 'HEAD~1' });
  assert.ok(show.ok && show.text.includes('+# Example') && show.text.includes('ada@example.org'));

  repository.raw('mv', 'readme.md', 'README.md');
  repository.put('new.bin', 'a\0b');
  repository.put('src/a.ts', 'export const a = 2;\n');
  const status = await structured(call, 'git_status');
  assert.deepEqual(status['files'], [
    { path: 'README.md', oldPath: 'readme.md', state: 'renamed (staged)' },
    { path: 'src/a.ts', oldPath: null, state: 'modified' },
    { path: 'new.bin', oldPath: null, state: 'untracked' },
  ]);
  const tree = await structured(call, 'git_diff');
  assert.deepEqual(
    (tree['files'] as { path: string; oldPath: string | null; deletions: number }[]).map((file) => [file.path, file.oldPath, file.deletions]),
    [
      ['README.md', 'readme.md', 0],
      ['src/a.ts', null, 1],
    ],
  );
  const blame = await structured(call, 'git_blame', { path: 'src/a.ts' });
  assert.deepEqual(
    (blame['lines'] as { line: number; text: string; author: string }[]).map((line) => [line.line, line.text, line.author]),
    [
      [1, 'export const a = 2;', 'Ada Example'],
      [2, 'export const b = 3;', 'Ada Example'],
    ],
  );
});

test('a revision or path can never become an option or leave the checkout [TOL-13]', async () => {
  using repository = temporaryRepository();
  const outside = join(repository.home, 'outside.txt');
  writeFileSync(outside, 'outside');
  symlinkSync(outside, join(repository.path, 'link-out'));
  symlinkSync('/', join(repository.path, 'root-link'));
  symlinkSync('.git', join(repository.path, 'git-link'));
  symlinkSync(join(repository.home, 'not-there-yet'), join(repository.path, 'dangling'));
  symlinkSync('src/a.ts', join(repository.path, 'link-in'));
  const deps = { git: repository.git, roots: repository.worktrees };
  const call = caller([...createGitTools(deps), ...createFileTools(deps)], contextOf({ checkout: repository.path }));
  for (const revision of ['--output=/tmp/x', '-p', 'HEAD:readme.md', ':/Start', 'a b', 'HEAD\n', 'nothing', '--', '$(id)', 'HEAD..--exec=id']) {
    for (const tool of ['git_log', 'git_show']) assert.equal((await call(tool, { revision })).ok, false, `${tool} ${revision}`);
    assert.equal((await call('git_diff', { from: revision })).ok, false, `git_diff ${revision}`);
  }
  const paths = [
    '/etc/passwd',
    '../home/outside.txt',
    'src/../../home/outside.txt',
    '.git/config',
    '.GIT/config',
    'src/../.git/HEAD',
    '.git',
    'git~1/config',
  ];
  paths.push(
    'link-out',
    'root-link/etc/passwd',
    'git-link/config',
    'dangling',
    'dangling/x',
    'a\0b',
    '.git./config',
    '.g\u200cit/config',
    'C:\\x',
    'link-out/../readme.md/..',
  );
  for (const path of paths.slice(0, -1)) {
    assert.equal((await call('file_read', { path })).ok, false, path);
    assert.equal((await call('git_log', { paths: [path] })).ok, false, path);
    assert.equal((await call('git_blame', { path })).ok, false, path);
    assert.equal((await call('file_list', { path })).ok, false, path);
    assert.equal((await call('file_search', { pattern: 'a', path })).ok, false, path);
  }
  const inside = await call('file_read', { path: 'link-in' });
  assert.ok(inside.ok && inside.text.startsWith('export const a'));
});

test('nothing that a repository configures is ever executed [TOL-13]', async () => {
  using repository = temporaryRepository();
  const canary = join(repository.home, 'canary');
  const trap = join(repository.home, 'trap.sh');
  writeFileSync(trap, `#!/bin/sh\necho "$0 $*" >> '${canary}'\ncat\n`);
  chmodSync(trap, 0o755);
  for (const [key, value] of Object.entries({
    'core.fsmonitor': trap,
    'core.pager': trap,
    'core.sshCommand': trap,
    'core.editor': trap,
    'core.hooksPath': repository.home,
    'core.worktree': repository.home,
    'diff.external': trap,
    'diff.trap.command': trap,
    'diff.trap.textconv': trap,
    'filter.trap.clean': trap,
    'filter.trap.smudge': trap,
    'filter.trap.process': trap,
    'filter.trap.required': 'true',
    'pager.log': trap,
    'gpg.program': trap,
    'log.showSignature': 'true',
    'alias.log': `!${trap}`,
    'credential.helper': trap,
  })) {
    repository.raw('config', '--file', join(repository.path, '.git/config'), key, value);
  }
  repository.put('.gitattributes', '* diff=trap filter=trap\n');
  repository.put('src/a.ts', 'changed\n');
  for (const hook of ['post-checkout', 'pre-commit', 'reference-transaction', 'post-index-change']) {
    writeFileSync(join(repository.home, hook), `#!/bin/sh\necho hook >> '${canary}'\n`);
    chmodSync(join(repository.home, hook), 0o755);
  }
  const deps = { git: repository.git, roots: repository.worktrees };
  const context = contextOf({ checkout: repository.path });
  const call = caller([...createGitTools(deps), ...createFileTools(deps)], context);
  for (const [tool, args] of [
    ['git_log', {}],
    ['git_show', {}],
    ['git_diff', {}],
    ['git_diff', { from: 'HEAD~1', to: 'HEAD' }],
    ['git_status', {}],
    ['git_blame', { path: 'src/a.ts' }],
    ['file_list', {}],
    ['file_search', { pattern: 'needle' }],
  ] as const) {
    const outcome = await call(tool, args);
    assert.ok(outcome.ok, `${tool}: ${outcome.ok ? '' : outcome.message}`);
  }
  const diff = await call('git_diff');
  assert.ok(diff.ok && diff.text.includes('+changed'), 'the work tree is the checkout, whatever core.worktree says');
  await repository.worktrees.own(context);
  assert.equal(existsSync(canary), false);
  repository.raw('-c', `core.worktree=${repository.path}`, 'diff');
  assert.equal(existsSync(canary), true, 'the traps work for a git that is not held back');
});

test('a folder that is no repository, and one below somebody else, are said to be none', async () => {
  using repository = temporaryRepository();
  const deps = { git: repository.git, roots: repository.worktrees };
  const call = caller(createGitTools(deps), contextOf({ checkout: join(repository.path, 'src') }));
  const outcome = await call('git_log');
  assert.ok(!outcome.ok && outcome.message.includes('no git repository'), JSON.stringify(outcome));
  const none = await caller(createGitTools(deps), contextOf())('git_log');
  assert.ok(!none.ok && none.message.includes('no checkout'));
});

test(
  "a repository of another user is read all the same, without a word in anybody's configuration",
  { skip: process.getuid?.() !== 0 && 'needs root to give files away' },
  async () => {
    using repository = temporaryRepository();
    const context = contextOf({ checkout: repository.path });
    const call = caller(createGitTools({ git: repository.git, roots: repository.worktrees }), context);
    execFileSync('chown', ['-R', '12345:12345', repository.path]);
    assert.throws(() => repository.raw('log'), 'git by itself refuses');
    for (const tool of ['git_log', 'git_status', 'git_diff']) {
      const outcome = await call(tool);
      assert.ok(outcome.ok, outcome.ok ? '' : outcome.message);
    }
    assert.ok((await repository.worktrees.own(context)).path.startsWith(repository.home));
  },
);
