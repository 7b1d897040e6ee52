/** What surfaces can ask of templates: agents that ship with Windlass, for real jobs. */
import { z } from 'zod';
import { operation } from '../../kernel/operation.ts';

const TemplateName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,49}$/, 'must be lower-case letters, digits and hyphens')
  .meta({ description: 'Name of the template, and of the agent it makes.' });

export const TemplateView = z.object({
  name: TemplateName,
  description: z.string(),
  /** Whether an agent of this name is there already. */
  added: z.boolean(),
  /** Whether it answers without a model key, from a script. */
  rehearsed: z.boolean(),
  tools: z.array(z.string()),
});
export type TemplateView = z.infer<typeof TemplateView>;

export const templateOperations = {
  list: operation({
    name: 'templates.list',
    permission: 'agents.read',
    method: 'GET',
    path: '/templates',
    summary: 'Lists the agents that ship as templates.',
    input: z.object({}),
    output: z.object({ items: z.array(TemplateView) }),
  }),
  add: operation({
    name: 'templates.add',
    permission: 'agents.write',
    method: 'POST',
    path: '/templates/{name}/add',
    summary: 'Makes an agent from a template; one that is there already stays as it is.',
    input: z.object({ name: TemplateName }),
    output: z.object({ name: TemplateName, created: z.boolean(), message: z.string() }),
    status: 201,
  }),
};
