/**
 * What an agent is told to be (spec AGT-3): the one schema behind YAML files, the API and `schemas/agent.schema.json`.
 * What a run needs of it is `RunPlan`, made in `run-plan.ts`. Units are in the names: people write this by hand.
 */
import { z } from 'zod';
import { EvidenceLevel } from '../../kernel/plan.ts';
import { Role } from '../../platform/identity/contract.ts';

export const DEFINITION_LIMITS = {
  nameChars: 50,
  descriptionChars: 500,
  instructionsChars: 100_000,
  /** Of tools, agents, skills, people and the like. */
  listItems: 200,
  schedules: 20,
  commands: 50,
  argvItems: 200,
  argChars: 10_000,
  /** Of a definition as canonical JSON. */
  bytes: 256 * 1024,
} as const;

const DAY_HOURS = 24;
const text = (max: number) => z.string().max(max);
const names = (description: string) => z.array(text(200).min(1)).max(DEFINITION_LIMITS.listItems).default([]).meta({ description });
const JsonSchema = z.record(z.string(), z.json());

export const AgentName = z
  .string()
  .max(DEFINITION_LIMITS.nameChars)
  .regex(/^[a-z0-9][a-z0-9-]*$/, 'must be lower-case letters, digits and hyphens, and begin with a letter or digit')
  .meta({ description: 'Its name: lower-case letters, digits and hyphens. The file is named after it.' });

export const ScheduleDefinition = z.strictObject({
  cron: text(200).optional().meta({ description: 'Five fields: minute, hour, day of month, month, day of week. One of cron, every and at.' }),
  every: z
    .string()
    .regex(/^[1-9]\d{0,5}(m|h|d)$/, 'must be a whole number with m, h or d, as in 15m')
    .optional()
    .meta({ description: 'Interval: 15m, 2h, 1d.' }),
  at: text(40).optional().meta({ description: 'Once, as in 2026-01-05T08:00:00 in the time zone, or with an offset.' }),
  timezone: text(100).default('UTC').meta({ description: 'IANA name, as in Europe/Berlin.' }),
  jitterSeconds: z.int().min(0).max(3_600).default(0).meta({ description: 'Each firing is put off by up to this, the same for the same due time.' }),
  overlap: z
    .enum(['skip', 'queue', 'cancel_previous'])
    .default('skip')
    .meta({ description: 'What a firing does while the run before it still goes on.' }),
  catchUp: z.enum(['once', 'none']).default('once').meta({ description: 'After downtime: run once for all that was missed, or not at all.' }),
  input: z.json().optional().meta({ description: 'Input of each run.' }),
});
export type ScheduleDefinition = z.output<typeof ScheduleDefinition>;

const Limits = z.strictObject({
  turns: z.int().min(1).max(1_000).optional().meta({ description: 'Model turns; 25 when left out.' }),
  toolCalls: z.int().min(0).max(10_000).optional().meta({ description: 'Tool calls; 100 when left out.' }),
  activeMinutes: z.number().positive().max(10_080).optional().meta({ description: 'Active time, waiting not counted; 60 when left out.' }),
  tokens: z.int().min(1).max(1_000_000_000).optional().meta({ description: 'Tokens but cached input; 1,000,000 when left out.' }),
  costUsd: z.number().min(0).max(1_000_000).optional().meta({ description: 'Cost of one run; none when left out.' }),
});

const Command = z.strictObject({
  name: text(100).min(1),
  argv: z.array(text(DEFINITION_LIMITS.argChars)).min(1).max(DEFINITION_LIMITS.argvItems).meta({ description: 'Program and arguments; no shell.' }),
  timeoutSeconds: z.number().positive().max(86_400).default(600),
  repeatable: z.boolean().default(false).meta({ description: 'Whether running it twice does no harm, so that it is repeated after a crash.' }),
});

const Budget = z.strictObject({
  usd: z.number().positive().max(10_000_000).optional().meta({ description: 'One of usd and tokens.' }),
  tokens: z.int().positive().optional(),
  period: z.enum(['run', 'day', 'month', 'total']),
});

