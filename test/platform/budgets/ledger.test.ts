import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_USAGE } from '../../../src/kernel/messages.ts';
import { LEDGER_LIMITS } from '../../../src/platform/budgets/ledger-service.ts';
import { createRunViews } from '../../../src/runtime/runs/views-store.ts';
import { KEY, ORG, openLedger, planned, replied } from '../../support/ledger.ts';
import { insertBudget, readCounter } from '../../support/budgets.ts';

const org = { org: ORG, scope: 'org', subject: ORG } as const;

test('a call is metered in the commit of its outcome, in an unbroken chain of its key and month [BUD-1]', async () => {
  await using at = await openLedger();
  const calls = await Promise.all([
    at.ledger.begin(planned()),
    at.ledger.begin(planned()),
    at.ledger.begin(planned({ rehearsed: true, model: 'rehearsal/x' })),
  ]);
  const ends = calls.map((call) => (call.ok ? at.ledger.end(call.call, replied(50, 20)) : Promise.reject(new Error('refused'))));
  assert.deepEqual(await Promise.all(ends), [{ costMicroUsd: 70 }, { costMicroUsd: 70 }, { costMicroUsd: 0 }]);
  const days = await at.db.owner<object>(
    'select model, rehearsed, calls::int, input_tokens::int as input, output_tokens::int as output, micro_usd::int as cost, key_id as key from spend_day order by model',
  );
  assert.deepEqual(days, [
    { model: 'provider/model', rehearsed: false, calls: 2, input: 100, output: 40, cost: 140, key: KEY },
    { model: 'rehearsal/x', rehearsed: true, calls: 1, input: 50, output: 20, cost: 0, key: KEY },
  ]);
  const stream = `${KEY}/${new Date(at.nowMs()).toISOString().slice(0, 7)}`;
  assert.deepEqual(await createRunViews(at.db).verify(ORG, stream), {
    ok: true,
    entries: 6,
    firstBad: null,
    why: 'All 6 entries form one unbroken chain.',
  });
  const entries = await at.db.owner<{ type: string; n: number }>('select type, count(*)::int as n from journal group by type order by type');
  assert.deepEqual(entries, [
    { type: 'call.intended', n: 3 },
    { type: 'call.replied', n: 3 },
  ]);
});

test('odd facts, large ones and a model of any name are stored and chained like all others [BUD-1]', async () => {
  await using at = await openLedger();
  const odd = { text: 'NUL \0, lone \ud800, emoji 🙂', large: 'x'.repeat(20_000) };
  const [call] = await Promise.all([at.ledger.begin(planned({ facts: odd, model: `a\0b\ud800${'c'.repeat(500)}` })), at.ledger.begin(planned())]);
  assert.ok(call?.ok);
  await at.ledger.end(call.call, { ...replied(1, 1), facts: odd });
  const [{ id } = { id: '' }] = await at.db.owner<{ id: string }>('select id from stream');
  assert.equal((await createRunViews(at.db).verify(ORG, id)).ok, true);
});

test('what was certainly never sent is given back; what nobody knows settles at its reservation, marked estimated [BUD-2, R15]', async () => {
  await using at = await openLedger();
  await insertBudget(at.db, { ...org, id: 'bud_1', unit: 'micro_usd', period: 'day', amount: 1_000 });
  const [a, b, c] = [await at.ledger.begin(planned()), await at.ledger.begin(planned()), await at.ledger.begin(planned())];
  assert.ok(a.ok && b.ok && c.ok);
  assert.deepEqual(await readCounter(at.db, 'bud_1'), { spent: 0, reserved: 600 });
  await at.ledger.end(a.call, { ...replied(0, 0), kind: 'not_sent' });
  assert.deepEqual(await at.ledger.end(b.call, { ...replied(0, 0), kind: 'aborted', usage: null }), { costMicroUsd: 200 });
  await at.ledger.end(c.call, { ...replied(0, 0), kind: 'failed', status: 429, usage: NO_USAGE });
  assert.deepEqual(await readCounter(at.db, 'bud_1'), { spent: 200, reserved: 0 });
  await at.ledger.end(b.call, replied(1, 1));
  assert.deepEqual(await readCounter(at.db, 'bud_1'), { spent: 200, reserved: 0 }, 'it ends once');
  const [day] = await at.db.owner('select calls::int, failed::int, estimated::int, micro_usd::int as cost from spend_day');
  assert.deepEqual(day, { calls: 2, failed: 2, estimated: 1, cost: 200 });
});

