/** What surfaces can ask of projects: one product within an organization, with its repository on this machine. */
import { z } from 'zod';
import { operation } from '../../kernel/operation.ts';
import { PageInput, pageOf } from '../../kernel/page.ts';

export const ProjectCode = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and dashes')
  .meta({ description: 'Short name, unique in the organization.' });

export const ProjectView = z.object({
  id: z.string(),
  code: z.string(),
  name: z.string(),
  /** Absolute path of the checkout on the server's machine; null when it has none. */
  path: z.string().nullable(),
  /** The git remote without credentials; null when it has none. */
  remote: z.string().nullable(),
  createdAtMs: z.int(),
});
export type ProjectView = z.infer<typeof ProjectView>;

export const projectOperations = {
  list: operation({
    name: 'projects.list',
    permission: 'projects.read',
    method: 'GET',
    path: '/projects',
    summary: 'Lists projects by code.',
    input: PageInput,
    output: pageOf(ProjectView),
  }),
  get: operation({
    name: 'projects.get',
    permission: 'projects.read',
    method: 'GET',
    path: '/projects/{code}',
    summary: 'Shows one project.',
    input: z.object({ code: ProjectCode }),
    output: ProjectView,
  }),
  add: operation({
    name: 'projects.add',
    permission: 'projects.write',
    method: 'POST',
    path: '/projects',
    summary: 'Registers the git repository at a path of the server as a project; registering it again answers the same project.',
    input: z.object({
      path: z.string().min(1).max(4_096).meta({ description: 'A folder inside the checkout.' }),
      code: ProjectCode.optional().meta({ description: "From the repository's name when left out." }),
      name: z.string().trim().min(1).max(200).optional(),
    }),
    output: ProjectView,
    status: 201,
  }),
};
