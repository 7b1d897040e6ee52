/**
 * What surfaces can ask of runs: the one source for HTTP routes, MCP tools, CLI commands and console forms.
 * Creating one is `agents.run`, in `work/agents`: a run is always some agent's.
 */
import { z } from 'zod';
import { By, Cost, Escalation, Evidence, FailureClass, Purpose, RunEvent, Trigger } from '../../kernel/events.ts';
import { Label } from '../../kernel/labels.ts';
import { Usage } from '../../kernel/messages.ts';
import { operation } from '../../kernel/operation.ts';
import { PageInput, pageOf } from '../../kernel/page.ts';
import { RunStatus, WaitingFor } from '../../kernel/run-status.ts';

export const RunSummary = z.object({
  id: z.string(),
  agent: z.string(),
  version: z.int(),
  status: RunStatus,
  waitingFor: WaitingFor.nullable(),
  /** One sentence: why it waits or how it ended; empty while it runs. */
  reason: z.string(),
  purpose: Purpose,
  trigger: Trigger,
  rehearsed: z.boolean(),
  parent: z.string().nullable(),
  project: z.string().nullable(),
  phase: z.string().nullable(),
  percent: z.number().nullable(),
  turns: z.int(),
  toolCalls: z.int(),
  usage: Usage,
  cost: Cost,
  createdAtMs: z.int(),
  startedAtMs: z.int().nullable(),
  endedAtMs: z.int().nullable(),
  headSeq: z.int(),
});
export type RunSummary = z.infer<typeof RunSummary>;

export const RunDetail = RunSummary.extend({
  input: z.json(),
  /** The final answer; null until it ended, or when it ended without one. */
  answer: z.string().nullable(),
  output: z.json().optional(),
  partial: z.boolean(),
  failure: FailureClass.nullable(),
  escalation: Escalation.nullable(),
  evidence: z.array(Evidence),
  labels: z.array(Label),
  etaMs: z.int().nullable(),
  origin: z.object({ run: z.string(), seq: z.int(), how: z.enum(['retry', 'fork']) }).nullable(),
  correlationId: z.string(),
  by: By,
  /** What the run waits for a person to say. */
  waitingOn: z.array(z.object({ approvalId: z.string(), kind: z.enum(['approval', 'input', 'outcome']), question: z.string(), tool: z.string() })),
  children: z.array(z.object({ run: z.string(), agent: z.string(), status: RunStatus })),
});
export type RunDetail = z.infer<typeof RunDetail>;

export const EntryView = z.object({
  seq: z.int(),
  position: z.int(),
  atMs: z.int(),
  actor: z.string(),
  effectId: z.string().nullable(),
  hash: z.string(),
  /** Null once the payload was deleted on request. */
  event: RunEvent.nullable(),
});
export type EntryView = z.infer<typeof EntryView>;

const RunIdInput = z.object({ id: z.string().meta({ description: 'Run id, as in run_01jd…' }) });
const Reason = z.string().max(500).default('').meta({ description: 'Why, for the record.' });
const Signalled = z.object({ id: z.string(), status: RunStatus, message: z.string() });
const NewRun = z.object({ id: z.string(), status: RunStatus, message: z.string() });

export const Divergence = z.object({ seq: z.int(), expected: z.string(), found: z.string() });