test('less than the worst case is reserved with a lowered output limit only, and not for a useless rest [BUD-2]', async () => {
  await using at = await openLedger();
  await insertBudget(at.db, { ...org, id: 'bud_1', unit: 'tokens', period: 'day', amount: 10_000 });
  await insertBudget(at.db, { org: ORG, scope: 'key', subject: KEY, id: 'bud_2', unit: 'micro_usd', period: 'month', amount: 9_000 });
  const big = planned({ maxOutputTokens: 32_000 });
  const first = await at.ledger.begin(big);
  assert.deepEqual(first.ok && first.maxOutputTokens, 8_900, 'money is the narrower here');
  const second = await at.ledger.begin(big);
  assert.ok(!second.ok && second.refusal.budget === 'bud_2' && second.refusal.left === 0);
  assert.match(second.refusal.message, /0\.00 USD left.*resets at 20\d\d-\d\d-01 00:00 UTC.*windlass budget request bud_2/s);
});

test('a model without a price is refused where money is capped, unless tokens or calls are as well [BUD-9]', async () => {
  await using at = await openLedger();
  const free = planned({ price: null });
  assert.ok((await at.ledger.begin(free)).ok, 'no budget at all: metered in tokens');
  await insertBudget(at.db, { ...org, id: 'bud_1', unit: 'micro_usd', period: 'day', amount: 1_000_000 });
  const refused = await at.ledger.begin(free);
  assert.ok(!refused.ok && refused.refusal.why === 'unpriced');
  await insertBudget(at.db, { ...org, id: 'bud_2', unit: 'calls', period: 'week', amount: 1 });
  const call = await at.ledger.begin(free);
  assert.ok(call.ok);
  assert.deepEqual(await at.ledger.end(call.call, replied(5, 5)), { costMicroUsd: null });
  const spent = await at.ledger.begin(free);
  assert.ok(!spent.ok && spent.refusal.unit === 'calls');
});

test('calls of a dead process are settled at their reservation once its lease is over, and never twice [BUD-2, R15]', async () => {
  await using at = await openLedger();
  await at.setTime(0);
  await insertBudget(at.db, { ...org, id: 'bud_1', unit: 'tokens', period: 'month', amount: 1_000 });
  const dead = at.another('wrk_dead');
  const [lost, kept] = [await dead.begin(planned()), await at.ledger.begin(planned())];
  assert.ok(lost.ok && kept.ok);
  await at.setTime(LEDGER_LIMITS.leaseMs - 1);
  await at.ledger.heartbeat();
  assert.equal(await at.ledger.sweep(), 0);
  await at.setTime(LEDGER_LIMITS.leaseMs + 1);
  assert.equal(await at.ledger.sweep(), 1);
  assert.deepEqual(await readCounter(at.db, 'bud_1'), { spent: 200, reserved: 200 });
  // frozen, not dead: what it says now comes too late
  await dead.end(lost.call, replied(1, 1));
  assert.deepEqual(await readCounter(at.db, 'bud_1'), { spent: 200, reserved: 200 });
  await at.ledger.end(kept.call, replied(10, 0));
  assert.deepEqual(await readCounter(at.db, 'bud_1'), { spent: 210, reserved: 0 });
  const [day] = await at.db.owner('select calls::int, estimated::int from spend_day');
  assert.deepEqual(day, { calls: 2, estimated: 1 });
});

