/** The blob stores of this release, each through the one suite, and what only a folder can get wrong. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { AppError } from '../../src/kernel/errors.ts';
import type { OrgId } from '../../src/kernel/ids.ts';
import { createFolderBlobs } from '../../src/storage/blobs-folder.ts';
import { createNoBlobs } from '../../src/storage/blobs-none.ts';
import { blobsConformance } from '../conformance/blobs.ts';

const A = 'org_a' as OrgId;

async function folderBlobs() {
  const folder = await mkdtemp(join(tmpdir(), 'windlass-blobs-'));
  return { ...createFolderBlobs({ folder, randomBytes }), folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

blobsConformance('folder', folderBlobs);
blobsConformance('none', async () => ({ ...createNoBlobs(), [Symbol.asyncDispose]: async () => {} }));

test('a damaged blob is reported, never handed out [STO-3]', async () => {
  await using blobs = await folderBlobs();
  const digest = await blobs.put(A, Buffer.from('whole'));
  await writeFile(join(blobs.folder, A, digest.slice(0, 2), digest), 'other');
  await assert.rejects(blobs.get(A, digest), (error) => error instanceof AppError && error.code === 'unavailable' && /damaged/.test(error.message));
});

test('a folder that cannot be written is unavailable, with the next step, and leaves no half a blob [STO-3]', async () => {
  await using blobs = await folderBlobs();
  await writeFile(join(blobs.folder, 'org_b'), 'a file where the folder should be');
  await assert.rejects(
    blobs.put('org_b' as OrgId, Buffer.from('x')),
    (error) => error instanceof AppError && error.code === 'unavailable' && error.next !== undefined,
  );
  await blobs.put(A, Buffer.from('x'));
  const files = await readdir(blobs.folder, { recursive: true, withFileTypes: true });
  assert.equal(files.filter((file) => file.isFile()).length, 2);
});
