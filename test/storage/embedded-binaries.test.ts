/** The links that an install script would have made, without one. */
import assert from 'node:assert/strict';
import { chmod, lstat, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { restoreLinks } from '../../src/storage/embedded-binaries.ts';
import { testHome } from '../support/home.ts';

test('missing links of the package are restored at start, relative and never outside of it [OPS-6]', async () => {
  await using home = testHome();
  await mkdir(join(home.path, 'native/bin'), { recursive: true });
  await mkdir(join(home.path, 'native/lib'));
  for (const name of ['postgres', 'initdb', 'pg_ctl']) await writeFile(join(home.path, 'native/bin', name), '');
  await chmod(join(home.path, 'native/bin/postgres'), 0o644);
  await writeFile(join(home.path, 'native/lib/libpq.so.5.18'), 'library');
  const links = [
    { source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' },
    { source: 'native/lib/libpq.so.5.18', target: '../escaped' },
  ];
  await writeFile(join(home.path, 'native/pg-symlinks.json'), JSON.stringify(links));
  await restoreLinks(home.path);
  await restoreLinks(home.path);
  assert.equal(await readFile(join(home.path, 'native/lib/libpq.so.5'), 'utf8'), 'library');
  assert.ok((await lstat(join(home.path, 'native/lib/libpq.so.5'))).isSymbolicLink());
  assert.equal((await stat(join(home.path, 'native/bin/postgres'))).mode & 0o111, 0o111);
  await assert.rejects(lstat(join(home.path, '../escaped')));
});
