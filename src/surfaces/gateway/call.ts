/**
 * Carries out one call of a client: the models of its chain in turn, each try begun and ended in the ledger, until one answers (spec GTW-3,
 * BUD-1). What a try is stands in `attempt.ts`, how it is made in `exchange.ts` and `translated.ts`.
 */
import type { Dispatcher } from 'undici';
import type { Clock } from '../../kernel/clock.ts';
import { toAppError } from '../../kernel/errors.ts';
import type { JsonObject } from '../../kernel/canonical-json.ts';
import { NO_USAGE, type Usage } from '../../kernel/messages.ts';
import type { BudgetRefusal } from '../../platform/budgets/budget.ts';
import type { CallOutcome } from '../../platform/budgets/ledger.ts';
import type { Log } from '../../platform/telemetry/log.ts';
import type { Chain } from '../../runtime/models/aliases.ts';
import { modelFailure } from '../../runtime/models/failure.ts';
import type { Models, ModelFailure } from '../../runtime/models/model.ts';
import type { ModelSources } from '../../runtime/models/models.ts';
import type { AnswerCache, CacheEntry } from './answer-cache.ts';
import { collector } from './answer-cache.ts';
import type { Attempt, Call, Changes } from './attempt.ts';
import { attemptAt, changesOf, isEnough, plannedCall } from './attempt.ts';
import type { Holds, Skip } from './choose.ts';
import { fallsBack } from './choose.ts';
import { exchange, type Held, type Passed } from './exchange.ts';
import { headersUpstream } from './headers.ts';
import { HEADER_CHARS } from './limits.ts';
import type { Outgrown } from './outgrown.ts';
import type { Rates } from './rates.ts';
import type { Reply } from './reply.ts';
import { brokenOff } from './refuse.ts';
import { clientError, failureError } from './translate/errors.ts';
import type { ClientError } from './translate/protocol.ts';
import { usageReader } from './translate/usage-reader.ts';
import type { Translating } from './translated.ts';
import { translated } from './translated.ts';
import type { Settlements } from './settlements.ts';
import { withholdUsage } from './withhold.ts';

export type CallDeps = {
  clock: Clock;
  log: Log;
  models: Models & ModelSources;
  settlements: Settlements;
  dispatcher: Dispatcher;
  translating: Translating;
  holds: Holds;
  rates: Rates;
  outgrown: Outgrown;
  cache: AnswerCache;
  timeouts: { firstByteMs: number; idleMs: number };
  /** Aborted when the server stops: then nothing is tried any more. */
  closing: AbortSignal;
};

export type Serving = {
  call: Call;
  chain: Chain;
  reply: Reply;
  /** Headers that every answer of this call has. */
  headers: Record<string, string>;
  /** Where the answer is kept, when it is to be. */
  entry: CacheEntry | null;
};

type Tried = { model: string; why: string };
/** One try that is under way. */
type Trying = { attempt: Attempt; changes: Changes; ledgerCall: string; tried: readonly Tried[] };

/** Null when the client was answered; else what it is to be told. */
export async function carryOut(deps: CallDeps, serving: Serving): Promise<ClientError | null> {
  const { call, chain, reply } = serving;
  const tried: Tried[] = [];
  const skipped: Skip[] = [];
  let last: { failure: ModelFailure; held: Held | null; attempt: Attempt } | null = null;
  for (const model of chain.models) {
    const attempt = attemptFor(deps, call, model);
    const skip = deps.holds.skip(model, ownerOf(attempt, call));
    if (skip !== null) {
      skipped.push(skip);
      tried.push({ model, why: skip.why });
      continue;
    }
    const noKey = missingKey(attempt);
    if (noKey !== null) {
      last = { failure: noKey, held: null, attempt };
      tried.push({ model, why: noKey.kind });
      continue;
    }
    const trying = await begin(deps, serving, { attempt, tried });
    if ('status' in trying) return trying;
    const passed = await attempted(deps, serving, trying);
    if (passed.failure === null || reply.begun() || reply.gone()) {
      if (passed.held !== null && !reply.begun()) answerHeld(serving, trying, passed.held);
      return null;
    }
    last = { failure: passed.failure, held: passed.held, attempt };
    tried.push({ model, why: passed.failure.kind });
    if (!fallsBack(passed.failure)) break;
  }
  return last === null ? allSkipped(skipped, deps.clock.nowMs()) : answerFailure(serving, last, tried);
}

function attemptFor({ models, outgrown }: CallDeps, call: Call, model: string): Attempt {
  const provider = models.provider(model);
  const key = provider === null ? undefined : models.keyOf(provider);
  return attemptAt(call, { model, provider, key, facts: models.facts(model), outgrown: outgrown.has(call.principal.key, model) });
}

function ownerOf({ credential }: Attempt, { principal }: Call): string | null {
  return credential.whose === 'client' ? principal.key : null;
}

