/**
 * The ledger as its callers see it: a call is begun (its worst case reserved) and ended (settled at what it used), each in one
 * commit with its entry in the journal. Calls of runs go the same way inside the runs' own appends.
 */
import type { JsonObject } from '../../kernel/canonical-json.ts';
import type { ActorId, AgentId, CorrelationId, KeyId, OrgId, ProjectId, RunId } from '../../kernel/ids.ts';
import type { Usage } from '../../kernel/messages.ts';
import type { ModelFacts } from '../../kernel/plan.ts';
import type { BudgetRefusal } from './budget.ts';

export type Price = NonNullable<ModelFacts['price']>;

/** Whom a call is metered to (spec BUD-1). */
export type CallPlace = {
  org: OrgId;
  project: ProjectId | null;
  agent: AgentId | null;
  key: KeyId | null;
  run: RunId | null;
  actor: ActorId;
  correlation: CorrelationId;
};

export type PlannedCall = {
  place: CallPlace;
  /** `provider/model`. */
  model: string;
  protocol: 'anthropic' | 'openai_chat' | 'openai_responses' | 'openai_embeddings' | 'google';
  /** Upper bound. */
  inputTokens: number;
  /** What the client asked, or the model's own limit; 0 for embeddings. */
  maxOutputTokens: number;
  /** Null: not known. */
  price: Price | null;
  rehearsed: boolean;
  /** Alias, attempt, cache, what was changed: journaled with the intent. */
  facts: JsonObject;
};

/** `maxOutputTokens` is less than asked where less than the worst case could be reserved: it must be sent upstream. */
export type Begun = { ok: true; call: string; maxOutputTokens: number } | { ok: false; refusal: BudgetRefusal };

export type CallOutcome = {
  /** `not_sent` only when it certainly never left: then all that was reserved is given back. */
  kind: 'replied' | 'failed' | 'aborted' | 'not_sent';
  /** Null: it was sent and nobody knows what it used, so it settles at its reservation, marked estimated. */
  usage: Usage | null;
  status: number | null;
  ms: number;
  firstByteMs: number | null;
  failure: string | null;
  /** Journaled with the outcome. */
  facts: JsonObject;
};

export type Ledger = {
  /** @throws AppError `unavailable` when nothing was committed: the call must not be made. */
  begin(call: PlannedCall): Promise<Begun>;
  /**
   * Settles a call once; again, or after a sweep has settled it at its reservation, it changes nothing. Tried again while the
   * database is away. `costMicroUsd` is null for a model without a price.
   */
  end(call: string, outcome: CallOutcome): Promise<{ costMicroUsd: number | null }>;
};
