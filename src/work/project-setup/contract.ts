/** What surfaces can ask of setting a project up (spec PRJ-3): steps that look before they act, and checks that prove by doing. */
import { z } from 'zod';
import { ProjectCode } from '../../kernel/project.ts';
import { operation } from '../../kernel/operation.ts';

export const SetupView = z.object({
  project: z.string(),
  /** In the order they were taken; a step that failed stops no other. */
  steps: z.array(
    z.object({
      name: z.string(),
      /** `there`: nothing had to be done; `skipped`: it was not asked for, or cannot be done from here. */
      state: z.enum(['there', 'done', 'skipped', 'failed']),
      detail: z.string(),
      /** What to type, empty when there is nothing to do. */
      next: z.string(),
    }),
  ),
});
export type SetupView = z.infer<typeof SetupView>;

export const VerifyView = z.object({
  project: z.string(),
  /** `failed` with one failed check; what is unknown is no proof, and counted. */
  overall: z.enum(['verified', 'failed']),
  unknown: z.int(),
  checks: z.array(z.object({ name: z.string(), state: z.enum(['ok', 'failed', 'unknown']), detail: z.string(), next: z.string() })),
});
export type VerifyView = z.infer<typeof VerifyView>;

export const projectSetupOperations = {
  setup: operation({
    name: 'projects.setup',
    permission: 'projects.write',
    method: 'POST',
    path: '/projects/{code}/setup',
    summary: 'Sets a project up step by step, each checked before acting; asking again does only what is missing.',
    input: z.object({
      code: ProjectCode,
      forge: z.boolean().default(false).meta({ description: 'Also what is made for the forge: labels, issue templates, a board.' }),
    }),
    output: SetupView,
  }),
  verify: operation({
    name: 'projects.verify',
    permission: 'projects.write',
    method: 'POST',
    path: '/projects/{code}/verify',
    summary:
      'Proves that a project works by doing what its agents do: registry, clone, a session, documents, secrets, CI, MCP, and when asked a test issue.',
    input: z.object({
      code: ProjectCode,
      forge: z
        .boolean()
        .default(false)
        .meta({ description: 'Also by an issue that is opened on the forge, read back as a client would, and closed.' }),
    }),
    output: VerifyView,
  }),
};
