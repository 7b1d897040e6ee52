/** The SQL of the status: counts over runs, approvals and agents of one organization. Nothing here decides anything. */
import { isoTime } from '../../kernel/clock.ts';
import type { OrgId } from '../../kernel/ids.ts';
import type { RunStatus } from '../../kernel/run-status.ts';
import type { Tx } from '../../storage/database.ts';
import type { z } from 'zod';
import type { ActivityView, StatusView, statusOperations } from './contract.ts';
import { ACTIVITY_SHOWN } from './contract.ts';

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

type Tables = { rows: { name: string; bytes: number; rows: number | null }[]; bytes: number; total: number };

/** Sizes of tables with their indexes and what is stored beside them: of the database, which all organizations share. */
export async function largestTables(tx: Tx, limit: number): Promise<Tables> {
  const rows = await tx.query<{ name: string; bytes: number; rows: number | null; whole: number; total: number }>(
    `select c.relname as name, pg_total_relation_size(c.oid) as bytes, case when c.reltuples >= 0 then c.reltuples::bigint end as rows,
       (sum(pg_total_relation_size(c.oid)) over ())::bigint as whole, count(*) over () as total
     from pg_class c where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r' order by bytes desc, name limit $1`,
    [limit],
  );
  const [first] = rows;
  return { rows: rows.map(({ name, bytes, rows: count }) => ({ name, bytes, rows: count })), bytes: first?.whole ?? 0, total: first?.total ?? 0 };
}

type Activity = z.infer<typeof ActivityView>;

export function endedSince(tx: Tx, org: OrgId, sinceMs: number): Promise<Activity['ended']> {
  return tx.query(
    'select status, count(*) as count from run where org_id = $1 and ended_at is not null and ended_at > $2 group by status order by status',
    [org, isoTime(sinceMs)],
  );
}

export function failuresSince(tx: Tx, org: OrgId, sinceMs: number): Promise<Activity['failures']> {
  return tx.query(
    `select id, agent_name as agent, status, reason, ended_at as "endedAtMs" from run
     where org_id = $1 and ended_at is not null and ended_at > $2 and status in ('failed', 'halted') order by ended_at desc, id limit $3`,
    [org, isoTime(sinceMs), ACTIVITY_SHOWN],
  );
}

export async function questionsSince(tx: Tx, org: OrgId, sinceMs: number): Promise<Pick<Activity, 'asked' | 'answered' | 'expired'>> {
  const [row] = await tx.query<Pick<Activity, 'asked' | 'answered' | 'expired'>>(
    `select count(*) filter (where asked_at > $2) as asked, count(*) filter (where state = 'answered' and answered_at > $2) as answered,
       count(*) filter (where state = 'expired' and deadline_at > $2) as expired
     from approval where org_id = $1 and greatest(asked_at, coalesce(answered_at, asked_at), deadline_at) > $2`,
    [org, isoTime(sinceMs)],
  );
  return row ?? { asked: 0, answered: 0, expired: 0 };
}

/** Administrative events looked through for changes of agents. */
const ADMIN_EVENTS_MAX = 500;

export async function agentChangesSince(tx: Tx, org: OrgId, sinceMs: number): Promise<Activity['agents']> {
  type Payload = { type: string; by: { name: string }; detail: { name?: string } };
  const rows = await tx.query<{ position: number; at: number; payload: string }>(
    `select position, at, payload from (
       select position, at, type, payload from journal where org_id = $1 and stream = $1 order by seq desc limit ${ADMIN_EVENTS_MAX}) latest
     where at > $2 and type like 'agent.%' and payload is not null order by position desc limit $3`,
    [org, isoTime(sinceMs), ACTIVITY_SHOWN],
  );
  return rows.map(({ position, at, payload }) => {
    const { type, by, detail } = JSON.parse(payload) as Payload;
    return { position, name: detail.name ?? '', what: type.slice('agent.'.length), by: by.name, atMs: at };
  });
}

type ByAgent = z.infer<typeof statusOperations.agents.output>['items'];

export function figuresByAgent(tx: Tx, org: OrgId, sinceMs: number): Promise<ByAgent> {
  return tx.query(
    `select agent_name as agent, count(*) as runs, count(*) filter (where status = 'succeeded') as succeeded,
       count(*) filter (where status in ('failed', 'halted')) as failed, count(*) filter (where ended_at is null) as live,
       coalesce(sum(cost_micro_usd), 0)::bigint as "microUsd", count(*) filter (where not cost_known) as unknown, max(created_at) as "lastAtMs"
     from run where org_id = $1 and created_at > $2 group by agent_name order by agent_name`,
    [org, isoTime(sinceMs)],
  );
}
