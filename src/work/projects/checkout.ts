/** Finds the git checkout that a folder is in: its top, its name and its remote. Reads only what git itself answers. */
import { basename } from 'node:path';
import { AppError } from '../../kernel/errors.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { RunProcess } from '../../runtime/tools/child-process.ts';

export type Checkout = { top: string; name: string; remote: string | null };
export type FindCheckout = (path: string) => Promise<Checkout>;

const GIT_MS = 10_000;
const OUTPUT_BYTES = 20_000;

/** @throws (from the function returned) AppError `not_found` for a folder in no repository, `unavailable` without git. */
export function createFindCheckout(deps: { run: RunProcess; clock: Clock; env: Readonly<Record<string, string | undefined>> }): FindCheckout {
  const git = async (cwd: string, args: readonly string[]): Promise<{ ok: boolean; text: string }> => {
    const result = await deps.run({
      // safe.directory: only names are read here, nothing of the repository's configuration is carried out
      argv: ['git', '-c', 'safe.directory=*', '-c', 'core.fsmonitor=false', ...args],
      cwd,
      env: { PATH: deps.env['PATH'] ?? '/usr/bin:/bin', HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' },
      deadlineMs: deps.clock.nowMs() + GIT_MS,
      signal: new AbortController().signal,
      maxBytes: OUTPUT_BYTES,
    });
    return { ok: result.exitCode === 0, text: result.stdout.toString('utf8').trim() };
  };
  return async (path) => {
    const top = await git(path, ['rev-parse', '--show-toplevel']);
    if (!top.ok || top.text === '') {
      throw new AppError('not_found', `${path} is in no git repository.`, { next: 'Name a folder inside a checkout, or make one with `git init`.' });
    }
    const remote = await git(top.text, ['config', '--get', 'remote.origin.url']);
    const url = remote.ok && remote.text !== '' ? withoutCredentials(remote.text) : null;
    return { top: top.text, name: nameOf(url, top.text), remote: url };
  };
}

/** A remote may hold a token: `https://user:token@host/path` is kept without it. */
export function withoutCredentials(url: string): string {
  return url.replace(/^([a-z+]+:\/\/)[^/@]*@/i, '$1');
}

function nameOf(remote: string | null, top: string): string {
  const fromRemote =
    remote === null
      ? ''
      : basename(
          remote
            .replace(/[/:]+$/, '')
            .replace(/\.git$/, '')
            .replaceAll(':', '/'),
        );
  return fromRemote === '' ? basename(top) : fromRemote;
}

/** A project code from a repository's name: `My.Repo` → `my-repo`. */
export function codeFrom(name: string): string {
  const code = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 60);
  return code === '' ? 'project' : code;
}
