/**
 * The launcher: which Node it takes, and that nothing is lost between the shell and that Node.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { bundledNode, missingPackage, pickNode, stripsTypes } from '../../bin/launch.mjs';

const ROOT = join(import.meta.dirname, '../..');
const LAUNCH = join(ROOT, 'bin/launch.mjs');

test('a Node that strips types is taken as it is', () => {
  for (const version of ['22.18.0', '22.20.1', '23.6.0', '24.0.0', '26.1.0']) assert.equal(stripsTypes(version), true, version);
  for (const version of ['18.20.0', '20.20.2', '22.17.9', '23.5.0']) assert.equal(stripsTypes(version), false, version);
});

test('the bundled Node is found for this platform and runs; for others there is none', () => {
  const node = bundledNode({ platform: process.platform, arch: process.arch, from: LAUNCH });
  assert.ok(node !== null && existsSync(node));
  const version = spawnSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' }).stdout.trim();
  assert.equal(stripsTypes(version), true);
  assert.equal(bundledNode({ platform: 'sunos', arch: 'x64', from: LAUNCH }), null);
  assert.equal(bundledNode({ platform: process.platform, arch: process.arch, from: join(tmpdir(), 'elsewhere.mjs') }), null);
});

test('a Node new enough is itself the one to run on', () => {
  assert.equal(pickNode(LAUNCH), process.execPath);
});

test('bin/node.mjs runs any script on that Node, and what the script starts by name gets it too', () => {
  const script = `process.stdout.write(process.execPath + '|' + require('node:child_process').execFileSync('node', ['-p', 'process.execPath']))`;
  const run = spawnSync(process.execPath, [join(ROOT, 'bin/node.mjs'), '-e', script], { encoding: 'utf8' });
  const [outer, inner] = run.stdout.trim().split('|');
  assert.equal(outer, process.execPath);
  assert.equal(inner, process.execPath);
});

test('every bundled Node is an optional dependency', () => {
  const { optionalDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { optionalDependencies: Record<string, string> };
  const named = [...readFileSync(LAUNCH, 'utf8').matchAll(/: '(node-[a-z0-9-]+)'/g)].map((match) => match[1] ?? '');
  assert.equal(named.length, 5);
  for (const name of named) assert.match(optionalDependencies[name] ?? '', /^24\./, name);
});

test('a missing package is told from other faults', () => {
  const notFound = (what: string): Error => Object.assign(new Error(`Cannot find ${what} imported from /x`), { code: 'ERR_MODULE_NOT_FOUND' });
  assert.equal(missingPackage(notFound("package 'zod'")), 'zod');
  assert.equal(missingPackage(new Error("Cannot find package 'zod'")), null);
});

test('the compile cache stands in the home folder, which the launcher never makes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'windlass-home-'));
  const home = join(folder, 'home');
  const start = (): unknown =>
    spawnSync(process.execPath, [join(ROOT, 'bin/windlass.mjs'), '--help'], { env: { ...process.env, WINDLASS_HOME: home } });
  start();
  assert.equal(existsSync(home), false);
  mkdirSync(home);
  start();
  assert.equal(existsSync(join(home, 'compile-cache')), true);
  rmSync(folder, { recursive: true });
});

/** A script that runs another on a Node of its own, as the launcher does. */
function twoScripts(inner: string): { outer: string; [Symbol.dispose](): void } {
  const folder = mkdtempSync(join(tmpdir(), 'windlass-launch-'));
  const [outer, child] = [join(folder, 'outer.mjs'), join(folder, 'inner.mjs')];
  writeFileSync(
    outer,
    `import { runOn } from ${JSON.stringify(LAUNCH)};\nrunOn(process.execPath, [${JSON.stringify(child)}, ...process.argv.slice(2)]);\n`,
  );
  writeFileSync(child, inner);
  return { outer, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

test('arguments, streams and the exit code pass through', () => {
  using scripts = twoScripts(
    `process.stdin.pipe(process.stdout); console.error(process.argv[2]); process.stdin.on('end', () => { process.exitCode = 4; });`,
  );
  const run = spawnSync(process.execPath, [scripts.outer, '--json=a b'], { input: 'in', encoding: 'utf8' });
  assert.deepEqual({ status: run.status, stdout: run.stdout, stderr: run.stderr }, { status: 4, stdout: 'in', stderr: '--json=a b\n' });
});

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  test(`${signal} reaches the child, which may end in its own way`, { skip: process.platform === 'win32' }, async () => {
    using scripts = twoScripts(
      `const t = setInterval(() => {}, 1000); process.on('${signal}', () => { clearInterval(t); process.exitCode = 7; }); console.log('up');`,
    );
    const run = spawn(process.execPath, [scripts.outer], { stdio: ['ignore', 'pipe', 'pipe'] });
    await once(run.stdout, 'data');
    run.kill(signal);
    assert.deepEqual(await once(run, 'exit'), [7, null]);
  });

  test(`a child that ${signal} ends takes the launcher with it`, { skip: process.platform === 'win32' }, async () => {
    using scripts = twoScripts(`setInterval(() => {}, 1000); console.log('up');`);
    const run = spawn(process.execPath, [scripts.outer], { stdio: ['ignore', 'pipe', 'pipe'] });
    await once(run.stdout, 'data');
    run.kill(signal);
    assert.deepEqual(await once(run, 'exit'), [null, signal]);
  });
}
