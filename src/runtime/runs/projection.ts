/**
 * Column values of the projection: what a new run and a patch put into the table. Pure; the way back is row-store.ts.
 */
import { isoTime } from '../../kernel/clock.ts';
import { isFinal } from '../../kernel/run-status.ts';
import type { EventOf } from '../../kernel/events.ts';
import type { JsonObject } from '../../kernel/canonical-json.ts';
import type { NewRun, Priority, RunPatch } from './store-port.ts';

/** As stored: sorts as it is claimed. */
export const PRIORITY_RANK = { high: 0, normal: 1, low: 2 } as const satisfies Record<Priority, number>;

const timeOrNull = (ms: number | null): string | null => (ms === null ? null : isoTime(ms));

/** Text that a column can hold: a tool's own words may end up in a reason. */
const storable = (text: string): string => text.replaceAll('\0', '\uFFFD').toWellFormed();

/** Column values a patch sets; null when it sets none. An ended run is held by nobody and due never. */
export function changesOf(patch: RunPatch, atMs: number): JsonObject | null {
  const changes: Record<string, string | number | boolean | null> = {};
  if (patch.status !== undefined) changes['status'] = patch.status;
  if (patch.waitingFor !== undefined) changes['waiting_for'] = patch.waitingFor;
  if (patch.reason !== undefined) changes['reason'] = storable(patch.reason);
  if (patch.startedAtMs !== undefined) changes['started_at'] = timeOrNull(patch.startedAtMs);
  if (patch.endedAtMs !== undefined) changes['ended_at'] = timeOrNull(patch.endedAtMs);
  if (patch.rehearsed !== undefined) changes['rehearsed'] = patch.rehearsed;
  if (patch.phase !== undefined) changes['phase'] = patch.phase === null ? null : storable(patch.phase);
  if (patch.percent !== undefined) changes['percent'] = patch.percent;
  if (patch.turns !== undefined) changes['turns'] = patch.turns;
  if (patch.toolCalls !== undefined) changes['tool_calls'] = patch.toolCalls;
  if (patch.usage !== undefined) {
    changes['input_tokens'] = patch.usage.inputTokens;
    changes['cached_input_tokens'] = patch.usage.cachedInputTokens;
    changes['cache_write_tokens'] = patch.usage.cacheWriteTokens;
    changes['output_tokens'] = patch.usage.outputTokens;
    changes['reasoning_tokens'] = patch.usage.reasoningTokens;
    changes['usage_estimated'] = patch.usage.estimated;
  }
  if (patch.cost !== undefined) {
    changes['cost_micro_usd'] = patch.cost.microUsd;
    changes['cost_known'] = patch.cost.known;
  }
  const ends = patch.status !== undefined && isFinal(patch.status);
  if (ends) changes['ended_at'] ??= isoTime(atMs);
  if (ends || patch.release !== undefined) {
    changes['worker_id'] = null;
    changes['lease_until'] = null;
    changes['runnable_at'] = ends ? null : timeOrNull(patch.release?.runnableAtMs ?? null);
  }
  return Object.keys(changes).length === 0 ? null : changes;
}

/** The first entry of a run's journal: what was asked for, and how it was filed. */
export function firstEntryOf(run: NewRun): EventOf<'run.queued'> {
  const { project, schedule, root, lane, pool, priority } = run;
  return { ...run.queued, filed: { project, schedule, root, lane, pool, priority } };
}

/** Column values of a new run, all but those with a default. */
export function newRowOf(run: NewRun, atMs: number): JsonObject {
  const { queued } = run;
  return {
    org_id: run.org,
    id: run.id,
    project_id: run.project,
    agent_id: run.agent,
    agent_name: run.agentName,
    agent_version: run.agentVersion,
    purpose: queued.purpose,
    trigger: queued.trigger,
    schedule_id: run.schedule,
    parent_id: run.parent,
    root_id: run.root,
    depth: run.depth,
    origin_run: queued.origin?.run ?? null,
    origin_seq: queued.origin?.seq ?? null,
    origin_hash: queued.origin?.hash ?? null,
    lane: run.lane,
    pool: run.pool ?? '',
    priority: PRIORITY_RANK[run.priority],
    deadline_at: timeOrNull(run.deadlineMs),
    actor_id: run.actor,
    correlation_id: run.correlation,
    created_at: isoTime(atMs),
    rules: queued.rules,
    runnable_at: isoTime(run.notBeforeMs ?? atMs),
  };
}
