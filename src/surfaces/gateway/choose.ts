/** Which models a call may go to, in which order, and which of them are left alone for now (spec GTW-3, GTW-10). */
import type { Clock } from '../../kernel/clock.ts';
import { AppError, toAppError } from '../../kernel/errors.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Chain } from '../../runtime/models/aliases.ts';
import type { ModelFailure, Models } from '../../runtime/models/model.ts';
import type { ModelSources } from '../../runtime/models/models.ts';
import type { Side } from './endpoint.ts';
import { ATTEMPTS, HOLD_MAX_MS, HOLDS_MAX } from './limits.ts';

/** @throws AppError `not_found` for a name that is no model here, `denied` for one that the key may not name. */
export function chainFor(models: ModelSources, name: string, { side, principal }: { side: Side; principal: Principal }): Chain {
  const chain = models.aliases.resolve(name) ?? { alias: null, models: [fullName(models, name, side)], cacheSeconds: null };
  const { models: globs } = principal;
  const allowed = globs === null || matchesAny(globs, name) ? chain.models : chain.models.filter((model) => matchesAny(globs, model));
  if (allowed.length > 0) return { ...chain, models: allowed.slice(0, ATTEMPTS) };
  throw new AppError('denied', `This key may not use the model ${name.slice(0, 100)}.`, { next: `It may use: ${(globs ?? []).join(', ')}.` });
}

/** A name without a provider that we know is a model of the provider whose protocol is spoken. */
function fullName(models: ModelSources, name: string, side: Side): string {
  const slash = name.indexOf('/');
  const model = slash > 0 && models.isProvider(name.slice(0, slash)) ? name : `${side}/${name.replace(/^models\//, '')}`;
  try {
    models.provider(model);
    return model;
  } catch (error) {
    throw new AppError('not_found', toAppError(error).message, { next: 'Name a model of a provider, provider/model, or an alias.', cause: error });
  }
}

export function matchesAny(globs: readonly string[], name: string): boolean {
  return globs.some((glob) => matches(glob, name));
}

/** `*` stands for any characters; everything else for itself. Linear in practice: no part is looked at twice for one star. */
function matches(glob: string, name: string): boolean {
  const parts = glob.split('*');
  const [first = '', ...rest] = parts;
  if (rest.length === 0) return glob === name;
  if (!name.startsWith(first)) return false;
  const last = rest.pop() ?? '';
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}

export type Skip = { model: string; untilMs: number; why: 'not_before' | 'circuit_open' };

export type Holds = {
  /** Why a model is not asked now; null when it may be. `own` names whose credential is used, where it is a client's own. */
  skip(model: string, own: string | null): Skip | null;
  /** What a failure says of the next calls. */
  note(model: string, own: string | null, failure: ModelFailure): void;
};

/** What providers have said of when to come again. Of this process; a circuit is shared with the runs of it. */
export function createHolds(deps: { models: Pick<Models, 'openUntilMs'>; clock: Clock }): Holds {
  const holds = new Map<string, number>();
  const keyOf = (model: string, own: string | null): string => (own === null ? model : `${model} ${own}`);
  return {
    skip(model, own) {
      const nowMs = deps.clock.nowMs();
      const untilMs = holds.get(keyOf(model, own));
      if (untilMs !== undefined && untilMs > nowMs) return { model, untilMs, why: 'not_before' };
      if (untilMs !== undefined) holds.delete(keyOf(model, own));
      const openMs = deps.models.openUntilMs(model);
      return openMs !== null && openMs > nowMs ? { model, untilMs: openMs, why: 'circuit_open' } : null;
    },
    note(model, own, { kind, retryAfterMs }) {
      if (retryAfterMs === null || retryAfterMs <= 0 || (kind !== 'rate_limited' && kind !== 'overloaded')) return;
      const key = keyOf(model, own);
      holds.delete(key);
      holds.set(key, deps.clock.nowMs() + Math.min(retryAfterMs, HOLD_MAX_MS));
      const oldest = holds.size > HOLDS_MAX ? holds.keys().next().value : undefined;
      if (oldest !== undefined) holds.delete(oldest);
    },
  };
}

/** Whether another model may do what this one did not: not when the request itself is at fault. */
export function fallsBack({ kind }: ModelFailure): boolean {
  switch (kind) {
    case 'overloaded':
    case 'rate_limited':
    case 'timeout':
    case 'unreachable':
    case 'malformed':
    case 'credential':
      return true;
    default:
      return false;
  }
}
