/**
 * How rows of runs and entries are read: columns, and what they become in TypeScript. No statement of its own.
 */
import { RunEvent } from '../../kernel/events.ts';
import type { Entry } from '../../kernel/events.ts';
import type { RunId } from '../../kernel/ids.ts';
import type { Priority, RunRow } from './store-port.ts';

/** What `RUN_COLUMNS` selects. */
export type StoredRun = Omit<RunRow, 'usage' | 'cost' | 'origin' | 'priority' | 'pool'> & {
  origin_run: RunId | null;
  origin_seq: number | null;
  origin_hash: string | null;
  pool: string;
  priority: number;
  input_tokens: number;
  cached_input_tokens: number;
  cache_write_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
  usage_estimated: boolean;
  cost_micro_usd: number;
  cost_known: boolean;
};

/** Of `RUN_TABLES`. */
export const RUN_COLUMNS = `r.org_id as org, r.id, r.project_id as project, r.agent_id as agent, r.agent_name as "agentName",
  r.agent_version as "agentVersion", r.status, r.waiting_for as "waitingFor", r.reason, r.purpose, r.trigger, r.schedule_id as schedule,
  r.parent_id as parent, r.root_id as root, r.depth, r.origin_run, r.origin_seq, r.origin_hash, r.lane, r.pool, r.priority,
  r.runnable_at as "runnableAtMs", r.deadline_at as "deadlineMs", r.actor_id as actor, r.correlation_id as correlation,
  r.created_at as "createdAtMs", r.started_at as "startedAtMs", r.ended_at as "endedAtMs", r.rehearsed, r.phase, r.percent, r.turns,
  r.tool_calls as "toolCalls", r.input_tokens, r.cached_input_tokens, r.cache_write_tokens, r.output_tokens, r.reasoning_tokens,
  r.usage_estimated, r.cost_micro_usd, r.cost_known, r.rules, s.head_seq as "headSeq", encode(s.head_hash, 'hex') as "headHash", s.fence`;

export const RUN_TABLES = 'run r join stream s on s.org_id = r.org_id and s.id = r.id';

/** As ranked in projection.ts. */
const PRIORITIES: readonly Priority[] = ['high', 'normal', 'low'];

export function rowOf(stored: StoredRun): RunRow {
  const { origin_run, origin_seq, origin_hash, pool, priority, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, ...rest } =
    stored;
  const { reasoning_tokens, usage_estimated, cost_micro_usd, cost_known, ...row } = rest;
  return {
    ...row,
    origin: origin_run === null || origin_seq === null || origin_hash === null ? null : { run: origin_run, seq: origin_seq, hash: origin_hash },
    pool: pool === '' ? null : pool,
    priority: PRIORITIES[priority] ?? 'normal',
    usage: {
      inputTokens: input_tokens,
      cachedInputTokens: cached_input_tokens,
      cacheWriteTokens: cache_write_tokens,
      outputTokens: output_tokens,
      reasoningTokens: reasoning_tokens,
      estimated: usage_estimated,
    },
    cost: { microUsd: cost_micro_usd, known: cost_known },
  };
}

/** What `ENTRY_COLUMNS` selects. */
export type StoredEntry = Omit<Entry, 'event'> & { payload: string | null };

/** Of `ENTRY_TABLES`. */
export const ENTRY_COLUMNS = `j.org_id as org, j.stream, j.seq, j.position, j.at as "atMs", j.version, j.actor, j.effect_id as "effectId", j.fence,
  encode(j.prev_hash, 'hex') as "prevHash", encode(j.hash, 'hex') as hash, coalesce(j.payload, p.body) as payload`;
export const ENTRY_TABLES = 'journal j left join payload p on j.payload is null and p.org_id = j.org_id and p.digest = j.commitment';

/** Parses the payload: what is stored was checked by types when it was written, and may be older than this release. */
export function entryOf({ payload, ...entry }: StoredEntry): Entry {
  return { ...entry, event: payload === null ? null : RunEvent.parse(JSON.parse(payload)) };
}
