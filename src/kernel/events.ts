/**
 * The event union of a run's journal: the base of every screen. One zod schema per type, parsed whenever a stored entry
 * is read; readers accept every version ever written. A domain outside runs declares events of its own beside its tables.
 */
import { z } from 'zod';
import { Label } from './labels.ts';
import { AssistantPart, Usage } from './messages.ts';
import { EvidenceLevel, ModelFacts, RunPlan, SideEffect, ToolManifestEntry } from './plan.ts';
import { FinalStatus, WaitingFor } from './run-status.ts';

const Ms = z.int().nonnegative();
const CallId = z.string();

/** Who or what did it: an actor's id with the name to show, and the fingerprint and id of the key it used, where it used one. */
export const By = z.object({ actor: z.string(), name: z.string(), key: z.string().optional(), keyId: z.string().optional() });
export type By = z.infer<typeof By>;

/** One policy decision (spec POL-1). */
export const Decision = z.object({ answer: z.enum(['allow', 'deny', 'confirm']), rules: z.array(z.string()), reason: z.string() });
export type Decision = z.infer<typeof Decision>;

export const Purpose = z.enum(['live', 'rehearsal', 'eval', 'dry', 'fork', 'replay']);
export type Purpose = z.infer<typeof Purpose>;
export const Trigger = z.enum(['manual', 'schedule', 'webhook', 'mcp', 'run', 'task', 'chat', 'mail']);
export type Trigger = z.infer<typeof Trigger>;

/**
 * Where a fork or retry takes its prefix from: entries 1 to `seq` of `run`, whose last hash is `hash`. `edited` replaces the
 * results of calls in that prefix (a fork's what-if); the model is told that they were edited.
 */
export const Origin = z.object({
  run: z.string(),
  seq: z.int().positive(),
  hash: z.string(),
  how: z.enum(['retry', 'fork']),
  edited: z.array(z.object({ callId: CallId, text: z.string() })).default([]),
});
export type Origin = z.infer<typeof Origin>;

/** Classes of failure and their one meaning (spec HAR-6). */
export const FailureClass = z.enum([
  'model_error',
  'tool_error',
  'denied',
  'missing_credential',
  'budget_exhausted',
  'timeout',
  'invalid_input',
  'invalid_output',
  'internal',
]);
export type FailureClass = z.infer<typeof FailureClass>;

export const Evidence = z.object({ level: EvidenceLevel, what: z.string(), callId: CallId.optional(), atMs: Ms });
export type Evidence = z.infer<typeof Evidence>;

export const Escalation = z.object({ blocked: z.string(), tried: z.string(), need: z.string() });
export type Escalation = z.infer<typeof Escalation>;

/** `known` is false when any call of the run had no price: then `microUsd` is a lower bound. */
export const Cost = z.object({ microUsd: z.int().nonnegative(), known: z.boolean() });
export type Cost = z.infer<typeof Cost>;

const Filed = z.object({
  project: z.string().nullable(),
  schedule: z.string().nullable(),
  root: z.string(),
  lane: z.string().nullable(),
  pool: z.string().nullable(),
  priority: z.enum(['low', 'normal', 'high']),
});

const event = <T extends string, S extends z.ZodRawShape>(type: T, shape: S) => z.object({ type: z.literal(type), ...shape });

