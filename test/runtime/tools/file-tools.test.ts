import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createFileTools } from '../../../src/runtime/tools/builtin/file-tools.ts';
import { createFileWriteTools } from '../../../src/runtime/tools/builtin/file-write-tools.ts';
import { createGitTools } from '../../../src/runtime/tools/builtin/git-tools.ts';
import type { ToolContext } from '../../../src/runtime/tools/tool.ts';
import { caller, contextOf, type Repository, temporaryFolder, temporaryRepository } from './support.ts';

function toolsOf(repository: Repository, context: ToolContext): { call: ReturnType<typeof caller>; tools: ReturnType<typeof createFileTools> } {
  const deps = { git: repository.git, roots: repository.worktrees };
  const tools = [...createFileTools(deps), ...createGitTools(deps), ...createFileWriteTools(repository.worktrees)];
  return { call: caller(tools, context), tools };
}

test('file_read gives lines, windows, tails and says what is binary or too far [TOL-13]', async () => {
  using repository = temporaryRepository();
  const { call } = toolsOf(repository, contextOf({ checkout: repository.path }));
  repository.put('long.txt', Array.from({ length: 3_000 }, (_, i) => `line ${i + 1}`).join('\n'));
  repository.put('bin', 'a\0b');
  repository.put('empty', '');
  const read = async (args: { [key: string]: string | number }): Promise<{ text: string; structured: { [key: string]: unknown } }> => {
    const outcome = await call('file_read', args);
    assert.ok(outcome.ok, outcome.ok ? '' : outcome.message);
    return { text: outcome.text, structured: outcome.structured as { [key: string]: unknown } };
  };
  assert.equal((await read({ path: 'src/with space.ts' })).text, 'needle here');
  assert.match((await read({ path: 'long.txt', startLine: 10, lines: 2 })).text, /^\[lines 10 to 11 of 3000\]\nline 10\nline 11$/);
  assert.match((await read({ path: 'long.txt', tail: 1 })).text, /^\[lines 3000 to 3000 of 3000\]\nline 3000$/);
  assert.equal((await read({ path: 'bin' })).structured['binary'], true);
  assert.equal((await read({ path: 'empty' })).text, '');
  const beyond = await call('file_read', { path: 'long.txt', startLine: 9_999 });
  assert.ok(!beyond.ok && beyond.message.includes('3000 lines'));
  const folder = await call('file_read', { path: 'src' });
  assert.ok(!folder.ok && folder.message.includes('file_list'));
  const missing = await call('file_read', { path: 'nope.txt' });
  assert.ok(!missing.ok && missing.message.includes('no file "nope.txt"'));
});

test('file_list and file_search honour what the repository ignores, and count honestly [TOL-13]', async () => {
  using repository = temporaryRepository();
  const { call } = toolsOf(repository, contextOf({ checkout: repository.path }));
  repository.put('.gitignore', 'ignored/\n');
  repository.put('ignored/x.ts', 'needle');
  const list = await call('file_list', { glob: 'src/**/*.ts' });
  assert.ok(list.ok && list.text === 'src/a.ts\nsrc/with space.ts', JSON.stringify(list));
  const one = await call('file_list', { limit: 1 });
  assert.ok(one.ok && one.text.includes('[1 of 4 files]'), JSON.stringify(one));
  const found = await call('file_search', { pattern: 'needle' });
  assert.ok(found.ok && found.text === 'src/with space.ts:1: needle here', JSON.stringify(found));
  const regex = await call('file_search', { pattern: 'export const [ab] = [0-9];', regex: true, path: 'src' });
  assert.ok(regex.ok && (regex.structured as { total: number }).total === 2, JSON.stringify(regex));
  const none = await call('file_search', { pattern: '-e' });
  assert.ok(none.ok && none.text === 'Nothing matches.');
});

test('a folder that is no repository is listed, searched and read all the same, links not followed', async () => {
  using folder = temporaryFolder();
  using repository = temporaryRepository();
  mkdirSync(join(folder.path, 'logs/deep'), { recursive: true });
  writeFileSync(join(folder.path, 'logs/deep/a.log'), 'ok\nERROR out of disk\n');
  symlinkSync(repository.path, join(folder.path, 'logs/elsewhere'));
  symlinkSync(join(repository.path, 'readme.md'), join(folder.path, 'logs/readme.log'));
  const { call } = toolsOf(repository, contextOf({ checkout: folder.path }));
  const list = await call('file_list', { glob: '**/*.log' });
  assert.ok(list.ok && list.text === 'logs/deep/a.log\nlogs/readme.log', JSON.stringify(list));
  const found = await call('file_search', { pattern: 'ERROR' });
  assert.ok(found.ok && found.text === 'logs/deep/a.log:2: ERROR out of disk', JSON.stringify(found));
  const outside = await call('file_search', { pattern: 'first line' });
  assert.ok(outside.ok && outside.text === 'Nothing matches.', JSON.stringify(outside));
});

