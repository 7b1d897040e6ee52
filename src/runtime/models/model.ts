/**
 * The port to models: one call is one step, plain data in and out. Retries, fallback and budgets belong to the run, not here.
 */
import type { JsonObject } from '../../kernel/canonical-json.ts';
import type { EventOf } from '../../kernel/events.ts';
import type { AssistantPart, Message, Usage } from '../../kernel/messages.ts';
import type { ModelFacts } from '../../kernel/plan.ts';

export type ToolDeclaration = { name: string; description: string; inputSchema: JsonObject };

export type ModelRequest = {
  /** `provider/model`, an alias already resolved: `anthropic/claude-sonnet-5`, `rehearsal/repo-digest`. */
  model: string;
  /** Stable text first; providers that cache prompts get their marks after it (spec HAR-3). */
  instructions: string;
  messages: readonly Message[];
  tools: readonly ToolDeclaration[];
  maxOutputTokens: number;
  /** JSON Schema of the final answer, where the provider can enforce it (spec GTW-8). */
  outputSchema: JsonObject | null;
  temperature: number | null;
  /** 1-based turn of the run: what a scripted model goes by. */
  turn: number;
};

export type ModelReply = {
  content: AssistantPart[];
  finish: EventOf<'model.replied'>['finish'];
  usage: Usage;
  rehearsed: boolean;
};

export type ModelFailureKind = EventOf<'model.failed'>['kind'];

export type ModelFailure = {
  kind: ModelFailureKind;
  /** For people; no credential, no internals. */
  message: string;
  retryable: boolean;
  /** From Retry-After or the provider's own words. */
  retryAfterMs: number | null;
  /** False only when the request certainly never left: then nothing was spent. */
  sent: boolean;
  /**
   * What it cost as far as that is known: nothing when it never left or was refused before any work (a 429). Null: it may have
   * worked and nobody said how much, so the reservation is charged, marked estimated.
   */
  usage: Usage | null;
};

export type ModelOutcome = { ok: true; reply: ModelReply } | { ok: false; failure: ModelFailure };

export type Models = {
  /** Never throws for a provider's fault. Text arrives at `onDelta` as a preview only. */
  call(request: ModelRequest, options: { signal: AbortSignal; timeoutMs: number; onDelta?: (text: string) => void }): Promise<ModelOutcome>;
  /** Facts of a model, with defaults for one not in the price file (price null). @throws AppError `invalid_input` for an unknown provider. */
  facts(model: string): ModelFacts;
  /** Whether the provider's circuit is open, and until when. */
  openUntilMs(model: string): number | null;
  /** Models that can be called now: provider configured and credential present. */
  available(): { provider: string; configured: boolean; /** A key is needed, and there. */ keyed: boolean; models: string[]; why: string }[];
};
