/**
 * What surfaces can ask of the feed: that something was written anywhere in the organization's journal, in the order of commits. It says
 * what changed and never how: whoever wants to know reads the thing itself, with the permission for it.
 */
import { z } from 'zod';
import { operation } from '../../kernel/operation.ts';

export const FEED_BATCH_MAX = 1_000;

export const FeedItem = z.object({
  /** Order over all streams; the cursor. */
  position: z.int(),
  atMs: z.int(),
  kind: z.enum(['run', 'session', 'key', 'org']),
  /** Id of the run or other thing whose journal grew. */
  stream: z.string(),
  seq: z.int(),
  /** As in `run.ended` or `agent.updated`. */
  type: z.string(),
});
export type FeedItem = z.infer<typeof FeedItem>;

export const feedOperations = {
  read: operation({
    name: 'feed.read',
    permission: 'runs.read',
    method: 'GET',
    path: '/feed',
    summary: 'Reads what changed anywhere, by cursor; with Accept: text/event-stream it stays open and sends what follows.',
    input: z.object({
      after: z.coerce
        .number()
        .int()
        .nonnegative()
        .optional()
        .meta({ description: 'Changes after this position; only what follows from now on when left out.' }),
      limit: z.coerce.number().int().min(1).max(FEED_BATCH_MAX).default(200),
    }),
    output: z.object({
      items: z.array(FeedItem),
      /** Where to go on from. */
      position: z.int(),
      /** There is more already. */
      more: z.boolean(),
    }),
  }),
};
