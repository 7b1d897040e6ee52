/**
 * No interleaving of reserve, settle, release, lapse, reset, grant and change ever takes a budget beyond its limit (spec BUD-2): the database's rules
 * held to their model, step by step, and let loose at once over many connections.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { storedId } from '../../../src/kernel/ids.ts';
import { NO_USAGE } from '../../../src/kernel/messages.ts';
import type { BudgetPeriod, BudgetScope, BudgetUnit } from '../../../src/platform/budgets/contract.ts';
import { commitItems } from '../../../src/platform/budgets/ledger-store.ts';
import { readVerdicts, rowOfSpend, type SpendOp } from '../../../src/platform/budgets/spend.ts';
import { createBudgetModel, type ModelBudget } from '../../support/budget-model.ts';
import { insertBudget, readCounter } from '../../support/budgets.ts';
import { testDatabase, type TestDatabase } from '../../support/database.ts';

const START_MS = Date.UTC(2028, 1, 28, 20);
const HOUR_MS = 3_600_000;
const CALLS = 6;

type Step =
  | { do: 'reserve'; call: number; tokens: number; micro: number | null; rehearsed: boolean }
  | { do: 'start'; call: number }
  | { do: 'settle'; call: number; share: number }
  | { do: 'lapse' | 'release'; call: number }
  | { do: 'wait'; hours: number }
  | { do: 'grant'; budget: number; amount: number; hours: number }
  | { do: 'change'; budget: number; amount: number };

const call = fc.nat(CALLS - 1);
const amount = fc.integer({ min: 0, max: 300 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('reserve' as const),
      call,
      tokens: amount,
      micro: fc.option(amount, { freq: 6 }),
      rehearsed: fc.constant(false),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('start' as const), call }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('settle' as const), call, share: fc.double({ min: 0, max: 1, noNaN: true }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('lapse' as const, 'release' as const), call }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), hours: fc.integer({ min: 1, max: 60 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('grant' as const),
      budget: fc.nat(3),
      amount: fc.integer({ min: 1, max: 200 }),
      hours: fc.integer({ min: 1, max: 40 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('change' as const), budget: fc.nat(3), amount }) },
);
const budgets = fc.uniqueArray(
  fc.record({
    scope: fc.constantFrom<BudgetScope>('org', 'project', 'agent', 'key', 'run'),
    unit: fc.constantFrom<BudgetUnit>('micro_usd', 'tokens', 'calls', 'runs'),
    period: fc.constantFrom<BudgetPeriod>('run', 'five_hours', 'day', 'week', 'month', 'total'),
    amount: fc.integer({ min: 0, max: 600 }),
  }),
  { minLength: 1, maxLength: 4, selector: ({ scope, unit, period }) => `${scope} ${unit} ${period}` },
);

/** Two calls share a project, agent, key and tree of runs, or not, by their number. */
function placeOf(org: string, number: number): SpendOp['place'] {
  const half = number % 2;
  return {
    org: storedId('org', org),
    project: storedId('prj', `prj_${half}`),
    agent: number < 4 ? storedId('agt', `agt_${half}`) : null,
    key: number < 5 ? storedId('key', 'key_0') : null,
    actor: storedId('act', 'act_1'),
    root: number < 3 ? storedId('run', 'run_0') : number === 3 ? storedId('run', 'run_1') : null,
    child: false,
  };
}

const SUBJECTS: Record<Exclude<BudgetScope, 'org'>, string> = { project: 'prj_0', agent: 'agt_0', key: 'key_0', run: 'run_0' };

function opOf(
  place: SpendOp['place'],
  step: Extract<Step, { call: number }>,
  held: ReadonlyMap<number, { tokens: number; micro: number | null }>,
): SpendOp {
  const base = { id: `mcl_${step.call}`, place };
  const model = 'provider/model';
  switch (step.do) {
    case 'reserve':
      return { ...base, kind: 'reserve', model, rehearsed: step.rehearsed, tokens: step.tokens, microUsd: step.micro };
    case 'start':
      return { ...base, kind: 'start' };
    case 'release':
      return { ...base, kind: 'release' };
    default: {
      const { tokens = 0, micro = null } = held.get(step.call) ?? {};
      const share = step.do === 'settle' ? step.share : 1;
      const usage = { ...NO_USAGE, outputTokens: Math.floor(tokens * share) };
      const used = { usage, microUsd: micro === null ? null : Math.floor(micro * share), failed: false, counts: true, atMs: START_MS };
      return { ...base, kind: step.do, model, rehearsed: false, ...used };
    }
  }
}

async function applyToDatabase(db: TestDatabase, ops: readonly SpendOp[]): Promise<ReturnType<typeof readVerdicts>> {
  const rows = JSON.stringify(ops.map((op, ordinal) => ({ ordinal, ...rowOfSpend(op) })));
  const [row] = await db.asWorker((tx) => tx.last<{ verdicts: unknown }>('select spend_apply($1, null, clock_now()) as verdicts', [rows]));
  return readVerdicts(row?.verdicts);
}