/** Of a provider that needs one: then nothing is reserved or sent. */
function missingKey({ provider, credential }: Attempt): ModelFailure | null {
  if (provider === null || provider.keyNames.length === 0 || credential.whose === 'client' || credential.key !== undefined) return null;
  return modelFailure('credential', `There is no key for ${provider.name}: set ${provider.keyNames.join(' or ')}.`, { sent: false });
}

async function begin(
  deps: CallDeps,
  { call, chain }: Serving,
  { attempt, tried }: { attempt: Attempt; tried: readonly Tried[] },
): Promise<Trying | ClientError> {
  if (call.ask.inputTokens === null && attempt.facts.price === null && !attempt.facts.rehearsed) return uncountable(attempt.model);
  const changed = changesOf(call, attempt, attempt.maxOutputTokens).named;
  const facts: JsonObject = {
    ...{ requested: call.ask.model.slice(0, HEADER_CHARS), attempt: tried.length + 1, stream: call.ask.stream, way: attempt.way },
    ...(chain.alias === null ? {} : { alias: chain.alias }),
    ...(tried.length === 0 ? {} : { after: tried.map(({ model, why }) => ({ model, why })) }),
    ...(changed.length === 0 ? {} : { changed }),
    ...(attempt.credential.whose === 'client' ? { credential: 'client' } : {}),
  };
  const begun = await deps.settlements.begin(plannedCall(call, attempt, facts));
  if (!begun.ok) return refusalError(begun.refusal);
  if (begun.maxOutputTokens < attempt.maxOutputTokens && !isEnough(call, begun.maxOutputTokens)) {
    deps.settlements.settle(begun.call, notSent('too_little_left'));
    return tooLittle(begun.maxOutputTokens);
  }
  return { attempt, changes: changesOf(call, attempt, begun.maxOutputTokens), ledgerCall: begun.call, tried };
}

/** Makes the try, tells the circuit and the holds of it, and writes its outcome down behind the answer. */
async function attempted(deps: CallDeps, serving: Serving, trying: Trying): Promise<Passed> {
  const { clock, models, holds, rates } = deps;
  const { call, entry } = serving;
  const { attempt, changes, ledgerCall } = trying;
  const own = ownerOf(attempt, call);
  const startedMs = clock.nowMs();
  const told = models.circuits.begin(attempt.provider?.name ?? attempt.model);
  const collected = entry === null ? null : collector();
  const passed =
    attempt.way === 'pass'
      ? await passThrough(deps, serving, { trying, collected })
      : await translated(deps.translating, serving, { attempt, changes, named: () => named(serving, trying), collected });
  const { failure } = passed;
  // a client's own subscription that is used up says nothing of the provider
  told(failure !== null && own !== null && failure.kind === 'rate_limited' ? { kind: 'aborted', retryAfterMs: null } : failure);
  if (failure !== null) holds.note(attempt.model, own, failure);
  const outcome = outcomeOf(passed, { call, attempt, ms: Math.max(0, clock.nowMs() - startedMs) });
  deps.settlements.settle(ledgerCall, outcome);
  if (outcome.usage !== null && !outcome.usage.estimated && outcome.usage.inputTokens > attempt.inputTokens)
    deps.outgrown.note(call.principal.key, attempt, outcome.usage);
  if (outcome.usage !== null) rates.used(call.principal, outcome.usage.inputTokens + outcome.usage.outputTokens);
  if (failure === null && entry !== null && collected !== null)
    deps.cache.keep(entry, { status: passed.status ?? 200, model: attempt.model, collected });
  return passed;
}

type Collected = ReturnType<typeof collector>;

function passThrough(deps: CallDeps, serving: Serving, { trying, collected }: { trying: Trying; collected: Collected | null }): Promise<Passed> {
  const { call, reply } = serving;
  const { attempt, changes } = trying;
  const provider = attempt.provider;
  if (provider === null) throw toAppError('a rehearsal is not passed through');
  const { origin, pathname } = new URL(provider.baseUrl);
  return exchange(
    deps.dispatcher,
    {
      ...{ provider: provider.name, origin, path: (pathname === '/' ? '' : pathname) + changes.path, body: changes.body },
      headers: headersUpstream(call.rawHeaders, provider, attempt.credential),
      ...deps.timeouts,
    },
    {
      reply,
      stopping: () => deps.closing.aborted,
      nowMs: () => deps.clock.nowMs(),
      reader: () => usageReader(call.endpoint.protocol),
      stream: call.ask.stream,
      withholding: call.ask.lacksUsage ? withholdUsage() : null,
      headers: () => named(serving, trying),
      onBytes: collected === null ? null : (bytes) => collected.push(bytes),
      brokenOff: (failure) => brokenOff(call.endpoint.protocol, failureError(failure)),
    },
  );
}

/** What the client is told beside the answer (spec GTW-2, GTW-3). */
function named({ headers }: Serving, { attempt, changes, tried }: Trying): Record<string, string> {
  return {
    ...headers,
    'x-windlass-model': headerText(attempt.model),
    ...(changes.named.length === 0 ? {} : { 'x-windlass-changed': headerText(changes.named.join(', ')) }),
    ...(tried.length === 0 ? {} : { 'x-windlass-fallback': fallbackText(tried) }),
    ...(attempt.way === 'translate' ? { 'x-windlass-translated': attempt.provider?.kind ?? 'rehearsal' } : {}),
    ...(attempt.facts.rehearsed ? { 'x-windlass-rehearsed': 'true' } : {}),
  };
}

