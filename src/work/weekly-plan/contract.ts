/** What surfaces can ask of the weekly plan (spec CAD-3): the priority project and the goals of an organization. */
import { z } from 'zod';
import { operation } from '../../kernel/operation.ts';
import { storableText } from '../../kernel/text.ts';
import { ProjectCode } from '../../kernel/project.ts';

export const WEEKLY_PLAN_LIMITS = { goals: 20, goalBytes: 500, notesBytes: 4_000, staleDays: 7 } as const;

export const WeeklyPlanView = z.object({
  version: z.int(),
  priorityProject: z.string().nullable(),
  goals: z.array(z.string()),
  notes: z.string(),
  by: z.object({ actor: z.string(), name: z.string() }),
  atMs: z.int(),
  ageDays: z.int(),
  /** Older than 7 days: every briefing says so. */
  stale: z.boolean(),
});
export type WeeklyPlanView = z.infer<typeof WeeklyPlanView>;

/** Null when none was ever written. */
const Answer = z.object({ plan: WeeklyPlanView.nullable() });

export const weeklyPlanOperations = {
  read: operation({
    name: 'weekly_plan.read',
    permission: 'context.read',
    method: 'GET',
    path: '/weekly-plan',
    summary: 'Shows what the organization is after this week, and whether that is stale.',
    input: z.object({}),
    output: Answer,
  }),
  write: operation({
    name: 'weekly_plan.write',
    permission: 'context.write',
    method: 'PUT',
    path: '/weekly-plan',
    summary: 'Writes the weekly plan anew; what it was is kept.',
    input: z.object({
      priorityProject: ProjectCode.nullable().default(null),
      goals: z.array(storableText(WEEKLY_PLAN_LIMITS.goalBytes)).max(WEEKLY_PLAN_LIMITS.goals),
      notes: z.union([storableText(WEEKLY_PLAN_LIMITS.notesBytes), z.literal('')]).default(''),
      base: z.int().min(0).optional().meta({ description: 'The version that was read, 0 for none: another one is refused.' }),
    }),
    output: Answer,
  }),
};
