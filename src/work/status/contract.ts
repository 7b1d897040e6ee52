/** What surfaces can ask of the state of the server: one call for one screen (spec BUD-5, CLI-1). */
import { z } from 'zod';
import { operation } from '../../kernel/operation.ts';
import { Count } from '../../kernel/page.ts';
import { RunStatus } from '../../kernel/run-status.ts';
import { NearEnds } from '../../platform/budgets/contract.ts';

/** At most this many of each list are shown; the count says of how many. */
export const STATUS_SHOWN = 10;

/** The last moment of the year 9999: beyond it RFC 3339 has no form. */
const LAST_MS = 253_402_300_799_999;

export const StatusView = z.object({
  server: z.object({ version: z.string(), startedAtMs: z.int(), nowMs: z.int() }),
  database: z.object({ version: z.string(), roundTripMs: z.number() }),
  runs: z.array(z.object({ status: RunStatus, count: Count })).meta({ description: 'Every status that a run has now.' }),
  waitingForPeople: z.object({
    count: Count,
    items: z.array(z.object({ id: z.string(), run: z.string(), agent: z.string(), kind: z.string(), question: z.string(), deadlineMs: z.int() })),
  }),
  /** Budgets that are used up, or of which 80% is spent. */
  budgetsNearEnd: NearEnds,
  agentsInError: z.object({ count: Count, items: z.array(z.object({ name: z.string(), reason: z.string(), sinceMs: z.int() })) }),
  spend: z.object({
    sinceMs: z.int(),
    /** What is known to have been spent; a lower bound when `unknown` is not zero. */
    microUsd: z.int(),
    runs: Count,
    /** Runs whose cost is not known whole: a model without a price. */
    unknown: Count,
    /** Runs whose answers were scripted, which cost nothing. */
    rehearsed: Count,
    inputTokens: z.int(),
    outputTokens: z.int(),
  }),
});
export type StatusView = z.infer<typeof StatusView>;

/** At most this many runs that failed, and changes of agents, are told. */
export const ACTIVITY_SHOWN = 10;

const Since = z.coerce.number().int().nonnegative().max(LAST_MS).meta({ description: 'In milliseconds since the epoch.' });

export const ActivityView = z.object({
  sinceMs: z.int(),
  nowMs: z.int(),
  ended: z.array(z.object({ status: RunStatus, count: z.int() })).meta({ description: 'Runs that ended since, by how.' }),
  failures: z
    .array(z.object({ id: z.string(), agent: z.string(), status: RunStatus, reason: z.string(), endedAtMs: z.int() }))
    .meta({ description: 'The latest that failed or halted.' }),
  asked: z.int().meta({ description: 'Questions of runs to people.' }),
  answered: z.int(),
  expired: z.int(),
  agents: z
    .array(z.object({ position: z.int(), name: z.string(), what: z.string(), by: z.string(), atMs: z.int() }))
    .meta({ description: 'The latest changes of agents.' }),
});

/** Of the largest tables so many are told. */
export const TABLES_SHOWN = 10;

export const StorageView = z.object({
  database: z.object({
    /** Run by this server itself, or somebody else's by DATABASE_URL. */
    embedded: z.boolean(),
    /** As the start prints it: where it is, without its password. */
    description: z.string(),
    version: z.string(),
    /** Of all tables with their indexes, whoever's rows they hold. */
    bytes: z.int(),
    /** The largest first; `rows` is PostgreSQL's own estimate, null where it has none yet. */
    tables: z.object({ items: z.array(z.object({ name: z.string(), bytes: z.int(), rows: z.int().nullable() })), shown: z.int(), total: Count }),
  }),
  artefacts: z.object({
    /** Where transcripts and what runs made go: a folder, or nowhere. */
    kind: z.enum(['folder', 'none']),
    place: z.string().nullable(),
    /** Of this organization. */
    files: Count,
    bytes: Count,
  }),
  /** What is deleted by itself when it is older than so many days; what is not listed is kept until it is deleted. */
  retention: z.array(z.object({ class: z.string(), days: z.int().nullable() })),
});
export type StorageView = z.infer<typeof StorageView>;

const AgentFigures = z.object({
  agent: z.string(),
  runs: z.int(),
  succeeded: z.int(),
  failed: z.int(),
  live: z.int(),
  microUsd: z.int(),
  /** Runs whose cost is not known whole. */
  unknown: z.int(),
  lastAtMs: z.int(),
});

export const statusOperations = {
  storage: operation({
    name: 'status.storage',
    permission: 'engine.operate',
    method: 'GET',
    path: '/status/storage',
    summary: 'Shows where everything is kept, how large it is, and what is deleted by itself when it is old.',
    input: z.object({}),
    output: StorageView,
  }),
  activity: operation({
    name: 'status.activity',
    permission: 'status.read',
    method: 'GET',
    path: '/activity',
    summary: 'What happened since a time: how runs ended, what was asked and answered, which agents were changed.',
    input: z.object({ since: Since }),
    output: ActivityView,
  }),
  agents: operation({
    name: 'status.agents',
    permission: 'status.read',
    method: 'GET',
    path: '/status/agents',
    summary: 'How the runs of each agent went since a time, and what they cost.',
    input: z.object({ since: Since }),
    output: z.object({ sinceMs: z.int(), items: z.array(AgentFigures) }),
  }),
  read: operation({
    name: 'status.read',
    permission: 'status.read',
    method: 'GET',
    path: '/status',
    summary: 'Shows the server, runs by status, what waits for people, budgets near their end, agents in error and what was spent since a time.',
    input: z.object({
      since: z.coerce
        .number()
        .int()
        .nonnegative()
        .max(LAST_MS)
        .optional()
        .meta({ description: 'Spend since then, in milliseconds since the epoch; midnight UTC when left out.' }),
    }),
    output: StatusView,
  }),
};
