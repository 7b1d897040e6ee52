/** Open issues of a GitHub repository, through the `gh` of this machine and whoever it is logged in as. A fault is a value. */
import { z } from 'zod';
import type { Clock } from '../../kernel/clock.ts';
import type { Count } from '../../kernel/page.ts';
import type { RunProcess } from '../../runtime/tools/child-process.ts';
import { plainLine, plainUrl } from '../alerts/alert.ts';
import type { Issue } from './issue.ts';

/** `total` counts all that are open; `issues` are the newest changed of them, at most GITHUB_LIMITS.pages × 100. */
export type Issues = { ok: true; issues: Issue[]; total: Count } | { ok: false; reason: string };
/** `repository` as in `github.com/acme/mill`. */
export type ReadIssues = (repository: string) => Promise<Issues>;

export const GITHUB_LIMITS = { pages: 5, perPage: 100, totalMs: 30_000, outputBytes: 2_000_000, titleChars: 300, labelChars: 60 } as const;

const QUERY = `query($owner: String!, $name: String!, $after: String) { repository(owner: $owner, name: $name) {
  issues(states: OPEN, first: ${GITHUB_LIMITS.perPage}, after: $after, orderBy: {field: UPDATED_AT, direction: DESC}) { totalCount pageInfo { hasNextPage endCursor }
    nodes { number title url updatedAt labels(first: 20) { nodes { name } } assignees(first: 10) { nodes { login } } } } } }`;

const Answer = z.object({
  data: z.object({
    repository: z.object({
      issues: z.object({
        totalCount: z.int(),
        pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
        nodes: z.array(
          z.object({
            number: z.int(),
            title: z.string(),
            url: z.string(),
            updatedAt: z.iso.datetime({ offset: true }),
            labels: z.object({ nodes: z.array(z.object({ name: z.string() })) }).nullable(),
            assignees: z.object({ nodes: z.array(z.object({ login: z.string() })) }),
          }),
        ),
      }),
    }),
  }),
});
type Page = z.infer<typeof Answer>['data']['repository']['issues'];

/** What `gh` needs to find its login, by name. */
const PASSED = ['HOME', 'XDG_CONFIG_HOME', 'GH_CONFIG_DIR', 'GH_TOKEN', 'GITHUB_TOKEN', 'GH_HOST', 'GH_ENTERPRISE_TOKEN', 'DBUS_SESSION_BUS_ADDRESS'];

export type GitHubDeps = { run: RunProcess; clock: Clock; path: string; env: Readonly<Record<string, string | undefined>>; home: string };

export function createReadIssues(deps: GitHubDeps): ReadIssues {
  return async (repository) => {
    const [host = '', owner = '', name = '', ...more] = repository.split('/');
    if (owner === '' || name === '' || more.length > 0) return { ok: false, reason: `${repository} is no repository of a forge.` };
    const deadlineMs = deps.clock.nowMs() + GITHUB_LIMITS.totalMs;
    const issues: Issue[] = [];
    let after: string | null = null;
    for (let page = 1; page <= GITHUB_LIMITS.pages; page += 1) {
      const found = await ask(deps, { host, owner, name, after, deadlineMs });
      if (typeof found === 'string') return { ok: false, reason: found };
      issues.push(...found.nodes.map(issueOf));
      after = found.pageInfo.hasNextPage ? found.pageInfo.endCursor : null;
      if (after === null || page === GITHUB_LIMITS.pages) return { ok: true, issues, total: { kind: 'exact', value: found.totalCount } };
    }
    return { ok: false, reason: 'No page was asked for.' };
  };
}

export function ghEnvironment({ env, path }: Pick<GitHubDeps, 'env' | 'path'>): Record<string, string> {
  const passed = PASSED.flatMap((each) => ((value) => (value === undefined ? [] : [[each, value] as const]))(env[each]));
  return { ...Object.fromEntries(passed), PATH: path, GH_PROMPT_DISABLED: '1', GH_NO_UPDATE_NOTIFIER: '1', NO_COLOR: '1' };
}

type Wanted = { host: string; owner: string; name: string; after: string | null; deadlineMs: number };

/** The page, or why there is none. `-f` takes its value as it stands; `-F` would read a file for one that begins with @. */
async function ask(deps: GitHubDeps, { host, owner, name, after, deadlineMs }: Wanted): Promise<Page | string> {
  const cursor = after === null ? [] : ['-f', `after=${after}`];
  const variables = ['-f', `query=${QUERY}`, '-f', `owner=${owner}`, '-f', `name=${name}`, ...cursor];
  const result = await deps.run({
    argv: ['gh', 'api', 'graphql', '--hostname', host, ...variables],
    cwd: deps.home,
    env: ghEnvironment(deps),
    deadlineMs,
    signal: new AbortController().signal,
    maxBytes: GITHUB_LIMITS.outputBytes,
  });
  if (result.ended === 'unstarted') return '`gh` is not installed on the server: install GitHub CLI and run `gh auth login`.';
  if (result.ended === 'deadline') return `${host} did not answer within ${GITHUB_LIMITS.totalMs / 1_000} seconds.`;
  if (result.exitCode !== 0) return plainLine(`gh: ${result.stderr.toString('utf8') || `it ended with ${result.exitCode ?? result.ended}`}`, 300);
  try {
    return Answer.parse(JSON.parse(result.stdout.toString('utf8'))).data.repository.issues;
  } catch {
    return '`gh` answered something that is no list of issues.'; // cut, or a shape of another version
  }
}

function issueOf({ number, title, url, updatedAt, labels, assignees }: Page['nodes'][number]): Issue {
  return {
    number,
    title: plainLine(title, GITHUB_LIMITS.titleChars),
    url: plainUrl(url) ?? '',
    labels: (labels?.nodes ?? []).map((label) => plainLine(label.name, GITHUB_LIMITS.labelChars)),
    assignees: assignees.nodes.map(({ login }) => plainLine(login, GITHUB_LIMITS.labelChars)),
    updatedAtMs: Date.parse(updatedAt),
  };
}
