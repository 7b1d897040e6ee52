/** Configuration: flags before environment before file, every fault at once with its place, and nothing started with any. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '../src/config.ts';
import type { Environment, Flags } from '../src/config.ts';
import { AppError } from '../src/kernel/errors.ts';
import { testHome } from './support/home.ts';

async function load(yaml: string | null, given: { flags?: Flags; env?: Environment } = {}) {
  await using home = testHome();
  await mkdir(home.path);
  if (yaml !== null) await writeFile(join(home.path, 'windlass.yaml'), yaml);
  const { flags = {}, env = {} } = given;
  try {
    return { config: loadConfig({ flags: { home: home.path, ...flags }, env, cwd: home.path }), faults: [] };
  } catch (error) {
    assert.ok(error instanceof AppError && error.code === 'configuration' && error.next !== undefined, String(error));
    const faults = error.faults.map(({ path, message, line }) => ({ path: path.replace(home.path, '.'), message, line }));
    return { config: null, faults };
  }
}

test('without anything it serves loopback on 7420 with the embedded database [OPS-1, OPS-2]', async () => {
  const { config } = await load(null);
  assert.deepEqual(
    [config?.host, config?.port, config?.databaseUrl, config?.blobs, config?.log, config?.file],
    ['127.0.0.1', 7420, null, 'folder', 'info', null],
  );
  assert.equal(Object.isFrozen(config), true);
});

test('a flag stands above the environment, and that above the file [OPS-2]', async () => {
  const yaml = 'server:\n  port: 1001\n  host: 127.0.0.3\nlog: warn\nworkers: 3\n';
  const env = { WINDLASS_PORT: '1002', WINDLASS_LOG: 'error' };
  const { config } = await load(yaml, { env, flags: { port: '1003' } });
  assert.deepEqual([config?.port, config?.log, config?.workers, config?.host], [1003, 'error', 3, '127.0.0.3']);
  assert.equal((await load(yaml, { env })).config?.port, 1002);
  assert.equal((await load(yaml)).config?.port, 1001);
});

test('every fault of flags, environment and file is told at once, with its place [OPS-2]', async () => {
  const yaml = 'server:\n  port: many\n  hots: x\nlog: loud\nunknown: 1\nproviders:\n  mine:\n    kind: other\n';
  const { faults } = await load(yaml, {
    env: { WINDLASS_PORT: '70000', DATABASE_URL: 'mysql://x', WINDLASS_LOG: 'louder' },
    flags: { workers: '-1' },
  });
  const places = faults.map(({ path }) => path);
  for (const place of ['WINDLASS_PORT', 'DATABASE_URL', '--workers', 'log', './windlass.yaml: server.port', './windlass.yaml: providers.mine.kind']) {
    assert.equal(places.includes(place), true, `${place} in ${places.join(', ')}`);
  }
  assert.equal(faults.some(({ message }) => message.includes('hots')) && faults.some(({ message }) => message.includes('unknown')), true);
});

test('broken YAML is told with its line, and a file asked for by name must be there [OPS-2]', async () => {
  const broken = await load('server:\n  port: 1\n  port: 2\nlog: [\n');
  assert.equal(broken.faults.length >= 2, true);
  for (const fault of broken.faults) assert.equal(typeof fault.line, 'number', fault.message);
  const missing = await load(null, { flags: { config: 'other.yaml' } });
  assert.match(missing.faults[0]?.message ?? '', /cannot be read/);
});

test('no value of the file may be a secret of the database or a provider [OPS-2]', async () => {
  const { faults } = await load('databaseUrl: postgres://user:secret@host/db\nproviders:\n  mine: { kind: openai, key: sk-secret }\n');
  assert.equal(faults.length, 2);
  assert.equal(JSON.stringify(faults).includes('secret@'), false);
});
