/**
 * What the pure core is told besides the journal: the rules it asks and the facts of the moment. All of it is passed in, so that
 * replay can pass the same, or something else to see what would change.
 */
import type { JsonObject } from '../../kernel/canonical-json.ts';
import type { RunPlan } from '../../kernel/plan.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Decide } from '../../platform/policy/policy.ts';
import type { RunState } from './state.ts';

/** An ended run of the same agent, for estimates. */
export type PastRun = { activeMs: number; turns: number; /** Null where it is not known whole, or nothing was paid. */ costMicroUsd: number | null };

export type Rules = {
  decide: Decide;
  /** Faults of a value against a JSON Schema, in words for the model; empty when it is valid. */
  validate: (schema: JsonObject, value: unknown) => readonly string[];
  countTokens: (text: string) => number;
  /** Until when a model's circuit is open; null when it may be called. */
  openUntilMs: (model: string) => number | null;
  /** Newest first; at most a few dozen. */
  history: readonly PastRun[];
};

export type Context = { readonly state: RunState; readonly nowMs: number; readonly rules: Rules };

export type ModelPlan = Extract<RunPlan, { kind: 'model' }>;

/** The plan of a run that has been queued. @throws AppError `internal` before that. */
export function planOf(state: RunState): RunPlan {
  if (state.queued === null) throw new AppError('internal', 'Broken invariant: a run without run.queued has no plan');
  return state.queued.plan;
}

export function modelPlanOf(state: RunState): ModelPlan {
  const plan = planOf(state);
  if (plan.kind !== 'model') throw new AppError('internal', 'Broken invariant: a command run asks no model');
  return plan;
}
