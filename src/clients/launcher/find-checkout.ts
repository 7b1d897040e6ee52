/**
 * Which repositories are where on this machine, by the git remote in their configuration and never by a folder's name (spec PRJ-2).
 * Reads files, starts no git: 50 repositories take milliseconds.
 */
import { readFile, readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { remoteKey } from '../../kernel/git-remote.ts';

export type Checkout = { top: string; remotes: readonly string[]; branch: string | null };

const FOLDERS_MAX = 2_000;

/** The top of the checkout that holds the folder; null when none does. */
export async function topOf(folder: string): Promise<string | null> {
  let at = await realpath(folder).catch(() => resolve(folder)); // not there: its parents may be
  for (;;) {
    if ((await stat(join(at, '.git')).catch(() => null)) !== null) return at; // absent: look above
    const above = dirname(at);
    if (above === at) return null;
    at = above;
  }
}

/** Remotes and branch of a checkout; null when the folder is the top of none. */
export async function readCheckout(top: string): Promise<Checkout | null> {
  const git = await gitFolders(top);
  if (git === null) return null;
  const config = await readFile(join(git.shared, 'config'), 'utf8').catch(() => ''); // a repository without one has no remote
  const head = await readFile(join(git.own, 'HEAD'), 'utf8').catch(() => ''); // broken: no branch is known
  return { top, remotes: remotesOf(config), branch: /^ref: refs\/heads\/(.+)$/m.exec(head)?.[1]?.trim() ?? null };
}

/** Whether one of the checkout's remotes is one of those, however written. */
export function isCheckoutOf(checkout: Checkout, remotes: readonly string[]): boolean {
  const keys = new Set(remotes.map(remoteKey).filter((key) => key !== null));
  return checkout.remotes.some((remote) => keys.has(remoteKey(remote) ?? ''));
}

/** Checkouts directly in the folders and one level below, as development folders are laid out. */
export async function scanFolders(folders: readonly string[]): Promise<Checkout[]> {
  const level = async (folder: string): Promise<string[]> =>
    (await readdir(folder, { withFileTypes: true }).catch(() => [])) // not there, or not ours to read
      .filter((entry) => (entry.isDirectory() || entry.isSymbolicLink()) && !entry.name.startsWith('.') && entry.name !== 'node_modules')
      .map((entry) => join(folder, entry.name));
  const first = (await Promise.all([...new Set(folders)].map(level))).flat().slice(0, FOLDERS_MAX);
  const found = await Promise.all(first.map(readCheckout));
  const groups = first.filter((_, i) => found[i] === null);
  const second = (await Promise.all(groups.map(level))).flat().slice(0, FOLDERS_MAX);
  const below = await Promise.all(second.map(readCheckout));
  return [...found, ...below].filter((each) => each !== null);
}

async function gitFolders(top: string): Promise<{ own: string; shared: string } | null> {
  const path = join(top, '.git');
  const kind = await stat(path).catch(() => null); // no checkout
  if (kind === null) return null;
  if (kind.isDirectory()) return { own: path, shared: path };
  // a worktree or a submodule: a file that names the folder
  const named = /^gitdir: (.+)$/m.exec(await readFile(path, 'utf8').catch(() => ''))?.[1]; // unreadable: none of ours
  if (named === undefined) return null;
  const own = resolve(top, named.trim());
  const shared = await readFile(join(own, 'commondir'), 'utf8').catch(() => '.'); // a submodule has none
  return { own, shared: resolve(own, shared.trim()) };
}

/** Of git's configuration file: the `url` of each `[remote "name"]`, origin first. */
export function remotesOf(config: string): string[] {
  const found: { name: string; url: string }[] = [];
  let name: string | null = null;
  for (const line of config.split(/\r?\n/)) {
    const section = /^\s*\[(.*)\]\s*(?:[#;].*)?$/.exec(line);
    if (section !== null) name = /^remote\s+"(.+)"$/.exec(section[1] ?? '')?.[1] ?? null;
    const url = name === null ? null : /^\s*url\s*=\s*"?([^"]+?)"?\s*$/.exec(line);
    if (name !== null && url?.[1] !== undefined) found.push({ name, url: url[1] });
  }
  return found.toSorted((a, b) => Number(b.name === 'origin') - Number(a.name === 'origin')).map(({ url }) => url);
}
