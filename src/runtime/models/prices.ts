/**
 * Prices and limits of known models (spec GTW-5), from `prices.json` and the operator's overrides. An unknown model has no
 * price: its cost is unknown, never guessed. What a call costs by them is in platform/budgets/cost.ts.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { AppError } from '../../kernel/errors.ts';
import type { ModelFacts } from '../../kernel/plan.ts';
import type { Price } from '../../platform/budgets/ledger.ts';

/** USD per million tokens, as providers publish them. */
const Rates = z.strictObject({
  input: z.number().nonnegative(),
  cachedInput: z.number().nonnegative(),
  cacheWrite: z.number().nonnegative(),
  output: z.number().nonnegative(),
});

const DatedPrice = Rates.extend({
  /** First day (UTC) on which it holds; without one it always has. */
  from: z.iso.date().optional(),
  /** Rates of a call with more input than this, for all its tokens. */
  long: Rates.extend({ aboveTokens: z.int().positive() }).optional(),
});

export const ModelEntry = z.strictObject({
  windowTokens: z.int().positive(),
  maxOutputTokens: z.int().positive(),
  /** In order of `from`. */
  prices: z.array(DatedPrice),
});
export type ModelEntry = z.infer<typeof ModelEntry>;

export const PriceTable = z.strictObject({
  /** When the figures were last read, and from where. */
  date: z.iso.date(),
  source: z.string(),
  models: z.record(z.string(), ModelEntry),
});
export type PriceTable = z.infer<typeof PriceTable>;

/** A model nobody described: small enough for local models (spec GTW-12 names 8,192 as usable). */
const UNKNOWN_WINDOW_TOKENS = 32_768;
const UNKNOWN_MAX_OUTPUT_TOKENS = 4_096;

export function readPriceTable(): PriceTable {
  return PriceTable.parse(JSON.parse(readFileSync(new URL('prices.json', import.meta.url), 'utf8')));
}

/** The table with the operator's own entries over it. @throws AppError `configuration` with every fault of theirs. */
export function withOverrides(table: PriceTable, overrides: Readonly<Record<string, unknown>>): PriceTable {
  const parsed = z.record(z.string(), ModelEntry).safeParse(overrides);
  if (parsed.success) return { ...table, models: { ...table.models, ...parsed.data } };
  const faults = parsed.error.issues.map((issue) => ({ path: ['prices', ...issue.path.map(String)].join('.'), message: issue.message }));
  throw new AppError('configuration', 'The prices in the configuration have faults.', { faults, next: 'Mend what is listed.' });
}

/** Facts of `provider/model` on a day; `-latest` and dated names of one model fall back to it (`gpt-5.5-2026-04-23`). */
export function factsFromTable(table: PriceTable, model: string, nowMs: number): ModelFacts {
  const entry = entryFor(table, model);
  if (entry === undefined) {
    return { windowTokens: UNKNOWN_WINDOW_TOKENS, maxOutputTokens: UNKNOWN_MAX_OUTPUT_TOKENS, price: null, rehearsed: false };
  }
  const today = new Date(nowMs).toISOString().slice(0, 10);
  const price = entry.prices.findLast((dated) => dated.from === undefined || dated.from <= today);
  return {
    windowTokens: entry.windowTokens,
    maxOutputTokens: entry.maxOutputTokens,
    price: price === undefined ? null : toPrice(price, table.date),
    rehearsed: false,
  };
}

/** As `factsFromTable`, looked up once a day for each of the models that are in use. */
export function createFacts(table: PriceTable): (model: string, nowMs: number) => ModelFacts {
  const known = new Map<string, ModelFacts>();
  let day = -1;
  return (model, nowMs) => {
    const today = Math.floor(nowMs / DAY_MS);
    if (today !== day || known.size > FACTS_MAX) known.clear();
    day = today;
    const facts = known.get(model) ?? factsFromTable(table, model, nowMs);
    known.set(model, facts);
    return facts;
  };
}
const DAY_MS = 86_400_000;
const FACTS_MAX = 1_000;

function entryFor(table: PriceTable, model: string): ModelEntry | undefined {
  const undated = model.replace(/-(?:latest|\d{8}|\d{4}-\d{2}-\d{2})$/, '');
  return Object.hasOwn(table.models, model) ? table.models[model] : Object.hasOwn(table.models, undated) ? table.models[undated] : undefined;
}

function toPrice({ from, long, ...rates }: z.infer<typeof DatedPrice>, date: string): Price {
  const base = { ...microUsd(rates), date: from !== undefined && from > date ? from : date };
  return long === undefined ? base : { ...base, long: { ...microUsd(long), aboveTokens: long.aboveTokens } };
}

function microUsd(rates: z.infer<typeof Rates>): z.infer<typeof Rates> {
  const micro = (usd: number): number => Math.ceil(Number((usd * 1e6).toFixed(3)));
  return { input: micro(rates.input), cachedInput: micro(rates.cachedInput), cacheWrite: micro(rates.cacheWrite), output: micro(rates.output) };
}