/** Of a gateway's begins and ends only refusals are told here; what was warned of stands in the budget. */
async function applyToLedger(db: TestDatabase, ops: readonly SpendOp[]): Promise<Verdicts> {
  if (ops.length === 0) return new Map();
  const warned = async (): Promise<string[]> =>
    (await db.owner<{ id: string }>('select id from budget where warned_at is not null')).map(({ id }) => id);
  const items = ops.map((op) => ({ op: rowOfSpend(op), entry: { stream: 'key_0/2028-02', payload: { type: `call.${op.kind}` } }, call: '{}' }));
  const before = new Set(await warned());
  const found = await commitItems({ db, randomBytes, process: 'wrk_1' }, items, 60_000);
  const verdicts: Verdicts = new Map(found.flatMap((each, index) => (each === undefined ? [] : [[index, each] as const])));
  const news = (await warned()).filter((budget) => !before.has(budget)).map((budget) => ({ budget, usedShare: 0, resetsAtMs: null }));
  if (news.length > 0) verdicts.set(-1, { refused: null, settled: false, warned: news });
  return verdicts;
}

type Verdicts = Awaited<ReturnType<typeof applyToDatabase>>;

/** Refusals to the letter; of warnings which budgets: in a batch they are said to the first that took part. */
function outcome(verdicts: Verdicts): object {
  const refused = [...verdicts].flatMap(([index, each]) => (each.refused === null ? [] : [[index, each.refused] as const]));
  const warned = [...verdicts.values()].flatMap((each) => each.warned.map(({ budget }) => budget));
  return { refused: refused.toSorted((a, b) => a[0] - b[0]), warned: warned.toSorted() };
}

/** The ways in which ops reach a budget: of runs and of odd calls, and of a gateway's batch, whose calls belong to no run. */
const DOORS = {
  runs: { apply: applyToDatabase, placeOf, takes: (): boolean => true },
  gateway: {
    apply: applyToLedger,
    placeOf: (org: string, number: number): SpendOp['place'] => ({ ...placeOf(org, number), root: null }),
    takes: (step: Step): boolean => step.do !== 'start',
  },
} as const;

for (const [name, door] of Object.entries(DOORS)) {
  test(`the database decides as the model does, and neither ever lets a budget be overspent: ${name} [BUD-2, BUD-8, BUD-9]`, () => holdToModel(door));
}

async function holdToModel({ apply, placeOf: place, takes }: (typeof DOORS)[keyof typeof DOORS]): Promise<void> {
  await using db = await testDatabase();
  let runs = 0;
  const script = fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 14 });
  await fc.assert(
    fc.asyncProperty(budgets, script, async (drawn, batches) => {
      runs += 1;
      const org = `org_${runs}`;
      await db.addOrg(storedId('org', org));
      const model = createBudgetModel();
      const set = drawn.map((each, index): ModelBudget => ({
        ...each,
        org,
        id: `bud_${runs}_${index}`,
        subject: each.scope === 'org' ? org : SUBJECTS[each.scope],
      }));
      const put = async (budget: ModelBudget): Promise<void> => {
        model.set(budget);
        await insertBudget(db, budget, 0);
      };
      for (const budget of set) await put(budget);
      const limits = new Map(set.map((budget) => [budget.id, budget.amount]));
      const held = new Map<number, { tokens: number; micro: number | null }>();
      let nowMs = START_MS;
      await db.setTime(nowMs);
      for (const batch of batches) {
        const ops: SpendOp[] = [];
        for (const each of batch) {
          if (!takes(each)) continue;
          if (each.do === 'wait') {
            nowMs += each.hours * HOUR_MS;
            await db.setTime(nowMs);
          } else if (each.do === 'grant' || each.do === 'change') {
            const budget = set[each.budget % set.length];
            assert.ok(budget);
            if (each.do === 'change') {
              limits.set(budget.id, each.amount);
              await put({ ...budget, amount: each.amount });
              continue;
            }
            const untilMs = nowMs + each.hours * HOUR_MS;
            model.grant({ budget: budget.id, amount: each.amount, untilMs });
            await db.owner(
              `insert into budget_grant (org_id, id, budget_id, amount, reason, actor_id, actor_name, until) values ($1, $2, $3, $4, '', 'a', 'a', $5)`,
              [org, `grt_${runs}_${String(Math.random())}`, budget.id, each.amount, new Date(untilMs).toISOString()],
            );
          } else {
            // a call is one thing at a time: begun once, then ended
            const isOpen = held.has(each.call);
            if (each.do === 'start' ? false : (each.do === 'reserve') === isOpen) continue;
            if (ops.some(({ id }) => id === `mcl_${each.call}`)) continue;
            ops.push(opOf(place(org, each.call), each, held));
          }
        }
        if (ops.length === 0) continue;
        const [found, expected] = [await apply(db, ops), model.apply(ops, nowMs)];
        assert.deepEqual(outcome(found), outcome(expected));
        ops.forEach((op, index) => {
          const number = Number(op.id.slice(4));
          if (op.kind === 'reserve' && !found.has(index)) held.set(number, { tokens: op.tokens, micro: op.microUsd });
          else if (op.kind !== 'reserve' && op.kind !== 'start') held.delete(number);
        });
        for (const budget of set) {
          for (const root of budget.period === 'run' ? ['run_0', 'run_1'] : ['']) {
            const counter = model.counter(budget.id, root);
            assert.deepEqual(await readCounter(db, budget.id, root), counter);
            assert.ok(counter.reserved >= 0 && counter.spent >= 0);
          }
        }
      }
      // whatever is still open ends: nothing stays reserved
      const rest = [...held.keys()].map((number) => opOf(place(org, number), { do: 'lapse', call: number }, held));
      assert.deepEqual(outcome(await apply(db, rest)), outcome(model.apply(rest, nowMs)));
      for (const { id, period } of set) {
        for (const root of period === 'run' ? ['run_0', 'run_1'] : ['']) assert.equal((await readCounter(db, id, root)).reserved, 0);
      }
    }),
    { numRuns: 40 },
  );
}

