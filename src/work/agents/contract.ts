/** What surfaces can ask of agents: the one source for HTTP routes, MCP tools, CLI commands and console forms. */
import { z } from 'zod';
import { By } from '../../kernel/events.ts';
import { operation } from '../../kernel/operation.ts';
import { PageInput, pageOf } from '../../kernel/page.ts';
import { RunStatus } from '../../kernel/run-status.ts';
import { AgentDefinition, AgentName } from './definition.ts';
import { FILE_LIMITS } from './definition-file.ts';

export const AgentStateName = z.enum(['active', 'paused', 'error', 'archived']);

export const AgentView = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string(),
  kind: z.enum(['model', 'command']),
  state: AgentStateName,
  /** Why it is in this state; empty while active. */
  stateReason: z.string(),
  stateAtMs: z.int(),
  /** Failed and halted runs in a row. */
  failures: z.int(),
  version: z.int(),
  tier: z.int(),
  schedules: z.int().meta({ description: 'How many it has.' }),
  /** Whether it was changed since the last apply; null when it never came from a file. */
  drifted: z.boolean().nullable(),
  createdAtMs: z.int(),
  updatedAtMs: z.int(),
});
export type AgentView = z.infer<typeof AgentView>;

export const AgentDetail = AgentView.extend({ definition: AgentDefinition, by: By });
export type AgentDetail = z.infer<typeof AgentDetail>;

export const VersionView = z.object({ version: z.int(), digest: z.string(), source: z.enum(['api', 'apply', 'restore']), by: By, atMs: z.int() });
export type VersionView = z.infer<typeof VersionView>;

export const DifferenceView = z.object({ path: z.string(), before: z.json().optional(), after: z.json().optional() });

export const ChangeView = z.object({
  name: z.string(),
  path: z.string().nullable(),
  action: z.enum(['create', 'update', 'unchanged', 'absent', 'archive']),
  differences: z.array(DifferenceView),
  /** What was changed in the store since the last apply; applying overwrites it. */
  drift: z.array(DifferenceView),
});
const PlanView = z.object({
  changes: z.array(ChangeView),
  digest: z.string().meta({ description: 'Give it to apply, so that nothing else is done than was shown.' }),
  message: z.string(),
});
export type PlanView = z.infer<typeof PlanView>;

const NameInput = z.object({ name: AgentName });
const VersionNumber = z.coerce.number().int().positive();
const Reason = z.string().max(500).default('').meta({ description: 'Why, for the record.' });
const Files = z
  .array(z.object({ path: z.string().min(1).max(500), text: z.string().max(FILE_LIMITS.chars) }))
  .max(FILE_LIMITS.files)
  .meta({ description: 'Agent files: path as in agents/foo.yaml, and the YAML text.' });
const Prune = z.boolean().default(false).meta({ description: 'Archive agents that no file describes.' });

