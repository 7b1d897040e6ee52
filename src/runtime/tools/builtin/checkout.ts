/**
 * Keeps paths inside one checkout (spec TOL-13): resolved for real, links that lead out refused, git's own folder closed.
 * Safe against what is in a repository, not against somebody else's process swapping folders while a call is under way.
 */
import { constants } from 'node:fs';
import { lstat, open, realpath, type FileHandle } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize, relative, sep } from 'node:path';
import { AppError } from '../../../kernel/errors.ts';
import type { ToolContext } from '../tool.ts';

const PATH_CHARS = 4_096;

/** Where a run reads: its own worktree once it has written, else the project's checkout. Always a real path. */
export type Roots = { readFrom(context: ToolContext): Promise<string> };

/** @throws AppError `invalid_input` when the run has no checkout on this machine. */
export async function checkoutOf(context: ToolContext): Promise<string> {
  if (context.checkout === null) {
    throw new AppError('invalid_input', 'This run has no checkout: its project has no repository on this machine.', {
      next: 'Start the run in a project with a local path, or take the git and file tools from the agent.',
    });
  }
  try {
    return await realpath(context.checkout);
  } catch (cause) {
    // the folder was moved or removed since the project was registered
    throw new AppError('not_found', 'The checkout of this project is not there any more.', {
      next: 'Register the project with its new path.',
      cause,
    });
  }
}

export type Place = {
  /** Absolute and real, inside the root. */
  path: string;
  /** As people write it: relative to the root, with `/`; `.` for the root. */
  shown: string;
  exists: boolean;
};

/**
 * Resolves a path given by a model. Missing files are fine (`exists: false`) as long as the folder they would be in is inside.
 * @throws AppError `invalid_input` naming the rule that was broken.
 */
export async function confine(root: string, given: string, { outside }: Pick<ToolContext, 'outside'>): Promise<Place> {
  const refuse = (why: string): never => {
    throw new AppError('invalid_input', `"${given.slice(0, 200)}" ${why}`, { next: 'Give a path inside the checkout, relative to its top.' });
  };
  if (given.includes('\0') || given.length > PATH_CHARS) refuse('is not a path.');
  const beyond = async (why: string, path: string): Promise<never> => {
    const whose = outside === undefined ? '' : ` ${await outside(path)}`;
    throw new AppError('invalid_input', `"${given.slice(0, 200)}" ${why}${whose}`, { next: 'Give a path inside the checkout, relative to its top.' });
  };
  if (isAbsolute(given) || /^[a-zA-Z]:/.test(given)) await beyond('is an absolute path.', normalize(given));
  const plain = join(root, given);
  if (!inside(root, plain)) await beyond('leads out of the checkout.', plain);
  if (ofGit(relative(root, plain))) refuse("is git's own and not to be read or written.");
  const real = await realOf(plain);
  if (!inside(root, real.path)) await beyond('is a link that leads out of the checkout.', real.path);
  if (ofGit(relative(root, real.path))) refuse("leads to git's own files, which are not to be read or written.");
  return { path: real.path, shown: relative(root, plain).split(sep).join('/') || '.', exists: real.exists };
}

function inside(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}

/** `.git` and the names that some file systems take for it. */
function ofGit(path: string): boolean {
  return path.split(/[/\\]/).some((part) => /^\.git[. ]*$|^git~\d+$/i.test(part.replaceAll(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g, '')));
}

/** The real path of the deepest part that exists, with what is missing below it. A dangling link counts as leading out. */
async function realOf(path: string): Promise<{ path: string; exists: boolean }> {
  try {
    return { path: await realpath(path), exists: true };
  } catch (thrown) {
    if (!missing(thrown)) {
      throw new AppError('invalid_input', 'The path cannot be followed (a file where a folder should be, or a loop of links).', { cause: thrown });
    }
    if (await isLink(path)) return { path: '/', exists: false };
    const above = await realOf(dirname(path));
    return { path: join(above.path, path.slice(dirname(path).length)), exists: false };
  }
}

export async function isLink(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink();
  } catch {
    return false; // nothing there
  }
}

function missing(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT';
}

/**
 * Opens a regular file for reading. Never a device, a pipe or, since it was resolved, a link.
 * @throws AppError `not_found` or `invalid_input`.
 */
export async function openFile(place: Place): Promise<FileHandle> {
  if (!place.exists) {
    throw new AppError('not_found', `There is no file "${place.shown}".`, { next: 'List the folder with file_list to see what is there.' });
  }
  let handle: FileHandle;
  try {
    handle = await open(place.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    // not readable for us, or swapped for a link since it was resolved
    throw new AppError('invalid_input', `"${place.shown}" cannot be opened for reading.`, { cause });
  }
  const stat = await handle.stat();
  if (stat.isFile()) return handle;
  await handle.close();
  if (stat.isDirectory()) throw new AppError('invalid_input', `"${place.shown}" is a folder.`, { next: 'List it with file_list.' });
  throw new AppError('invalid_input', `"${place.shown}" is no regular file.`);
}