const Access = z.strictObject({
  people: names('Actor ids or names.'),
  roles: z.array(Role).max(Role.options.length).default([]).meta({ description: 'Everybody with exactly one of these roles.' }),
  channels: names('Channels it may be used in.'),
});

export const AgentDefinition = z.strictObject({
  name: AgentName,
  description: text(DEFINITION_LIMITS.descriptionChars).default('').meta({ description: 'What it is for, in a sentence.' }),
  kind: z.enum(['model', 'command']).default('model').meta({ description: 'Whether a model decides what to do, or fixed commands run in order.' }),
  instructions: text(DEFINITION_LIMITS.instructionsChars).default('').meta({ description: 'What the model is told; for kind model.' }),
  model: text(200).min(1).optional().meta({ description: 'provider/model; the default model when left out.' }),
  fallbacks: names('Models tried in order when the model fails.'),
  temperature: z.number().min(0).max(2).optional(),
  waitForProvider: z
    .boolean()
    .optional()
    .meta({ description: 'Whether a run waits when every model it may use is not to be called before a time; else it fails. Waits when left out.' }),
  cacheSeconds: z
    .int()
    .min(1)
    .max(30 * 86_400)
    .optional()
    .meta({ description: 'Replies of its model to the very same request are kept so long and given again, at no cost; not at all when left out.' }),
  tools: names('The tools it may call, `server.*` for all of a server. What is not named cannot be called.'),
  agents: names('Agents it may call as tools.'),
  skills: names('Skills it may use.'),
  commands: z
    .array(Command)
    .max(DEFINITION_LIMITS.commands)
    .default([])
    .meta({ description: 'Run in order; the first that fails ends the run. For kind command.' }),
  input: JsonSchema.optional().meta({ description: 'JSON Schema of the input.' }),
  output: JsonSchema.optional().meta({ description: 'JSON Schema of the final answer, which is repaired once.' }),
  limits: Limits.default({}),
  concurrency: z.int().min(1).max(1_000).optional().meta({ description: 'Runs of it at once; unlimited when left out.' }),
  schedules: z.array(ScheduleDefinition).max(DEFINITION_LIMITS.schedules).default([]),
  budget: Budget.optional().meta({ description: 'What its maker meant it to cost. It caps nothing by itself: set a budget for the agent.' }),
  tier: z
    .union([z.literal(1), z.literal(2), z.literal(3)])
    .default(3)
    .meta({ description: '3 reads or works in a sandbox, 2 acts outside with confirmation, 1 faces customers or money with approval.' }),
  owner: text(200).optional().meta({ description: 'Who answers for it.' }),
  notify: names('Who is told when it fails or asks.'),
  environment: text(100).optional(),
  access: Access.optional().meta({ description: 'Who may use it; everybody who may start runs when left out.' }),
  evidence: EvidenceLevel.optional().meta({ description: 'Evidence that success needs.' }),
  confirm: names('Tools that wait for a person although their effect would not ask for it.'),
  network: z.strictObject({ allow: names('Hosts and CIDRs it may reach although they are private.') }).default({ allow: [] }),
  approval: z
    .strictObject({
      ttlHours: z
        .number()
        .positive()
        .max(DAY_HOURS * 365)
        .default(DAY_HOURS),
      onExpiry: z.enum(['deny', 'halt']).default('deny'),
    })
    .default({ ttlHours: DAY_HOURS, onExpiry: 'deny' })
    .meta({ description: 'How long a question to a person stands, and what happens then.' }),
});

/** With every default filled in: what is stored, compared and run. */
export type AgentDefinition = z.output<typeof AgentDefinition>;

/** JSON Schema (2020-12) of what people write, for editors and for `schemas/agent.schema.json`. */
export function agentJsonSchema(): z.core.JSONSchema.BaseSchema {
  return { ...z.toJSONSchema(AgentDefinition, { io: 'input' }), title: 'Windlass agent', description: 'An agent of Windlass: agents/<name>.yaml.' };
}
