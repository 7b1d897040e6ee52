/**
 * Aliases (spec GTW-3): a name for a choice of models by weight, with others to fall back to. For runs and for clients of the gateway. Which
 * model is tried when, and why the next one, is for whoever calls.
 */
import { AppError, type Fault } from '../../kernel/errors.ts';

export type AliasSettings = {
  /** `provider/model`, one of which is chosen by weight; the others stand in for it. */
  models: readonly { model: string; weight: number }[];
  /** Tried after all of those, in order. */
  fallbacks: readonly string[];
  /** Exact answers are kept and given again for so long; null keeps none. */
  cacheSeconds: number | null;
};

/** What a name stands for: models in the order in which they are tried, at least one. `alias` is null for a model's own name. */
export type Chain = { alias: string | null; models: readonly string[]; cacheSeconds: number | null };

export type Aliases = {
  /** Null for what is no alias, or one of ours that no configured provider can serve. */
  resolve(name: string): Chain | null;
  /** Those that can be used now, sorted. */
  names(): string[];
  /** What stands behind one of them, unchosen; null for what is no alias. */
  settingsOf(name: string): AliasSettings | null;
};

export type AliasesDeps = {
  settings: Readonly<Record<string, AliasSettings>>;
  isProvider: (name: string) => boolean;
  /** Whether a model's provider has what it needs to be called. */
  isUsable: (model: string) => boolean;
  random: () => number;
};

/** What the names mean when nobody says otherwise: the first whose provider has a key, then the others. */
const USUAL: Readonly<Record<string, readonly string[]>> = {
  fast: ['anthropic/claude-haiku-5-5', 'openai/gpt-6-luna', 'google/gemini-3.5-flash-lite'],
  smart: ['anthropic/claude-opus-5-5', 'openai/gpt-6.1-sol', 'google/gemini-4-argon'],
  judge: ['anthropic/claude-sonnet-5-5', 'openai/gpt-6.1-terra', 'google/gemini-3.8-flash'],
};
const NAME = /^[a-z0-9][a-z0-9._-]{0,59}$/i;

/** @throws AppError `configuration` with every fault. */
export function createAliases(deps: AliasesDeps): Aliases {
  refuseFaults(deps);
  const usual = (name: string): string[] => (Object.hasOwn(USUAL, name) ? (USUAL[name] ?? []).filter((model) => deps.isUsable(model)) : []);
  return {
    resolve(name) {
      const settings = Object.hasOwn(deps.settings, name) ? deps.settings[name] : undefined;
      if (settings !== undefined) {
        const models = [...new Set([...byWeight(settings.models, deps.random()), ...settings.fallbacks])];
        return { alias: name, models, cacheSeconds: settings.cacheSeconds };
      }
      const models = usual(name);
      return models.length === 0 ? null : { alias: name, models, cacheSeconds: null };
    },
    settingsOf(name) {
      if (Object.hasOwn(deps.settings, name)) return deps.settings[name] ?? null;
      const [first, ...fallbacks] = usual(name);
      return first === undefined ? null : { models: [{ model: first, weight: 1 }], fallbacks, cacheSeconds: null };
    },
    names: () => [...new Set([...Object.keys(deps.settings), ...Object.keys(USUAL).filter((name) => usual(name).length > 0)])].toSorted(),
  };
}

/** One of them by weight first, the others behind it in their order. `chance` is in [0, 1). */
export function byWeight(models: AliasSettings['models'], chance: number): string[] {
  const total = models.reduce((sum, { weight }) => sum + weight, 0);
  let left = chance * total;
  const chosen = models.find(({ weight }) => (left -= weight) < 0) ?? models[0];
  return chosen === undefined ? [] : [chosen.model, ...models.filter((each) => each !== chosen).map(({ model }) => model)];
}

function refuseFaults({ settings, isProvider }: AliasesDeps): void {
  const faults: Fault[] = [];
  for (const [name, { models, fallbacks }] of Object.entries(settings)) {
    if (!NAME.test(name)) faults.push({ path: `aliases.${name}`, message: 'is no name an alias can have: letters, digits, dot, hyphen, underscore' });
    if (models.every(({ weight }) => weight === 0)) faults.push({ path: `aliases.${name}.models`, message: 'has no model with a weight above 0' });
    for (const model of [...models.map((each) => each.model), ...fallbacks]) {
      const slash = model.indexOf('/');
      if (slash <= 0 || slash === model.length - 1 || !isProvider(model.slice(0, slash)))
        faults.push({ path: `aliases.${name}`, message: `"${model}" names no model of a known provider: write provider/model` });
    }
  }
  if (faults.length > 0) throw new AppError('configuration', 'The aliases have faults.', { faults, next: 'Mend what is listed.' });
}
