/**
 * Runs git on a repository that is not trusted to configure it: nothing that a repository's config, hooks, attributes or links
 * name is executed, no network, no prompt, no other repository above. Settings go by environment, so that no argument is one.
 */
import { dirname } from 'node:path';
import { AppError } from '../../../kernel/errors.ts';
import type { ProcessResult, RunProcess } from '../child-process.ts';

const MAX_BYTES = 8_000_000;
const MAX_FILTERS = 50;

export type Git = (root: string, args: readonly string[], options: GitOptions) => Promise<GitResult>;
export type GitOptions = {
  signal: AbortSignal;
  deadlineMs: number;
  /** Bytes of output kept; beyond it `cut` is true. */
  maxBytes?: number;
  /** Exit codes beside 0 that are answers, not faults. */
  alsoOk?: readonly number[];
  /** It reads or writes files of the work tree, so filters of the repository must be taken out first. */
  workTree?: boolean;
};
export type GitResult = { text: string; exitCode: number; cut: boolean };

const SETTINGS: readonly (readonly [string, string])[] = [
  ['core.fsmonitor', 'false'],
  ['core.hooksPath', '/dev/null'],
  ['core.attributesFile', '/dev/null'],
  ['core.sshCommand', 'false'],
  ['core.askPass', 'false'],
  ['core.editor', 'false'],
  ['core.quotePath', 'false'],
  ['credential.helper', ''],
  ['protocol.allow', 'never'],
  ['log.showSignature', 'false'],
  ['log.mailmap', 'false'],
  ['gpg.program', 'false'],
  ['submodule.recurse', 'false'],
  ['diff.ignoreSubmodules', 'all'],
  ['diff.renames', 'true'],
  ['diff.noprefix', 'false'],
  ['diff.mnemonicPrefix', 'false'],
  ['diff.orderFile', '/dev/null'],
  ['diff.external', ''],
  ['blame.ignoreRevsFile', ''],
  ['color.ui', 'false'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
];

/** @throws AppError (from the returned function) with git's own words when it fails. `path` is where git is looked for. */
export function createGit(deps: { run: RunProcess; path: string }): Git {
  const call = (root: string, args: readonly string[], extra: { options: GitOptions; settings: readonly (readonly [string, string])[] }) =>
    deps.run({
      argv: ['git', '--no-pager', '--literal-pathspecs', ...args],
      cwd: root,
      env: environment(root, { path: deps.path, settings: [...SETTINGS, ['safe.directory', root], ...extra.settings] }),
      deadlineMs: extra.options.deadlineMs,
      signal: extra.options.signal,
      maxBytes: extra.options.maxBytes ?? MAX_BYTES,
    });

  /** Clean, smudge and process filters are commands of the repository's config; they cannot be turned off but one by one. */
  const filtersOff = async (root: string, options: GitOptions): Promise<[string, string][]> => {
    const listed = await call(root, ['config', '-z', '--name-only', '--get-regexp', '^filter\\..*\\.(clean|smudge|process|required)$'], {
      options,
      settings: [],
    });
    const keys = [...new Set(listed.stdout.toString('utf8').split('\0').filter(Boolean))];
    if (keys.length > MAX_FILTERS) {
      throw new AppError('invalid_input', `The repository configures ${keys.length} content filters, over ${MAX_FILTERS}.`);
    }
    return keys.map((key) => [key, key.endsWith('.required') ? 'false' : '']);
  };

  return async (root, args, options) => {
    const settings = options.workTree ? await filtersOff(root, options) : [];
    const result = await call(root, args, { options, settings });
    if (result.ended !== 'exit') throw notEnded(result.ended);
    const exitCode = result.exitCode ?? 0;
    if (exitCode !== 0 && !(options.alsoOk ?? []).includes(exitCode)) throw new AppError('invalid_input', gitWords(result.stderr.toString('utf8')));
    return { text: result.stdout.toString('utf8'), exitCode, cut: result.cut };
  };
}

function notEnded(ended: ProcessResult['ended']): AppError {
  if (ended === 'unstarted') {
    return new AppError('unavailable', 'git is not installed on this machine.', { next: 'Install git, at least version 2.38.' });
  }
  return new AppError('unavailable', 'git was stopped before it had finished.', { next: 'Ask for less at once.' });
}

function environment(root: string, { path, settings }: { path: string; settings: readonly (readonly [string, string])[] }): Record<string, string> {
  const env: Record<string, string> = {
    PATH: path,
    HOME: '/nonexistent',
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_ALLOW_PROTOCOL: '',
    GIT_PAGER: 'cat',
    // the repository is looked for in the checkout itself, never above, and its config cannot move the work tree elsewhere
    GIT_CEILING_DIRECTORIES: dirname(root),
    GIT_WORK_TREE: root,
    GIT_CONFIG_COUNT: String(settings.length),
  };
  settings.forEach(([key, value], i) => {
    env[`GIT_CONFIG_KEY_${i}`] = key;
    env[`GIT_CONFIG_VALUE_${i}`] = value;
  });
  return env;
}

function gitWords(stderr: string): string {
  const line = stderr.split('\n').find((one) => /^(fatal|error): /.test(one)) ?? stderr.split('\n')[0] ?? '';
  if (/not a git repository/.test(line)) return 'The checkout is no git repository.';
  return `git: ${line.replace(/^(fatal|error): /, '').slice(0, 500) || 'failed without a word'}`;
}

/** What may stand in a revision: names, hashes, `~`, `^`, `@{n}`. Neither an option nor a path inside a tree. */
const REVISION = /^(?!-)[A-Za-z0-9_./@{}^~+#=-]{1,250}$/;

/** The full hash of a commit. @throws AppError `invalid_input` when there is none by that name. */
export async function resolveCommit(git: Git, { root, revision, options }: { root: string; revision: string; options: GitOptions }): Promise<string> {
  const unknown = (): AppError =>
    new AppError('invalid_input', `"${revision.slice(0, 100)}" names no commit here.`, {
      next: 'Give a branch, a tag, a hash, or one with ~n, as in HEAD~3.',
    });
  if (!REVISION.test(revision)) throw unknown();
  const found = await git(root, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`], { ...options, alsoOk: [1, 128] });
  if (found.exitCode === 0) return found.text.trim();
  if (revision !== 'HEAD') throw unknown();
  throw new AppError(
    'invalid_input',
    (await hasRepository(git, { root, options })) ? 'The repository has no commit yet.' : 'The checkout is no git repository.',
  );
}

export async function hasRepository(git: Git, { root, options }: { root: string; options: GitOptions }): Promise<boolean> {
  return (await git(root, ['rev-parse', '--git-dir'], { ...options, alsoOk: [128] })).exitCode === 0;
}
