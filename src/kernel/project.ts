/** What a project is told to be: the one schema behind `projects:` of windlass.yaml, the API and `schemas/windlass.schema.json`. Pure. */
import { z } from 'zod';
import { remoteKey } from './git-remote.ts';

export const PROJECT_LIMITS = { repositories: 50, environments: 20, capabilities: 50, projects: 1_000 } as const;

const line = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .refine((text) => text.isWellFormed() && !/\p{Cc}/u.test(text), 'must be one line of plain text');

export const ProjectCode = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and dashes')
  .meta({ description: 'Short name, unique in the organization.' });

/** Portfolio status: `ended` is kept and worked on no more. */
export const ProjectStatus = z.enum(['idea', 'active', 'maintained', 'paused', 'ended']);
export const Capability = z.string().regex(/^[a-z][a-z0-9_]{0,39}$/, 'must be lower-case letters, digits and _');
export const Environment = z.strictObject({
  name: line(100),
  url: z
    .url({ protocol: /^https?$/ })
    .nullable()
    .default(null),
  branch: line(300).nullable().default(null),
});
const Remote = line(2_000).refine((text) => remoteKey(text) !== null, 'is no git remote, as in git@github.com:acme/app.git');

/** Everything but the checkout; what is left out stays as it is in a change, and is empty in a file. */
export const ProjectFacts = z.strictObject({
  name: line(200).optional(),
  repositories: z
    .array(Remote)
    .max(PROJECT_LIMITS.repositories)
    .optional()
    .meta({ description: 'Git remotes; the first is the main one. A repository belongs to one project.' }),
  capabilities: z
    .array(Capability)
    .max(PROJECT_LIMITS.capabilities)
    .optional()
    .meta({ description: 'has_api, has_database, has_ui, own ones: what the project has decides what is asked of it.' }),
  secretsPath: line(500).nullable().optional().meta({ description: 'Where its secrets are kept; never a secret itself.' }),
  designSpec: line(500).nullable().optional().meta({ description: 'Path or address of its design specification.' }),
  environments: z.array(Environment).max(PROJECT_LIMITS.environments).optional(),
  status: ProjectStatus.optional(),
  platform: z.boolean().optional().meta({ description: 'The project of the platform itself; one at most.' }),
});
export type ProjectFacts = z.infer<typeof ProjectFacts>;

export const DeclaredProject = ProjectFacts.extend({
  path: z.string().min(1).max(4_096).optional().meta({ description: 'The checkout on this machine, from the folder of the file.' }),
});
export type DeclaredProject = z.infer<typeof DeclaredProject>;

/** `projects:` of windlass.yaml, by code. A repository of two projects and a second platform project are faults of the file. */
export const DeclaredProjects = z.record(ProjectCode, DeclaredProject).superRefine((projects, context) => {
  const owners = new Map<string, string>();
  let platform: string | null = null;
  for (const [code, { repositories = [], platform: isPlatform }] of Object.entries(projects)) {
    for (const [index, remote] of repositories.entries()) {
      const key = remoteKey(remote) ?? remote;
      const owner = owners.get(key);
      if (owner !== undefined && owner !== code)
        context.addIssue({
          code: 'custom',
          path: [code, 'repositories', index],
          message: `${key} belongs to ${owner} already: one project for each repository`,
        });
      owners.set(key, code);
    }
    if (isPlatform === true && platform !== null)
      context.addIssue({ code: 'custom', path: [code, 'platform'], message: `${platform} is the platform project already` });
    if (isPlatform === true) platform = code;
  }
});
export type DeclaredProjects = z.infer<typeof DeclaredProjects>;
