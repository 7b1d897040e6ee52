/**
 * A run's own worktree, the only place it may write (spec TOL-13): made at its first write below the home folder, on a branch
 * `windlass/<agent>/<run>`, removed when nothing came of it, kept for its owner otherwise. The project's checkout stays untouched.
 *
 * Beside the worktree lie `<run>.json` (written last, so that a half-made worktree is known as such) and `<run>.writes/`, one file
 * for each write under its key, by which a probe tells after a crash whether the write happened.
 */
import { mkdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { sha256Hex } from '../../../kernel/canonical-json.ts';
import { AppError } from '../../../kernel/errors.ts';
import type { ToolContext } from '../tool.ts';
import { checkoutOf, type Roots } from './checkout.ts';
import { resolveCommit, type Git, type GitOptions } from './git-process.ts';

const Made = z.object({ checkout: z.string(), branch: z.string(), base: z.string(), path: z.string() });
export type Worktree = z.infer<typeof Made>;

const Write = z.object({ path: z.string(), before: z.string().nullable(), after: z.string() });
/** Digests of a file's content; `before` null when it was not there. */
export type WriteRecord = z.infer<typeof Write>;

export type Worktrees = Roots & {
  /** The run's worktree, made when it is not there yet. @throws AppError when the checkout is no repository with a commit. */
  own(context: ToolContext): Promise<Worktree>;
  find(run: string): Promise<Worktree | null>;
  recordWrite(run: string, key: string, record: WriteRecord): Promise<void>;
  readWrite(run: string, key: string): Promise<WriteRecord | null>;
  /** At the run's end: removes worktree and branch when nothing was changed, keeps both otherwise. Idempotent. */
  cleanUp(run: string, options: GitOptions): Promise<'none' | 'removed' | 'kept'>;
};

/** `folder` is `<home>/worktrees`. */
export function createWorktrees({ git, folder }: { git: Git; folder: string }): Worktrees {
  const places = (run: string): { path: string; record: string; writes: string } => {
    const name = safeName(run);
    return { path: join(folder, name), record: join(folder, `${name}.json`), writes: join(folder, `${name}.writes`) };
  };
  const find = async (run: string): Promise<Worktree | null> => readJson(places(run).record, Made);

  const make = async (context: ToolContext): Promise<Worktree> => {
    const checkout = await checkoutOf(context);
    const { path, record } = places(context.run);
    const options = { signal: context.signal, deadlineMs: context.deadlineMs };
    const base = await resolveCommit(git, { root: checkout, revision: 'HEAD', options });
    const branch = `windlass/${safeName(context.agent)}/${safeName(context.run)}`;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await discard(git, { checkout, path, branch, options });
    await git(checkout, ['worktree', 'add', '--quiet', '-b', branch, path, base], { ...options, workTree: true });
    const made: Worktree = { checkout, branch, base, path: await realpath(path) };
    await writeWhole(record, JSON.stringify(made));
    return made;
  };

  return {
    find,
    own: async (context) => (await find(context.run)) ?? make(context),
    readFrom: async (context) => (await find(context.run))?.path ?? checkoutOf(context),

    async recordWrite(run, key, write) {
      const { writes } = places(run);
      await mkdir(writes, { recursive: true, mode: 0o700 });
      await writeWhole(join(writes, `${sha256Hex(key)}.json`), JSON.stringify(write));
    },
    readWrite: async (run, key) => readJson(join(places(run).writes, `${sha256Hex(key)}.json`), Write),

    async cleanUp(run, options) {
      const made = await find(run);
      if (made === null) return 'none';
      const { path, record, writes } = places(run);
      await rm(writes, { recursive: true, force: true });
      if (await changed(git, made, options)) return 'kept';
      await discard(git, { checkout: made.checkout, path, branch: made.branch, options });
      await rm(record, { force: true });
      return 'removed';
    },
  };
}

async function changed(git: Git, made: Worktree, options: GitOptions): Promise<boolean> {
  const status = await git(made.path, ['status', '--porcelain', '--untracked-files=all', '--ignore-submodules=all'], { ...options, workTree: true });
  return status.text !== '' || (await resolveCommit(git, { root: made.path, revision: 'HEAD', options })) !== made.base;
}

/** Takes away what is left of a worktree, made whole or half; all of it may be missing. */
async function discard(
  git: Git,
  { checkout, path, branch, options }: { checkout: string; path: string; branch: string; options: GitOptions },
): Promise<void> {
  await rm(path, { recursive: true, force: true });
  await git(checkout, ['worktree', 'prune', '--expire', 'now'], options);
  await git(checkout, ['branch', '-D', '--quiet', '--', branch], { ...options, alsoOk: [1] });
}

/** Run ids and agent names are already of this form; anything else must not become a path or a branch. */
function safeName(name: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(name)) throw new AppError('internal', `"${name.slice(0, 40)}" cannot name a worktree.`);
  return name;
}

async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | null> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    return null; // not there: the run has written nothing
  }
  return schema.parse(JSON.parse(text));
}

/** Whole or not at all, and on the disk before it is relied on. */
export async function writeWhole(path: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  const half = `${path}.windlass-half`;
  await writeFile(half, content, { mode, flush: true });
  await rename(half, path);
}
