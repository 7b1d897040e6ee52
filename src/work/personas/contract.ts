/** What surfaces can ask of personas: who may review, and which files are broken. */
import { z } from 'zod';
import { operation } from '../../kernel/operation.ts';

export const PersonaName = z
  .string()
  .max(40)
  .regex(/^[a-z0-9][a-z0-9-]*$/, 'must be lower-case letters, digits and hyphens')
  .meta({ description: 'Name of the persona, as in security.' });

export const PersonaView = z.object({
  name: z.string(),
  title: z.string(),
  description: z.string(),
  kind: z.enum(['core', 'specialist']),
  from: z.enum(['shipped', 'home', 'repository']),
  agent: z.string(),
  dimensions: z.array(z.string()),
  specialists: z.array(z.string()),
  /** Of the whole prompt, by an estimate that errs upward. */
  tokens: z.int(),
});
export type PersonaView = z.infer<typeof PersonaView>;

export const personaOperations = {
  list: operation({
    name: 'personas.list',
    permission: 'agents.read',
    method: 'GET',
    path: '/personas',
    summary: 'Lists the personas that can review, and the faults of persona files that cannot be used.',
    input: z.object({ project: z.string().max(100).optional().meta({ description: 'Project id or code, for personas of its repository.' }) }),
    output: z.object({
      items: z.array(PersonaView),
      faults: z.array(z.object({ path: z.string(), line: z.int().optional(), message: z.string() })),
    }),
  }),
};
