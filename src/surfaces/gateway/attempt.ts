/**
 * What one try at one model will be: by which way, with whose credential, what of the request changes, what it may cost at most. Pure; carrying
 * it out is `exchange.ts` and `translated.ts`.
 */
import type { JsonObject } from '../../kernel/canonical-json.ts';
import type { ModelFacts } from '../../kernel/plan.ts';
import type { CallPlace, PlannedCall } from '../../platform/budgets/ledger.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { ProviderKind } from '../../runtime/models/prompt.ts';
import type { Provider } from '../../runtime/models/providers.ts';
import type { CorrelationId } from '../../kernel/ids.ts';
import type { Ask } from './ask.ts';
import { limitEdit } from './ask.ts';
import type { Endpoint, Side } from './endpoint.ts';
import type { Credential } from './headers.ts';
import type { Edit } from './json-members.ts';
import { withMembers } from './json-members.ts';

/** A client's call, read and admitted. */
export type Call = {
  endpoint: Endpoint;
  ask: Ask;
  principal: Principal;
  correlation: CorrelationId;
  rawHeaders: readonly string[];
  /** Credentials of the client's own, name and value in turn; none where the virtual key stands in their place. */
  own: readonly string[];
};

export type Attempt = {
  /** `provider/model`. */
  model: string;
  /** The model's name at its provider. */
  name: string;
  /** Null for a rehearsal. */
  provider: Provider | null;
  facts: ModelFacts;
  /** `pass` when the provider speaks the client's protocol. */
  way: 'pass' | 'translate';
  credential: Credential;
  /** What the request asks for at most, over all its answers. */
  maxOutputTokens: number;
  inputTokens: number;
};

const SIDES: Readonly<Record<Side, ProviderKind>> = { anthropic: 'anthropic', openai: 'openai', google: 'google' };

/** Whether a provider takes this endpoint's bytes as they are. */
export function speaks(kind: ProviderKind, { side, protocol }: Endpoint): boolean {
  if (kind === 'openai-compatible') return protocol === 'openai_chat' || protocol === 'openai_embeddings';
  return kind === SIDES[side];
}

type At = {
  model: string;
  provider: Provider | null;
  key: string | undefined;
  facts: ModelFacts;
  /** Its provider has counted more than the usual bound before. */
  outgrown: boolean;
};

export function attemptAt(call: Call, at: At): Attempt {
  const { ask, endpoint, own } = call;
  const { model, provider, facts } = at;
  const pass = provider !== null && speaks(provider.kind, endpoint);
  // a model that nobody described may say as much as fits into its window
  const most = facts.price === null && !facts.rehearsed ? facts.windowTokens : facts.maxOutputTokens;
  const each = ask.maxOutputTokens ?? most;
  return {
    ...{ model, provider, facts },
    name: model.slice(model.indexOf('/') + 1),
    way: pass ? 'pass' : 'translate',
    // the client's own credential is for the provider that its address was put in place of, and for nobody else
    credential: pass && own.length > 0 && provider.kind === SIDES[endpoint.side] ? { whose: 'client', headers: own } : { whose: 'ours', key: at.key },
    maxOutputTokens: endpoint.ask.kind === 'embed' ? 0 : each * ask.answers,
    inputTokens: Math.min((at.outgrown ? ask.inputTokens?.hard : ask.inputTokens?.usual) ?? facts.windowTokens, facts.windowTokens),
  };
}

export function plannedCall(call: Call, attempt: Attempt, facts: JsonObject): PlannedCall {
  return {
    place: placeOf(call),
    model: attempt.model,
    protocol: call.endpoint.protocol,
    inputTokens: attempt.inputTokens,
    maxOutputTokens: attempt.maxOutputTokens,
    price: attempt.facts.price,
    rehearsed: attempt.facts.rehearsed,
    facts,
  };
}

export function placeOf({ principal, correlation }: Pick<Call, 'principal' | 'correlation'>): CallPlace {
  const { org, project, spendAgent, agent, key, actor } = principal;
  return { org, project, agent: spendAgent ?? agent, key, run: null, actor, correlation };
}

export type Changes = { body: Buffer; path: string; named: string[]; maxOutputTokens: number };

/** The request as it goes to the provider; `named` is what a client must be told of (spec GTW-2). */
export function changesOf({ endpoint, ask }: Call, attempt: Attempt, granted: number): Changes {
  const edits: Edit[] = [];
  const named: string[] = [];
  if (attempt.name !== ask.model) {
    named.push('model');
    if (endpoint.protocol !== 'google') edits.push({ path: ['model'], json: JSON.stringify(attempt.name) });
  }
  if (granted < attempt.maxOutputTokens) {
    const each = Math.floor(granted / ask.answers);
    const edit = limitEdit(endpoint, ask.json, each);
    named.push(`${edit.path.join('.')}=${each}`);
    edits.push(edit);
  }
  if (ask.lacksUsage && attempt.way === 'pass') edits.push({ path: ['stream_options', 'include_usage'], json: 'true' });
  return {
    body: attempt.way === 'translate' || edits.length === 0 ? ask.body : withMembers(ask.body, edits),
    path: endpoint.path.replace('{model}', encodeURIComponent(attempt.name)) + endpoint.query,
    named,
    maxOutputTokens: Math.floor(Math.min(granted, attempt.maxOutputTokens) / ask.answers),
  };
}

/** Whether so few tokens make an answer at all. */
export function isEnough({ ask, endpoint }: Call, granted: number): boolean {
  return endpoint.ask.kind === 'embed' || Math.floor(granted / ask.answers) > ask.thinkingTokens;
}
