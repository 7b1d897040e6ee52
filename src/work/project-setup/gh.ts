/** GitHub CLI of this machine, as whoever it is logged in as. No shell; only the environment it needs. */
import { AppError } from '../../kernel/errors.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { RunProcess } from '../../runtime/tools/child-process.ts';
import { plainLine } from '../alerts/alert.ts';
import { ghEnvironment } from '../work-queue/github-issues.ts';

const GH_MS = 20_000;
const OUTPUT_BYTES = 1_000_000;

export type GhDeps = { run: RunProcess; clock: Clock; path: string; env: Readonly<Record<string, string | undefined>>; home: string };

/** Answers what it prints. @throws AppError `unavailable` with the reason (from the function returned). */
export function createGh(deps: GhDeps): (args: readonly string[]) => Promise<string> {
  return async (args) => {
    const result = await deps.run({
      argv: ['gh', ...args],
      cwd: deps.home,
      env: ghEnvironment(deps),
      deadlineMs: deps.clock.nowMs() + GH_MS,
      signal: new AbortController().signal,
      maxBytes: OUTPUT_BYTES,
    });
    if (result.exitCode === 0 && !result.cut) return result.stdout.toString('utf8');
    const why =
      result.ended === 'unstarted' ? '`gh` is not installed on the server.' : plainLine(`gh: ${result.stderr.toString('utf8') || result.ended}`, 300);
    throw new AppError('unavailable', why, { next: 'Install GitHub CLI on the server and run `gh auth login`.' });
  };
}
