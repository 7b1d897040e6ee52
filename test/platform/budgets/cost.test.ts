import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { NO_USAGE, type Usage } from '../../../src/kernel/messages.ts';
import { affordableOutput, costMicroUsd, worstCaseMicroUsd } from '../../../src/platform/budgets/cost.ts';
import type { Price } from '../../../src/platform/budgets/ledger.ts';

const rates = { input: fc.nat(200_000_000), cachedInput: fc.nat(200_000_000), cacheWrite: fc.nat(200_000_000), output: fc.nat(200_000_000) };
const prices: fc.Arbitrary<Price> = fc
  .record({ ...rates, date: fc.constant('2026-01-01'), long: fc.option(fc.record({ ...rates, aboveTokens: fc.integer({ min: 1, max: 300_000 }) })) })
  .map(({ long, ...price }) => (long === null ? price : { ...price, long }));
/** A bound on a call and a call within it. */
const calls = fc
  .record({ most: fc.nat(500_000), mostOutput: fc.nat(100_000), input: fc.nat(500_000), cached: fc.nat(500_000), output: fc.nat(100_000) })
  .map(({ most, mostOutput, input, cached, output }): { most: number; mostOutput: number; usage: Usage } => {
    const inputTokens = Math.min(most, input);
    const cachedInputTokens = Math.min(inputTokens, cached);
    const cacheWriteTokens = Math.floor((inputTokens - cachedInputTokens) / 2);
    return {
      most,
      mostOutput,
      usage: { ...NO_USAGE, inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens: Math.min(mostOutput, output) },
    };
  });

test('no call within its bounds costs more than its worst case, whatever is cached or long [BUD-2, GTW-5]', () => {
  fc.assert(
    fc.property(calls, prices, ({ most, mostOutput, usage }, price) => {
      const worst = worstCaseMicroUsd(price, most, mostOutput);
      assert.ok(worst !== null && costMicroUsd(usage, price) <= worst);
    }),
  );
  assert.equal(worstCaseMicroUsd(null, 1, 1), null, 'what has no price has no worst case');
});

test('the most output that money affords fits, and what cannot pay for the input affords none [BUD-2]', () => {
  fc.assert(
    fc.property(calls, prices, fc.nat(10_000_000), ({ most }, price, microUsd) => {
      const output = affordableOutput(price, most, microUsd);
      const input = worstCaseMicroUsd(price, most, 0) ?? 0;
      assert.equal(output < 0, input > microUsd);
      if (output >= 0 && output < Number.MAX_SAFE_INTEGER) assert.ok((worstCaseMicroUsd(price, most, output) ?? 0) <= microUsd);
    }),
  );
});
