/** A schedule's firing as a run of its agent: in the name of the agent itself, on the default project. When it fires is `runtime/schedules`. */
import type { OrgId, ProjectId } from '../../kernel/ids.ts';
import { databaseTx } from '../../runtime/runs/store.ts';
import type { FireRequest } from '../../runtime/schedules/ticker.ts';
import type { StartDeps } from './start-run.ts';
import { startRun, unknownAgent } from './start-run.ts';
import * as store from './store.ts';

/** @throws AppError as starting a run does: the firing is recorded as skipped with that reason. */
export async function fireSchedule(
  deps: StartDeps & { project: (org: OrgId, wanted: string | undefined) => Promise<ProjectId | null> },
  { schedule, lane, companion }: FireRequest,
): Promise<void> {
  const { org } = schedule;
  const agent = await deps.db.asOrg(org, (tx) => store.getById(tx, org, schedule.agent));
  if (agent === null) throw unknownAgent(schedule.agentName);
  await startRun(deps, {
    org,
    agent: agent.name,
    input: schedule.spec.input ?? {},
    trigger: 'schedule',
    by: { actor: agent.actor, name: `schedule of ${agent.name}` },
    actor: agent.actor,
    correlation: deps.ids.next('cor'),
    requester: null,
    schedule: schedule.id,
    lane,
    project: await deps.project(org, undefined),
    companion: (tx, run) => companion(databaseTx(tx), run),
  });
}
