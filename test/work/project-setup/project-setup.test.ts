/** Setting a project up and proving it, on a real server and checkout: repeatable, each step looked at first, failures with the fix to type. */
import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { documentOperations } from '../../../src/work/documents/contract.ts';
import { projectSetupOperations } from '../../../src/work/project-setup/contract.ts';
import { projectOperations } from '../../../src/work/projects/contract.ts';
import { sessionOperations } from '../../../src/work/sessions/contract.ts';
import { webhookOperations } from '../../../src/work/webhooks/contract.ts';
import { testHome } from '../../support/home.ts';
import { repository } from '../../support/repository.ts';
import { testServer } from '../../support/server.ts';

const FILES = {
  'README.md': '# Mill\n\nA mill that grinds grain into flour.\n',
  'package.json': JSON.stringify({ name: 'mill', scripts: { test: 'node --test' } }),
  'migrations/1.sql': 'create table grain (id int primary key);\n',
};

/** A folder of programs with a `gh` that keeps labels, boards and issues in files, and a `codex` that is only there. */
async function programs(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const gh = `#!/bin/sh
cd "$(dirname "$0")"
echo "$*" >> calls
case "$1 $2" in
  'label list') printf '['; sep=''; while read -r name; do printf '%s{"name":"%s"}' "$sep" "$name"; sep=','; done < labels; printf ']';;
  'label create') echo "$3" >> labels;;
  'project list') if [ -e board ]; then echo '{"projects":[{"title":"mill","number":7}]}'; else echo '{"projects":[]}'; fi;;
  'project create') touch board; echo '{"number":7}';;
  'issue create') touch issue; echo https://github.com/acme/mill/issues/12;;
  'issue view') cat issue-labels;;
  'issue close') rm issue;;
  'run list') cat runs;;
esac
`;
  for (const [name, text] of [
    ['gh', gh],
    ['codex', '#!/bin/sh\n'],
  ] as const) {
    await writeFile(join(folder, name), text);
    await chmod(join(folder, name), 0o755);
  }
  await writeFile(join(folder, 'labels'), 'Priority: High\n');
  await writeFile(join(folder, 'runs'), '[]');
  await writeFile(join(folder, 'issue-labels'), '{"labels":[{"name":"priority: urgent"},{"name":"status: ready"}]}');
  return folder;
}

