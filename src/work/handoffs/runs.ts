/** The runs of a project since a time, for a proposal: read from the runs' own list, among its newest. */
import type { OrgId, ProjectId } from '../../kernel/ids.ts';
import { PAGE_SIZE_MAX } from '../../kernel/page.ts';
import type { RunViews } from '../../runtime/runs/views-store.ts';
import type { Proposal } from './contract.ts';
import { HANDOFF_LIMITS } from './contract.ts';

export type RunsSince = (org: OrgId, project: ProjectId, sinceMs: number) => Promise<Proposal['runs']>;

export function createRunsSince(views: Pick<RunViews, 'listRuns'>): RunsSince {
  return async (org, project, sinceMs) => {
    const page = await views.listRuns(org, {}, { limit: PAGE_SIZE_MAX });
    const since = page.items.filter((run) => run.createdAtMs >= sinceMs);
    const found = since.filter((run) => run.project === project);
    // older ones on the next page may be of the session's time as well
    const more = page.next !== null && since.length === page.items.length;
    const items = found.slice(0, HANDOFF_LIMITS.proposedMax).map(({ id, agentName, status, reason }) => ({ id, agent: agentName, status, reason }));
    return { items, total: { kind: more ? 'at_least' : 'exact', value: found.length }, fault: null };
  };
}
