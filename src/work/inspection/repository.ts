/** The files of a checkout as git tracks them: names, and the text of those that are asked for. Follows no link; changes nothing. */
import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../kernel/clock.ts';
import type { RunProcess } from '../../runtime/tools/child-process.ts';

export type Repository = {
  /** Relative paths with `/`, sorted; at most INSPECTION_LIMITS.files. */
  files: readonly string[];
  cut: boolean;
  /** Null for a file that is not tracked, is too large, or is no text. */
  read: (file: string) => Promise<string | null>;
};
/** @returns why it cannot be read, as a sentence, when it cannot. */
export type OpenRepository = (top: string) => Promise<Repository | string>;

export const INSPECTION_LIMITS = { files: 20_000, fileBytes: 512_000, gitMs: 20_000, listBytes: 4_000_000 } as const;

export function createOpenRepository(deps: { run: RunProcess; clock: Clock; path: string }): OpenRepository {
  return async (top) => {
    const result = await deps.run({
      argv: ['git', '-c', 'safe.directory=*', '-c', 'core.fsmonitor=false', 'ls-files', '--stage', '-z'],
      cwd: top,
      env: { PATH: deps.path, HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' },
      deadlineMs: deps.clock.nowMs() + INSPECTION_LIMITS.gitMs,
      signal: new AbortController().signal,
      maxBytes: INSPECTION_LIMITS.listBytes,
    });
    if (result.ended === 'unstarted') return 'git is not installed on the server, or the checkout is gone.';
    if (result.exitCode !== 0) return `git ls-files failed: ${result.stderr.toString('utf8').trim().slice(0, 300) || result.ended}.`;
    // `mode hash stage TAB name`; links (120000) and submodules (160000) are no files
    const named = result.stdout
      .toString('utf8')
      .split('\0')
      .flatMap((entry) => /^100(?:644|755) \S+ \d\t(.+)$/s.exec(entry)?.[1] ?? []);
    const files = [...new Set(named)].toSorted().slice(0, INSPECTION_LIMITS.files);
    const tracked = new Set(files);
    return { files, cut: result.cut || named.length > files.length, read: async (file) => (tracked.has(file) ? readText(join(top, file)) : null) };
  };
}

async function readText(path: string): Promise<string | null> {
  try {
    const { size, isFile } = await lstat(path).then((found) => ({ size: found.size, isFile: found.isFile() }));
    if (!isFile || size > INSPECTION_LIMITS.fileBytes) return null;
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
    return text.includes('\u0000') ? null : text.replaceAll('\r\n', '\n');
  } catch {
    return null; // deleted in the working tree, unreadable, or no UTF-8: as if it were not there
  }
}

/** What is there to prove or to show, not to run: its routes and tables are nobody's API. */
const APART =
  /(^|\/)(tests?|__tests__|spec|specs|fixtures?|testdata|mocks?|__mocks__|examples?|docs?|documentation|benchmarks?|bench|perf-measures|e2e|runtime-tests|integration-tests|vendor|node_modules|third_party|dist|build|\.storybook)\//i;

export function isTest(file: string): boolean {
  return (
    /(^|\/)(test_[^/]+\.py|[^/]+_test\.(go|py)|[^/]+\.(test|spec)\.[cm]?[jt]sx?|[^/]+(_spec|_test)\.rb)$/i.test(file) ||
    /(^|\/)(tests?|__tests__|spec|e2e)\/.+\.(py|[cm]?[jt]sx?|rs|go|rb)$/i.test(file)
  );
}

export function isOwnCode(file: string): boolean {
  return !APART.test(file) && !isTest(file);
}
