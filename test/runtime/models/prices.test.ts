import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Usage } from '../../../src/kernel/messages.ts';
import { costMicroUsd } from '../../../src/platform/budgets/cost.ts';
import type { Price } from '../../../src/platform/budgets/ledger.ts';
import { factsFromTable, readPriceTable } from '../../../src/runtime/models/prices.ts';
import { estimateMessageTokens, estimateTokens } from '../../../src/runtime/models/tokens.ts';

const tokens = fc.nat(3_000_000);
const rate = fc.nat(200_000_000);
const usages: fc.Arbitrary<Usage> = fc
  .record({ plain: tokens, cachedInputTokens: tokens, cacheWriteTokens: tokens, outputTokens: tokens })
  .map(({ plain, ...rest }) => ({
    ...rest,
    inputTokens: plain + rest.cachedInputTokens + rest.cacheWriteTokens,
    reasoningTokens: 0,
    estimated: false,
  }));
const prices: fc.Arbitrary<Price> = fc.record({ input: rate, cachedInput: rate, cacheWrite: rate, output: rate, date: fc.constant('2026-01-01') });
const NOV = Date.parse('2026-11-21T12:00:00Z');

test('cost is exact, whole and rounded up, each kind of token at its own rate [GTW-4, GTW-5]', () => {
  fc.assert(
    fc.property(usages, prices, (usage, price) => {
      const cost = costMicroUsd(usage, price);
      const plain = usage.inputTokens - usage.cachedInputTokens - usage.cacheWriteTokens;
      const exact =
        BigInt(plain) * BigInt(price.input) +
        BigInt(usage.cachedInputTokens) * BigInt(price.cachedInput) +
        BigInt(usage.cacheWriteTokens) * BigInt(price.cacheWrite) +
        BigInt(usage.outputTokens) * BigInt(price.output);
      assert.ok(Number.isSafeInteger(cost));
      assert.ok(BigInt(cost) * 1_000_000n >= exact && BigInt(cost) * 1_000_000n < exact + 1_000_000n);
    }),
  );
});

test('more tokens never cost less, and a split call never costs less than the whole [GTW-5]', () => {
  fc.assert(
    fc.property(usages, prices, fc.nat(1_000_000), (usage, price, more) => {
      const cost = costMicroUsd(usage, price);
      assert.ok(costMicroUsd({ ...usage, outputTokens: usage.outputTokens + more }, price) >= cost);
      const rest = { ...usage, inputTokens: 0, cachedInputTokens: 0, cacheWriteTokens: 0 };
      assert.ok(costMicroUsd({ ...usage, outputTokens: 0 }, price) + costMicroUsd(rest, price) >= cost);
    }),
  );
});

test('a long prompt is priced at its long rate as a whole [GTW-5]', () => {
  const { price } = factsFromTable(readPriceTable(), 'anthropic/claude-haiku-5-5', NOV);
  assert.ok(price !== null);
  const usage = { inputTokens: 100_000, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 1_000, reasoningTokens: 0, estimated: false };
  assert.equal(costMicroUsd(usage, price), 10_000 + 500);
  assert.equal(costMicroUsd({ ...usage, inputTokens: 100_001 }, price), 50_001 + 2_500);
});

test('every entry of the price file is sane, and a price counts from its day [GTW-5]', () => {
  const table = readPriceTable();
  assert.ok(Object.keys(table.models).length > 30);
  for (const [model, entry] of Object.entries(table.models)) {
    assert.match(model, /^(?:anthropic|openai|google)\//);
    assert.ok(entry.maxOutputTokens < entry.windowTokens && entry.prices.length > 0, model);
    for (const price of entry.prices) assert.ok(price.cachedInput <= price.input && price.input < price.output, model);
    const days = entry.prices.map((price) => price.from ?? '');
    assert.deepEqual(days, days.toSorted());
  }
  const argon = (day: string) => factsFromTable(table, 'google/gemini-4-argon', Date.parse(`${day}T00:00:00Z`)).price;
  assert.deepEqual([argon('2026-11-30')?.output, argon('2026-12-01')?.output, argon('2026-12-01')?.date], [10_000_000, 20_000_000, '2026-12-01']);
});

test('a dated name is priced as its model; an unknown one has no price and a small window [GTW-5]', () => {
  const table = readPriceTable();
  assert.equal(factsFromTable(table, 'anthropic/claude-haiku-4-5-20251001', NOV).price?.input, 1_000_000);
  for (const model of ['ollama/qwen3', 'openai/gpt-9', 'openai/constructor', 'google/gemini-4-argon-tuned']) {
    const facts = factsFromTable(table, model, NOV);
    assert.equal(facts.price, null, model);
    assert.ok(facts.windowTokens <= 32_768 && facts.maxOutputTokens < facts.windowTokens && !facts.rehearsed);
  }
});

test('a token estimate is zero for nothing, grows with the text, and errs upward within reason [GTW-8]', () => {
  assert.equal(estimateTokens(''), 0);
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
      assert.ok(estimateTokens(a + b) >= Math.max(estimateTokens(a), estimateTokens(b)));
      assert.ok(estimateTokens(a + b) <= estimateTokens(a) + estimateTokens(b));
    }),
  );
  const english = 'The quick brown fox jumps over the lazy dog and then takes a long rest in the shade of an old tree.';
  // Real tokenizers say 22 to 30.
  assert.ok(estimateTokens(english) >= 22 && estimateTokens(english) <= 36);
  assert.ok(estimateTokens('今日は天気がいいですね') >= 8);
  const image = { role: 'user' as const, content: [{ type: 'image' as const, mediaType: 'image/png', base64: 'A'.repeat(1_000_000) }] };
  assert.ok(estimateMessageTokens(image) < 2_000, 'an image counts as an image, not as its base64');
});