test('a budget of a key holds for the key that rotation puts in its place [BUD-2]', async () => {
  await using at = await openLedger();
  await at.db.owner(`insert into actor (org_id, id, kind, name) values ('${ORG}', 'act_1', 'user', 'Ada')`);
  const key = (id: string, next: string | null): Promise<unknown> =>
    at.db.owner(
      `insert into api_key (org_id, id, actor_id, name, role, scopes, hash, created_by, replaced_by) values ($1, $2, 'act_1', 'k', 'member', '{gateway}', $3, 'x', $4)`,
      [ORG, id, id.padEnd(64, '0').replaceAll(/[^0-9a-f]/g, 'a'), next],
    );
  await key('key_1', 'key_2');
  await key('key_2', null);
  await insertBudget(at.db, { org: ORG, scope: 'key', subject: 'key_1', id: 'bud_1', unit: 'calls', period: 'day', amount: 1 });
  assert.ok((await at.ledger.begin(planned({ key: 'key_2' }))).ok);
  assert.ok(!(await at.ledger.begin(planned({ key: 'key_1' }))).ok);
  assert.ok((await at.ledger.begin(planned({ key: 'key_3' }))).ok);
});

test('windows begin and end at UTC days, Mondays, firsts of the month and five hours after the first call [BUD-2, BUD-8]', async () => {
  await using at = await openLedger();
  const windows = async (period: 'day' | 'week' | 'month' | 'five_hours', moments: readonly string[]): Promise<boolean[]> => {
    const id = `bud_${period}`;
    await insertBudget(at.db, { ...org, id, unit: 'calls', period, amount: 1 });
    const fits: boolean[] = [];
    for (const moment of moments) {
      await at.setInstant(moment);
      const begun = await at.ledger.begin(planned());
      fits.push(begun.ok);
      if (begun.ok) await at.ledger.end(begun.call, replied(1, 1));
    }
    await at.db.owner('delete from budget where id = $1', [id]);
    return fits;
  };
  assert.deepEqual(await windows('day', ['2027-12-31T00:00:00.000Z', '2027-12-31T23:59:59.999Z', '2028-01-01T00:00:00.000Z']), [true, false, true]);
  assert.deepEqual(await windows('day', ['2028-02-28T12:00:00Z', '2028-02-29T00:00:00Z', '2028-02-29T23:59:59Z', '2028-03-01T00:00:00Z']), [
    true,
    true,
    false,
    true,
  ]);
  assert.deepEqual(await windows('month', ['2028-02-01T00:00:00Z', '2028-02-29T23:59:59.999Z', '2028-03-01T00:00:00Z', '2028-03-31T23:59:59Z']), [
    true,
    false,
    true,
    false,
  ]);
  assert.deepEqual(await windows('week', ['2028-03-06T00:00:00Z', '2028-03-12T23:59:59.999Z', '2028-03-13T00:00:00Z']), [true, false, true]);
  assert.deepEqual(
    await windows('five_hours', ['2028-04-01T22:30:00Z', '2028-04-02T03:29:59.999Z', '2028-04-02T03:30:00Z', '2028-04-02T08:29:00Z']),
    [true, false, true, false],
  );
  // a clock that is set back opens no window anew
  assert.deepEqual(await windows('day', ['2028-05-02T00:00:01Z', '2028-05-01T23:59:59Z']), [true, false]);
});

test('what was reserved before midnight counts to its own day, and takes nothing of the next [BUD-2]', async () => {
  await using at = await openLedger();
  await insertBudget(at.db, { ...org, id: 'bud_1', unit: 'tokens', period: 'day', amount: 300 });
  await at.setInstant('2028-02-28T23:59:59Z');
  const late = await at.ledger.begin(planned());
  await at.setInstant('2028-02-29T00:00:01Z');
  const next = await at.ledger.begin(planned());
  assert.ok(late.ok && next.ok);
  await at.ledger.end(late.call, replied(100, 100));
  assert.deepEqual(await readCounter(at.db, 'bud_1'), { spent: 0, reserved: 200 });
  const days = await at.db.owner<{ day: string }>(`select day::text from spend_day`);
  assert.deepEqual(days, [{ day: '2028-02-28' }]);
});

test('two organizations in one batch never see each other’s budgets [BUD-2]', async () => {
  await using at = await openLedger();
  await at.db.addOrg('org_2' as never);
  await insertBudget(at.db, { ...org, id: 'bud_1', unit: 'calls', period: 'day', amount: 0 });
  const [mine, theirs] = await Promise.all([at.ledger.begin(planned()), at.ledger.begin(planned({ org: 'org_2' }))]);
  assert.deepEqual([mine.ok, theirs.ok], [false, true]);
});
