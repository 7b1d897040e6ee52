/** Models that a key may call, as lists show them. */
import { AppError } from '../../kernel/errors.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Models } from '../../runtime/models/model.ts';
import type { ModelSources } from '../../runtime/models/models.ts';
import { matchesAny } from './choose.ts';
import type { Endpoint, Side } from './endpoint.ts';
import { protocolOf } from './endpoint.ts';
import type { Reply } from './reply.ts';
import { writeModel, writeModels } from './translate/model-list.ts';
import type { ModelListing } from './translate/protocol.ts';

const JSON_TYPE = { 'content-type': 'application/json' } as const;

/** Aliases first, then the models of this endpoint's own provider, then the others with their provider's name before them. */
export function listedModels(models: Models & ModelSources, { side, principal }: { side: Side; principal: Principal }): ModelListing[] {
  const { models: globs } = principal;
  const aliases = models.aliases.names().flatMap((name) => {
    const chain = models.aliases.resolve(name);
    const first = chain?.models.find((model) => globs === null || matchesAny(globs, name) || matchesAny(globs, model));
    return first === undefined ? [] : [listing(models, name, first)];
  });
  const known = models
    .available()
    .flatMap((provider) => provider.models)
    .filter((model) => globs === null || matchesAny(globs, model));
  const own = known.filter((model) => model.startsWith(`${side}/`));
  const others = known.filter((model) => !model.startsWith(`${side}/`));
  return [
    ...aliases,
    ...own.map((model) => listing(models, model.slice(side.length + 1), model)),
    ...others.map((model) => listing(models, model, model)),
  ];
}

function listing(models: Models, id: string, model: string): ModelListing {
  const { windowTokens, maxOutputTokens } = models.facts(model);
  const provider = model.slice(0, model.indexOf('/'));
  return { id, provider, displayName: id === model ? model : `${id} (${model})`, windowTokens, maxOutputTokens, createdMs: 0, kind: 'chat' };
}

type Asked = { headers: Record<string, string>; reply: Reply };

/** @throws AppError `not_found` for a model that is not in the list. */
export function answerList(
  models: Models & ModelSources,
  { headers, reply }: Asked,
  { endpoint, principal }: { endpoint: Endpoint; principal: Principal },
): void {
  const { side, ask } = endpoint;
  const listed = listedModels(models, { side, principal });
  const protocol = protocolOf(side);
  if (ask.kind !== 'show') {
    reply.answer(200, { ...JSON_TYPE, ...headers }, JSON.stringify(writeModels(protocol, listed)));
    return;
  }
  const found = listed.find(({ id }) => id === ask.model);
  if (found === undefined)
    throw new AppError('not_found', `There is no model ${ask.model} for this key.`, { next: 'List them: the same address without its name.' });
  reply.answer(200, { ...JSON_TYPE, ...headers }, JSON.stringify(writeModel(protocol, found)));
}
