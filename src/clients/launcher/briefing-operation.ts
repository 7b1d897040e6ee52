/** What is asked of the server's briefing, and as much of its answer as a launch needs. */
import { z } from 'zod';
import { operation } from '../../kernel/operation.ts';

export const briefingOperations = {
  read: operation({
    name: 'briefing.read',
    permission: 'context.read',
    method: 'GET',
    path: '/briefing',
    summary: 'Reads the briefing.',
    input: z.object({ project: z.string(), session: z.string().optional(), branch: z.string().optional(), environment: z.string().optional() }),
    output: z.looseObject({ markdown: z.string() }),
  }),
};
