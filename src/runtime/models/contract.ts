/** What surfaces can ask of models: which there are and what they cost, where aliases lead, which providers can be called now (spec GTW-3, GTW-5). */
import { z } from 'zod';
import { operation } from '../../kernel/operation.ts';

/** Micro-USD for a million tokens. */
const Rates = z.object({ input: z.int(), cachedInput: z.int(), cacheWrite: z.int(), output: z.int() });

export const ModelView = z.object({
  /** `provider/model`. */
  id: z.string(),
  provider: z.string(),
  /** Its provider has what it needs to be called. */
  usable: z.boolean(),
  windowTokens: z.int(),
  maxOutputTokens: z.int(),
  /** What holds today; null where no price is known. `date` is when it was read or begins to hold. */
  price: Rates.extend({ date: z.string(), long: Rates.extend({ aboveTokens: z.int() }).optional() }).nullable(),
  /** Said by the operator's own configuration. */
  own: z.boolean(),
});
export type ModelView = z.infer<typeof ModelView>;

export const AliasView = z.object({
  name: z.string(),
  /** One is chosen by weight; the others stand in for it. */
  models: z.array(z.object({ model: z.string(), weight: z.number(), usable: z.boolean() })),
  /** Tried after those, in order. */
  fallbacks: z.array(z.object({ model: z.string(), usable: z.boolean() })),
  cacheSeconds: z.int().nullable(),
  /** Said by the operator's own configuration; the others come with Windlass. */
  own: z.boolean(),
});
export type AliasView = z.infer<typeof AliasView>;

export const ProviderView = z.object({
  name: z.string(),
  configured: z.boolean(),
  /** What is there or what is missing. */
  why: z.string(),
  /** It failed repeatedly and is left alone until then, by this process; null when it may be called. */
  openUntilMs: z.int().nullable(),
});
export type ProviderView = z.infer<typeof ProviderView>;

export const ModelsView = z.object({
  nowMs: z.int(),
  /** When the prices that come with Windlass were last read, and from where. */
  prices: z.object({ date: z.string(), source: z.string() }),
  providers: z.array(ProviderView),
  aliases: z.array(AliasView),
  models: z.array(ModelView),
});
export type ModelsView = z.infer<typeof ModelsView>;

export const modelOperations = {
  list: operation({
    name: 'models.list',
    permission: 'status.read',
    method: 'GET',
    path: '/models',
    summary: 'Shows models with their prices and the date of these, aliases with their fallbacks, and whether each provider can be called.',
    input: z.object({}),
    output: ModelsView,
  }),
};
