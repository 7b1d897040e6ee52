/**
 * The projection row of a run as its fold has it: written beside every append, and compared with a fold from nothing by a
 * test. Pure; nothing decides by these fields, they are for lists and claims.
 */
import { isDeepStrictEqual } from 'node:util';
import type { RunState } from './state.ts';
import type { RunPatch } from './store-port.ts';

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
