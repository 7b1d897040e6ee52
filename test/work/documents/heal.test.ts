/** Self-healing over a real checkout and database: what is missing is written or taken, what somebody wrote stays; sync sent from CI. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { documentOperations } from '../../../src/work/documents/contract.ts';
import { projectOperations } from '../../../src/work/projects/contract.ts';
import { testHome } from '../../support/home.ts';
import { git, repository } from '../../support/repository.ts';
import type { TestServer } from '../../support/server.ts';
import { testServer } from '../../support/server.ts';

const FILES = {
  'README.md': '# Mill\n\nA mill that grinds grain into flour.\n',
  'package.json': JSON.stringify({ name: 'mill', scripts: { test: 'node --test' } }),
  'src/app.ts': `import express from 'express';\nconst app = express();\napp.get('/grain', list);\n`,
  'migrations/1.sql': 'create table grain (id int primary key, kind text not null);\n',
};

async function mill(server: TestServer, path: string, files: Readonly<Record<string, string>> = FILES) {
  const api = server.api();
  await repository(path, 'git@github.com:acme/mill.git', files);
  await api.call(projectOperations.add, { path });
  await api.call(projectOperations.update, { code: 'mill', capabilities: ['has_api', 'has_database'] });
  const heal = async (name?: string) => api.call(documentOperations.generate, { code: 'mill', ...(name === undefined ? {} : { name }) });
  const read = async (name: string) => {
    const found = (await api.call(documentOperations.list, { project: 'mill' })).items.find((each) => each.name === name);
    return found === undefined ? null : api.call(documentOperations.get, { id: found.id });
  };
  return { api, heal, read };
}

test('what is missing is written from the repository with its sources, and what is fresh is left [DOC-3, PRJ-4]', async () => {
  await using home = testHome();
  await using server = await testServer({ workers: 0 });
  const { api, heal, read } = await mill(server, join(home.path, 'mill'));
  const first = await heal();
  assert.deepEqual(
    [first.overall, first.results.map(({ name, state }) => [name, state])],
    [
      'complete',
      [
        ['AGENTS.md', 'generated'],
        ['docs/API.md', 'generated'],
        ['docs/SCHEMA.md', 'generated'],
      ],
    ],
  );
  const agents = await read('AGENTS.md');
  assert.ok(agents !== null && agents.content.includes('A mill that grinds grain into flour.') && agents.content.includes('node --test'));
  assert.deepEqual(agents.shown.generatedFrom, ['package.json', 'README.md']);
  assert.ok(
    (await read('docs/API.md'))?.content.includes('`/grain`') && (await read('docs/SCHEMA.md'))?.content.includes('| `kind` | text | not null |'),
  );
  assert.deepEqual((await heal()).results, [], 'nothing is missing or stale');
  await server.db.owner(`update document set updated_at = clock_now() - interval '91 days'`);
  assert.deepEqual(
    (await heal('AGENTS.md')).results.map(({ state }) => state),
    ['unchanged'],
  );
  assert.equal((await read('AGENTS.md'))?.version, 1, 'the same text makes no version');
  await writeFile(join(home.path, 'mill/README.md'), '# Mill\n\nA mill that grinds everything there is.\n');
  await server.db.owner(`update document set updated_at = clock_now() - interval '91 days'`);
  assert.deepEqual(
    (await heal('AGENTS.md')).results.map(({ state }) => state),
    ['generated'],
  );
  assert.ok((await read('AGENTS.md'))?.content.includes('everything'));
  await assert.rejects(heal('docs/OTHER.md'), { code: 'not_found' });
  await api.call(projectOperations.update, { code: 'mill', capabilities: [] });
  assert.deepEqual(
    (await api.call(documentOperations.audit, { code: 'mill' })).findings.map(({ name, generator }) => [name, generator]),
    [['AGENTS.md', 'instructions']],
  );
});

test("a person's text is never overwritten: not when it is stale, not over a generated one, not at the same time [DOC-3]", async () => {
  await using home = testHome();
  await using server = await testServer({ workers: 0 });
  const { api, heal, read } = await mill(server, join(home.path, 'mill'), { ...FILES, 'AGENTS.md': '# Ours\n' });
  const first = await heal();
  assert.deepEqual(first.results[0], {
    name: 'AGENTS.md',
    state: 'taken',
    reason: 'The repository has it; it was taken as it is.',
    sources: ['AGENTS.md'],
  });
  assert.deepEqual([(await read('AGENTS.md'))?.content, (await read('AGENTS.md'))?.shown.generatedFrom], ['# Ours\n', null]);
  await api.call(documentOperations.put, { name: 'docs/API.md', project: 'mill', content: 'My own words.' });
  await server.db.owner(`update document set updated_at = clock_now() - interval '91 days'`);
  const second = await heal();
  assert.deepEqual(
    second.results.map(({ name, state }) => [name, state]),
    [
      ['AGENTS.md', 'kept'],
      ['docs/API.md', 'kept'],
      ['docs/SCHEMA.md', 'unchanged'],
    ],
  );
  assert.match(second.results[1]?.reason ?? '', /Somebody wrote it 91 days ago/);
  assert.deepEqual([(await read('docs/API.md'))?.content, second.overall], ['My own words.', 'warning']);
  await server.db.owner(`update document set updated_at = clock_now() - interval '91 days' where name = 'docs/SCHEMA.md'`);
  await Promise.all([
    ...Array.from({ length: 5 }, () => heal('docs/SCHEMA.md')),
    api.call(documentOperations.put, { name: 'docs/SCHEMA.md', project: 'mill', content: 'Mine.' }),
  ]);
  assert.equal((await read('docs/SCHEMA.md'))?.content, 'Mine.');
});

test('what cannot be generated says why, and nobody without the right or the project heals it [DOC-3]', async () => {
  await using home = testHome();
  await using server = await testServer({ workers: 0 });
  const { api, heal } = await mill(server, join(home.path, 'mill'), { 'main.c': 'int main;' });
  await api.call(documentOperations.require, { pattern: 'docs/RUNBOOK.md' });
  const { overall, results } = await heal();
  assert.deepEqual([overall, results.map(({ state }) => state)], ['incomplete', ['failed', 'failed', 'failed', 'failed']]);
  for (const { reason } of results) assert.ok(reason.length > 20);
  assert.match(results.at(-1)?.reason ?? '', /Nothing here can generate docs\/RUNBOOK.md/);
  const viewer = await server.key({ role: 'viewer' });
  await assert.rejects(server.api(viewer.secret).call(documentOperations.generate, { code: 'mill' }), { code: 'denied' });
  const other = await server.addOrganization();
  await assert.rejects(server.api(other.ownerKey).call(documentOperations.generate, { code: 'mill' }), { code: 'not_found' });
  await rm(join(home.path, 'mill'), { recursive: true });
  await assert.rejects(heal(), /cannot be read/);
});

test('the workflow that ships sends the documents of a push, and fails with the conflict [DOC-4]', async () => {
  await using home = testHome();
  await using server = await testServer({ workers: 0 });
  const path = join(home.path, 'mill');
  const { api, read } = await mill(server, path, {
    'README.md': '# One\n',
    'docs/a b.md': '"quoted" é\n',
    'docs/deep/c.md': 'c\n',
    'src/d.md': 'not a document\n',
  });
  const workflow = parse(await readFile(join(import.meta.dirname, '../../../templates/sync-documents.github.yml'), 'utf8')) as {
    jobs: { sync: { steps: { run?: string }[] } };
  };
  const script = workflow.jobs.sync.steps.find(({ run }) => run !== undefined)?.run ?? '';
  const env = { PATH: process.env['PATH'], WINDLASS_URL: server.url, WINDLASS_KEY: server.localKey, WINDLASS_PROJECT: 'mill' };
  const push = () =>
    promisify(execFile)('bash', ['-e', '-c', script], { cwd: path, env }).then(
      ({ stdout }) => ({ code: 0, stdout }),
      (error: { code: number; stdout: string }) => error,
    );
  const first = await push();
  assert.deepEqual(
    [
      first.code,
      first.stdout
        .split('\n')
        .filter((line) => line.includes(': added'))
        .toSorted(),
    ],
    [0, ['README.md: added ', 'docs/a b.md: added ', 'docs/deep/c.md: added ']],
    first.stdout,
  );
  assert.equal((await read('docs/a b.md'))?.content, '"quoted" é\n');
  assert.equal((await push()).code, 0);
  await api.call(documentOperations.put, { name: 'README.md', project: 'mill', content: '# Changed here\n' });
  await mkdir(path, { recursive: true });
  await writeFile(join(path, 'README.md'), '# Changed there\n');
  await git(path, 'commit', '-qam', 'two');
  const conflict = await push();
  assert.deepEqual([conflict.code, conflict.stdout.includes('README.md: conflict')], [1, true], conflict.stdout);
  assert.equal((await read('README.md'))?.content, '# Changed here\n', 'nothing is lost');
  const wrong = await promisify(execFile)('bash', ['-e', '-c', script], { cwd: path, env: { ...env, WINDLASS_KEY: 'wl_no' } }).then(
    () => 0,
    (error: { code: number }) => error.code,
  );
  assert.notEqual(wrong, 0, 'a key that is refused fails the job');
});
