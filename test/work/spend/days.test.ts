/** Spend by day, from real calls of a ledger whose time the test moves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { replied } from '../../support/ledger.ts';
import { world } from '../../platform/budgets/world.ts';

test('spend by day: every day is there, the dearest parts by themselves and the rest in one, and the sums agree [BUD-5]', async () => {
  const at = await world();
  await using _db = at;
  const use = async (over: Parameters<typeof at.mine>[0], output: number): Promise<void> => {
    const call = await at.ledger.begin(at.mine(over));
    assert.ok(call.ok);
    await at.ledger.end(call.call, replied(50, output));
  };
  await at.setInstant('2026-11-10T23:59:59.999Z');
  await use({ model: 'provider/yesterday' }, 0);
  await at.setInstant('2026-11-12T00:00:00Z');
  for (let n = 1; n <= 14; n += 1) await use({ model: `provider/model-${n}` }, n);
  await use({ model: 'provider/unpriced', price: null }, 1);
  await use({ model: 'rehearsal/x', rehearsed: true }, 1);
  const seen = await at.spend.handlers.days(at.me, { days: 3, by: 'model' });
  assert.deepEqual(
    seen.days.map(({ day, microUsd, calls, rehearsedCalls, unpricedCalls }) => [day, microUsd, calls, rehearsedCalls, unpricedCalls]),
    [
      ['2026-11-10', 50, 1, 0, 0],
      ['2026-11-11', 0, 0, 0, 0],
      ['2026-11-12', 14 * 50 + 105, 15, 1, 1],
    ],
  );
  assert.deepEqual([seen.parts.shown, seen.parts.total, seen.sum.microUsd], [12, { kind: 'exact', value: 17 }, 855]);
  assert.deepEqual(seen.parts.items[0], {
    ...{ id: 'provider/model-14', name: 'provider/model-14', sum: { ...seen.parts.items[0]?.sum, microUsd: 64, calls: 1 } },
    days: [0, 0, 64].map((microUsd) => ({ microUsd, calls: microUsd === 0 ? 0 : 1, unpricedCalls: 0, tokens: microUsd })),
  });
  assert.deepEqual(
    seen.parts.rest.map(({ microUsd, calls, unpricedCalls }) => [microUsd, calls, unpricedCalls]),
    [
      [50, 1, 0],
      [0, 0, 0],
      [51 + 52, 3, 1],
    ],
  );
  const byDay = seen.days.map((_day, n) => [...seen.parts.items.map(({ days }) => days[n]), seen.parts.rest[n]]);
  assert.deepEqual(
    byDay.map((parts) => parts.reduce((sum, part) => sum + (part?.microUsd ?? 0), 0)),
    seen.days.map(({ microUsd }) => microUsd),
  );
  const today = await at.spend.handlers.days(at.me, { days: 1, by: 'key' });
  assert.deepEqual([today.days.length, today.parts.items[0]?.id, today.parts.rest[0]?.calls], [1, 'key_1', 0]);
  const none = await at.spend.handlers.days(at.them, { days: 92, by: 'agent' });
  assert.deepEqual([none.days.length, none.sum.calls, none.parts.items, none.parts.total.kind], [92, 0, [], 'exact']);
});
