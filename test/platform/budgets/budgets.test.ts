/** Budgets as people set, raise and read them: by the real store, closed to agents, strangers and those without the right. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storedId } from '../../../src/kernel/ids.ts';
import { budgetOperations } from '../../../src/platform/budgets/contract.ts';
import { authorise } from '../../../src/platform/identity/permissions.ts';
import { callerOf } from '../../support/identity.ts';
import { replied } from '../../support/ledger.ts';
import { world } from './world.ts';

const DAY_MS = 86_400_000;

test('a budget is set once for a subject, unit and period, changed, shown with what is left, and removed [BUD-2]', async () => {
  const at = await world();
  await using _db = at;
  const { handlers, me, org } = at;
  const made = await handlers.set(me, { scope: 'org', unit: 'tokens', period: 'day', limit: 1_000 });
  assert.deepEqual([made.limit, made.left, made.spent, made.reserved, made.state, made.name], [1_000, 1_000, 0, 0, 'open', 'Mine']);
  assert.equal(made.resetsAtMs, Date.UTC(2026, 10, 29));
  assert.equal((await handlers.set(me, { scope: 'org', unit: 'tokens', period: 'day', limit: 500 })).id, made.id);
  assert.equal((await handlers.list(me, { limit: 50 })).total.kind, 'exact');
  const call = await at.ledger.begin(at.mine());
  assert.ok(call.ok);
  assert.deepEqual(await shownOf(handlers.get(me, { id: made.id })), { spent: 0, reserved: 200, left: 300, state: 'open' });
  await at.ledger.end(call.call, replied(100, 100));
  assert.deepEqual(await shownOf(handlers.change(me, { id: made.id, limit: 250 })), { spent: 200, reserved: 0, left: 50, state: 'warned' });
  assert.deepEqual(await shownOf(handlers.change(me, { id: made.id, limit: 100 })), { spent: 200, reserved: 0, left: 0, state: 'exhausted' });
  await at.setTime(DAY_MS);
  assert.deepEqual(await shownOf(handlers.get(me, { id: made.id })), { spent: 0, reserved: 0, left: 100, state: 'open' }, 'a new day');
  await handlers.remove(me, { id: made.id });
  await assert.rejects(handlers.get(me, { id: made.id }), { code: 'not_found' });
  assert.deepEqual(at.told, [null, made.id, made.id, made.id, made.id]);
  const types = at.identity.events.filter((each) => each.org === org && each.event.type.startsWith('budget')).map(({ event }) => event.type);
  assert.deepEqual(types, ['budget.set', 'budget.set', 'budget.changed', 'budget.changed', 'budget.removed']);
});

async function shownOf(budget: Promise<{ spent: number; reserved: number; left: number; state: string }>): Promise<object> {
  const { spent, reserved, left, state } = await budget;
  return { spent, reserved, left, state };
}

test('a budget set in the middle of a month counts what the month has cost already [BUD-2]', async () => {
  const at = await world();
  await using _db = at;
  for (const usage of [replied(50, 20), replied(0, 30)]) {
    const call = await at.ledger.begin(at.mine());
    assert.ok(call.ok);
    await at.ledger.end(call.call, usage);
  }
  const set = (unit: 'micro_usd' | 'tokens' | 'calls' | 'runs', period: 'month' | 'total' | 'five_hours') =>
    at.handlers.set(at.me, { scope: 'org', unit, period, limit: 1_000 });
  const spent = [await set('micro_usd', 'month'), await set('tokens', 'month'), await set('calls', 'month'), await set('runs', 'month')];
  assert.deepEqual(
    spent.map((each) => each.spent),
    [100, 100, 2, 0],
  );
  assert.equal((await set('tokens', 'total')).spent, 0, 'from now on');
  assert.equal((await set('tokens', 'five_hours')).resetsAtMs, null, 'begins with the next call');
});

test('who asked for more, who granted it and until when; a grant that ended no longer counts [BUD-9]', async () => {
  const at = await world();
  await using _db = at;
  const { handlers, me } = at;
  const { id } = await handlers.set(me, { scope: 'org', unit: 'tokens', period: 'month', limit: 100 });
  const refused = await at.ledger.begin(at.mine());
  assert.ok(!refused.ok && refused.refusal.retryAfterMs === null);
  assert.equal((await handlers.get(me, { id })).state, 'exhausted', 'a state, though nothing was spent: the call did not fit');
  const asked = await handlers.request(me, { id, amount: 150, reason: 'one more review' });
  assert.deepEqual([asked.state, asked.by.name], ['open', 'owner']);
  const granted = await handlers.grant(me, { id, amount: 150, reason: 'yes', request: asked.id, untilMs: at.nowMs() + 3_600_000 });
  assert.equal(granted.active, true);
  await assert.rejects(handlers.grant(me, { id, amount: 1, reason: '', request: asked.id }), { code: 'conflict' }, 'a request is answered once');
  await assert.rejects(handlers.grant(me, { id, amount: 1, reason: '', untilMs: at.nowMs() }), { code: 'invalid_input' });
  const call = await at.ledger.begin(at.mine());
  assert.ok(call.ok);
  await at.ledger.end(call.call, replied(10, 0));
  await at.setTime(3_600_001);
  assert.equal((await at.ledger.begin(at.mine())).ok, false, 'the grant is over');
  const { grants, requests, granted: now, left } = await handlers.get(me, { id });
  assert.deepEqual([grants[0]?.active, grants[0]?.by.name, requests[0]?.state, now, left], [false, 'owner', 'granted', 0, 90]);
  const second = await handlers.request(me, { id, amount: 5, reason: '' });
  assert.equal((await handlers.refuse(me, { id: second.id, reason: 'no' })).answer, 'no');
  assert.deepEqual((await handlers.requests(me, { limit: 50, state: 'open' })).items, []);
  const open = await handlers.grant(me, { id, amount: 1, reason: '' });
  assert.equal(open.untilMs, Date.UTC(2026, 11, 1), 'until it resets, unless it says otherwise');
});

test('an agent, a stranger and a key without the right raise nothing; asking is a member’s [BUD-9]', async () => {
  const at = await world();
  await using _db = at;
  const { handlers, me, them, owner } = at;
  const { id } = await handlers.set(me, { scope: 'org', unit: 'calls', period: 'total', limit: 1 });
  const agent = callerOf({ ...owner, agent: storedId('agt', 'agt_1'), kind: 'agent' });
  for (const raise of [
    () => handlers.set(agent, { scope: 'org', unit: 'calls', period: 'day', limit: 5 }),
    () => handlers.change(agent, { id, limit: 5 }),
    () => handlers.remove(agent, { id }),
    () => handlers.grant(agent, { id, amount: 5, reason: '' }),
    () => handlers.refuse(agent, { id: 'ask_x', reason: '' }),
  ])
    await assert.rejects(raise(), { code: 'denied' });
  for (const foreign of [
    () => handlers.get(them, { id }),
    () => handlers.change(them, { id, limit: 5 }),
    () => handlers.remove(them, { id }),
    () => handlers.request(them, { id, amount: 5, reason: '' }),
    () => handlers.grant(them, { id, amount: 5, reason: '' }),
  ])
    await assert.rejects(foreign(), { code: 'not_found' });
  const local = { role: 'member', scopes: ['read', 'run', 'context'] } as const;
  const { set, change, remove, grant, refuse, request, list, plan } = budgetOperations;
  for (const { permission } of [set, change, remove, grant, refuse]) assert.throws(() => authorise(local, permission), { code: 'denied' });
  for (const { permission } of [request, list, plan]) authorise(local, permission);
  assert.throws(() => authorise({ role: 'viewer', scopes: ['read'] }, request.permission), { code: 'denied' });
});

test('what cannot be a budget is refused with what to do [BUD-2]', async () => {
  const at = await world();
  await using _db = at;
  const { handlers, me } = at;
  const base = { unit: 'tokens', period: 'day', limit: 5 } as const;
  await assert.rejects(handlers.set(me, { ...base, scope: 'agent' }), { code: 'invalid_input', next: /name or id/ });
  await assert.rejects(handlers.set(me, { ...base, scope: 'agent', subject: 'nobody' }), { code: 'not_found' });
  await assert.rejects(handlers.set(me, { ...base, scope: 'org', subject: 'other' }), { code: 'invalid_input' });
  await assert.rejects(handlers.set(me, { ...base, scope: 'run', subject: 'run_none', period: 'total' }), { code: 'not_found' });
  const { input } = budgetOperations.set;
  for (const wrong of [
    { limit: -1 },
    { limit: 0.5 },
    { limit: 1e18 },
    { unit: 'eur' },
    { period: 'year' },
    { scope: 'world' },
    { subject: 'a\u0000' },
  ])
    assert.equal(input.safeParse({ ...base, scope: 'org', ...wrong }).success, false, JSON.stringify(wrong));
  assert.equal(input.safeParse({ ...base, scope: 'org', limit: 0 }).success, true);
});

test('80% and the end of a budget are each told once in a period, in the journal of the organization and the log [BUD-3]', async () => {
  const at = await world();
  await using _db = at;
  const { handlers, me } = at;
  await handlers.set(me, { scope: 'org', unit: 'tokens', period: 'day', limit: 240 });
  const spend = async (tokens: number): Promise<boolean> => {
    const call = await at.ledger.begin(at.mine({ inputTokens: tokens, maxOutputTokens: 0 }));
    if (call.ok) await at.ledger.end(call.call, replied(tokens, 0));
    await at.budgets.tell();
    return call.ok;
  };
  const told = (): string[] =>
    at.identity.events.flatMap(({ event }) => (event.type === 'budget.warned' || event.type === 'budget.exhausted' ? [event.type] : []));
  assert.equal(await spend(190), true);
  assert.deepEqual(told(), []);
  assert.equal(await spend(10), true);
  assert.equal(await spend(10), true);
  assert.deepEqual(told(), ['budget.warned']);
  assert.equal(await spend(100), false);
  assert.equal(await spend(100), false);
  assert.deepEqual(told(), ['budget.warned', 'budget.exhausted']);
  const near = async (): Promise<(readonly [string, string])[]> =>
    (await at.spend.handlers.read(me, {})).nearEnd.items.map(({ state, text }) => [state, text] as const);
  assert.deepEqual(await near(), [
    [
      'exhausted',
      'The budget of 240 tokens a day of the organization is used up: 210 tokens spent, 30 tokens left; it resets at 2026-11-29 00:00 UTC.',
    ],
  ]);
  assert.equal((await handlers.list(at.them, { limit: 50 })).nearEnd.shown, 0);
  await at.setTime(DAY_MS);
  assert.deepEqual(await near(), [], 'a new day');
  assert.equal(await spend(200), true);
  assert.match((await near())[0]?.[1] ?? '', /^At least 80% .* is spent: 200 tokens spent, 40 tokens left/);
  assert.deepEqual(told(), ['budget.warned', 'budget.exhausted', 'budget.warned']);
  assert.match(at.logged[0] ?? '', /80% of the budget of 240 tokens a day of the organization/);
  await handlers.set(me, { scope: 'org', unit: 'tokens', period: 'day', limit: 300 });
  assert.deepEqual(await near(), [], 'it was raised');
  assert.equal(await spend(50), true);
  assert.equal(told().length, 4, 'told of again at 80% of what it is now');
  assert.equal((await handlers.list(me, { limit: 50, scope: 'agent' })).nearEnd.items[0]?.state, 'warned');
});

test('on plan try the operator’s budget holds beside one’s own and is not the organization’s to change [BUD-4]', async () => {
  const at = await world();
  await using _db = at;
  const { handlers, me, budgets, org } = at;
  assert.deepEqual([(await handlers.plan(me, {})).plan], ['builder']);
  await budgets.ensurePlan(org, 300);
  await budgets.ensurePlan(org, 250);
  await handlers.set(me, { scope: 'org', unit: 'tokens', period: 'day', limit: 10_000 });
  const plan = await handlers.plan(me, {});
  assert.deepEqual([plan.plan, plan.tokensPerDay, plan.leftTokens], ['try', 250, 250]);
  assert.ok((await at.ledger.begin(at.mine())).ok);
  const refused = await at.ledger.begin(at.mine());
  assert.ok(!refused.ok && /key of your own/.test(refused.refusal.message));
  const tried = (await handlers.list(me, { limit: 50 })).items.find((each) => each.plan === 'try');
  assert.ok(tried);
  for (const raise of [
    () => handlers.change(me, { id: tried.id, limit: 5_000 }),
    () => handlers.remove(me, { id: tried.id }),
    () => handlers.grant(me, { id: tried.id, amount: 5, reason: '' }),
    () => handlers.request(me, { id: tried.id, amount: 5, reason: '' }),
  ])
    await assert.rejects(raise(), { code: 'denied' });
  await budgets.ensurePlan(org, null);
  assert.equal((await handlers.plan(me, {})).plan, 'builder');
  assert.ok((await at.ledger.begin(at.mine())).ok);
});

test('the account in one call: by agent, project, key, model and person, with honest counts and a forecast [BUD-5]', async () => {
  const at = await world();
  await using _db = at;
  const { me, org } = at;
  const use = async (over: Parameters<typeof at.mine>[0], usage = replied(50, 50)): Promise<void> => {
    const call = await at.ledger.begin(at.mine(over));
    assert.ok(call.ok);
    await at.ledger.end(call.call, usage);
  };
  await at.setInstant('2026-11-10T12:00:00Z');
  await use({ model: 'provider/old' });
  await at.setInstant('2026-11-16T00:00:00Z');
  await use({ price: null, model: 'provider/unpriced' });
  await use({ rehearsed: true, model: 'rehearsal/x' });
  await use({}, { ...replied(0, 0), kind: 'aborted', usage: null });
  await at.handlers.set(me, { scope: 'org', unit: 'micro_usd', period: 'month', limit: 500 });
  const account = await at.spend.handlers.read(me, {});
  assert.deepEqual(account.today, {
    ...{ microUsd: 200, calls: 2, rehearsedCalls: 1, failedCalls: 1, estimatedCalls: 1, unpricedCalls: 1 },
    ...{ inputTokens: 150, cachedInputTokens: 0, outputTokens: 150 },
  });
  assert.deepEqual([account.month.microUsd, account.month.calls], [300, 3]);
  assert.deepEqual(
    account.models.items.map(({ name, today, month }) => [name, today.microUsd, month.microUsd]),
    [
      ['provider/model', 200, 200],
      ['provider/old', 0, 100],
      ['provider/unpriced', 0, 0],
      ['rehearsal/x', 0, 0],
    ],
  );
  assert.deepEqual(account.agents, {
    items: [{ id: null, name: 'none', today: account.today, month: account.month }],
    shown: 1,
    total: { kind: 'exact', value: 1 },
  });
  assert.equal(account.forecast.monthMicroUsd, 600, 'half of November is over');
  assert.deepEqual(
    account.forecast.runsOut.map(({ atMs }) => new Date(atMs).toISOString()),
    ['2026-11-26T00:00:00.000Z'],
  );
  assert.deepEqual(
    [account.budgets.items[0]?.left, account.runsWaiting, account.topRuns.total],
    [200, { kind: 'exact', value: 0 }, { kind: 'exact', value: 0 }],
  );
  const other = await at.spend.handlers.read(at.them, {});
  assert.equal(other.month.calls, 0);
  assert.notEqual(org, at.them.principal.org);
});