test('at once over many connections: never beyond the limit at any moment, and nothing left reserved [BUD-2, R15]', async () => {
  await using db = await testDatabase({ poolSize: 12 });
  await db.addOrg(storedId('org', 'org_1'));
  const set: ModelBudget[] = [
    { org: 'org_1', id: 'bud_org', scope: 'org', subject: 'org_1', unit: 'tokens', period: 'day', amount: 2_000 },
    { org: 'org_1', id: 'bud_prj', scope: 'project', subject: 'prj_0', unit: 'micro_usd', period: 'total', amount: 1_500 },
    { org: 'org_1', id: 'bud_agt', scope: 'agent', subject: 'agt_1', unit: 'tokens', period: 'month', amount: 900 },
    { org: 'org_1', id: 'bud_run', scope: 'org', subject: 'org_1', unit: 'tokens', period: 'run', amount: 1_000 },
  ];
  for (const budget of set) await insertBudget(db, budget, 0);
  let number = 0;
  let granted = 0;
  const beyond: unknown[] = [];
  const look = async (): Promise<void> => {
    beyond.push(
      ...(await db.owner('select id, spent, reserved from budget where spent + reserved > amount + budget_granted(org_id, id, clock_now())')),
      ...(await db.owner(
        'select b.id, r.spent, r.reserved from budget_run r join budget b on b.id = r.budget_id where r.spent + r.reserved > b.amount',
      )),
    );
  };
  const client = async (seed: number): Promise<void> => {
    for (let turn = 0; turn < 25; turn += 1) {
      number += 1;
      const id = `mcl_${number}`;
      const place = { ...placeOf('org_1', (seed + turn) % CALLS) };
      const tokens = 10 + ((seed * 31 + turn * 17) % 90);
      const reserve: SpendOp = { id, place, kind: 'reserve', model: 'm', rehearsed: false, tokens, microUsd: tokens };
      if ((await applyToDatabase(db, [reserve])).size > 0) continue;
      const usage = { ...NO_USAGE, outputTokens: Math.floor((tokens * (turn % 5)) / 4) };
      const used = { model: 'm', rehearsed: false, usage, microUsd: usage.outputTokens, failed: false, counts: true, atMs: 0 };
      const end: SpendOp = turn % 7 === 0 ? { id, place, kind: 'release' } : { id, place, kind: turn % 6 === 0 ? 'lapse' : 'settle', ...used };
      await applyToDatabase(db, turn % 3 === 0 ? [end, end] : [end]);
    }
  };
  const granting = async (): Promise<void> => {
    for (let turn = 0; turn < 10; turn += 1) {
      granted += 50;
      await db.owner(
        `insert into budget_grant (org_id, id, budget_id, amount, reason, actor_id, actor_name, until)
         values ('org_1', $1, 'bud_org', 50, '', 'a', 'a', clock_now() + interval '1 day')`,
        [`grt_${turn}`],
      );
      await look();
    }
  };
  await Promise.all([...Array.from({ length: 12 }, (_each, seed) => client(seed)), granting()]);
  await look();
  assert.deepEqual(beyond, []);
  for (const { id, amount } of set.slice(0, 3)) {
    const { spent, reserved } = await readCounter(db, id);
    assert.equal(reserved, 0);
    assert.ok(spent > amount / 2 && spent <= amount + (id === 'bud_org' ? granted : 0), `${id}: ${spent} of ${amount}`);
  }
  assert.deepEqual(await db.owner('select 1 from spend_hold'), []);
});
