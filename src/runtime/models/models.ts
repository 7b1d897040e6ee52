/**
 * The one way to a model: picks the provider, keeps its circuit, and holds every call to its deadline whatever the provider does.
 * Retries, fallback and money are the run's.
 */
import type { Clock } from '../../kernel/clock.ts';
import { AppError, toAppError } from '../../kernel/errors.ts';
import type { Log } from '../../platform/telemetry/log.ts';
import { createAliases, type Aliases, type AliasSettings } from './aliases.ts';
import { catalogueOf } from './catalogue.ts';
import { createCircuits, type Circuits } from './circuit.ts';
import { classify } from './classify.ts';
import type { ModelsView } from './contract.ts';
import { modelFailure } from './failure.ts';
import { boundedFetch, newExchange, type Exchange, type Fetch } from './http.ts';
import { DEFAULT_MODEL_LIMITS, type ModelLimits } from './limits.ts';
import type { ModelFailure, ModelOutcome, ModelRequest, Models } from './model.ts';
import { createFacts, readPriceTable, withOverrides, type PriceTable } from './prices.ts';
import { callOptions } from './prompt.ts';
import { openModel, providersFrom, type Provider, type ProviderSettings } from './providers.ts';
import { createRehearsal, REHEARSAL_FACTS, type Rehearsal, type RehearsalDeps } from './rehearsal.ts';
import { readStream, type Reading } from './stream.ts';
import { createTellWarnings, type TellWarnings } from './warnings.ts';

export type ModelsDeps = {
  clock: Clock;
  fetch: Fetch;
  /** A key by the name of its variable; asked at every call, so that a new key counts at once. */
  credential: (name: string) => string | undefined;
  /** For ids of tool calls where a provider gives none. */
  generateId: () => string;
  /** From the configuration, by name; built-in providers need no entry. */
  providers: Readonly<Record<string, ProviderSettings>>;
  rehearsal: Pick<RehearsalDeps, 'folders' | 'scripts'>;
  /** The operator's own entries by `provider/model`, in the form of the price file's; they replace them. */
  prices?: Readonly<Record<string, unknown>>;
  limits?: Partial<ModelLimits>;
  aliases?: Readonly<Record<string, AliasSettings>>;
  /** In [0, 1): which model of an alias is chosen. */
  random?: () => number;
  /** Where what models do not take is told; nowhere when left out. */
  log?: Log;
};

/** What the gateway needs beside: it calls providers itself, and shares what is known of their health. */
export type ModelSources = {
  aliases: Aliases;
  circuits: Circuits;
  /** Null for the rehearsal's. @throws AppError `invalid_input` for an unknown provider. */
  provider(model: string): Provider | null;
  isProvider(name: string): boolean;
  /** The key of a provider, undefined where there is none. */
  keyOf(provider: Provider): string | undefined;
  rehearsal: Rehearsal;
  tellWarnings: TellWarnings;
  /** For people: prices, aliases, providers. */
  catalogue(): ModelsView;
};

type CallOptions = Parameters<Models['call']>[1];
type Place = { provider: Provider | null; name: string; circuit: string };
type Attempt = { signal: AbortSignal; exchange: Exchange; onDelta: CallOptions['onDelta'] };

const REHEARSAL = 'rehearsal';