export const runOperations = {
  list: operation({
    name: 'runs.list',
    permission: 'runs.read',
    method: 'GET',
    path: '/runs',
    summary: 'Lists runs, newest first.',
    input: PageInput.extend({
      agent: z.string().optional().meta({ description: 'Only this agent, by name.' }),
      status: z.union([RunStatus, z.array(RunStatus)]).optional(),
      parent: z.string().optional().meta({ description: 'Only sub-agent runs of this run.' }),
      live: z.stringbool().optional().meta({ description: 'Only runs that have not ended.' }),
      search: z.string().max(200).optional().meta({ description: 'Only where the agent, the reason or the end of the id has this text.' }),
    }),
    output: pageOf(RunSummary),
  }),
  get: operation({
    name: 'runs.get',
    permission: 'runs.read',
    method: 'GET',
    path: '/runs/{id}',
    summary: 'Shows one run.',
    input: RunIdInput,
    output: RunDetail,
  }),
  events: operation({
    name: 'runs.events',
    permission: 'runs.read',
    method: 'GET',
    path: '/runs/{id}/events',
    summary: 'Reads the journal of a run by cursor; with Accept: text/event-stream it stays open and sends what follows.',
    input: RunIdInput.extend({
      after: z.coerce.number().int().nonnegative().default(0).meta({ description: 'Entries after this sequence number.' }),
      limit: z.coerce.number().int().min(1).max(1000).default(200),
    }),
    output: pageOf(EntryView),
  }),
  transcript: operation({
    name: 'runs.transcript',
    permission: 'runs.read',
    method: 'GET',
    path: '/runs/{id}/transcript',
    summary: 'The journal as readable Markdown.',
    input: RunIdInput,
    output: z.object({ markdown: z.string() }),
  }),
  prompt: operation({
    name: 'runs.prompt',
    permission: 'runs.read',
    method: 'GET',
    path: '/runs/{id}/prompts/{turn}',
    summary: 'The assembled prompt of one turn, rebuilt from the journal and checked against its hash.',
    input: RunIdInput.extend({ turn: z.coerce.number().int().positive() }),
    output: z.object({
      turn: z.int(),
      hash: z.string(),
      verified: z.boolean(),
      tokens: z.int(),
      parts: z.array(z.object({ name: z.string(), tokens: z.int(), text: z.string() })),
    }),
  }),
  verify: operation({
    name: 'runs.verify',
    permission: 'runs.read',
    method: 'GET',
    path: '/runs/{id}/verify',
    summary: 'Checks the hash chain of a run and names the first bad entry.',
    input: RunIdInput,
    output: z.object({ ok: z.boolean(), entries: z.int(), firstBad: z.int().nullable(), why: z.string() }),
  }),
  cancel: operation({
    name: 'runs.cancel',
    permission: 'runs.create',
    method: 'POST',
    path: '/runs/{id}/cancel',
    summary: 'Stops a run within a second.',
    input: RunIdInput.extend({ reason: Reason }),
    output: Signalled,
    status: 202,
    effect: 'destructive',
  }),
  pause: operation({
    name: 'runs.pause',
    permission: 'runs.create',
    method: 'POST',
    path: '/runs/{id}/pause',
    summary: 'Pauses a run after the step it is in.',
    input: RunIdInput.extend({ reason: Reason }),
    output: Signalled,
    status: 202,
  }),
  resume: operation({
    name: 'runs.resume',
    permission: 'runs.create',
    method: 'POST',
    path: '/runs/{id}/resume',
    summary: 'Lets a paused run go on.',
    input: RunIdInput.extend({ reason: Reason }),
    output: Signalled,
    status: 202,
  }),
  note: operation({
    name: 'runs.note',
    permission: 'runs.create',
    method: 'POST',
    path: '/runs/{id}/notes',
    summary: "Adds a person's words to a live run; the agent reads them at its next step.",
    input: RunIdInput.extend({ text: z.string().min(1).max(8_000) }),
    output: Signalled,
    status: 202,
  }),
  retry: operation({
    name: 'runs.retry',
    permission: 'runs.create',
    method: 'POST',
    path: '/runs/{id}/retry',
    summary: 'Continues an ended run as a new one: what was done stays done.',
    input: RunIdInput,
    output: NewRun,
    status: 201,
  }),
  rerun: operation({
    name: 'runs.rerun',
    permission: 'runs.create',
    method: 'POST',
    path: '/runs/{id}/rerun',
    summary: 'Starts afresh with the same agent version and input.',
    input: RunIdInput,
    output: NewRun,
    status: 201,
  }),
  fork: operation({
    name: 'runs.fork',
    permission: 'runs.create',
    method: 'POST',
    path: '/runs/{id}/fork',
    summary: 'Starts a new run from any step, with changed instructions, model or tool result.',
    input: RunIdInput.extend({
      seq: z.int().positive().meta({ description: 'The last journal entry to keep.' }),
      instructions: z.string().max(100_000).optional(),
      model: z.string().max(200).optional(),
      result: z
        .object({ callId: z.string(), text: z.string() })
        .optional()
        .meta({ description: 'A tool result to put in place of the recorded one; it is marked edited.' }),
    }),
    output: NewRun,
    status: 201,
  }),
  replay: operation({
    name: 'runs.replay',
    permission: 'runs.read',
    method: 'POST',
    path: '/runs/{id}/replay',
    summary: 'Replays a run over its recorded results, writes nothing, costs nothing, and reports the first divergence.',
    input: RunIdInput,
    output: z.object({ steps: z.int(), diverged: Divergence.nullable(), message: z.string() }),
    effect: 'read',
  }),
  cassette: operation({
    name: 'runs.cassette',
    permission: 'runs.read',
    method: 'GET',
    path: '/runs/{id}/cassette',
    summary: "The run's model answers as a script that rehearsal can play.",
    input: RunIdInput,
    output: z.object({ script: z.json() }),
  }),
  stats: operation({
    name: 'runs.stats',
    permission: 'runs.read',
    method: 'GET',
    path: '/stats',
    summary: 'Queue depth, oldest waiting, workers, throughput, failures, lease losses.',
    input: z.object({}),
    output: z.object({
      queued: z.int(),
      running: z.int(),
      waiting: z.int(),
      oldestQueuedMs: z.int().nullable(),
      workers: z.int().meta({ description: 'That carry out a run now; none when nothing runs.' }),
      endedLastHour: z.int(),
      failedLastHour: z.int(),
      takeoversLastHour: z.int(),
    }),
  }),
};
