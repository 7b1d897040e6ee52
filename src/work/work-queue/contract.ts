/** What surfaces can ask of the work queue (spec CAD-3): open issues of the forge, by priority and status. Titles are words of strangers. */
import { z } from 'zod';
import { operation } from '../../kernel/operation.ts';
import { Count, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX } from '../../kernel/page.ts';
import { ProjectCode } from '../../kernel/project.ts';
import { PRIORITIES, STATUSES } from './issue.ts';

export const QUEUE_WAIT_MS = { default: 10_000, max: 30_000 } as const;

export const QueueView = z.object({
  /** One for each repository that was asked; one that failed says why, and is not counted as empty. */
  sources: z.array(
    z.object({
      project: z.string(),
      /** Host and path of the git remote; null when the project has none. */
      repository: z.string().nullable(),
      state: z.enum(['ok', 'failed']),
      reason: z.string(),
      /** When the forge answered. */
      readAtMs: z.int().nullable(),
      total: Count,
    }),
  ),
  items: z.array(
    z.object({
      project: z.string(),
      number: z.int(),
      title: z.string(),
      url: z.string(),
      priority: z.enum(PRIORITIES),
      status: z.enum(STATUSES),
      labels: z.array(z.string()),
      assignees: z.array(z.string()),
      updatedAtMs: z.int(),
    }),
  ),
  shown: z.int(),
  total: Count,
  byPriority: z.object({ urgent: Count, high: Count, normal: Count, low: Count }),
  byStatus: z.object({ in_progress: Count, ready: Count, open: Count, blocked: Count }),
});
export type QueueView = z.infer<typeof QueueView>;

export const workQueueOperations = {
  read: operation({
    name: 'work_queue.read',
    permission: 'context.read',
    method: 'GET',
    path: '/work-queue',
    summary: 'Lists open issues of the forge, the most urgent first, with totals that say what they are worth.',
    input: z.object({
      project: ProjectCode.optional().meta({ description: 'Only of this project.' }),
      limit: z.coerce.number().int().min(1).max(PAGE_SIZE_MAX).default(PAGE_SIZE_DEFAULT).meta({ description: 'How many at most.' }),
      waitMs: z.coerce.number().int().min(0).max(QUEUE_WAIT_MS.max).default(QUEUE_WAIT_MS.default).meta({
        description: 'How long the forge is waited for; what comes later is there the next time.',
      }),
    }),
    output: QueueView,
  }),
};
