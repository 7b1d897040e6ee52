/** Everything there is to know of models without calling one: prices, aliases, providers. Reads what the parts hold; decides nothing. */
import type { Handlers } from '../../kernel/operation.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Aliases, AliasSettings } from './aliases.ts';
import type { AliasView, ModelsView, ModelView, modelOperations, ProviderView } from './contract.ts';
import type { Models } from './model.ts';
import type { PriceTable } from './prices.ts';
import { factsFromTable } from './prices.ts';

export type CatalogueDeps = {
  nowMs: () => number;
  prices: PriceTable;
  /** Models and aliases that the operator's configuration names. */
  own: { prices: ReadonlySet<string>; aliases: ReadonlySet<string> };
  aliases: Pick<Aliases, 'names' | 'settingsOf'>;
  available: Models['available'];
  refusedUntilMs: (provider: string) => number | null;
  isUsable: (model: string) => boolean;
};

export function catalogueOf(deps: CatalogueDeps): ModelsView {
  const { nowMs, prices, aliases } = deps;
  return {
    nowMs: nowMs(),
    prices: { date: prices.date, source: prices.source },
    providers: deps.available().map((each) => providerOf(deps, each)),
    aliases: aliases.names().flatMap((name) => {
      const settings = aliases.settingsOf(name);
      return settings === null ? [] : [aliasOf(deps, name, settings)];
    }),
    models: Object.keys(prices.models)
      .toSorted()
      .map((id) => modelOf(deps, id)),
  };
}

function providerOf({ refusedUntilMs }: CatalogueDeps, { provider, configured, why }: ReturnType<Models['available']>[number]): ProviderView {
  return { name: provider, configured, why, openUntilMs: refusedUntilMs(provider) };
}

function aliasOf({ isUsable, own }: CatalogueDeps, name: string, { models, fallbacks, cacheSeconds }: AliasSettings): AliasView {
  return {
    name,
    models: models.map(({ model, weight }) => ({ model, weight, usable: isUsable(model) })),
    fallbacks: fallbacks.map((model) => ({ model, usable: isUsable(model) })),
    cacheSeconds,
    own: own.aliases.has(name),
  };
}

function modelOf({ prices, nowMs, isUsable, own }: CatalogueDeps, id: string): ModelView {
  const { windowTokens, maxOutputTokens, price } = factsFromTable(prices, id, nowMs());
  return { id, provider: id.slice(0, id.indexOf('/')), usable: isUsable(id), windowTokens, maxOutputTokens, price, own: own.prices.has(id) };
}

export function modelHandlers(models: { catalogue: () => ModelsView }): Handlers<Principal, typeof modelOperations> {
  return { list: async () => models.catalogue() };
}
