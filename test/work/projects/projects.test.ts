/** The registry of projects: one truth of file and API, matched by git remote, each repository of one project; clones found on disk. */
import assert from 'node:assert/strict';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { configJsonSchema, loadConfig } from '../../../src/config.ts';
import { SYSTEM } from '../../../src/platform/identity/first-start.ts';
import { createProjects } from '../../../src/work/projects/service.ts';
import { documentOperations } from '../../../src/work/documents/contract.ts';
import { projectOperations } from '../../../src/work/projects/contract.ts';
import { DeclaredProjects } from '../../../src/kernel/project.ts';
import { originOf } from '../../../src/work/projects/scan.ts';
import { testHome } from '../../support/home.ts';
import { testIds } from '../../support/identity.ts';
import { git, repository } from '../../support/repository.ts';
import type { TestServer } from '../../support/server.ts';
import { testServer } from '../../support/server.ts';

/** The registry of a running server, as its start uses it. */
function registryOf(server: TestServer) {
  return createProjects({
    ...{ db: server.db, ids: testIds, recordAdmin: async () => {}, clock: { nowMs: () => 0 }, onRepository: async () => {} },
    findCheckout: () => Promise.reject(new Error('no git')),
  });
}

test('a repository belongs to one project, however its remote is written and wherever it lies [PRJ-1, PRJ-2]', async () => {
  await using home = testHome();
  await using server = await testServer({ workers: 0 });
  const api = server.api();
  const mill = await repository(join(home.path, 'src/any-name'), 'git@github.com:acme/mill.git');
  const added = await api.call(projectOperations.add, { path: mill });
  assert.deepEqual(
    [added.code, added.path, added.repositories, added.status, added.declared],
    ['mill', mill, ['git@github.com:acme/mill.git'], 'active', false],
  );
  const twin = await repository(join(home.path, 'src/twin'), 'https://token@github.com/Acme/Mill');
  assert.deepEqual(await api.call(projectOperations.add, { path: twin }), added, 'another clone is the same project, at its first place');
  for (const path of [twin, mill])
    await assert.rejects(api.call(projectOperations.add, { path, code: 'other' }), (error: Error & { code?: string }) => {
      assert.deepEqual([error.code, error.message.includes('github.com/acme/mill belongs to the project mill')], ['conflict', true]);
      return true;
    });
  const bare = await repository(join(home.path, 'src/bare'), null);
  assert.equal((await api.call(projectOperations.add, { path: bare })).remote, null);
  await git(bare, 'remote', 'add', 'origin', 'git@github.com:acme/bare.git');
  assert.equal((await api.call(projectOperations.add, { path: bare })).remote, 'git@github.com:acme/bare.git', 'a remote that was added since');
  const moved = join(home.path, 'src/moved');
  await rename(mill, moved);
  assert.equal((await api.call(projectOperations.add, { path: moved })).path, moved);
  await git(moved, 'checkout', '-q', '--detach');
  assert.equal((await api.call(projectOperations.add, { path: moved })).code, 'mill', 'a detached HEAD is no hindrance');
  await mkdir(join(home.path, 'none'));
  await assert.rejects(api.call(projectOperations.add, { path: join(home.path, 'none') }), /is in no git repository/);
  const both = await Promise.allSettled(
    ['a', 'b'].map(async (code) =>
      api.call(projectOperations.add, { path: await repository(join(home.path, code), 'git@github.com:acme/race.git'), code }),
    ),
  );
  assert.deepEqual(both.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'], 'two at once give it to one');
});

test('what is known of a project changes over the API, and a foreign repository, platform or role is refused [PRJ-1]', async () => {
  await using server = await testServer({ workers: 0 });
  const registry = registryOf(server);
  const projects = DeclaredProjects.parse({ site: { repositories: ['https://github.com/acme/site'], platform: true } });
  await registry.declare(server.org, { projects, by: SYSTEM });
  await server.db.owner(`insert into project (org_id, id, code, name, remote) values ($1, 'prj_a', 'app', 'App', 'git@github.com:acme/app')`, [
    server.org,
  ]);
  const api = server.api();
  const environments = [{ name: 'production', url: 'https://app.example.com', branch: 'main' }];
  const changed = await api.call(projectOperations.update, {
    ...{
      code: 'app',
      status: 'maintained',
      capabilities: ['has_ui', 'has_api', 'has_ui'],
      secretsPath: 'acme/app',
      designSpec: 'docs/DESIGN.md',
      environments,
    },
    repositories: ['git@github.com:acme/app', 'https://user:token@github.com/acme/app-infra.git', 'ssh://git@github.com/Acme/App/'],
  });
  assert.deepEqual(
    [changed.status, changed.capabilities, changed.environments, changed.repositories.length, changed.repositories[1]],
    ['maintained', ['has_api', 'has_ui'], environments, 2, 'https://github.com/acme/app-infra.git'],
  );
  assert.deepEqual(await api.call(projectOperations.get, { code: 'app' }), changed);
  for (const facts of [{ repositories: ['https://github.com/acme/SITE.git'] }, { platform: true }])
    await assert.rejects(api.call(projectOperations.update, { code: 'app', ...facts }), { code: 'conflict' });
  await assert.rejects(api.call(projectOperations.update, { code: 'app', repositories: ['not a remote'] }), { code: 'invalid_input' });
  await assert.rejects(api.call(projectOperations.update, { code: 'never-was' }), { code: 'not_found' });
  await assert.rejects(api.call(projectOperations.update, { code: 'site', status: 'paused' }), /kept in windlass.yaml/);
  await assert.rejects(api.call(documentOperations.capabilities, { code: 'site', capabilities: [] }), /kept in windlass.yaml/);
  const local = server.api(server.localKey);
  await assert.rejects(local.call(projectOperations.update, { code: 'app', status: 'ended' }), { code: 'denied' });
  await assert.rejects(local.call(projectOperations.scan, { folder: '/' }), { code: 'denied' });
});

test('what windlass.yaml declares is the registry: taken over once, all or nothing, and given back when it leaves the file [PRJ-1]', async () => {
  await using server = await testServer({ workers: 0 });
  const registry = registryOf(server);
  const declare = (file: object) => registry.declare(server.org, { projects: DeclaredProjects.parse(file), by: SYSTEM });
  const file = { mill: { name: 'Mill', repositories: ['git@github.com:acme/mill'], capabilities: ['has_api'], path: '/srv/mill' }, site: {} };
  assert.deepEqual(await declare(file), { added: ['mill', 'site'], changed: [], released: [] });
  assert.deepEqual(await declare(file), { added: [], changed: [], released: [] }, 'the same again changes nothing');
  assert.deepEqual(await declare({ ...file, mill: { ...file.mill, capabilities: [] } }), { added: [], changed: ['mill'], released: [] });
  const get = (code: string) => server.api().call(projectOperations.get, { code });
  assert.deepEqual([(await get('mill')).declared, (await get('mill')).path, (await get('mill')).capabilities], [true, '/srv/mill', []]);
  assert.deepEqual((await declare({ site: {} })).released, ['mill']);
  assert.equal((await server.api().call(projectOperations.update, { code: 'mill', status: 'ended' })).status, 'ended');
  await assert.rejects(declare({ other: { repositories: ['https://github.com/acme/mill.git'] }, third: {} }), (error: Error & { code?: string }) => {
    assert.deepEqual([error.code, error.message.includes('projects.other')], ['configuration', true]);
    return true;
  });
  await assert.rejects(get('third'), { code: 'not_found' });
});

test('faults of projects in windlass.yaml are told with their place, and the published schema is the one that is used [PRJ-1, OPS-2]', async () => {
  await using home = testHome();
  await mkdir(home.path);
  const load = async (yaml: string) => {
    await writeFile(join(home.path, 'windlass.yaml'), yaml);
    return loadConfig({ flags: { home: home.path }, env: {}, cwd: home.path });
  };
  const good = await load(
    'projects:\n  mill:\n    path: ./mill\n    repositories: [git@github.com:acme/mill.git]\n    environments: [{name: production}]\n',
  );
  assert.deepEqual(
    [good.projects['mill']?.path, good.projects['mill']?.environments],
    [join(home.path, 'mill'), [{ name: 'production', url: null, branch: null }]],
  );
  await assert.rejects(
    load('projects:\n  a: {repositories: [git@x.com:a/b]}\n  b: {repositories: ["https://x.com/a/b.git"]}\n'),
    (error: Error & { faults?: { message: string }[] }) => {
      assert.match(error.faults?.[0]?.message ?? '', /x\.com\/a\/b belongs to a already/);
      return true;
    },
  );
  for (const wrong of [
    'Bad: {}',
    'a: {status: gone}',
    'a: {capabilities: [Api]}',
    'a: {secret: x}',
    'a: {environments: [{name: x, url: "ftp://x"}]}',
    'a: {platform: true}\n  b: {platform: true}',
  ])
    await assert.rejects(load(`projects:\n  ${wrong}\n`), { code: 'configuration' }, wrong);
  const published = JSON.parse(await readFile(join(import.meta.dirname, '../../../schemas/windlass.schema.json'), 'utf8')) as unknown;
  assert.deepEqual(published, JSON.parse(JSON.stringify(configJsonSchema())), 'run: node test/support/write-config-schema.ts');
});

test('fifty clones are found in under 200 ms, matched by their remote alone, and a missing one is offered [PRJ-2]', async () => {
  await using home = testHome();
  await using server = await testServer({ workers: 0 });
  const folder = join(home.path, 'dev');
  const config = (n: number) =>
    `[core]\n\tbare = false\n[remote "origin"]\n\turl = git@github.com:acme/p${n}.git\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n`;
  for (let n = 0; n < 50; n += 1) {
    const path = join(folder, n % 2 === 0 ? `group/${n}-x` : `p${n + 1}`, '.git');
    await mkdir(path, { recursive: true });
    await writeFile(join(path, 'HEAD'), n === 7 ? '3b18e512dba79e4c8300dd08aeb37f8e728b8dad\n' : 'ref: refs/heads/feature/a\n');
    await writeFile(join(path, 'config'), config(n));
  }
  const real = await repository(join(folder, 'deep/er/real'), 'https://user:secret@github.com/acme/real.git');
  await git(real, 'worktree', 'add', '-q', join(folder, 'tree'), '-b', 'side');
  await mkdir(join(folder, 'empty/.git'), { recursive: true });
  await mkdir(join(folder, 'node_modules/x/.git'), { recursive: true });
  const known = [
    ['prj_1', 'seven', 'https://github.com/acme/P7'],
    ['prj_2', 'real', 'git@github.com:acme/real'],
    ['prj_3', 'away', "git@github.com:acme/it's"],
  ];
  for (const [id, code, remote] of known)
    await server.db.owner('insert into project (org_id, id, code, name, remote) values ($1, $2, $3, $3, $4)', [server.org, id, code, remote]);
  const scan = () => server.api().call(projectOperations.scan, { folder });
  const found = await scan();
  assert.deepEqual([found.clones.length, found.cut], [52, false]);
  const seven = found.clones.find(({ project }) => project === 'seven');
  assert.deepEqual([seven?.path, seven?.branch], [join(folder, 'p8'), null], 'its folder is called p8, its HEAD is detached');
  assert.deepEqual(
    found.clones.filter(({ project }) => project === 'real').map(({ path, branch, remote }) => [path, branch, remote]),
    [
      [join(folder, 'deep/er/real'), 'main', 'https://github.com/acme/real.git'],
      [join(folder, 'tree'), 'side', 'https://github.com/acme/real.git'],
    ],
  );
  assert.deepEqual(
    found.missing.map(({ project, command }) => [project, command]),
    [['away', `git clone 'git@github.com:acme/it'\\''s' ${folder}/away`]],
  );
  const times: number[] = [];
  for (let i = 0; i < 5; i += 1) times.push((await scan()).tookMs);
  assert.ok(Math.min(...times) < 200, `${times.join(', ')} ms`);
  await assert.rejects(server.api().call(projectOperations.scan, { folder: join(folder, 'nowhere') }), { code: 'not_found' });
});

test('the remote of a clone is what its configuration says of origin, the last word holding [PRJ-2]', () => {
  assert.equal(originOf('[remote "up"]\n url = a\n[Remote "origin"]\n\turl = b # here\n url = "c"\n[branch "origin"]\nurl = d'), 'c');
  assert.equal(originOf('[remote "origin"]\npushurl = x\n'), null);
  assert.equal(originOf(''), null);
});
