/** Runs and budgets: waiting with the reset in the reason, going on by themselves, lowered answers, children, spikes (spec BUD-2, BUD-3, BUD-7, RUN-7). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunId } from '../../../src/kernel/ids.ts';
import { NO_USAGE } from '../../../src/kernel/messages.ts';
import type { ModelOutcome, ModelRequest } from '../../../src/runtime/models/model.ts';
import { replay } from '../../../src/runtime/runs/replay.ts';
import { FACTS } from '../../support/drive-pure.ts';
import type { ModelBudget } from '../../support/budget-model.ts';
import { createRunWorld, ORG, type RunWorld } from '../../support/run-world.ts';

const DAY_MS = 86_400_000;
const OUTPUT = 500;

const says = (text: string, outputTokens = OUTPUT): ModelOutcome => ({
  ok: true,
  reply: { content: [{ type: 'text', text }], finish: 'stop', usage: { ...NO_USAGE, inputTokens: 10, outputTokens }, rehearsed: false },
});
const calls = (tool: string, args: object): ModelOutcome => ({
  ok: true,
  reply: {
    content: [{ type: 'tool_call', callId: 'call_1', tool, args: args as never }],
    finish: 'tool_calls',
    usage: { ...NO_USAGE, inputTokens: 10, outputTokens: OUTPUT },
    rehearsed: false,
  },
});

const budget = (over: Partial<ModelBudget>): ModelBudget => ({
  org: ORG,
  id: 'bud_1',
  scope: 'org',
  subject: ORG,
  unit: 'tokens',
  period: 'day',
  amount: 100_000,
  ...over,
});

function world(script: (request: ModelRequest) => ModelOutcome, ...budgets: ModelBudget[]): RunWorld {
  const made = createRunWorld({ script: async (request) => script(request) });
  Object.assign(made.deps.models, { facts: () => ({ ...FACTS, rehearsed: false }) });
  for (const each of budgets) made.store.budgets.set(each);
  return made;
}

const drive = (at: RunWorld, run: RunId): Promise<unknown> => at.clock.settle(at.driver('w1').advance(ORG, run));

test('a run over a budget waits with the reset in its reason, and goes on by itself when the period ends [BUD-3, RUN-7]', async () => {
  const at = world(() => says('done'), budget({ amount: 400 }));
  const run = await at.create();
  assert.deepEqual(at.modelCalls, []);
  await drive(at, run);
  const waiting = await at.store.getRun(ORG, run);
  assert.deepEqual([waiting?.status, waiting?.waitingFor], ['waiting', 'budget']);
  assert.match(
    waiting?.reason ?? '',
    /budget of 400 tokens a day of the organization.*resets at \d{4}-\d\d-\d\d 00:00 UTC.*windlass budget request bud_1/s,
  );
  const midnight = Math.floor(at.clock.nowMs() / DAY_MS + 1) * DAY_MS;
  assert.equal(waiting?.runnableAtMs, midnight);
  assert.deepEqual(at.modelCalls, [], 'nothing was sent');
  at.store.budgets.set(budget({ amount: 100_000 }));
  at.clock.jump(midnight - at.clock.nowMs());
  await drive(at, run);
  assert.equal((await at.store.getRun(ORG, run))?.status, 'succeeded');
  const types = (await at.events(run)).map(({ type }) => type);
  assert.ok(types.includes('budget.exhausted') && types.includes('run.resumed'));
  assert.equal(replay(await at.journal(run), { rules: at.deps.rules }).diverged, null, 'and it replays');
});

test('a grant wakes it at once; a deadline that passes first ends it as budget_exhausted [BUD-9, RUN-7]', async () => {
  const at = world(() => says('done'), budget({ amount: 0, period: 'total' }));
  const [granted, late] = [
    await at.create(),
    await at.create({ row: { deadlineMs: at.clock.nowMs() + 60_000 }, queued: { deadlineMs: at.clock.nowMs() + 60_000 } }),
  ];
  await drive(at, granted);
  await drive(at, late);
  assert.equal((await at.store.getRun(ORG, granted))?.runnableAtMs, null, 'only a grant can help');
  at.clock.jump(60_000);
  await drive(at, late);
  assert.equal((await at.store.getRun(ORG, late))?.status, 'budget_exhausted');
  at.store.budgets.grant({ budget: 'bud_1', amount: 100_000, untilMs: at.clock.nowMs() + DAY_MS });
  const by = { actor: 'act_1', name: 'Ada' };
  await at.store.transaction(ORG, (tx) =>
    at.store.putInbox(tx, {
      org: ORG,
      run: granted,
      kind: 'grant',
      actor: 'act_1' as never,
      event: { type: 'run.signalled', signal: 'grant', reason: '', by },
    }),
  );
  await drive(at, granted);
  assert.equal((await at.store.getRun(ORG, granted))?.status, 'succeeded');
});

test('with less than the worst case left the answer is asked shorter, and the call carries the lowered limit [BUD-2]', async () => {
  const at = world(() => says('short'), budget({ amount: 3_000 }));
  const run = await at.create();
  await drive(at, run);
  assert.equal((await at.store.getRun(ORG, run))?.status, 'succeeded');
  const intended = (await at.events(run)).find((event) => event.type === 'model.intended');
  assert.ok(intended?.type === 'model.intended');
  assert.equal(at.modelCalls[0]?.maxOutputTokens, intended.maxOutputTokens);
  assert.equal(intended.reservation?.tokens, 3_000);
  assert.deepEqual(at.store.budgets.counter('bud_1'), { spent: 10 + OUTPUT, reserved: 0 });
  assert.equal(replay(await at.journal(run), { rules: at.deps.rules }).diverged, null);
});

test('a crash between intent and outcome settles at the reservation when another takes the run on [BUD-2, RUN-3]', async () => {
  const at = world(() => says('done'), budget({}));
  const run = await at.create();
  let crashed = false;
  const dead = at.driver('w1', {
    models: {
      ...at.deps.models,
      call: () => {
        crashed = true;
        return new Promise(() => {});
      },
    },
  });
  void dead.advance(ORG, run);
  await at.clock.until(() => crashed, 10_000);
  const { reserved } = at.store.budgets.counter('bud_1');
  assert.ok(reserved > 0);
  const row = at.store.runs().find(({ id }) => id === run);
  assert.ok(row);
  row.leaseUntilMs = at.clock.nowMs() - 1; // it died: nobody prolongs the lease
  row.fence += 1;
  await drive(at, run);
  assert.deepEqual(at.store.budgets.counter('bud_1'), { spent: reserved + 10 + OUTPUT, reserved: 0 });
});

test('a cancel while a call is open leaves nothing reserved [BUD-2, RUN-5]', async () => {
  const at = world(() => says('done'), budget({}));
  const run = await at.create();
  let open = false;
  const driver = at.driver('w1', {
    models: {
      ...at.deps.models,
      call: (_request, { signal }) => {
        open = true;
        return new Promise((resolve) =>
          signal.addEventListener('abort', () =>
            resolve({ ok: false, failure: { kind: 'aborted', message: 'stopped', retryable: false, retryAfterMs: null, sent: true, usage: null } }),
          ),
        );
      },
    },
  });
  const advanced = driver.advance(ORG, run);
  await at.clock.until(() => open, 10_000);
  const { reserved } = at.store.budgets.counter('bud_1');
  await at.signal(run, 'cancel');
  driver.nudge(run);
  await at.clock.settle(advanced);
  assert.equal((await at.store.getRun(ORG, run))?.status, 'cancelled');
  assert.deepEqual(at.store.budgets.counter('bud_1'), { spent: reserved, reserved: 0 });
});

test('a budget in runs holds a run back at its start, and counts it once when it goes on [BUD-8]', async () => {
  const at = world(() => says('done'), budget({ unit: 'runs', amount: 1, period: 'five_hours' }));
  const [first, second] = [await at.create(), await at.create()];
  await drive(at, first);
  await drive(at, second);
  const held = await at.store.getRun(ORG, second);
  assert.deepEqual([held?.status, held?.waitingFor, held?.runnableAtMs], ['waiting', 'budget', (held?.startedAtMs ?? 0) + 5 * 3_600_000]);
  assert.deepEqual(at.store.budgets.counter('bud_1'), { spent: 1, reserved: 0 });
  at.clock.jump((held?.runnableAtMs ?? 0) - at.clock.nowMs());
  await drive(at, second);
  assert.equal((await at.store.getRun(ORG, second))?.status, 'succeeded');
  assert.deepEqual(at.store.budgets.counter('bud_1'), { spent: 1, reserved: 0 }, 'in the next window');
  assert.equal(replay(await at.journal(second), { rules: at.deps.rules }).diverged, null);
});

test('80% is said in the journal of the run that crossed it [BUD-3]', async () => {
  const at = world(() => says('done', 1_000), budget({ amount: 1_250 }));
  const run = await at.create();
  await drive(at, run);
  const warned = (await at.events(run)).filter((event) => event.type === 'budget.warned');
  assert.equal(warned.length, 1);
  assert.equal((await at.store.getRun(ORG, run))?.status, 'succeeded');
});

test('what calls under way hold is waited for shortly, not until the end of the period [BUD-2]', async () => {
  const at = world(() => says('done'), budget({ amount: 5_000 }));
  const other = { org: ORG, project: null, agent: null, key: null, actor: 'act_1' as never, root: null, child: false };
  at.store.budgets.apply(
    [{ id: 'mcl_1', place: other, kind: 'reserve', model: 'm', rehearsed: false, tokens: 4_999, microUsd: null }],
    at.clock.nowMs(),
  );
  const run = await at.create({ plan: { limits: { turns: 5, toolCalls: 5, activeMs: 600_000, tokens: 4_000, costMicroUsd: null } } });
  await drive(at, run);
  const row = await at.store.getRun(ORG, run);
  assert.match(row?.reason ?? '', /held by calls under way/);
  assert.ok((row?.runnableAtMs ?? 0) <= at.clock.nowMs() + 10_000);
  at.store.budgets.apply([{ id: 'mcl_1', place: other, kind: 'release' }], at.clock.nowMs());
  at.clock.jump(10_000);
  await drive(at, run);
  assert.equal((await at.store.getRun(ORG, run))?.status, 'succeeded');
});

test('a run five times as dear as its agent’s median pauses and asks, and goes on when a person says so [BUD-7]', async () => {
  const spiky = (request: ModelRequest): ModelOutcome => (request.turn < 3 ? calls('look', {}) : says('done'));
  const past = (costs: number[]) => costs.map((costMicroUsd) => ({ activeMs: 1_000, turns: 1, costMicroUsd }));
  const run = async (history: ReturnType<typeof past>): Promise<{ at: RunWorld; run: RunId }> => {
    const at = world(spiky);
    const id = await at.create();
    await at.clock.settle(at.driver('w1', { history: async () => history }).advance(ORG, id));
    return { at, run: id };
  };
  const calm = await run(past(Array.from({ length: 9 }, () => 1)));
  assert.equal((await calm.at.store.getRun(ORG, calm.run))?.status, 'succeeded', 'nine runs are no median');
  const { at, run: id } = await run(past(Array.from({ length: 10 }, () => 1)));
  const paused = await at.store.getRun(ORG, id);
  assert.equal(paused?.status, 'paused');
  assert.match(paused?.reason ?? '', /more than 5 times .* last 10 runs .* Resume it to let it go on, or cancel it/);
  assert.equal(at.modelCalls.length, 1);
  await at.signal(id, 'resume');
  await at.clock.settle(at.driver('w1', { history: async () => past(Array.from({ length: 10 }, () => 1_000_000)) }).advance(ORG, id));
  assert.equal((await at.store.getRun(ORG, id))?.status, 'succeeded');
  assert.equal((await at.events(id)).filter(({ type }) => type === 'budget.spiked').length, 1);
  assert.equal(replay(await at.journal(id), { rules: at.deps.rules }).diverged, null);
});
