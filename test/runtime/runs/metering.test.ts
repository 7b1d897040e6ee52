/** Calls of runs on the real database: metered in the commit of their outcome, with and without budgets, and equal to what the journals say (spec BUD-1). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_USAGE } from '../../../src/kernel/messages.ts';
import type { ModelOutcome } from '../../../src/runtime/models/model.ts';
import { insertBudget, readCounter } from '../../support/budgets.ts';
import { databaseWorld } from '../../support/database-world.ts';
import { FACTS } from '../../support/drive-pure.ts';
import { ORG } from '../../support/run-world.ts';

const CUT_OFF: ModelOutcome = {
  ok: false,
  failure: { kind: 'aborted', message: 'cut off', retryable: true, retryAfterMs: null, sent: true, usage: null },
};
const DONE: ModelOutcome = {
  ok: true,
  reply: { content: [{ type: 'text', text: 'done' }], finish: 'stop', usage: { ...NO_USAGE, inputTokens: 100, outputTokens: 50 }, rehearsed: false },
};

test('what runs spend stands in the rows of spend, in their budgets and in their journals alike [BUD-1, BUD-2]', async () => {
  let calls = 0;
  await using world = await databaseWorld({
    facts: { ...FACTS, rehearsed: false },
    script: async () => {
      calls += 1;
      return calls % 2 === 1 ? CUT_OFF : DONE;
    },
  });
  const { db } = world;
  const drive = async (): Promise<{ tokens: number; cost: number }> => {
    const run = await world.create();
    await world.driver('w1').advance(ORG, run);
    assert.equal((await world.store.getRun(ORG, run))?.status, 'succeeded');
    const spent = (await world.events(run)).flatMap((event) => (event.type === 'model.replied' || event.type === 'model.failed' ? [event] : []));
    assert.equal(spent.length, 2);
    const tokens = spent.reduce((sum, { usage }) => sum + usage.inputTokens + usage.outputTokens, 0);
    return { tokens, cost: spent.reduce((sum, { costMicroUsd }) => sum + (costMicroUsd ?? 0), 0) };
  };
  const metered = async (): Promise<object | undefined> => {
    const [row] = await db.owner<object>(
      `select sum(calls)::int as calls, sum(failed)::int as failed, sum(estimated)::int as estimated, sum(input_tokens + output_tokens)::int as tokens,
         sum(micro_usd)::int as cost from spend_day where agent_id = 'agt_1' and not rehearsed and outside = 0`,
    );
    return row;
  };
  const before = await drive();
  assert.deepEqual(await metered(), { calls: 2, failed: 1, estimated: 1, ...before });
  await insertBudget(db, { org: ORG, id: 'bud_1', scope: 'org', subject: ORG, unit: 'tokens', period: 'day', amount: 1_000_000 });
  await insertBudget(db, { org: ORG, id: 'bud_2', scope: 'agent', subject: 'agt_1', unit: 'micro_usd', period: 'month', amount: 1_000_000 });
  const after = await drive();
  assert.deepEqual(await metered(), { calls: 4, failed: 2, estimated: 2, tokens: before.tokens + after.tokens, cost: before.cost + after.cost });
  assert.deepEqual(await readCounter(db, 'bud_1'), { spent: after.tokens, reserved: 0 });
  assert.deepEqual(await readCounter(db, 'bud_2'), { spent: after.cost, reserved: 0 });
});
