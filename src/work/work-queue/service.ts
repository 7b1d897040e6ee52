/** Use cases of the work queue: asks the forge for each repository, keeps its answer a minute, and never holds its caller up for longer than it says. */
import type { Clock } from '../../kernel/clock.ts';
import type { OrgId } from '../../kernel/ids.ts';
import type { Handlers } from '../../kernel/operation.ts';
import type { Count } from '../../kernel/page.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { QueueView, workQueueOperations } from './contract.ts';
import type { Issues, ReadIssues } from './github-issues.ts';
import type { WhyNoForge } from './forge-login.ts';
import type { QueueItem } from './issue.ts';
import { inOrder, priorityOf, statusOf, sumCounts } from './issue.ts';

export type WorkQueueDeps = {
  /** Of this process. */
  clock: Clock;
  readIssues: ReadIssues;
  whyNoForge: WhyNoForge;
  /** Codes with the host and path of their remote, null without one; of one project or all. @throws AppError `not_found` */
  repositories: (org: OrgId, project: string | null) => Promise<{ project: string; repository: string | null }[]>;
};
export type WorkQueue = { handlers: Handlers<Principal, typeof workQueueOperations> };

export const QUEUE_LIMITS = {
  /** Repositories asked at once. */
  projects: 20,
  freshMs: 60_000,
  /** An answer that old is shown with its time while a newer one is on its way. */
  shownMs: 15 * 60_000,
  kept: 500,
} as const;

type Kept = { answer: Issues; atMs: number };
type Told = { answer: Issues; readAtMs: number | null };

export function createWorkQueue(deps: WorkQueueDeps): WorkQueue {
  const ask = createAsk(deps);
  return {
    handlers: {
      read: async ({ principal }, { project, limit, waitMs }) => {
        const all = await deps.repositories(principal.org, project ?? null);
        const refused = await deps.whyNoForge();
        const told = await Promise.all(
          all.map(async ({ project: code, repository }, index) => {
            if (repository === null) return { code, repository, ...failed('The project has no git remote.') };
            if (refused !== null) return { code, repository, ...failed(refused) };
            if (index >= QUEUE_LIMITS.projects)
              return { code, repository, ...failed(`Only ${QUEUE_LIMITS.projects} are asked at once: name the project.`) };
            return { code, repository, ...(await ask(repository, waitMs)) };
          }),
        );
        return viewOf(told, limit);
      },
    },
  };
}

/** Failures are kept as long as answers, so that a forge that is down is not asked at every turn. */
function createAsk({ clock, readIssues }: WorkQueueDeps): (repository: string, waitMs: number) => Promise<Told> {
  const kept = new Map<string, Kept>();
  const pending = new Map<string, Promise<Kept>>();
  const read = async (repository: string): Promise<Kept> => {
    const answer = await readIssues(repository).catch(() => ({ ok: false, reason: 'The forge could not be asked.' }) as const); // its reader says more
    const fresh = { answer, atMs: clock.nowMs() };
    kept.delete(repository);
    kept.set(repository, fresh);
    const [oldest] = kept.keys();
    if (kept.size > QUEUE_LIMITS.kept && oldest !== undefined) kept.delete(oldest);
    pending.delete(repository);
    return fresh;
  };
  return async (repository, waitMs) => {
    const known = kept.get(repository);
    if (known !== undefined && clock.nowMs() - known.atMs < QUEUE_LIMITS.freshMs) return toldOf(known);
    const reading = pending.get(repository) ?? read(repository);
    pending.set(repository, reading);
    const answered = new AbortController();
    const late = clock.sleep(waitMs, answered.signal).then(() => null);
    const fresh = await Promise.race([reading, late]);
    answered.abort();
    if (fresh !== null) return toldOf(fresh);
    if (known?.answer.ok === true && clock.nowMs() - known.atMs < QUEUE_LIMITS.shownMs) return toldOf(known);
    return failed(`The forge did not answer within ${waitMs} ms; it is being asked, and its answer is there the next time.`);
  };
}

function toldOf({ answer, atMs }: Kept): Told {
  return { answer, readAtMs: answer.ok ? atMs : null };
}

function failed(reason: string): Told {
  return { answer: { ok: false, reason }, readAtMs: null };
}

type Source = Told & { code: string; repository: string | null };

function viewOf(told: readonly Source[], limit: number): QueueView {
  const items = inOrder(
    told.flatMap(({ code, answer }) =>
      answer.ok
        ? answer.issues.map((issue): QueueItem => ({ ...issue, project: code, priority: priorityOf(issue.labels), status: statusOf(issue.labels) }))
        : [],
    ),
  );
  const totals = told.map(({ answer }): Count => (answer.ok ? answer.total : { kind: 'unknown', why: answer.reason }));
  const total = sumCounts(totals);
  // what was not fetched may be of any priority
  const whole = total.kind === 'exact' && total.value === items.length;
  const count = (has: (item: QueueItem) => boolean): Count =>
    total.kind === 'unknown' ? total : { kind: whole ? 'exact' : 'at_least', value: items.filter(has).length };
  const shown = items.slice(0, limit);
  return {
    sources: told.map(({ code, repository, answer, readAtMs }, index) => ({
      ...{ project: code, repository, readAtMs, state: answer.ok ? ('ok' as const) : ('failed' as const) },
      ...{ reason: answer.ok ? '' : answer.reason, total: totals[index] ?? { kind: 'unknown', why: 'it was not asked' } },
    })),
    items: shown,
    shown: shown.length,
    total,
    byPriority: {
      urgent: count(({ priority }) => priority === 'urgent'),
      high: count(({ priority }) => priority === 'high'),
      normal: count(({ priority }) => priority === 'normal'),
      low: count(({ priority }) => priority === 'low'),
    },
    byStatus: {
      in_progress: count(({ status }) => status === 'in_progress'),
      ready: count(({ status }) => status === 'ready'),
      open: count(({ status }) => status === 'open'),
      blocked: count(({ status }) => status === 'blocked'),
    },
  };
}
