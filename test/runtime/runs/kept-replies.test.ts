/** Replies that are kept for an agent and given again: by a real store of answers, in a world of runs without one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storedId } from '../../../src/kernel/ids.ts';
import { NO_USAGE, type AssistantPart } from '../../../src/kernel/messages.ts';
import { createKeptReplies } from '../../../src/runtime/models/kept-replies.ts';
import type { ModelOutcome } from '../../../src/runtime/models/model.ts';
import { calls, says } from '../../support/drive-pure.ts';
import { testDatabase } from '../../support/database.ts';
import { createRunWorld, ORG, readTool } from '../../support/run-world.ts';

const START_MS = Date.UTC(2026, 10, 28, 9);
type Plan = NonNullable<Parameters<ReturnType<typeof createRunWorld>['create']>[0]>['plan'];

function real(content: AssistantPart[], finish: 'stop' | 'tool_calls' | 'length' = 'stop'): ModelOutcome {
  return { ok: true, reply: { content, finish, usage: { ...NO_USAGE, inputTokens: 100, outputTokens: 10 }, rehearsed: false } };
}

async function keeping(script: Parameters<typeof createRunWorld>[0]['script']) {
  const db = await testDatabase();
  await db.addOrg(ORG);
  await db.setTime(START_MS);
  const world = createRunWorld({ script, tools: [readTool('look', async () => ({ ok: true, text: 'seen' }))] });
  const logged: string[] = [];
  const replies = createKeptReplies({ db, log: (_level, message) => void logged.push(message) });
  const runOnce = async (plan: Plan = { cacheSeconds: 60, tools: ['look'] }, over: Parameters<typeof world.create>[0] = {}) => {
    const run = await world.create({ ...over, plan });
    // the store of answers is a real one, whose answers no virtual clock brings
    const at = { driven: false };
    const driven = world.driver('a', { replies }).advance(ORG, run);
    void driven.finally(() => (at.driven = true));
    while (!at.driven) {
      await world.clock.settle(Promise.resolve());
      await new Promise((resolve) => setImmediate(resolve));
    }
    await driven;
    const row = await world.store.getRun(ORG, run);
    return { row, asked: world.modelCalls.length, kept: (await world.events(run)).filter((event) => event.type === 'model.replied' && event.kept) };
  };
  return { ...db, db, world, logged, replies, runOnce };
}

test('an agent that asks for it is given the very same reply again, for its time, at no cost; tools are still called [GTW-4]', async () => {
  const at = await keeping(({ turn }) => (turn === 1 ? real(calls(['look', { at: 'a' }]), 'tool_calls') : real(says('It is fine.'))));
  await using _db = at.db;
  const first = await at.runOnce();
  assert.deepEqual([first.row?.status, first.asked, first.kept.length], ['succeeded', 2, 0]);
  const again = await at.runOnce();
  assert.deepEqual([again.row?.status, again.asked, again.kept.length], ['succeeded', 2, 2], 'nothing was asked');
  assert.deepEqual([again.row?.usage.inputTokens, again.row?.cost.microUsd, again.row?.toolCalls], [0, 0, 1]);
  assert.equal(at.world.ended.at(-1)?.event.answer, 'It is fine.');
  const plain = await at.runOnce({ tools: ['look'] });
  assert.deepEqual([plain.asked, plain.kept.length], [4, 0], 'an agent that does not ask for it is not given it');
  const warmer = await at.runOnce({ cacheSeconds: 60, tools: ['look'], temperature: 1 });
  assert.equal(warmer.kept.length, 0, 'another request');
  const other = await at.runOnce({ cacheSeconds: 60, tools: ['look'] }, { row: { agent: storedId('agt', 'agt_other') } });
  assert.equal(other.kept.length, 0, 'of another agent');
  await at.db.setTime(START_MS + 61_000);
  assert.equal((await at.runOnce()).kept.length, 0, 'its time is over');
});

test('what is cut off or rehearsed is not kept, and a store that fails keeps nobody from asking [GTW-4]', async () => {
  const cut = await keeping(() => real(says('It is f'), 'length'));
  await using _cut = cut.db;
  await cut.runOnce();
  assert.equal((await cut.runOnce()).kept.length, 0);
  const rehearsed = await keeping(() => says('As scripted.'));
  await using _rehearsed = rehearsed.db;
  await rehearsed.runOnce();
  assert.equal((await rehearsed.runOnce()).kept.length, 0);
  const { db } = await keeping(() => real(says('Yes.')));
  await using _db = db;
  const broken = { ...db, asOrg: () => Promise.reject(new Error('away')) };
  const told: string[] = [];
  const replies = createKeptReplies({ db: broken, log: (_level, message) => void told.push(message) });
  const request = { model: 'm', instructions: '', messages: [], tools: [], maxOutputTokens: 1, outputSchema: null, temperature: null, turn: 1 };
  const owner = { org: ORG, project: null, agent: 'agt_1' };
  assert.equal(await replies.find(owner, request), null);
  const outcome = real(says('x'));
  assert.ok(outcome.ok);
  await replies.keep(owner, request, { seconds: 5, reply: outcome.reply });
  assert.deepEqual(told, ['a kept reply could not be read', 'a reply was not kept']);
});