/** @throws AppError `configuration` when the providers or prices have faults. */
export function createModels(deps: ModelsDeps): Models & ModelSources {
  const { clock } = deps;
  const limits = { ...DEFAULT_MODEL_LIMITS, ...deps.limits };
  const providers = providersFrom(deps.providers, REHEARSAL);
  const circuits = createCircuits(clock);
  const rehearsal = createRehearsal({ clock, ...deps.rehearsal });
  const prices = withOverrides(readPriceTable(), deps.prices ?? {});
  const factsOf = createFacts(prices);
  const tellWarnings = createTellWarnings(deps.log ?? (() => {}));
  const isProvider = (name: string): boolean => name === REHEARSAL || providers.has(name);
  const canCall = (provider: Provider): boolean => provider.keyNames.length === 0 || keyOf(provider, deps.credential) !== undefined;
  const isUsable = (model: string): boolean => {
    const name = model.slice(0, model.indexOf('/'));
    const provider = providers.get(name);
    return name === REHEARSAL || (provider !== undefined && canCall(provider));
  };
  const aliases = createAliases({ settings: deps.aliases ?? {}, isProvider, isUsable, random: deps.random ?? (() => 0) });

  /** A rehearsal (no provider) has a circuit for each script, so that one cannot close another. */
  const placeOf = (model: string): Place => {
    const slash = model.indexOf('/');
    const name = model.slice(slash + 1);
    if (model.startsWith(`${REHEARSAL}/`)) return { provider: null, name, circuit: model };
    const provider = slash > 0 && name !== '' ? providers.get(model.slice(0, slash)) : undefined;
    if (provider === undefined) throw unknownProvider(model, [REHEARSAL, ...providers.keys()]);
    return { provider, name, circuit: provider.name };
  };

  async function call(request: ModelRequest, options: CallOptions): Promise<ModelOutcome> {
    let place: Place;
    try {
      place = placeOf(request.model);
    } catch (error) {
      // A run that names an unknown provider fails by its own rules.
      return failed(modelFailure('invalid_request', toAppError(error).message, { sent: false }));
    }
    const { provider, name, circuit } = place;
    const untilMs = circuits.refusedUntilMs(circuit);
    if (untilMs !== null) return failed(openCircuit(circuit, untilMs - clock.nowMs()));
    const ended = circuits.begin(circuit);
    const outcome = await withDeadline({ clock, options }, (attempt) => {
      if (provider !== null) return callProvider({ ...deps, tellWarnings }, { provider, name, request, limits }, attempt);
      attempt.exchange.sent = true;
      return rehearsal.play(name, request, attempt);
    });
    ended(outcome.ok ? null : outcome.failure);
    return outcome;
  }

  const available = (): ReturnType<Models['available']> => availableOf(prices, { providers: [...providers.values()], canCall, rehearsal });
  const own = { prices: new Set(Object.keys(deps.prices ?? {})), aliases: new Set(Object.keys(deps.aliases ?? {})) };

  return {
    ...{ call, aliases, circuits, isProvider, rehearsal, available, tellWarnings },
    catalogue: () =>
      catalogueOf({
        nowMs: () => clock.nowMs(),
        ...{ prices, own, aliases, available, isUsable },
        refusedUntilMs: (name) => circuits.refusedUntilMs(name),
      }),
    provider: (model) => placeOf(model).provider,
    keyOf: (provider) => keyOf(provider, deps.credential),
    facts(model) {
      const named = aliases.resolve(model)?.models[0] ?? model;
      return placeOf(named).provider === null ? REHEARSAL_FACTS : factsOf(named, clock.nowMs());
    },
    openUntilMs: (model) => circuits.refusedUntilMs(placeOf(model).circuit),
  };
}

type Known = { providers: readonly Provider[]; canCall: (provider: Provider) => boolean; rehearsal: Pick<Rehearsal, 'list'> };

function availableOf(prices: PriceTable, { providers, canCall, rehearsal }: Known): ReturnType<Models['available']> {
  const scripts = rehearsal.list().map((name) => `${REHEARSAL}/${name}`);
  const real = providers.map((provider) => {
    const configured = canCall(provider);
    const models = configured ? Object.keys(prices.models).filter((model) => model.startsWith(`${provider.name}/`)) : [];
    const keyed = configured && provider.keyNames.length > 0;
    return { provider: provider.name, configured, keyed, models, why: whyOf(provider, configured) };
  });
  return [...real, { provider: REHEARSAL, configured: true, keyed: false, models: scripts, why: 'scripted answers, no key needed' }];
}

type ProviderCall = { provider: Provider; name: string; request: ModelRequest; limits: ModelLimits };

