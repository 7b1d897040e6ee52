/** The SQL of the status: counts over runs, approvals and agents of one organization. Nothing here decides anything. */
import { isoTime } from '../../kernel/clock.ts';
import type { OrgId } from '../../kernel/ids.ts';
import type { RunStatus } from '../../kernel/run-status.ts';
import type { Tx } from '../../storage/database.ts';
import type { StatusView } from './contract.ts';

export function countRuns(tx: Tx, org: OrgId): Promise<{ status: RunStatus; count: number }[]> {
  return tx.query('select status, count(*) as count from run where org_id = $1 group by status order by status', [org]);
}

type Listed<T> = { total: number; rows: T[] };

export async function openQuestions(tx: Tx, org: OrgId, limit: number): Promise<Listed<StatusView['waitingForPeople']['items'][number]>> {
  const rows = await tx.query<StatusView['waitingForPeople']['items'][number] & { total: number }>(
    `select id, run_id as run, agent_name as agent, kind, question, deadline_at as "deadlineMs", count(*) over () as total
     from approval where org_id = $1 and state = 'open' and deadline_at > clock_now() order by deadline_at, id limit $2`,
    [org, limit],
  );
  return listed(rows);
}

export async function agentsInError(tx: Tx, org: OrgId, limit: number): Promise<Listed<StatusView['agentsInError']['items'][number]>> {
  const rows = await tx.query<StatusView['agentsInError']['items'][number] & { total: number }>(
    `select name, state_reason as reason, state_at as "sinceMs", count(*) over () as total
     from agent where org_id = $1 and state = 'error' order by state_at desc, name limit $2`,
    [org, limit],
  );
  return listed(rows);
}

function listed<T>(rows: readonly (T & { total: number })[]): Listed<T> {
  return { total: rows[0]?.total ?? 0, rows: rows.map(({ total: _total, ...row }) => row as unknown as T) };
}

export type Spent = { runs: number; unknown: number; rehearsed: number; microUsd: number; inputTokens: number; outputTokens: number };

/** Of runs created since then. Sub-agents are runs of their own, so that nothing is counted twice. */
export async function spentSince(tx: Tx, org: OrgId, sinceMs: number): Promise<Spent> {
  const [row] = await tx.query<Spent>(
    `select count(*) as runs, count(*) filter (where not cost_known) as unknown, count(*) filter (where rehearsed) as rehearsed,
       coalesce(sum(cost_micro_usd), 0)::bigint as "microUsd", coalesce(sum(input_tokens), 0)::bigint as "inputTokens",
       coalesce(sum(output_tokens), 0)::bigint as "outputTokens"
     from run where org_id = $1 and created_at >= $2`,
    [org, isoTime(sinceMs)],
  );
  return row ?? { runs: 0, unknown: 0, rehearsed: 0, microUsd: 0, inputTokens: 0, outputTokens: 0 };
}
