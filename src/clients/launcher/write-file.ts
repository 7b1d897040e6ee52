/** A file is written whole or not at all: beside it, synced, then put in its place. A link stays a link. */
import { open, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** `mode` of the file as it will be. The folder must be there, and the caller holds whatever lock keeps others of this process away. */
export async function writeWhole(path: string, text: string, mode: number): Promise<void> {
  const target = await realpath(path).catch(() => path); // not there yet
  const draft = join(dirname(target), `.${basename(target)}.windlass-${process.pid}`);
  try {
    await rm(draft, { force: true }); // of a process of this id that was killed
    const file = await open(draft, 'wx', mode);
    await file.writeFile(text);
    await file.chmod(mode);
    await file.sync();
    await file.close();
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
