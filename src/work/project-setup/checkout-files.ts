/** Looks into a folder of a checkout, and writes files that are missing. What is there, and what lies behind a link, is left as it is. */
import { lstat, mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '../../kernel/errors.ts';

export async function listFolder(checkout: string, folder: string): Promise<string[]> {
  return readdir(join(checkout, folder)).catch(() => []); // there is none
}

/** @throws AppError `denied` for a folder that is a link */
export async function writeMissing(checkout: string, files: Readonly<Record<string, string>>): Promise<string[]> {
  const made: string[] = [];
  for (const [path, text] of Object.entries(files)) {
    const target = join(checkout, path);
    for (let folder = dirname(target); folder.length > checkout.length; folder = dirname(folder)) {
      if ((await lstat(folder).catch(() => null))?.isSymbolicLink() === true)
        throw new AppError('denied', `${folder} is a link, which may lead out of the checkout.`, { next: 'Put a folder in its place.' });
    }
    if ((await lstat(target).catch(() => null)) !== null) continue; // there, whatever it is
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, text, { flag: 'wx' });
    made.push(path);
  }
  return made;
}