const fallbackText = (tried: readonly Tried[]): string => headerText(tried.map(({ model, why }) => `${model}: ${why}`).join('; '));

/** Header values hold visible ASCII only. */
export function headerText(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, HEADER_CHARS);
}

function answerHeld(serving: Serving, trying: Trying, held: Held): void {
  serving.reply.answer(held.status, { ...held.headers, ...named(serving, trying) }, held.body);
}

/** The provider's own words where they are meant for the client; ours where they speak of our key, or where there are none. */
function answerFailure(
  serving: Serving,
  { failure, held, attempt }: { failure: ModelFailure; held: Held | null; attempt: Attempt },
  tried: readonly Tried[],
): ClientError | null {
  const ours = failure.kind === 'credential' && failure.sent && attempt.credential.whose === 'ours';
  const fallback: Record<string, string> = tried.length > 1 ? { 'x-windlass-fallback': fallbackText(tried) } : {};
  if (held !== null && !ours && (held.status < 300 || held.status >= 400)) {
    serving.reply.answer(held.status, { ...held.headers, ...serving.headers, 'x-windlass-model': headerText(attempt.model), ...fallback }, held.body);
    return null;
  }
  Object.assign(serving.headers, fallback);
  return failureError(
    ours
      ? {
          ...failure,
          message: `${attempt.provider?.name ?? 'The provider'} does not take the key that this gateway has for it. Tell whoever runs it.`,
        }
      : failure,
  );
}

function allSkipped(skipped: readonly Skip[], nowMs: number): ClientError {
  const untilMs = Math.min(...skipped.map((skip) => skip.untilMs));
  const told = skipped.some(({ why }) => why === 'not_before');
  const names = skipped.map(({ model }) => model).join(', ');
  const until = new Date(untilMs).toISOString();
  return {
    status: told ? 429 : 503,
    code: told ? 'not_before' : 'circuit_open',
    message: told ? `${names}: the provider asked not to be called before ${until}.` : `${names} failed repeatedly and is left alone until ${until}.`,
    retryAfterMs: Math.max(1, untilMs - nowMs),
  };
}

function refusalError({ message, retryAfterMs }: BudgetRefusal): ClientError {
  return { status: 402, code: 'budget_exhausted', message, retryAfterMs };
}

function tooLittle(tokens: number): ClientError {
  return {
    status: 402,
    code: 'budget_exhausted',
    message: `The budget has room for ${tokens} more output tokens, which is less than this request needs. Ask for less, or have the budget raised: windlass budget.`,
  };
}

function uncountable(model: string): ClientError {
  return {
    status: 400,
    code: 'not_countable',
    message: `What this request refers to cannot be counted before it is sent, and the window of ${model} is not known. Name the model under prices in windlass.yaml, or send the content itself.`,
  };
}

function notSent(failure: string): CallOutcome {
  return { kind: 'not_sent', usage: NO_USAGE, status: null, ms: 0, firstByteMs: null, failure, facts: {} };
}

type Whole = { call: Call; attempt: Attempt; ms: number };

function outcomeOf(passed: Passed, { call, attempt, ms }: Whole): CallOutcome {
  const { failure, status, firstByteMs, reading } = passed;
  const more = { status, ms, firstByteMs, facts: reading.model === null ? {} : { said: reading.model.slice(0, HEADER_CHARS) } };
  if (failure === null) return { ...more, kind: 'replied', usage: wholeUsage(passed, attempt), failure: null };
  if (!failure.sent) return { ...more, kind: 'not_sent', usage: NO_USAGE, failure: failure.kind };
  const kind = failure.kind === 'aborted' ? 'aborted' : 'failed';
  return { ...more, kind, usage: failure.usage ?? seenUsage(passed, { call, attempt }), failure: failure.kind };
}

/** As the provider counted; where it did not, by what was seen, and marked so. */
function wholeUsage({ reading }: Passed, { inputTokens }: Attempt): Usage {
  return reading.usage ?? { ...NO_USAGE, inputTokens, outputTokens: reading.seenOutputTokens, estimated: true };
}

/** Of a stream that broke off: what was seen of it. Null when nothing was: then all that was reserved counts. */
function seenUsage({ reading }: Passed, { call, attempt }: Pick<Whole, 'call' | 'attempt'>): Usage | null {
  if (!call.ask.stream || (reading.usage === null && reading.seenOutputTokens === 0)) return null;
  const known = reading.usage ?? NO_USAGE;
  return {
    ...known,
    inputTokens: known.inputTokens > 0 ? known.inputTokens : attempt.inputTokens,
    outputTokens: Math.max(known.outputTokens, reading.seenOutputTokens),
    estimated: true,
  };
}

export function thrownError(thrown: unknown): ClientError {
  return clientError(thrown);
}
