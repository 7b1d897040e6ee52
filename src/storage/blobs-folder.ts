/**
 * Blobs in a folder: one file each, written beside its place, flushed, then renamed, so that a crash leaves a whole blob or none.
 */
import { mkdir, open, opendir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Hex } from '../kernel/canonical-json.ts';
import { AppError } from '../kernel/errors.ts';
import type { OrgId, RandomBytes } from '../kernel/ids.ts';
import type { Count } from '../kernel/page.ts';
import { BLOBS_COUNTED_MAX, blobFolder, blobPath, digestBlob } from './blobs.ts';
import type { BlobDigest, Blobs } from './blobs.ts';

export function createFolderBlobs(options: { folder: string; randomBytes: RandomBytes }): Blobs {
  const pathOf = (org: OrgId, digest: BlobDigest): string => join(options.folder, ...blobPath(org, digest));

  return {
    kind: 'folder',
    async put(org, bytes) {
      const digest = digestBlob(bytes);
      const path = pathOf(org, digest);
      const [folder, shard] = blobPath(org, digest);
      const parent = join(options.folder, folder, shard);
      const unfinished = `${path}.${Buffer.from(options.randomBytes(6)).toString('hex')}`;
      try {
        if ((await sizeOf(path)) === bytes.byteLength) return digest;
        await mkdir(parent, { recursive: true, mode: 0o700 });
        await writeDurably(unfinished, bytes);
        await rename(unfinished, path);
        await flush(parent);
        return digest;
      } catch (error) {
        await rm(unfinished, { force: true }).catch(() => {}); // the first fault is the one to report
        throw folderFault('stored', error);
      }
    },
    async get(org, digest) {
      try {
        const bytes = await readFile(pathOf(org, digest));
        if (sha256Hex(bytes) === digest) return bytes;
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return null;
        throw folderFault('read', error);
      }
      throw new AppError('unavailable', `The blob ${digest} is damaged on disk.`, { next: 'Restore it from a backup.' });
    },
    async has(org, digest) {
      return (await sizeOf(pathOf(org, digest))) !== null;
    },
    async delete(org, digest) {
      try {
        await rm(pathOf(org, digest), { force: true });
      } catch (error) {
        throw folderFault('deleted', error);
      }
    },
    async usage(org) {
      try {
        return await countFiles(join(options.folder, blobFolder(org)));
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return { files: { kind: 'exact', value: 0 }, bytes: { kind: 'exact', value: 0 } };
        throw folderFault('counted', error);
      }
    },
  };
}

async function countFiles(folder: string): Promise<{ files: Count; bytes: Count }> {
  let [files, bytes] = [0, 0];
  for await (const entry of await opendir(folder, { recursive: true })) {
    if (!entry.isFile()) continue;
    if (files === BLOBS_COUNTED_MAX) return { files: { kind: 'at_least', value: files }, bytes: { kind: 'at_least', value: bytes } };
    files += 1;
    bytes += (await sizeOf(join(entry.parentPath, entry.name))) ?? 0;
  }
  return { files: { kind: 'exact', value: files }, bytes: { kind: 'exact', value: bytes } };
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A rename is durable only once its folder is. */
async function flush(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function sizeOf(path: string): Promise<number | null> {
  return stat(path).then(
    (found) => found.size,
    (error: unknown) => {
      if (codeOf(error) === 'ENOENT') return null;
      throw folderFault('read', error);
    },
  );
}

function folderFault(done: string, error: unknown): AppError {
  if (error instanceof AppError) return error;
  const full = ['ENOSPC', 'EDQUOT'].includes(codeOf(error));
  return new AppError('unavailable', full ? 'The disk for blobs is full; the blob was not stored.' : `The blob could not be ${done}.`, {
    next: full ? 'Free some space on the disk of the blob folder.' : 'Check that the blob folder exists and can be written.',
    cause: error,
  });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