export const RunEvent = z.discriminatedUnion('type', [
  event('run.queued', {
    purpose: Purpose,
    trigger: Trigger,
    plan: RunPlan,
    input: z.json(),
    labels: z.array(Label),
    parent: z.object({ run: z.string(), callId: CallId, depth: z.int().positive() }).nullable(),
    origin: Origin.nullable(),
    by: By,
    correlationId: z.string(),
    /** Version of the pure rules that decide (fold and next), so that a journal says what read it. */
    rules: z.int().positive(),
    deadlineMs: Ms.nullable(),
    /** How it was filed in the queue; the store writes it, so that the row can be rebuilt from the journal alone. */
    filed: Filed.optional(),
  }),
  event('run.started', {
    worker: z.string(),
    attempt: z.int().positive(),
    tools: z.array(ToolManifestEntry),
    models: z.record(z.string(), ModelFacts),
  }),
  /** Another lease took it on: after a wait, a crash, or a person's word. `tools` only when they changed. */
  event('run.resumed', {
    worker: z.string(),
    attempt: z.int().positive(),
    after: z.enum(['wait', 'takeover', 'pause', 'upgrade']),
    tools: z.array(ToolManifestEntry).optional(),
    models: z.record(z.string(), ModelFacts).optional(),
  }),
  event('run.waiting', { for: z.union([WaitingFor, z.literal('pause')]), untilMs: Ms.nullable(), reason: z.string() }),
  event('run.ended', {
    status: FinalStatus,
    /** One sentence a person understands. */
    reason: z.string(),
    /** The final answer as text; with an output schema also parsed in `output`. Partial when limited. */
    answer: z.string().nullable(),
    output: z.json().optional(),
    partial: z.boolean(),
    rehearsed: z.boolean(),
    failure: FailureClass.nullable(),
    escalation: Escalation.nullable(),
    evidence: z.array(Evidence),
    usage: Usage,
    cost: Cost,
  }),
  /** A row of the run's inbox that is a command. */
  event('run.signalled', { signal: z.enum(['cancel', 'pause', 'resume', 'grant', 'switch']), reason: z.string(), by: By }),
  event('context.assembled', {
    turn: z.int().positive(),
    /** SHA-256 over the parts' digests, in order. */
    hash: z.string(),
    parts: z.array(z.object({ name: z.string(), digest: z.string(), tokens: z.int().nonnegative() })),
    tokens: z.int().nonnegative(),
  }),
  event('context.compacted', {
    /** Results of these calls are shown as references from now on. */
    referenced: z.array(CallId),
    /** Messages before this index are replaced by `summary`; 0 replaces none. */
    upTo: z.int().nonnegative(),
    summary: z.string().nullable(),
    beforeTokens: z.int().nonnegative(),
    afterTokens: z.int().nonnegative(),
  }),
  event('model.intended', {
    turn: z.int().positive(),
    attempt: z.int().positive(),
    model: z.string(),
    /** Above 0 the call is no turn of the agent: it sums up the messages before this index. */
    summarises: z.int().nonnegative().default(0),
    contextHash: z.string(),
    maxOutputTokens: z.int().positive(),
    decision: Decision,
    reservation: z.object({ tokens: z.int().nonnegative(), microUsd: z.int().nonnegative().nullable() }).nullable(),
  }),
  event('model.replied', {
    turn: z.int().positive(),
    model: z.string(),
    content: z.array(AssistantPart),
    finish: z.enum(['stop', 'length', 'tool_calls', 'refused', 'other']),
    usage: Usage,
    /** Null: no price known. */
    costMicroUsd: z.int().nonnegative().nullable(),
    rehearsed: z.boolean(),
    /** The reply to the very same request before: the model was not asked (spec GTW-4). */
    kept: z.literal(true).optional(),
    ms: Ms,
  }),
  event('model.failed', {
    turn: z.int().positive(),
    attempt: z.int().positive(),
    model: z.string(),
    kind: z.enum([
      'overloaded',
      'rate_limited',
      'timeout',
      'unreachable',
      'malformed',
      'refused',
      'credential',
      'invalid_request',
      'aborted',
      'interrupted',
    ]),
    message: z.string(),
    retryable: z.boolean(),
    /** Not before this moment, when the provider said so. */
    notBeforeMs: Ms.nullable(),
    /** What was sent and has no outcome is charged as if spent, marked estimated. */
    usage: Usage,
    costMicroUsd: z.int().nonnegative().nullable(),
  }),
  event('model.fellback', { turn: z.int().positive(), from: z.string(), to: z.string(), why: z.string() }),
  event('tool.intended', {
    callId: CallId,
    tool: z.string(),
    args: z.record(z.string(), z.json()),
    argsHash: z.string(),
    sideEffect: SideEffect,
    recovery: z.enum(['key', 'probe', 'none']),
    /** Idempotency key: the same at every repetition of this effect. */
    key: z.string(),
    deadlineMs: Ms,
    settleMs: Ms,
    decision: Decision,
    approvalId: z.string().nullable(),
  }),
  event('tool.done', {
    callId: CallId,
    tool: z.string(),
    /** The whole result as text; the model is shown the manifest's `shownChars` of it. */
    text: z.string(),
    structured: z.json().optional(),
    labels: z.array(Label),
    evidence: Evidence.nullable(),
    /** `effect` normally; `probe` when a look found it done; `human` when a person told the outcome. */
    known: z.enum(['effect', 'probe', 'human']),
    ms: Ms,
  }),
  event('tool.failed', { callId: CallId, tool: z.string(), class: FailureClass, message: z.string(), labels: z.array(Label), ms: Ms }),
  event('tool.denied', { callId: CallId, tool: z.string(), reason: z.string(), rules: z.array(z.string()) }),
  event('tool.outcome_unknown', { callId: CallId, tool: z.string(), why: z.string() }),
  event('approval.asked', {
    approvalId: z.string(),
    callId: CallId,
    kind: z.enum(['approval', 'input', 'outcome']),
    tool: z.string(),
    args: z.record(z.string(), z.json()),
    /** Binds the answer to tool, arguments, target and deciding rules (spec APR-1). */
    hash: z.string(),
    question: z.string(),
    choices: z.array(z.string()),
    decision: Decision,
    deadlineMs: Ms,
    onExpiry: z.enum(['deny', 'halt']),
  }),
  event('approval.answered', {
    approvalId: z.string(),
    callId: CallId,
    /** `edit` approves `args` instead; `answer` is for input; `done` and `not_done` settle an unknown outcome. */
    answer: z.enum(['approve', 'edit', 'deny', 'answer', 'done', 'not_done']),
    args: z.record(z.string(), z.json()).optional(),
    text: z.string(),
    hash: z.string(),
    by: By,
  }),
  event('approval.expired', { approvalId: z.string(), callId: CallId, onExpiry: z.enum(['deny', 'halt']) }),
  event('guardrail.fired', { where: z.string(), rule: z.string(), excerpt: z.string(), callId: CallId.optional() }),
  event('guardrail.overridden', { rule: z.string(), reason: z.string(), by: By }),
  event('budget.warned', { budget: z.string(), usedShare: z.number(), resetsAtMs: Ms.nullable() }),
  /** `unit` is what the budget counts; of `runs`, the run itself may not begin yet. */
  event('budget.exhausted', { budget: z.string(), unit: z.string().optional(), resetsAtMs: Ms.nullable(), message: z.string() }),
  /** It costs far more than its agent's runs do: it pauses until a person says that it may go on (spec BUD-7). */
  event('budget.spiked', { costMicroUsd: z.int(), medianMicroUsd: z.int(), runs: z.int() }),
  /** The final answer was not accepted; the model is told `message` and has one more try for this reason. */
  event('output.rejected', {
    turn: z.int().positive(),
    why: z.enum(['schema', 'evidence', 'cut', 'empty']),
    faults: z.array(z.string()),
    message: z.string(),
  }),
  event('stop_rule.tripped', { rule: z.string(), detail: z.string(), escalation: Escalation }),
  event('memory.read', { ids: z.array(z.string()), scores: z.array(z.number()) }),
  event('memory.written', { ids: z.array(z.string()) }),
  event('skill.activated', { skill: z.string(), digest: z.string() }),
  event('skill.unloaded', { skill: z.string() }),
  event('phase.entered', { phase: z.string() }),
  event('progress', { phase: z.string(), percent: z.number().min(0).max(100), message: z.string(), etaMs: Ms.nullable() }),
  event('child.started', {
    callId: CallId,
    run: z.string(),
    agent: z.string(),
    allotment: z.object({ turns: z.int(), toolCalls: z.int(), activeMs: z.int(), tokens: z.int(), costMicroUsd: z.int().nullable() }),
  }),
  event('child.ended', {
    callId: CallId,
    run: z.string(),
    status: FinalStatus,
    text: z.string(),
    labels: z.array(Label),
    usage: Usage,
    cost: Cost,
    turns: z.int().nonnegative(),
    toolCalls: z.int().nonnegative(),
    activeMs: Ms,
  }),
  event('note', { text: z.string(), by: By }),
  /** Transcript or artefact that could not be stored: the run goes on (spec RUN-9). */
  event('artefact.failed', { what: z.string(), message: z.string() }),
]);
export type RunEvent = z.infer<typeof RunEvent>;
export type RunEventType = RunEvent['type'];
export type EventOf<T extends RunEventType> = Extract<RunEvent, { type: T }>;

/** Version written now. Earlier ones are upgraded when read, in `runtime/runs`. */
export const EVENT_VERSION = 1;
/** Version of the pure rules of the harness. */
export const RULES_VERSION = 1;

/** One entry as readers see it. Times are milliseconds of the database's clock. */
export type Entry<E = RunEvent> = {
  readonly org: string;
  readonly stream: string;
  readonly seq: number;
  /** Order over all streams, which commits cannot overtake; also the leaf index of the audit log. */
  readonly position: number;
  readonly atMs: number;
  readonly version: number;
  readonly actor: string;
  readonly effectId: string | null;
  readonly fence: number;
  readonly prevHash: string;
  readonly hash: string;
  /** Null once its payload was deleted: the chain still verifies, the run no longer replays. */
  readonly event: E | null;
};