async function callProvider(
  deps: ModelsDeps & Pick<ModelSources, 'tellWarnings'>,
  { provider, name, request, limits }: ProviderCall,
  attempt: Attempt,
): Promise<ModelOutcome> {
  const { clock, credential, generateId } = deps;
  const { exchange, signal, onDelta } = attempt;
  const apiKey = keyOf(provider, credential);
  if (apiKey === undefined && provider.keyNames.length > 0) return failed(modelFailure('credential', noKey(provider), { sent: false }));
  const told = (error: unknown): ModelFailure => classify(error, { provider: provider.name, exchange, nowMs: clock.nowMs(), secret: apiKey });
  try {
    const fetch = boundedFetch({ fetch: deps.fetch, clock, limits, exchange });
    const model = await openModel(provider, name, { apiKey, fetch, generateId });
    const { stream } = await model.doStream({ ...callOptions(request, provider.kind), abortSignal: signal });
    const onWarnings: Reading['onWarnings'] = (warnings) => deps.tellWarnings(request.model, warnings);
    return await readStream(stream, { clock, limits, request, exchange, onDelta, onWarnings, classify: told });
  } catch (error) {
    // Whatever a provider's package throws is a failure of the call, handed to the run to decide on.
    return failed(told(error));
  }
}

function keyOf(provider: Provider, credential: ModelsDeps['credential']): string | undefined {
  return provider.keyNames.map((key) => credential(key)).find((value) => value !== undefined && value !== '');
}

/**
 * Answers at the deadline or the caller's abort, also when the provider ignores its signal. The late answer of such a call is
 * dropped: what it cost is unknown and charged as reserved.
 */
async function withDeadline(at: { clock: Clock; options: CallOptions }, call: (attempt: Attempt) => Promise<ModelOutcome>): Promise<ModelOutcome> {
  const { clock, options } = at;
  if (options.signal.aborted) return failed(modelFailure('aborted', 'The call was given up.', { sent: false }));
  const exchange = newExchange();
  const done = new AbortController();
  const stop = new AbortController();
  const timedOut = clock
    .sleep(options.timeoutMs, done.signal)
    .then(() => failed(modelFailure('timeout', `No whole answer within ${options.timeoutMs} ms.`, { sent: exchange.sent })));
  const gaveUp = new Promise<ModelOutcome>((resolve) => {
    const giveUp = (): void => resolve(failed(modelFailure('aborted', 'The call was given up.', { sent: exchange.sent })));
    options.signal.addEventListener('abort', giveUp, { once: true, signal: done.signal });
  });
  const onDelta = (text: string): void => {
    if (!done.signal.aborted) options.onDelta?.(text);
  };
  // A fault of ours must neither leave the circuit half open nor, when it comes late, end the process.
  const work = call({ signal: stop.signal, exchange, onDelta }).catch((error: unknown) =>
    failed(modelFailure('malformed', `The answer could not be handled: ${toAppError(error).message}`, { sent: exchange.sent })),
  );
  try {
    return await Promise.race([gaveUp, work, timedOut]);
  } finally {
    stop.abort();
    done.abort();
  }
}

function failed(failure: ModelFailure): ModelOutcome {
  return { ok: false, failure };
}

function openCircuit(circuit: string, retryAfterMs: number): ModelFailure {
  const message = `${circuit} has failed repeatedly and is left alone for another ${Math.ceil(retryAfterMs / 1000)} s.`;
  return modelFailure('overloaded', message, { sent: false, retryAfterMs });
}

function noKey(provider: Provider): string {
  return `There is no key for ${provider.name}: set ${provider.keyNames.join(' or ')}.`;
}

function whyOf(provider: Provider, configured: boolean): string {
  if (!configured) return noKey(provider);
  return provider.keyNames.length === 0 ? `no key needed; whether ${provider.baseUrl} answers is seen at the first call` : 'key present';
}

function unknownProvider(model: string, known: readonly string[]): AppError {
  return new AppError('invalid_input', `"${model}" names no known provider; there are ${known.join(', ')}.`, {
    next: 'Write provider/model, as in rehearsal/repo-digest, or name the provider in windlass.yaml.',
  });
}

/** The first model of the first provider whose key is in the environment; null when there is none. */
export function modelFromKeys(models: Pick<Models, 'available'>): string | null {
  const provider = models.available().find((known) => known.configured && known.provider !== 'rehearsal');
  return provider?.models[0] ?? null;
}
