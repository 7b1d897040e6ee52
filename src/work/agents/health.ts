/** What the end of a run makes of its agent, in the commit of that end (spec AGT-4). */
import { RUN_STATUSES } from '../../kernel/run-status.ts';
import type { EndedRun } from '../../runtime/runs/drive-deps.ts';
import type { Sql } from '../../storage/database.ts';
import { FAILURES_TO_ERROR, afterRun } from './agent.ts';
import * as store from './store.ts';

const REASON_CHARS = 300;

/**
 * Counts the end; true when this end put the agent in error. Evals, dry runs, forks and replays say nothing of an agent's health.
 * Locks the agent: companions of one batch run in the order of (org, agent), so that two batches never wait for each other.
 */
export async function countRunEnd(tx: Sql, { row, ended }: EndedRun): Promise<boolean> {
  if (row.purpose !== 'live' && row.purpose !== 'rehearsal') return false;
  const { org, agent: id } = row;
  if (ended.status === 'succeeded') {
    await store.resetFailures(tx, org, id);
    return false;
  }
  if (!RUN_STATUSES[ended.status].countsAsFailure) return false;
  const before = await store.lockHealth(tx, org, id);
  if (before === null) return false;
  const health = afterRun(before, ended.status);
  const entered = health.state === 'error' && before.state !== 'error';
  await store.setHealth(tx, org, {
    id,
    health,
    reason: `${FAILURES_TO_ERROR} failed runs in a row, the last ${row.id}: ${ended.reason}`.slice(0, REASON_CHARS),
  });
  return entered;
}
