/**
 * The one way to a model: picks the provider, keeps its circuit, and holds every call to its deadline whatever the provider does.
 * Retries, fallback and money are the run's.
 */
import type { Clock } from '../../kernel/clock.ts';
import { AppError, toAppError } from '../../kernel/errors.ts';
import { createCircuits } from './circuit.ts';
import { modelFailure } from './failure.ts';
import type { ModelFailure, ModelOutcome, Models } from './model.ts';
import { factsFromTable, readPriceTable, type ModelEntry } from './prices.ts';
import { createRehearsal, REHEARSAL_FACTS, type RehearsalDeps } from './rehearsal.ts';

export type ModelsDeps = {
  clock: Clock;
  rehearsal: Pick<RehearsalDeps, 'folders' | 'scripts'>;
  /** The operator's own entries by `provider/model`; they replace those of the price file. */
  prices?: Readonly<Record<string, ModelEntry>>;
};

/** What of a call has happened so far, for the failure of one that is cut off. */
type Exchange = { sent: boolean };

type CallOptions = Parameters<Models['call']>[1];

const REHEARSAL = 'rehearsal';

export function createModels(deps: ModelsDeps): Models {
  const { clock } = deps;
  const circuits = createCircuits(clock);
  const rehearsal = createRehearsal({ clock, ...deps.rehearsal });
  const table = readPriceTable();
  const prices = { ...table, models: { ...table.models, ...deps.prices } };

  /** `provider` and `name` of `provider/name`; a rehearsal's circuit is its script's, so that one script cannot close another. */
  const split = (model: string): { provider: string; name: string; circuit: string } => {
    const slash = model.indexOf('/');
    const provider = model.slice(0, Math.max(slash, 0));
    if (provider !== REHEARSAL) throw unknownProvider(model);
    return { provider, name: model.slice(slash + 1), circuit: provider === REHEARSAL ? model : provider };
  };

  return {
    async call(request, options) {
      let place: ReturnType<typeof split>;
      try {
        place = split(request.model);
      } catch (error) {
        // A run that names an unknown provider fails by its own rules.
        return failed(modelFailure('invalid_request', toAppError(error).message, { sent: false }));
      }
      const refusedUntilMs = circuits.refusedUntilMs(place.circuit);
      if (refusedUntilMs !== null) {
        const retryAfterMs = refusedUntilMs - clock.nowMs();
        const message = `${place.provider} has failed repeatedly and is left alone for ${Math.ceil(retryAfterMs / 1000)} s.`;
        return failed(modelFailure('overloaded', message, { sent: false, retryAfterMs }));
      }
      const ended = circuits.begin(place.circuit);
      const outcome = await withDeadline({ clock, options }, (signal, exchange) => {
        exchange.sent = true;
        return rehearsal.play(place.name, request, { signal, onDelta: options.onDelta });
      });
      ended(outcome.ok ? null : outcome.failure);
      return outcome;
    },
    facts(model) {
      return split(model).provider === REHEARSAL ? REHEARSAL_FACTS : factsFromTable(prices, model, clock.nowMs());
    },
    openUntilMs: (model) => circuits.refusedUntilMs(split(model).circuit),
    available: () => [
      { provider: REHEARSAL, configured: true, models: rehearsal.list().map((name) => `${REHEARSAL}/${name}`), why: 'scripted, needs no key' },
    ],
  };
}

/**
 * Answers at the deadline or the caller's abort, also when the provider ignores its signal. The late answer of such a call is
 * dropped: what it cost is unknown and charged as reserved.
 */
async function withDeadline(
  at: { clock: Clock; options: CallOptions },
  call: (signal: AbortSignal, exchange: Exchange) => Promise<ModelOutcome>,
): Promise<ModelOutcome> {
  const { clock, options } = at;
  const done = new AbortController();
  const stop = new AbortController();
  const exchange: Exchange = { sent: false };
  const timedOut = clock
    .sleep(options.timeoutMs, done.signal)
    .then(() => failed(modelFailure('timeout', `No answer within ${options.timeoutMs} ms.`, exchange)));
  const gaveUp = new Promise<ModelOutcome>((resolve) => {
    const giveUp = (): void => resolve(failed(modelFailure('aborted', 'The call was given up.', exchange)));
    if (options.signal.aborted) giveUp();
    else options.signal.addEventListener('abort', giveUp, { once: true, signal: done.signal });
  });
  try {
    return await Promise.race([gaveUp, call(stop.signal, exchange), timedOut]);
  } finally {
    stop.abort();
    done.abort();
  }
}

function failed(failure: ModelFailure): ModelOutcome {
  return { ok: false, failure };
}

function unknownProvider(model: string): AppError {
  return new AppError('invalid_input', `"${model}" names no known provider.`, { next: 'Write provider/model, as in rehearsal/repo-digest.' });
}
