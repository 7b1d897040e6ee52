/** The commits made since one, as git itself tells them. Reads only; nothing of the repository's configuration is carried out. */
import type { Clock } from '../../kernel/clock.ts';
import type { Count } from '../../kernel/page.ts';
import type { RunProcess } from '../../runtime/tools/child-process.ts';
import type { Proposal } from './contract.ts';
import { HANDOFF_LIMITS } from './contract.ts';

export type Commits = Proposal['commits'];
/** In the checkout at `path`: what `head` (a branch or commit) has that `since` had not. A fault is a value: the proposal says it. */
export type ReadCommits = (range: { path: string; since: string; head: string }) => Promise<Commits>;

const GIT_MS = 10_000;
const OUTPUT_BYTES = 200_000;

export function createReadCommits(deps: { run: RunProcess; clock: Clock; path: string }): ReadCommits {
  return async ({ path, since, head }) => {
    const max = HANDOFF_LIMITS.proposedMax;
    const range = ['--no-show-signature', `--max-count=${max + 1}`, '--format=%H%x1f%ct%x1f%s', '--end-of-options', `${since}..${head}`, '--'];
    const result = await deps.run({
      argv: ['git', '-c', 'safe.directory=*', '-c', 'core.fsmonitor=false', 'log', ...range],
      cwd: path,
      env: { PATH: deps.path, HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' },
      deadlineMs: deps.clock.nowMs() + GIT_MS,
      signal: new AbortController().signal,
      maxBytes: OUTPUT_BYTES,
    });
    if (result.exitCode !== 0)
      return noCommits(`git log failed: ${result.stderr.toString('utf8').trim().slice(0, 300) || result.detail || result.ended}`);
    const found = result.stdout
      .toString('utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [id = '', seconds = '0', subject = ''] = line.split('\x1f');
        return { id, subject, atMs: Number(seconds) * 1_000 };
      });
    const total: Count = found.length > max ? { kind: 'at_least', value: max } : { kind: 'exact', value: found.length };
    return { items: found.slice(0, max), total, fault: null };
  };
}

export function noCommits(fault: string): Commits {
  return { items: [], total: { kind: 'unknown', why: fault }, fault };
}
