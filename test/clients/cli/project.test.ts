/** `windlass project add --template`, a process of its own against the real server, with a GitHub CLI that clones from this machine. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { testServer } from '../../support/server.ts';

const BIN = join(import.meta.dirname, '../../../bin/windlass.mjs');

const GH = `#!/bin/sh
echo "$@" >> "$(dirname "$0")/asked"
case "$5" in acme/none) echo "Could not resolve to a Repository" >&2; exit 1 ;; esac
git init -q "$3" && git -C "$3" remote add origin "https://forge.example/acme/$3.git"
`;

test('a project is added with a repository from a template, once; what gh refuses is said, and nothing is registered [PRJ-3]', async () => {
  await using server = await testServer();
  const bin = join(server.home, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'gh'), GH);
  await chmod(join(bin, 'gh'), 0o755);
  const windlass = (...argv: string[]) =>
    new Promise<{ exit: unknown; out: string; err: string }>((resolve) => {
      const env = { PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`, WINDLASS_HOME: server.home, WINDLASS_KEY: server.ownerKey };
      execFile(process.execPath, [BIN, ...argv], { env, cwd: server.home }, (error, out, err) => resolve({ exit: error?.code ?? 0, out, err }));
    });
  const asked = async () => (await readFile(join(bin, 'asked'), 'utf8')).trim().split('\n');
  const path = join(server.home, 'src', 'mill');

  const refused = await windlass('project', 'add', join(server.home, 'src', 'shop'), '--template', 'acme/none');
  assert.notEqual(refused.exit, 0);
  assert.match(refused.err, /No repository was made from acme\/none\. gh: Could not resolve/);
  assert.match((await windlass('project', 'add', path, '--template', '--public')).err, /is no template|argument missing/);

  const added = await windlass('project', 'add', path, '--template', 'acme/service-template', '--json');
  assert.equal(added.exit, 0, added.err);
  const project = JSON.parse(added.out) as { path: string; steps: { name: string; state: string }[] };
  assert.deepEqual([project.path, project.steps[0]?.name, project.steps[0]?.state], [path, 'repository', 'done']);
  assert.equal((await asked()).at(-1), 'repo create mill --template acme/service-template --private --clone');

  const again = JSON.parse((await windlass('project', 'add', path, '--template', 'acme/service-template', '--json')).out) as typeof project;
  assert.equal(again.steps[0]?.state, 'there');
  assert.equal((await asked()).length, 2, 'asking again makes nothing');
  const { items } = JSON.parse((await windlass('project', '--json')).out) as { items: { code: string }[] };
  assert.deepEqual(
    items.map(({ code }) => code),
    ['mill'],
  );
});
