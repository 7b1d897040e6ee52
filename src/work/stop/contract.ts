/** What surfaces can ask when everything has to stop. */
import { z } from 'zod';
import { operation } from '../../kernel/operation.ts';

export const Stopped = z.object({
  /** Names of the agents that take no runs any more by this. */
  agents: z.array(z.string()),
  /** How many runs were told to end. */
  runs: z.int(),
  /** What could not be stopped, and why. */
  failed: z.array(z.object({ what: z.string(), why: z.string() })),
});
export type Stopped = z.infer<typeof Stopped>;

export const stopOperations = {
  all: operation({
    name: 'stop.all',
    permission: 'agents.write',
    method: 'POST',
    path: '/stop',
    summary: 'Stops all agents: each takes no new runs until a person resumes it, and every live run is cancelled. Calls at the gateway go on.',
    input: z.object({ reason: z.string().trim().max(500).default('').meta({ description: 'Why, for the record.' }) }),
    output: Stopped,
    effect: 'destructive',
  }),
};
