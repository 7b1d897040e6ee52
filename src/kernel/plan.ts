/**
 * What a run was told to do, frozen when it was queued: the journal's first entry carries it whole, so that folding,
 * replaying and forking need nothing else. Not the agent's definition (that is `work/agents`), only what a run needs of it.
 */
import { z } from 'zod';
import { Label } from './labels.ts';

export const SideEffect = z.enum(['read', 'reversible', 'irreversible', 'external']);
/** `external` leaves the machine or reaches people; `reversible` can be undone by us (spec TOL-1). */
export type SideEffect = z.infer<typeof SideEffect>;

/** What the harness must know of a tool to decide; recorded at the run's start, so that deciding stays pure. */
export const ToolManifestEntry = z.object({
  name: z.string(),
  description: z.string(),
  inputSchema: z.record(z.string(), z.json()),
  /** `call` is carried out; `ask` waits for a human's words; `agent` starts a child run. */
  kind: z.enum(['call', 'ask', 'agent']),
  sideEffect: SideEffect,
  /** What reading its result does to the run's labels. */
  taints: z.array(Label),
  /** Recovery of a write whose outcome is unknown: repeat with the same key, look, or neither (spec RUN-4). */
  recovery: z.enum(['key', 'probe', 'none']),
  timeoutMs: z.int().positive(),
  /** How long after its deadline an effect may still become visible to a probe. */
  settleMs: z.int().nonnegative(),
  /** Characters of a result shown to the model; the rest is read on with `result_read`. */
  shownChars: z.int().positive(),
});
export type ToolManifestEntry = z.infer<typeof ToolManifestEntry>;

/** Micro-USD per million tokens. */
const Rates = z.object({ input: z.number(), cachedInput: z.number(), cacheWrite: z.number(), output: z.number() });

export const ModelFacts = z.object({
  /** Context window and largest answer, in tokens. */
  windowTokens: z.int().positive(),
  maxOutputTokens: z.int().positive(),
  /** Null: no price known, so cost is unknown, not zero. `long` holds for all tokens of a call with more input than `aboveTokens`. */
  price: Rates.extend({ date: z.string(), long: Rates.extend({ aboveTokens: z.int().positive() }).optional() }).nullable(),
  rehearsed: z.boolean(),
});
export type ModelFacts = z.infer<typeof ModelFacts>;

export const RunLimits = z.object({
  turns: z.int().positive(),
  toolCalls: z.int().nonnegative(),
  /** Wall clock of active time: waiting does not count. */
  activeMs: z.int().positive(),
  /** All tokens but cached input. */
  tokens: z.int().positive(),
  /** Null: no cap of the run's own in money. */
  costMicroUsd: z.int().nonnegative().nullable(),
});
export type RunLimits = z.infer<typeof RunLimits>;

/** Spec HAR-2. */
export const DEFAULT_LIMITS: RunLimits = { turns: 25, toolCalls: 100, activeMs: 60 * 60_000, tokens: 1_000_000, costMicroUsd: null };
/** Spec RUN-8. */
export const MAX_DEPTH = 3;

export const EvidenceLevel = z.enum(['self_report', 'self_check', 'observed', 'judged']);
/** Spec RUN-11, weakest first. */
export type EvidenceLevel = z.infer<typeof EvidenceLevel>;

const PlanBase = z.object({
  agent: z.object({ id: z.string(), name: z.string(), version: z.int().positive() }),
  tier: z.union([z.literal(1), z.literal(2), z.literal(3)]),
  limits: RunLimits,
  /** Evidence that `succeeded` needs; null takes the agent's word. */
  evidence: EvidenceLevel.nullable(),
  /** Tools that wait for a human although their side effect would not ask for it. */
  confirm: z.array(z.string()),
  approvalTtlMs: z.int().positive(),
  onApprovalExpiry: z.enum(['deny', 'halt']),
});

export const RunPlan = z.discriminatedUnion('kind', [
  PlanBase.extend({
    kind: z.literal('model'),
    instructions: z.string(),
    model: z.string(),
    fallbacks: z.array(z.string()),
    /** The allowlist: what is not named cannot be called. */
    tools: z.array(z.string()),
    /** Agents that may be called as tools. */
    agents: z.array(z.string()),
    outputSchema: z.record(z.string(), z.json()).nullable(),
    temperature: z.number().nullable(),
    /** False: a run whose providers all say `not before T` fails rather than wait for it (spec GTW-10). Waits when left out. */
    waitForProvider: z.boolean().optional(),
    /** Replies to the very same request are kept so long and given again (spec GTW-4); not at all when left out. */
    cacheSeconds: z.int().positive().optional(),
  }),
  PlanBase.extend({
    kind: z.literal('command'),
    /** Run in order without a shell; the first that exits non-zero fails the run. */
    commands: z.array(z.object({ name: z.string(), argv: z.array(z.string()).min(1), timeoutMs: z.int().positive(), repeatable: z.boolean() })),
  }),
]);
export type RunPlan = z.infer<typeof RunPlan>;
