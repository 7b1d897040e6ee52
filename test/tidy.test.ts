/**
 * The house rules over the whole tree: what types and lint cannot see. The rules are in `tidy/`, their own tests beside them.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { EXCEPTIONS } from './tidy/exceptions.ts';
import { type LockFile, type PackageJson, packageFaults } from './tidy/packages.ts';
import { applyExceptions, checkAll } from './tidy/rules.ts';
import { shareOverTarget } from './tidy/shape.ts';
import { listSources } from './tidy/source.ts';

const ROOT = join(import.meta.dirname, '..');
const sources = listSources(ROOT);

test('every file keeps the house rules, and no exception is wider than needed', () => {
  assert.ok(
    sources.some((source) => source.path === 'src/kernel/errors.ts'),
    'the tree was read',
  );
  assert.equal(applyExceptions(checkAll(sources), EXCEPTIONS).join('\n'), '');
});

test('files in src are mostly under 200 lines', () => {
  assert.equal(shareOverTarget(sources), null);
});

test('package.json, the lock file and the list of dependencies agree', () => {
  const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
  const manifest = JSON.parse(read('package.json')) as PackageJson;
  const lock = JSON.parse(read('package-lock.json')) as LockFile;
  assert.deepEqual(packageFaults({ manifest, lock, document: read('docs/decisions/2026-11-21-dependencies.md') }), []);
});
