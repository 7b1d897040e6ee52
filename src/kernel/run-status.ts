/**
 * The one table of run statuses (spec RUN-7). Code, documents and screens read it; nothing else defines one.
 */
import { z } from 'zod';

type StatusRule = {
  final: boolean;
  /** Counts towards the three failures in a row that put an agent in error (spec AGT-4). */
  countsAsFailure: boolean;
  /** What brings it on, in words for people. */
  resumedBy: string;
};

export const RUN_STATUSES = {
  queued: { final: false, countsAsFailure: false, resumedBy: 'a worker with room for it' },
  running: { final: false, countsAsFailure: false, resumedBy: 'goes on by itself, on another worker if this one dies' },
  paused: { final: false, countsAsFailure: false, resumedBy: 'a person resuming it' },
  waiting: { final: false, countsAsFailure: false, resumedBy: 'what it waits for' },
  succeeded: { final: true, countsAsFailure: false, resumedBy: 'nothing; fork or rerun it' },
  failed: { final: true, countsAsFailure: true, resumedBy: 'retry (keeps what was done) or rerun' },
  halted: { final: true, countsAsFailure: true, resumedBy: 'retry, once what it needs is there' },
  limited: { final: true, countsAsFailure: false, resumedBy: 'retry with a higher limit' },
  budget_exhausted: { final: true, countsAsFailure: false, resumedBy: 'retry, once there is budget' },
  cancelled: { final: true, countsAsFailure: false, resumedBy: 'retry or rerun' },
  skipped: { final: true, countsAsFailure: false, resumedBy: 'nothing; its record is the point' },
  missed: { final: true, countsAsFailure: false, resumedBy: 'nothing; its record is the point' },
} as const satisfies Record<string, StatusRule>;

export type RunStatus = keyof typeof RUN_STATUSES;
export const RunStatus = z.enum(Object.keys(RUN_STATUSES) as [RunStatus, ...RunStatus[]]);

export const FinalStatus = z.enum(['succeeded', 'failed', 'halted', 'limited', 'budget_exhausted', 'cancelled', 'skipped', 'missed']);
export type FinalStatus = z.infer<typeof FinalStatus>;

/** `child` is ours beside the spec's seven: a parent holds no worker while its sub-agents run. */
export const WaitingFor = z.enum(['approval', 'input', 'time', 'rate_limit', 'budget', 'machine', 'outcome', 'child']);
export type WaitingFor = z.infer<typeof WaitingFor>;

export function isFinal(status: RunStatus): status is FinalStatus {
  return RUN_STATUSES[status].final;
}
