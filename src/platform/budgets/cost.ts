/**
 * What a call costs and what it could cost at most (spec GTW-5). Pure. Prices themselves are the models'.
 */
import type { Usage } from '../../kernel/messages.ts';
import type { Price } from './ledger.ts';

const PER_MILLION = 1_000_000n;

type Rates = Pick<Price, 'input' | 'cachedInput' | 'cacheWrite' | 'output'>;

/** Cost of one call in whole micro-USD, rounded up. Tokens from and to the cache are priced as such (spec GTW-4). */
export function costMicroUsd(usage: Usage, price: Price): number {
  const rates = price.long !== undefined && usage.inputTokens > price.long.aboveTokens ? price.long : price;
  // A provider that reports more cached tokens than input is taken at its larger word, never below zero.
  const plain = Math.max(0, usage.inputTokens - usage.cachedInputTokens - usage.cacheWriteTokens);
  return rounded([
    [plain, rates.input],
    [usage.cachedInputTokens, rates.cachedInput],
    [usage.cacheWriteTokens, rates.cacheWrite],
    [usage.outputTokens, rates.output],
  ]);
}

/** No call with at most so many tokens costs more: all input at its dearest, all output used. Null when no price is known. */
export function worstCaseMicroUsd(price: Price | null, inputTokens: number, outputTokens: number): number | null {
  if (price === null) return null;
  const tiers: Rates[] = price.long !== undefined && inputTokens > price.long.aboveTokens ? [price, price.long] : [price];
  return Math.max(...tiers.map((rates) => rounded([...dearestInput(rates, inputTokens), [outputTokens, rates.output]])));
}

/** The most output tokens whose worst case fits into so much money; negative when the input alone does not. */
export function affordableOutput(price: Price, inputTokens: number, microUsd: number): number {
  const tiers: Rates[] = price.long !== undefined && inputTokens > price.long.aboveTokens ? [price, price.long] : [price];
  return Math.min(
    ...tiers.map((rates) => {
      const left = microUsd - rounded(dearestInput(rates, inputTokens));
      if (left < 0) return -1;
      // a part of a micro-USD that rounding added to the input is not won back
      return rates.output === 0 ? Number.MAX_SAFE_INTEGER : Math.floor((left * 1_000_000) / Math.ceil(rates.output));
    }),
  );
}

/** Tokens that count: all but cached input (spec HAR-2). */
export function countedTokens(usage: Usage): number {
  return Math.max(0, usage.inputTokens - usage.cachedInputTokens) + usage.outputTokens;
}

function dearestInput(rates: Rates, inputTokens: number): [number, number][] {
  return [[inputTokens, Math.max(rates.input, rates.cachedInput, rates.cacheWrite)]];
}

function rounded(parts: readonly (readonly [tokens: number, rate: number])[]): number {
  const sum = parts.reduce((total, [tokens, rate]) => total + BigInt(tokens) * BigInt(Math.ceil(rate)), 0n);
  return Number((sum + PER_MILLION - 1n) / PER_MILLION);
}
