/** Pull requests of a branch that changed since a time, through the `gh` of this machine. A fault is a value: the proposal says it. */
import { z } from 'zod';
import { plainLine } from '../alerts/alert.ts';
import type { GitHubDeps } from '../work-queue/github-issues.ts';
import { ghEnvironment } from '../work-queue/github-issues.ts';
import type { Proposal } from './contract.ts';
import { HANDOFF_LIMITS } from './contract.ts';

export type Pulls = Proposal['pulls'];
/** `repository` as in `github.com/acme/mill`. */
export type ReadPulls = (of: { repository: string | null; branch: string | null; sinceMs: number }) => Promise<Pulls>;

const GH_MS = 5_000;
const OUTPUT_BYTES = 500_000;
const Answer = z.array(z.object({ number: z.int(), title: z.string(), state: z.string(), updatedAt: z.iso.datetime({ offset: true }) }));

export function createReadPulls(deps: GitHubDeps): ReadPulls {
  return async ({ repository, branch, sinceMs }) => {
    if (repository === null || branch === null) return noPulls('the session named no repository and branch');
    const max = HANDOFF_LIMITS.proposedMax;
    const result = await deps.run({
      argv: [
        'gh',
        'pr',
        'list',
        `--repo=${repository}`,
        `--head=${branch}`,
        '--state=all',
        `--limit=${max + 1}`,
        '--json=number,title,state,updatedAt',
      ],
      cwd: deps.home,
      env: ghEnvironment(deps),
      deadlineMs: deps.clock.nowMs() + GH_MS,
      signal: new AbortController().signal,
      maxBytes: OUTPUT_BYTES,
    });
    if (result.ended === 'unstarted') return noPulls('`gh` is not installed on the server');
    if (result.exitCode !== 0) return noPulls(plainLine(`gh: ${result.stderr.toString('utf8') || result.ended}`, 200));
    const parsed = Answer.safeParse(jsonOf(result.stdout.toString('utf8')));
    if (!parsed.success) return noPulls('`gh` answered something that is no list of pull requests');
    const found = parsed.data.filter(({ updatedAt }) => Date.parse(updatedAt) >= sinceMs);
    const items = found.slice(0, max).map(({ number, title, state }) => ({ number, title: plainLine(title, 300), state: state.toLowerCase() }));
    return { items, total: { kind: parsed.data.length > max ? 'at_least' : 'exact', value: items.length }, fault: null };
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // cut, or no JSON: the schema refuses it
  }
}

export function noPulls(fault: string): Pulls {
  return { items: [], total: { kind: 'unknown', why: fault }, fault };
}
