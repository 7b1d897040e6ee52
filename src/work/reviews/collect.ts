/**
 * Brings what is to be reviewed: a text, files, a git range, the work tree's changes, a pull request. It is read once, when the review is
 * asked for, so that all reviewers of a panel judge the same.
 */
import { lstat, readFile, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { AppError } from '../../kernel/errors.ts';
import type { RunProcess } from '../../runtime/tools/child-process.ts';
import type { Target } from './contract.ts';
import type { SourceFile } from './diff.ts';
import { isDiff, parseDiff } from './diff.ts';
import type { Material } from './material.ts';
import { fitMaterial, wholeFile } from './material.ts';

/** git as `runtime/tools` runs it: nothing of the repository's configuration is carried out. */
export type Git = (
  root: string,
  args: readonly string[],
  options: { signal: AbortSignal; deadlineMs: number; maxBytes?: number; alsoOk?: readonly number[]; workTree?: boolean },
) => Promise<{ text: string; exitCode: number; cut: boolean }>;

export type CollectDeps = {
  git: Git;
  run: RunProcess;
  /** This machine's time, for deadlines. */
  nowMs: () => number;
  /** For `gh`: where it is looked for, whose home and token it has. */
  env: Readonly<Record<string, string | undefined>>;
};

const GIT_MS = 20_000;
const GH_MS = 30_000;
const DIFF_BYTES = 4_000_000;
const FILE_BYTES = 400_000;
const FILES_READ = 300;
const PLAIN = ['--no-ext-diff', '--no-textconv', '--no-color', '-M', '-U5', '-p'] as const;
const REVISION = /^(?!-)[A-Za-z0-9_./@{}^~+#=-]{1,250}$/;

/** `untrusted`: it comes from strangers. @throws AppError `invalid_input`, `not_found` or `unavailable` with the next step */
export type Collect = (target: Target, checkout: string | null) => Promise<{ material: Material; untrusted: boolean }>;

export function createCollect(deps: CollectDeps): Collect {
  return async (target, checkout) => {
    const chosen = (['text', 'files', 'range', 'worktree', 'pullRequest'] as const).filter(
      (key) => target[key] !== undefined && target[key] !== false,
    );
    if (chosen.length !== 1) {
      throw new AppError('invalid_input', `Exactly one of text, files, range, worktree and pullRequest says what to review, not ${chosen.length}.`, {
        next: 'Give one of them, as in range "main..HEAD".',
      });
    }
    if (target.text !== undefined) return { material: fromText(target.text, target.name), untrusted: false };
    const root = await rootOf(checkout);
    if (target.files !== undefined) return { material: await fromFiles(deps, root, target.files), untrusted: false };
    if (target.range !== undefined) return { material: await fromRange(deps, root, target.range), untrusted: false };
    if (target.worktree === true) return { material: await fromWorkTree(deps, root), untrusted: false };
    return { material: await fromPullRequest(deps, root, target.pullRequest ?? 0), untrusted: true };
  };
}

async function rootOf(checkout: string | null): Promise<string> {
  if (checkout === null) {
    throw new AppError('invalid_input', 'There is no project with a checkout on this machine to read from.', {
      next: 'Register one: windlass project add PATH. Or send the text itself.',
    });
  }
  return realpath(checkout).catch((cause: unknown) => {
    throw new AppError('not_found', 'The checkout of this project is not there any more.', {
      next: 'Register the project with its new path.',
      cause,
    });
  });
}

function fromText(text: string, name: string | undefined): Material {
  if (isDiff(text)) return someOf(fitMaterial(name ?? 'a diff', parseDiff(text), { cut: false }));
  const file = wholeFile(name ?? 'input.txt', text);
  if (file.binary) throw new AppError('invalid_input', 'The text is binary.', { next: 'Send text.' });
  return someOf(fitMaterial(name ?? 'a text', [file], { cut: false }));
}

/** @throws AppError `invalid_input` when nothing is left to review */
function someOf(material: Material): Material {
  if (material.files.length > 0) return material;
  const why = material.leftOut.slice(0, 5).map(({ path, why: reason }) => `${path} (${reason})`);
  const message =
    why.length === 0 ? `There is nothing to review in ${material.title}.` : `Nothing of ${material.title} can be reviewed: ${why.join(', ')}.`;
  throw new AppError('invalid_input', message, { next: 'Name another range, or files.' });
}

const gitOptions = (deps: CollectDeps) => ({ signal: new AbortController().signal, deadlineMs: deps.nowMs() + GIT_MS, maxBytes: DIFF_BYTES });

async function fromRange(deps: CollectDeps, root: string, range: string): Promise<Material> {
  const [from = '', to = ''] = range.includes('..') ? range.split(/\.{2,3}/) : [range, 'HEAD'];
  const [base, head] = [await commitOf(deps, root, from === '' ? 'HEAD' : from), await commitOf(deps, root, to === '' ? 'HEAD' : to)];
  // what the branch brings, whatever its base did meanwhile; without a common commit the two are compared as they are
  const fork = await deps.git(root, ['merge-base', base, head], { ...gitOptions(deps), alsoOk: [1] });
  const start = fork.exitCode === 0 ? fork.text.trim() : base;
  const diff = await deps.git(root, ['diff', ...PLAIN, '--end-of-options', start, head], gitOptions(deps));
  return someOf(fitMaterial(`${range} (${start.slice(0, 10)} to ${head.slice(0, 10)})`, parseDiff(diff.text), { cut: diff.cut }));
}

async function commitOf(deps: CollectDeps, root: string, revision: string): Promise<string> {
  const unknown = new AppError('invalid_input', `"${revision.slice(0, 100)}" names no commit here.`, {
    next: 'Give a path that is there, or a branch, a tag, a hash, or two of them with .. between, as in main..HEAD.',
  });
  if (!REVISION.test(revision)) throw unknown;
  const found = await deps.git(root, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`], {
    ...gitOptions(deps),
    alsoOk: [1, 128],
  });
  if (found.exitCode !== 0) throw unknown;
  return found.text.trim();
}

async function fromWorkTree(deps: CollectDeps, root: string): Promise<Material> {
  const options = { ...gitOptions(deps), workTree: true };
  const born = await deps.git(root, ['rev-parse', '--verify', '--quiet', 'HEAD'], { ...options, alsoOk: [1, 128] });
  const diff = born.exitCode === 0 ? await deps.git(root, ['diff', ...PLAIN, 'HEAD'], options) : { text: '', cut: false };
  const listed = await deps.git(root, ['ls-files', '-z', '--others', '--exclude-standard', ...(born.exitCode === 0 ? [] : ['--cached'])], options);
  const paths = listed.text.split('\0').filter(Boolean);
  const fresh = await Promise.all(paths.slice(0, FILES_READ).map((path) => readOne(root, path)));
  const added = fresh.map((file): SourceFile => ({ ...file, change: 'added', lines: file.lines.map((line) => ({ ...line, sign: '+' })) }));
  const cut = diff.cut || listed.cut || paths.length > FILES_READ;
  return someOf(fitMaterial('uncommitted changes', [...parseDiff(diff.text), ...added], { cut }));
}

async function fromFiles(deps: CollectDeps, root: string, wanted: readonly string[]): Promise<Material> {
  const listed = await deps.git(root, ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate', '--', ...wanted], {
    ...gitOptions(deps),
    workTree: true,
  });
  const paths = listed.text.split('\0').filter(Boolean);
  if (paths.length === 0) {
    throw new AppError('not_found', `There is no file at ${wanted.slice(0, 5).join(', ').slice(0, 300)} in the checkout.`, {
      next: 'Give paths relative to its top; what git ignores is left out.',
    });
  }
  const files = await Promise.all(paths.slice(0, FILES_READ).map((path) => readOne(root, path)));
  return someOf(fitMaterial(wanted.join(', ').slice(0, 200), files, { cut: listed.cut || paths.length > FILES_READ }));
}

/** A link, a huge file and one that is gone are kept as binary: named, and not read. */
async function readOne(root: string, path: string): Promise<SourceFile> {
  const unread: SourceFile = { path, change: 'whole', binary: true, lines: [] };
  try {
    const full = join(root, path);
    const facts = await lstat(full);
    const inside = (await realpath(full)).startsWith(root.endsWith(sep) ? root : root + sep);
    if (!facts.isFile() || facts.size > FILE_BYTES || !inside) return unread;
    return wholeFile(path, await readFile(full, 'utf8'));
  } catch {
    return unread; // deleted, or not to be read: it is named as left out
  }
}

async function fromPullRequest(deps: CollectDeps, root: string, number: number): Promise<Material> {
  const title = await gh(deps, root, ['pr', 'view', String(number), '--json', 'title', '--jq', '.title']);
  const diff = await gh(deps, root, ['pr', 'diff', String(number), '--color', 'never']);
  return someOf(fitMaterial(`pull request ${number}: ${title.text.trim().slice(0, 200)}`, parseDiff(diff.text), { cut: diff.cut }));
}

/** GitHub's own program, with the token or login of whoever runs the server. @throws AppError `unavailable` or `invalid_input` with its words */
export async function gh(
  deps: Pick<CollectDeps, 'run' | 'nowMs' | 'env'>,
  root: string,
  args: readonly string[],
): Promise<{ text: string; cut: boolean }> {
  const passed = ['PATH', 'HOME', 'GH_TOKEN', 'GITHUB_TOKEN', 'GH_HOST', 'GH_CONFIG_DIR', 'XDG_CONFIG_HOME'];
  const env = Object.fromEntries(passed.flatMap((name) => (deps.env[name] === undefined ? [] : [[name, deps.env[name]]])));
  const result = await deps.run({
    argv: ['gh', ...args],
    cwd: root,
    env: { ...env, GH_PROMPT_DISABLED: '1', NO_COLOR: '1', LC_ALL: 'C.UTF-8' },
    deadlineMs: deps.nowMs() + GH_MS,
    signal: new AbortController().signal,
    maxBytes: DIFF_BYTES,
  });
  if (result.ended === 'unstarted') {
    throw new AppError('unavailable', 'gh is not installed on this machine.', {
      next: "Install GitHub's command line and log in, or review a range instead.",
    });
  }
  if (result.exitCode !== 0) {
    const words = result.stderr.toString('utf8').trim().split('\n')[0] ?? '';
    throw new AppError('invalid_input', `gh ${args.slice(0, 2).join(' ')} did not succeed: ${words.slice(0, 300) || result.ended}`, {
      next: 'See that gh auth status is fine, and that the number exists.',
    });
  }
  return { text: result.stdout.toString('utf8'), cut: result.cut };
}

/** A file as it stands in the checkout now; null when it is gone or not to be read. */
export async function currentText(checkout: string, path: string): Promise<string | null> {
  const file = await readOne(await realpath(checkout), path);
  return file.binary ? null : file.lines.map(({ text }) => text).join('\n');
}
