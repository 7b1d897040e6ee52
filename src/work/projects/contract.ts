/** What surfaces can ask of projects: the one registry of an organization's products (spec PRJ-1, PRJ-2). */
import { z } from 'zod';
import { operation } from '../../kernel/operation.ts';
import { PageInput, pageOf } from '../../kernel/page.ts';
import { Capability, Environment, ProjectCode, ProjectFacts, ProjectStatus } from '../../kernel/project.ts';

export const ProjectView = z.object({
  id: z.string(),
  code: z.string(),
  name: z.string(),
  /** Absolute path of the checkout on the server's machine; null when it has none. */
  path: z.string().nullable(),
  /** The main git remote without credentials; null when it has none. */
  remote: z.string().nullable(),
  /** All git remotes, the main one first. */
  repositories: z.array(z.string()),
  capabilities: z.array(Capability),
  secretsPath: z.string().nullable(),
  designSpec: z.string().nullable(),
  environments: z.array(Environment),
  status: ProjectStatus,
  /** The project of the platform itself, which shows what belongs to the whole organization. */
  platform: z.boolean(),
  /** Kept in windlass.yaml: changed there and not over the API. */
  declared: z.boolean(),
  createdAtMs: z.int(),
});
export type ProjectView = z.infer<typeof ProjectView>;

export const CloneView = z.object({
  path: z.string(),
  /** Without credentials; null when the repository has no remote `origin`. */
  remote: z.string().nullable(),
  /** Null on a detached HEAD. */
  branch: z.string().nullable(),
  /** Code of the project that has this remote; null when none has. */
  project: z.string().nullable(),
});

export const ScanView = z.object({
  folder: z.string(),
  clones: z.array(CloneView),
  /** Projects with a remote and without a clone in this folder, with what fetches one. */
  missing: z.array(z.object({ project: z.string(), remote: z.string(), command: z.string() })),
  /** Folders were left out: there are more than are looked at. */
  cut: z.boolean(),
  tookMs: z.number(),
});
export type ScanView = z.infer<typeof ScanView>;

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
  update: operation({
    name: 'projects.update',
    permission: 'projects.write',
    method: 'PUT',
    path: '/projects/{code}',
    summary: 'Changes what is known of a project; what is left out stays. One that windlass.yaml keeps is changed there.',
    input: z.object({ code: ProjectCode, ...ProjectFacts.shape }),
    output: ProjectView,
  }),
  scan: operation({
    name: 'projects.scan',
    permission: 'projects.write',
    method: 'POST',
    path: '/project-scans',
    summary: "Finds the git repositories below a folder of the server's machine, and matches them to projects by their remote.",
    input: z.object({ folder: z.string().min(1).max(4_096) }),
    output: ScanView,
    effect: 'read',
  }),
};