test('writes land in a worktree of the run, reads follow, the checkout stays as it was [TOL-13]', async () => {
  using repository = temporaryRepository();
  const context = contextOf({ checkout: repository.path });
  const { call } = toolsOf(repository, context);
  const wrote = await call('file_write', { path: 'docs/new.md', content: 'hello\n' });
  assert.ok(wrote.ok, wrote.ok ? '' : wrote.message);
  assert.equal(wrote.evidence?.level, 'observed');
  const edited = await call('file_edit', { path: 'src/a.ts', old: 'b = 3', new: 'b = 4' });
  assert.ok(edited.ok, edited.ok ? '' : edited.message);
  assert.equal(repository.raw('status', '--porcelain'), '');
  assert.match(readFileSync(join(repository.path, 'src/a.ts'), 'utf8'), /b = 3/);
  const read = await call('file_read', { path: 'src/a.ts' });
  assert.ok(read.ok && read.text.includes('b = 4'));
  const status = await call('git_status');
  assert.ok(status.ok && status.text.startsWith(`on windlass/repo-digest/${context.run}`), JSON.stringify(status));

  for (const [args, why] of [
    [{ path: 'src/a.ts', old: 'nowhere', new: 'x' }, /does not hold/],
    [{ path: 'src/a.ts', old: 'export', new: 'x' }, /2 times/],
    [{ path: 'none.ts', old: 'a', new: 'x' }, /no file/],
  ] as const) {
    const outcome = await call('file_edit', args);
    assert.ok(!outcome.ok && outcome.class === 'invalid_input' && why.test(outcome.message), JSON.stringify(outcome));
  }
  for (const path of ['../x', '/tmp/x', '.git/hooks/post-commit', 'src/../.git/config']) {
    assert.equal((await call('file_write', { path, content: 'x' })).ok, false, path);
  }
  const options = { signal: context.signal, deadlineMs: context.deadlineMs };
  assert.equal(await repository.worktrees.cleanUp(context.run, options), 'kept');
  assert.match(repository.raw('branch', '--list'), /windlass\/repo-digest/);
});

test('an unchanged worktree is removed with its branch, a half-made one is made anew', async () => {
  using repository = temporaryRepository();
  const context = contextOf({ checkout: repository.path });
  const options = { signal: context.signal, deadlineMs: context.deadlineMs };
  const first = await repository.worktrees.own(context);
  rmSync(join(repository.home, 'worktrees', `${context.run}.json`));
  rmSync(join(first.path, 'readme.md'));
  const again = await repository.worktrees.own(context);
  assert.equal(readFileSync(join(again.path, 'readme.md'), 'utf8').startsWith('# Example'), true);
  assert.equal(await repository.worktrees.cleanUp(context.run, options), 'removed');
  assert.equal(await repository.worktrees.cleanUp(context.run, options), 'none');
  assert.doesNotMatch(repository.raw('branch', '--list'), /windlass/);
  assert.equal(repository.raw('worktree', 'list').trim().split('\n').length, 1);
});

test('the probe tells a write that happened from one that did not [RUN-4] [TOL-13]', async () => {
  using repository = temporaryRepository();
  const context = contextOf({ checkout: repository.path });
  const { call, tools } = toolsOf(repository, context);
  const edit = tools.find((tool) => tool.spec.name === 'file_edit');
  const args = { path: 'src/a.ts', old: 'b = 3', new: 'b = 4' };
  assert.deepEqual(await edit?.probe?.(args, context), { found: false }, 'nothing recorded');
  assert.ok((await call('file_edit', args)).ok);
  assert.equal((await edit?.probe?.(args, context))?.found, true);
  const file = join((await repository.worktrees.own(context)).path, 'src/a.ts');
  writeFileSync(file, readFileSync(join(repository.path, 'src/a.ts')));
  assert.deepEqual(await edit?.probe?.(args, context), { found: false }, 'recorded, but the crash came before the write');
  writeFileSync(file, 'something else');
  assert.equal((await edit?.probe?.(args, context))?.found, 'unknown');
});

test("a glob that backtracks without end is the model's to mend and holds up nobody [TOL-13]", async () => {
  using repository = temporaryRepository();
  repository.put('a'.repeat(200), '');
  const { call } = toolsOf(repository, contextOf({ checkout: repository.path }));
  const before = performance.now();
  const outcome = await call('file_list', { glob: `${'*a'.repeat(12)}*b` });
  assert.ok(!outcome.ok && outcome.message.includes('too long to match'));
  assert.ok(performance.now() - before < 20_000, 'it was cut off');
});