export const agentOperations = {
  list: operation({
    name: 'agents.list',
    permission: 'agents.read',
    method: 'GET',
    path: '/agents',
    summary: 'Lists agents by name.',
    input: PageInput.extend({ archived: z.stringbool().optional().meta({ description: 'Also archived ones.' }) }),
    output: pageOf(AgentView),
  }),
  get: operation({
    name: 'agents.get',
    permission: 'agents.read',
    method: 'GET',
    path: '/agents/{name}',
    summary: 'Shows one agent with its definition.',
    input: NameInput,
    output: AgentDetail,
  }),
  create: operation({
    name: 'agents.create',
    permission: 'agents.write',
    method: 'POST',
    path: '/agents',
    summary: 'Creates an agent.',
    input: AgentDefinition,
    output: AgentDetail,
    status: 201,
  }),
  update: operation({
    name: 'agents.update',
    permission: 'agents.write',
    method: 'PUT',
    path: '/agents/{name}',
    summary: 'Replaces the definition of an agent, as a new version.',
    input: AgentDefinition.extend({
      baseVersion: VersionNumber.optional().meta({ description: 'The version you changed; refused when it is no longer the newest.' }),
    }),
    output: AgentDetail,
  }),
  pause: operation({
    name: 'agents.pause',
    permission: 'agents.write',
    method: 'POST',
    path: '/agents/{name}/pause',
    summary: 'Stops an agent from taking runs; its live runs go on.',
    input: NameInput.extend({ reason: Reason }),
    output: AgentDetail,
  }),
  resume: operation({
    name: 'agents.resume',
    permission: 'agents.write',
    method: 'POST',
    path: '/agents/{name}/resume',
    summary: 'Lets a paused or failed agent take runs again.',
    input: NameInput,
    output: AgentDetail,
  }),
  archive: operation({
    name: 'agents.archive',
    permission: 'agents.write',
    method: 'DELETE',
    path: '/agents/{name}',
    summary: 'Archives an agent; its versions and runs stay.',
    input: NameInput,
    output: AgentDetail,
    effect: 'destructive',
  }),
  versions: operation({
    name: 'agents.versions',
    permission: 'agents.read',
    method: 'GET',
    path: '/agents/{name}/versions',
    summary: 'Lists the versions of an agent, newest first.',
    input: PageInput.extend({ name: AgentName }),
    output: pageOf(VersionView),
  }),
  version: operation({
    name: 'agents.version',
    permission: 'agents.read',
    method: 'GET',
    path: '/agents/{name}/versions/{version}',
    summary: 'Shows one version of an agent.',
    input: NameInput.extend({ version: VersionNumber }),
    output: VersionView.extend({ definition: AgentDefinition }),
  }),
  compare: operation({
    name: 'agents.compare',
    permission: 'agents.read',
    method: 'GET',
    path: '/agents/{name}/compare',
    summary: 'Compares two versions of an agent, field by field.',
    input: NameInput.extend({ from: VersionNumber, to: VersionNumber }),
    output: z.object({ from: z.int(), to: z.int(), differences: z.array(DifferenceView) }),
  }),
  restore: operation({
    name: 'agents.restore',
    permission: 'agents.write',
    method: 'POST',
    path: '/agents/{name}/versions/{version}/restore',
    summary: 'Makes an earlier version the newest again, as a new version.',
    input: NameInput.extend({ version: VersionNumber }),
    output: AgentDetail,
  }),
  plan: operation({
    name: 'agents.plan',
    permission: 'agents.read',
    method: 'POST',
    path: '/agents/plan',
    summary: 'Shows what applying a folder of agent files would change; changes nothing.',
    input: z.object({ files: Files, prune: Prune }),
    output: PlanView,
    effect: 'read',
  }),
  apply: operation({
    name: 'agents.apply',
    permission: 'agents.write',
    method: 'POST',
    path: '/agents/apply',
    summary: 'Makes the agents match a folder of files, all of it or nothing.',
    input: z.object({
      files: Files,
      prune: Prune,
      digest: z.string().max(64).optional().meta({ description: 'Of the plan that was shown; refused when it would do something else by now.' }),
    }),
    output: PlanView,
  }),
  run: operation({
    name: 'agents.run',
    permission: 'runs.create',
    method: 'POST',
    path: '/agents/{name}/runs',
    summary: 'Starts a run and answers with its id at once.',
    input: NameInput.extend({
      input: z.json().default({}).meta({ description: 'What to work on; checked against the input schema of the agent.' }),
      priority: z.enum(['low', 'normal', 'high']).default('normal'),
      lane: z
        .string()
        .min(1)
        .max(200)
        .refine((text) => text.isWellFormed(), 'must be whole Unicode text')
        .optional()
        .meta({ description: 'Runs of one lane go one after the other.' }),
      project: z.string().max(100).optional().meta({ description: 'Project id or code.' }),
      deadlineMinutes: z.number().positive().max(525_600).optional().meta({ description: 'Ended when not done by then.' }),
    }),
    output: z.object({ id: z.string(), status: RunStatus, agent: z.string(), version: z.int(), message: z.string() }),
    status: 202,
  }),
};
