/** What surfaces can ask of schedules. They are made by their agents' definitions, so changing one is changing its agent. */
import { z } from 'zod';
import { operation } from '../../kernel/operation.ts';
import { Count } from '../../kernel/page.ts';

export const FiringView = z.object({
  /** The due time it is about. */
  slotMs: z.int(),
  outcome: z.enum(['ran', 'late', 'skipped', 'missed']),
  run: z.string().nullable(),
  reason: z.string(),
  /** It did not fire when it was due. */
  alert: z.boolean(),
  recordedAtMs: z.int(),
});
export type FiringView = z.infer<typeof FiringView>;

export const ScheduleView = z.object({
  id: z.string(),
  agent: z.string(),
  /** `30 2 * * *`, `every 15m`, `at 2026-01-05T08:00`. */
  when: z.string(),
  timezone: z.string(),
  overlap: z.enum(['skip', 'queue', 'cancel_previous']),
  nextSlotMs: z.int().nullable(),
  /** Its due time has passed and has no record: no server fires schedules. */
  overdue: z.boolean(),
  last: FiringView.nullable(),
});
export type ScheduleView = z.infer<typeof ScheduleView>;

const listOf = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), shown: z.int(), total: Count, next: z.string().nullable() });

export const scheduleOperations = {
  list: operation({
    name: 'schedules.list',
    permission: 'agents.read',
    method: 'GET',
    path: '/schedules',
    summary: 'Lists the schedules of all agents, with their next due time and the last record.',
    input: z.object({ agent: z.string().optional().meta({ description: 'Only this agent, by name.' }) }),
    output: listOf(ScheduleView),
  }),
  firings: operation({
    name: 'schedules.firings',
    permission: 'agents.read',
    method: 'GET',
    path: '/schedules/{id}/firings',
    summary: 'The records of a schedule, newest first: ran, late, skipped or missed, each with its reason.',
    input: z.object({
      id: z.string().meta({ description: 'Schedule id, as in sch_01jd…' }),
      limit: z.coerce.number().int().min(1).max(200).default(50),
    }),
    output: listOf(FiringView),
  }),
};
