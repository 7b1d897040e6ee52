/** Finds git repositories below a folder by reading their own files, without starting git: fifty take a few milliseconds (spec PRJ-2). */
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { withoutCredentials } from './checkout.ts';

export type Clone = { path: string; remote: string | null; branch: string | null };
export type Scan = { clones: Clone[]; cut: boolean };

/** `~/src/github.com/acme/app` is four deep. */
export const SCAN_LIMITS = { depth: 4, folders: 5_000, clones: 1_000, atOnce: 32 } as const;
const SKIPPED = new Set(['node_modules', 'vendor', 'target', 'dist', 'build', 'Library', '__pycache__']);

/** By path. Does not follow links, and does not look for repositories inside one. Null when the folder cannot be read. */
export async function scanFolder(folder: string): Promise<Scan | null> {
  const found: Scan = { clones: [], cut: false };
  if (!(await isFolder(folder))) return null;
  let seen = 0;
  let level = [folder];
  for (let depth = 0; depth <= SCAN_LIMITS.depth && level.length > 0; depth += 1) {
    const next: string[] = [];
    for (let at = 0; at < level.length; at += SCAN_LIMITS.atOnce) {
      for (const { clone, below } of await Promise.all(level.slice(at, at + SCAN_LIMITS.atOnce).map(look))) {
        if (clone !== null) found.clones.push(clone);
        next.push(...below);
      }
    }
    seen += next.length;
    if (seen > SCAN_LIMITS.folders || found.clones.length > SCAN_LIMITS.clones) {
      found.cut = true;
      break;
    }
    level = next;
  }
  return { cut: found.cut, clones: found.clones.slice(0, SCAN_LIMITS.clones).toSorted((a, b) => (a.path < b.path ? -1 : 1)) };
}

async function look(folder: string): Promise<{ clone: Clone | null; below: string[] }> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []); // one that may not be read has nothing for us
  const git = entries.find(({ name }) => name === '.git');
  const clone = git === undefined ? null : await readClone(folder, git.isDirectory());
  if (clone !== null) return { clone, below: [] };
  const below = entries.filter((each) => each.isDirectory() && !each.name.startsWith('.') && !SKIPPED.has(each.name));
  return { clone: null, below: below.map(({ name }) => join(folder, name)) };
}

/** Null when what is called .git is no repository: an empty folder that something left behind. */
async function readClone(path: string, isDirectory: boolean): Promise<Clone | null> {
  const own = isDirectory ? join(path, '.git') : await linked(path);
  if (own === null) return null;
  const head = await readFile(join(own, 'HEAD'), 'utf8').catch(() => null);
  if (head === null) return null;
  // a worktree has its HEAD and shares the configuration
  const named = await readFile(join(own, 'commondir'), 'utf8').catch(() => null);
  const shared = named === null ? own : resolve(own, named.trim());
  const config = await readFile(join(shared, 'config'), 'utf8').catch(() => '');
  const branch = /^ref: refs\/heads\/(.+)$/m.exec(head)?.[1] ?? null;
  const remote = originOf(config);
  return { path, branch, remote: remote === null ? null : withoutCredentials(remote) };
}

/** `.git` of a worktree or submodule is a file that names the folder. */
async function linked(path: string): Promise<string | null> {
  const text = await readFile(join(path, '.git'), 'utf8').catch(() => '');
  const named = /^gitdir: (.+)$/m.exec(text)?.[1]?.trim();
  if (named === undefined) return null;
  return isAbsolute(named) ? named : resolve(dirname(join(path, '.git')), named);
}

/** `url` of `[remote "origin"]`; the last one holds, as git has it. Files that the configuration includes are not read. */
export function originOf(config: string): string | null {
  let inOrigin = false;
  let url: string | null = null;
  for (const raw of config.split('\n')) {
    const text = raw.trim();
    if (text.startsWith('[')) inOrigin = /^\[\s*remote\s+"origin"\s*\]/i.test(text);
    const value = inOrigin ? /^url\s*=\s*(.+)$/i.exec(text)?.[1] : undefined;
    if (value !== undefined)
      url = value
        .replace(/\s[#;].*$/, '')
        .replaceAll(/^"|"$/g, '')
        .trim();
  }
  return url === '' ? null : url;
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() === true;
}