test('a set-up looks first, does what is missing, and does nothing the second time; verify proves it [PRJ-3, PRJ-4]', async () => {
  await using home = testHome();
  const bin = await programs(join(home.path, 'bin'));
  await using server = await testServer({ workers: 0, env: { PATH: `${bin}:${process.env['PATH']}`, HOME: home.path } });
  const api = server.api();
  const path = await repository(join(home.path, 'mill'), 'git@github.com:acme/mill.git', FILES);
  await api.call(projectOperations.add, { path });
  const setUp = async (forge = false) => {
    const { steps } = await api.call(projectSetupOperations.setup, { code: 'mill', forge });
    return Object.fromEntries(steps.map(({ name, state }) => [name, state]));
  };
  const before = await api.call(projectSetupOperations.verify, { code: 'mill' });
  assert.deepEqual(
    [before.overall, before.checks.filter(({ state }) => state === 'failed').map(({ name }) => name)],
    ['failed', ['documents', 'secrets', 'mcp']],
  );
  for (const { state, next } of before.checks) if (state === 'failed') assert.match(next, /^windlass /);
  const first = {
    registry: 'there',
    clone: 'there',
    capabilities: 'done',
    'secrets path': 'done',
    documents: 'done',
    'generated documents': 'done',
    webhook: 'skipped',
    labels: 'skipped',
    'issue templates': 'skipped',
    board: 'skipped',
  };
  assert.deepEqual(await setUp(), first);
  const again = { ...first, capabilities: 'there', 'secrets path': 'there', documents: 'there', 'generated documents': 'there' };
  assert.deepEqual(await setUp(), again);
  const { capabilities, secretsPath } = await api.call(projectOperations.get, { code: 'mill' });
  assert.deepEqual([capabilities, secretsPath], [['has_database'], 'projects/mill']);
  await api.call(webhookOperations.create, { kind: 'github', name: 'acme' });
  assert.deepEqual(await setUp(true), { ...again, webhook: 'there', labels: 'done', 'issue templates': 'done', board: 'done' });
  assert.deepEqual((await readFile(join(bin, 'labels'), 'utf8')).trim().split('\n').length, 6, 'the one that was there is not made twice');
  assert.match(await readFile(join(path, '.github/ISSUE_TEMPLATE/task.md'), 'utf8'), /labels: "status: ready"/);
  const calls = async () => (await readFile(join(bin, 'calls'), 'utf8')).split('\n').filter((call) => /create|link/.test(call)).length;
  const made = await calls();
  const last = await setUp(true);
  assert.deepEqual(
    [last['labels'], last['issue templates'], last['board'], await calls()],
    ['there', 'there', 'there', made],
    'nothing is made twice',
  );
  await writeFile(join(path, '.github/ISSUE_TEMPLATE/task.md'), 'Mine.');
  await rm(join(path, '.github/ISSUE_TEMPLATE/fault.md'));
  await setUp(true);
  assert.equal(await readFile(join(path, '.github/ISSUE_TEMPLATE/task.md'), 'utf8'), 'Mine.', 'a folder with templates of its own is left');
  await mkdir(join(home.path, '.codex'));
  await writeFile(join(home.path, '.codex/config.toml'), '[mcp_servers.windlass]\ncommand = "windlass"\n');
  const after = await api.call(projectSetupOperations.verify, { code: 'mill' });
  assert.deepEqual(
    [after.overall, after.checks.map(({ name, state }) => `${name} ${state}`)],
    ['verified', ['registry ok', 'clone ok', 'session ok', 'documents ok', 'secrets unknown', 'ci unknown', 'issue unknown', 'mcp ok']],
  );
  assert.equal(after.unknown, 3, 'what is unknown is counted, not taken for granted');
  assert.equal((await api.call(sessionOperations.list, { state: 'active' })).shown, 0, 'the session of the proof has ended');
  const forge = async () => {
    const { checks } = await api.call(projectSetupOperations.verify, { code: 'mill', forge: true });
    return Object.fromEntries(checks.map(({ name, state, detail }) => [name, `${state}: ${detail}`]));
  };
  await writeFile(join(bin, 'runs'), '[{"conclusion":"success","workflowName":"test"}]');
  const proven = await forge();
  assert.match(
    proven['issue'] ?? '',
    /^ok: A test issue was opened, read as urgent and ready, and closed: https:\/\/github.com\/acme\/mill\/issues\/12/,
  );
  assert.match(proven['ci'] ?? '', /^ok: Its last run, test, ended in success\. No webhook tells of failures/);
  await writeFile(join(bin, 'issue-labels'), '{"labels":[]}');
  await writeFile(join(bin, 'runs'), '[{"conclusion":"failure","workflowName":"test"}]');
  const failed = await forge();
  assert.match(failed['issue'] ?? '', /^failed: A test issue with our labels was read as normal and open/);
  assert.match(failed['ci'] ?? '', /^failed: .*ended in failure/);
  await assert.rejects(readFile(join(bin, 'issue')), 'no test issue stays open');
});

test('a step that fails stops no other and says what to type; what the file keeps is not changed [PRJ-3]', async () => {
  await using home = testHome();
  await using server = await testServer({ workers: 0, env: { PATH: `${join(home.path, 'none')}:/usr/bin:/bin`, HOME: home.path } });
  const api = server.api();
  const path = await repository(join(home.path, 'mill'), 'git@github.com:acme/mill.git', FILES);
  await api.call(projectOperations.add, { path });
  await server.db.owner('update project set declared = true');
  await api.call(documentOperations.put, { name: 'README.md', project: 'mill', content: 'Mine.' });
  const { steps } = await api.call(projectSetupOperations.setup, { code: 'mill', forge: true });
  assert.deepEqual(Object.fromEntries(steps.map(({ name, state }) => [name, state])), {
    ...{ registry: 'there', clone: 'there', capabilities: 'skipped', 'secrets path': 'skipped', documents: 'failed' },
    ...{ 'generated documents': 'done', webhook: 'skipped', labels: 'failed', 'issue templates': 'done', board: 'failed' },
  });
  for (const { state, next, name } of steps) if (state !== 'there' && state !== 'done') assert.ok(next.length > 5, name);
  assert.match(steps.find(({ name }) => name === 'labels')?.detail ?? '', /gh/);
  await rm(path, { recursive: true });
  const { checks, overall } = await api.call(projectSetupOperations.verify, { code: 'mill' });
  assert.deepEqual([overall, checks.find(({ name }) => name === 'clone')?.state], ['failed', 'failed']);
  for (const operation of [projectSetupOperations.setup, projectSetupOperations.verify]) {
    await assert.rejects(server.api(server.localKey).call(operation, { code: 'mill' }), { code: 'denied' });
    await assert.rejects(api.call(operation, { code: 'never-was' }), { code: 'not_found' });
  }
});
