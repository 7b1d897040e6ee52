/** Costs that come every month whatever is called. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fixedNow, FixedCosts } from '../../../src/kernel/fixed-costs.ts';
import { world } from '../../platform/budgets/world.ts';

test('fixed costs are read by month, what was paid once is spread, and stands beside what is metered [BUD-10]', async () => {
  const costs = FixedCosts.parse({
    'Claude Max': { usdPerMonth: 100 },
    hosting: { usdPerMonth: 19.99 },
    'GPU server': { usd: 7_200, from: '2026-01-15' },
    chairs: { usd: 100, months: 12, from: '2024-01-31' },
    'later still': { usd: 100, from: '2027-01-01' },
  });
  const nowMs = Date.UTC(2026, 10, 28);
  assert.deepEqual(fixedNow(costs, nowMs), [
    { name: 'GPU server', monthMicroUsd: 200_000_000, endsAtMs: Date.UTC(2029, 0, 15) },
    { name: 'Claude Max', monthMicroUsd: 100_000_000, endsAtMs: null },
    { name: 'hosting', monthMicroUsd: 19_990_000, endsAtMs: null },
  ]);
  assert.equal(
    fixedNow(costs, Date.UTC(2029, 0, 15)).some(({ name }) => name === 'GPU server'),
    false,
    'it is paid for',
  );
  for (const wrong of [{ usdPerMonth: -1 }, { usdPerMonth: 1, usd: 1 }, { usd: 1, months: 0 }, { usd: 1, from: 'May' }, {}])
    assert.equal(FixedCosts.safeParse({ it: wrong }).success, false, JSON.stringify(wrong));
  const at = await world();
  await using _db = at;
  const { fixed, month } = await at.spend.handlers.read(at.me, {});
  assert.deepEqual([fixed.items.map(({ name }) => name), fixed.monthMicroUsd, month.microUsd], [['Claude Max'], 100_000_000, 0]);
});
