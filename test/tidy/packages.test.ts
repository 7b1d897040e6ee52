/**
 * Proof that the check of packages bites.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LockFile, type PackageJson, packageFaults } from './packages.ts';

const manifest: PackageJson = {
  dependencies: { zod: '4.6.7' },
  devDependencies: { oxlint: '1.0.0' },
  optionalDependencies: { 'pg-linux': '18.4.0' },
  allowScripts: { 'pg-linux': false },
};
const lock: LockFile = {
  packages: {
    '': {},
    'node_modules/zod': {},
    'node_modules/oxlint': { optionalDependencies: { 'oxlint-linux': '1.0.0' } },
    'node_modules/oxlint-linux': {},
    'node_modules/pg-linux': { hasInstallScript: true },
  },
};
const document = '| `zod` | MIT | parses |\n| `oxlint` | MIT | lints |\n| `pg-linux` | MIT | binaries |\n';

test('what agrees passes', () => {
  assert.deepEqual(packageFaults({ manifest, lock, document }), []);
});

test('each disagreement is named', () => {
  const faults = (change: { manifest?: Partial<PackageJson>; packages?: LockFile['packages']; document?: string }): string[] =>
    packageFaults({
      manifest: { ...manifest, ...change.manifest },
      lock: { packages: { ...lock.packages, ...change.packages } },
      document: change.document ?? document,
    });
  assert.match(faults({ document: document.replace('zod', 'yup') }).join('; '), /zod has no row.*; yup is listed and not/);
  assert.match(faults({ document: document.replace('parses', '') }).join(), /zod has no row/);
  assert.match(faults({ manifest: { dependencies: { zod: '^4.6.7' } } }).join(), /not at an exact version/);
  assert.match(
    faults({ packages: { 'node_modules/oxlint': { optionalDependencies: { 'oxlint-mac': '1.0.0' } } } }).join(),
    /oxlint-mac, which oxlint names/,
  );
  assert.match(faults({ packages: { 'node_modules/zod': { resolved: 'https://host.example/zod.tgz' } } }).join(), /names the host/);
  assert.match(faults({ manifest: { allowScripts: {} } }).join(), /pg-linux has an install script/);
  const many = Object.fromEntries(Array.from({ length: 26 }, (_, at) => [`p${at}`, '1.0.0']));
  assert.match(faults({ manifest: { dependencies: many } }).join(), /26 runtime packages/);
});
