/**
 * The standards folder of a checkout: `standards/` at its top. Lists what changed, reads files, writes a new one and never over another.
 * Follows no link out of the checkout.
 */
import { lstat, mkdir, open, readdir, readFile, realpath } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { AppError } from '../../kernel/errors.ts';
import { textFault } from '../../kernel/text.ts';
import { STANDARD_LIMITS } from './standard.ts';

export const STANDARDS_FOLDER = 'standards';
/** `domain/topic.md`, as deep as people nest domains. */
const DEPTH = 4;

/** `mark` changes when the file does. Null: there is no such folder. */
export type FolderFile = { path: string; mark: string };
export type Folder = { files: FolderFile[]; leftOut: number } | null;

export type StandardsFolder = {
  list(top: string): Promise<Folder>;
  /** Null when it cannot be kept: no UTF-8, too large, gone meanwhile. */
  read(top: string, path: string): Promise<string | null>;
  /** @throws AppError `conflict` when the path exists with another text */
  write(top: string, path: string, text: string): Promise<void>;
};

export const standardsFolder: StandardsFolder = { list: listFolder, read: readStandard, write: writeStandard };

async function listFolder(top: string): Promise<Folder> {
  const root = join(top, STANDARDS_FOLDER);
  const kind = await lstat(root).catch(() => null); // absent, or the checkout has vanished: both are "no folder"
  if (kind?.isDirectory() !== true) return null;
  const paths: string[] = [];
  const walk = async (folder: string, depth: number): Promise<void> => {
    const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => []); // it went away while we looked
    for (const entry of entries) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory() && depth < DEPTH && !entry.name.startsWith('.')) await walk(path, depth + 1);
      else if (entry.isFile() && /\.md$/i.test(entry.name) && !/^readme\.md$/i.test(entry.name)) paths.push(path);
    }
  };
  await walk('', 1);
  const kept = paths.toSorted().slice(0, STANDARD_LIMITS.files);
  const files: FolderFile[] = [];
  for (const path of kept) {
    const found = await lstat(join(root, path), { bigint: true }).catch(() => null); // gone between the two looks
    if (found !== null) files.push({ path, mark: `${found.ino}/${found.size}/${found.mtimeNs}` });
  }
  return { files, leftOut: paths.length - kept.length };
}

async function readStandard(top: string, path: string): Promise<string | null> {
  try {
    const file = join(top, STANDARDS_FOLDER, path);
    if ((await lstat(file)).size > STANDARD_LIMITS.contentBytes * 2) return null;
    const bytes = await readFile(file);
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
    return textFault(text, STANDARD_LIMITS.contentBytes * 2) === null ? text : null;
  } catch {
    return null; // not UTF-8, or gone: there is nothing to index
  }
}

async function writeStandard(top: string, path: string, text: string): Promise<void> {
  const file = join(top, STANDARDS_FOLDER, path);
  try {
    // a folder that is a link must not lead the write, nor a new folder, somewhere else
    const refuseOutside = async (folder: string): Promise<void> => {
      const [inside, real] = await Promise.all([realpath(top), realpath(folder)]);
      if (real !== inside && !real.startsWith(inside + sep)) throw new AppError('denied', `${STANDARDS_FOLDER}/${path} leads out of the checkout.`);
    };
    await refuseOutside(await nearestThere(dirname(file)));
    await mkdir(dirname(file), { recursive: true });
    await refuseOutside(dirname(file));
    const handle = await open(file, 'wx', 0o644);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unwritable(path, error);
    const there = await readFile(file, 'utf8').catch(() => null);
    if (there === text) return; // written by an attempt whose commit was lost
    throw new AppError('conflict', `${STANDARDS_FOLDER}/${path} exists already, and a standard is never overwritten.`, {
      next: 'Propose it under another topic, or change that file by hand.',
      cause: error,
    });
  }
}

/** The folder itself, or the nearest above it that is there. */
async function nearestThere(folder: string): Promise<string> {
  const there = await lstat(folder).catch(() => null); // it is yet to be made
  return there === null && dirname(folder) !== folder ? nearestThere(dirname(folder)) : folder;
}

function unwritable(path: string, error: unknown): unknown {
  if (error instanceof AppError) return error;
  const why = (error as NodeJS.ErrnoException).code ?? 'unknown fault';
  return new AppError('conflict', `${STANDARDS_FOLDER}/${path} cannot be written in the checkout (${why}).`, {
    next: 'Check that the server may write there, then create it again: the approval is kept.',
    cause: error,
  });
}
