/**
 * The projection row of a run as its fold has it: written beside every append, and compared with a fold from nothing by a
 * test. Pure; nothing decides by these fields, they are for lists and claims.
 */
import { isDeepStrictEqual } from 'node:util';
import { invariant } from '../../kernel/errors.ts';
import type { Entry } from '../../kernel/events.ts';
import { storedId } from '../../kernel/ids.ts';
import { NO_USAGE } from '../../kernel/messages.ts';
import { foldAll } from './fold.ts';
import { emptyState, type RunState } from './state.ts';
import type { RunPatch, RunRow } from './store-port.ts';

export function patchOf(state: RunState): RunPatch {
  // the run's own spending: its children have rows of their own
  const { own, waiting, ended } = state;
  const waitingFor = waiting?.event.for ?? null;
  return {
    status: state.status,
    waitingFor: waitingFor === 'pause' ? null : waitingFor,
    reason: ended?.event.reason ?? waiting?.event.reason ?? '',
    startedAtMs: state.startedAtMs,
    endedAtMs: ended?.atMs ?? null,
    rehearsed: state.rehearsed,
    phase: state.phase,
    percent: state.percent,
    turns: own.turns,
    toolCalls: own.toolCalls,
    usage: own.usage,
    cost: { microUsd: own.costMicroUsd, known: own.costKnown },
  };
}

/** The fields of `next` that `known` does not have already. */
export function changedSince(known: RunPatch, next: RunPatch): RunPatch {
  const changed = Object.entries(next).filter(([field, value]) => !isDeepStrictEqual(value, known[field as keyof RunPatch]));
  return Object.fromEntries(changed);
}

/** All of a projection row but when the run may next be taken, which only claiming needs. */
export type Rebuilt = Omit<RunRow, 'runnableAtMs'>;

/** The row from nothing but the run's own entries, for comparison and repair. @throws AppError as `fold` does. */
export function rebuildRun(entries: readonly Entry[], from: RunState = emptyState()): Rebuilt {
  const [first] = entries;
  const last = entries.at(-1);
  invariant(first?.event?.type === 'run.queued' && last !== undefined, 'a journal begins with run.queued');
  const queued = first.event;
  const { filed } = queued;
  invariant(filed !== undefined, 'a stored run.queued says how it was filed');
  const { agent } = queued.plan;
  const { status = 'queued', waitingFor = null, reason = '', startedAtMs = null, endedAtMs = null, ...shown } = patchOf(foldAll(entries, from));
  const { rehearsed = false, phase = null, percent = null, turns = 0, toolCalls = 0, usage = NO_USAGE, cost = { microUsd: 0, known: true } } = shown;
  return {
    org: storedId('org', first.org),
    id: storedId('run', first.stream),
    agent: storedId('agt', agent.id),
    agentName: agent.name,
    agentVersion: agent.version,
    purpose: queued.purpose,
    trigger: queued.trigger,
    parent: queued.parent === null ? null : storedId('run', queued.parent.run),
    origin: queued.origin === null ? null : { run: storedId('run', queued.origin.run), seq: queued.origin.seq, hash: queued.origin.hash },
    deadlineMs: queued.deadlineMs,
    project: filed.project === null ? null : storedId('prj', filed.project),
    schedule: filed.schedule === null ? null : storedId('sch', filed.schedule),
    root: storedId('run', filed.root),
    depth: queued.parent?.depth ?? 0,
    lane: filed.lane,
    pool: filed.pool,
    priority: filed.priority,
    correlation: storedId('cor', queued.correlationId),
    actor: storedId('act', first.actor),
    createdAtMs: first.atMs,
    rules: queued.rules,
    status,
    waitingFor,
    reason,
    startedAtMs,
    endedAtMs,
    rehearsed,
    phase,
    percent,
    turns,
    toolCalls,
    usage,
    cost,
    headSeq: last.seq,
    headHash: last.hash,
    fence: last.fence,
  };
}
