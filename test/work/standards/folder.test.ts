/** The standards folder of a checkout that somebody else has prepared. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, open, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { standardsFolder } from '../../../src/work/standards/folder.ts';

test('a link in the checkout makes no folder outside of it, and a huge file is not read [STD-3]', async () => {
  const top = await mkdtemp(join(tmpdir(), 'windlass-folder-'));
  try {
    const [checkout, outside] = [join(top, 'checkout'), join(top, 'outside')];
    await mkdir(checkout);
    await mkdir(outside);
    await symlink(outside, join(checkout, 'standards'));
    await assert.rejects(standardsFolder.write(checkout, 'errors/retry.md', 'text'), /leads out of the checkout/);
    assert.deepEqual(await readdir(outside), [], 'nothing was made there');
    await rm(join(checkout, 'standards'));
    await standardsFolder.write(checkout, 'errors/retry.md', 'text');
    assert.equal(await standardsFolder.read(checkout, 'errors/retry.md'), 'text');
    const huge = await open(join(checkout, 'standards/errors/huge.md'), 'wx');
    await huge.truncate(1024 ** 3);
    await huge.close();
    const before = process.memoryUsage().arrayBuffers;
    const reading = standardsFolder.read(checkout, 'errors/huge.md');
    assert.equal(await reading, null);
    assert.ok(process.resourceUsage().maxRSS < 900 * 1024 && process.memoryUsage().arrayBuffers - before < 1024 ** 2);
  } finally {
    await rm(top, { recursive: true, force: true });
  }
});
