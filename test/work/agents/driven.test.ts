/** Agents, approvals and the driving of runs joined as the composition root joins them, on the real store: only model and tool are scripted. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { systemClock } from '../../../src/kernel/clock.ts';
import type { JsonObject } from '../../../src/kernel/canonical-json.ts';
import type { RunId } from '../../../src/kernel/ids.ts';
import type { AssistantPart } from '../../../src/kernel/messages.ts';
import { decideByTier } from '../../../src/platform/policy/policy.ts';
import type { ModelRequest } from '../../../src/runtime/models/model.ts';
import { modelFailure } from '../../../src/runtime/models/failure.ts';
import { estimateTokens } from '../../../src/runtime/models/tokens.ts';
import { createDriver } from '../../../src/runtime/runs/advance.ts';
import type { Driver } from '../../../src/runtime/runs/advance.ts';
import { createRuns } from '../../../src/runtime/runs/service.ts';
import { createRunStore, databaseTx } from '../../../src/runtime/runs/store.ts';
import { createRunViews } from '../../../src/runtime/runs/views-store.ts';
import type { Tool } from '../../../src/runtime/tools/tool.ts';
import { createDatabaseClock } from '../../../src/storage/database-clock.ts';
import type { ApprovalWorld } from '../../support/approvals.ts';
import { approvalWorld } from '../../support/approvals.ts';
import { definition } from '../../support/agents.ts';
import { FACTS, toolEntry } from '../../support/drive-pure.ts';
import { callerOf, testIds, testPrincipal } from '../../support/identity.ts';
import type { Script } from '../../support/scripted-model.ts';
import { scriptedModels } from '../../support/scripted-model.ts';

type Driven = ApprovalWorld & { sent: JsonObject[]; worker(): Driver };

const say = (text: string): AssistantPart[] => [{ type: 'text', text }];
const call = (tool: string, args: JsonObject): AssistantPart[] => [{ type: 'tool_call', callId: `call_${tool}`, tool, args: args as never }];

async function driven(script: Script): Promise<Driven> {
  const all = await approvalWorld();
  const sent: JsonObject[] = [];
  const send: Tool = {
    spec: { ...toolEntry('send', { sideEffect: 'external', recovery: 'none' }), realm: '', source: 'builtin' },
    call: async (args) => {
      sent.push(args);
      return { ok: true, text: `sent ${JSON.stringify(args)}` };
    },
  };
  const clock = createDatabaseClock({ db: all.db, clock: systemClock });
  const worker = (): Driver =>
    createDriver({
      store: createRunStore({ db: all.db, clock, randomBytes, onAppended: () => {} }),
      models: scriptedModels(script, FACTS),
      tools: {
        resolve: async (_org, names) => ({ tools: names.includes('send') ? [send] : [], missing: [] }),
        list: async () => ({ specs: [], faults: [] }),
        close: async () => {},
      },
      clock,
      ids: testIds,
      worker: testIds.next('wrk'),
      leaseMs: 5_000,
      pools: [],
      rules: { decide: decideByTier, validate: () => [], countTokens: estimateTokens },
      log: () => {},
      onEnded: async (tx, ended) => {
        await all.agents.onRunEnded(tx, ended);
        await all.approvals.withdraw(databaseTx(tx), ended.row.org, ended.row.id);
      },
      approvals: {
        ask: (tx, { row, asked }) =>
          all.approvals.ask(databaseTx(tx), {
            org: row.org,
            run: row.id,
            root: row.root,
            agent: row.agent,
            agentName: row.agentName,
            afterSeq: row.headSeq,
            asked,
          }),
      },
      children: { manifest: all.agents.childManifest, prepare: all.agents.prepareChild },
      command: () => send,
      surroundings: async () => ({ checkout: null, networkAllow: [] }),
      artefacts: { putTranscript: async () => {} },
      leave: async () => {},
      history: async () => [],
      previews: { show: async () => {}, clear: async () => {} },
    });
  return { ...all, sent, worker };
}

async function startOf(all: Driven, agent: string): Promise<RunId> {
  return (await all.agents.handlers.run(callerOf(all.owner), { name: agent, input: {}, priority: 'normal' })).id as RunId;
}

/** The one open question of a run. */
async function openQuestion(all: Driven, run: RunId): Promise<{ id: string; hash: string; args: unknown }> {
  const { items } = await all.approvals.handlers.list(callerOf(all.owner), { state: 'open', run, limit: 5 });
  assert.equal(items.length, 1);
  const [only] = items;
  assert.ok(only);
  return only;
}

const asksToSend = (request: ModelRequest): AssistantPart[] => (request.turn === 1 ? call('send', { to: 'ada' }) : say('Sent.'));

test('a run asks, holds no worker, and goes on under another worker once a person has answered [APR-1, APR-2]', async () => {
  await using all = await driven(asksToSend);
  await all.agents.ensure(all.owner, [definition({ name: 'mailer', tools: ['send'] })]);
  const run = await startOf(all, 'mailer');
  assert.equal((await all.worker().advance(all.org, run)).is, 'waiting');
  assert.deepEqual([(await all.runs.getRun(all.org, run))?.waitingFor, all.sent], ['approval', []]);
  const { id, hash, args } = await openQuestion(all, run);
  assert.deepEqual(args, { to: 'ada' });
  const shown = await all.approvals.handlers.get(callerOf(all.owner), { id });
  assert.ok(shown.story.some((line) => line.what.includes('[calls send]')));
  await all.approvals.handlers.answer(callerOf(all.owner), { id, hash, answer: 'approve', text: '' });
  assert.equal((await all.worker().advance(all.org, run)).is, 'ended');
  assert.deepEqual([(await all.runs.getRun(all.org, run))?.status, all.sent], ['succeeded', [{ to: 'ada' }]]);
});

test('what is carried out is what was approved: edited arguments, or nothing when denied [APR-1, APR-2]', async () => {
  await using all = await driven(asksToSend);
  await all.agents.ensure(all.owner, [definition({ name: 'mailer', tools: ['send'] })]);
  const { answer } = all.approvals.handlers;
  const edited = await startOf(all, 'mailer');
  await all.worker().advance(all.org, edited);
  const first = await openQuestion(all, edited);
  await answer(callerOf(all.owner), { id: first.id, hash: first.hash, answer: 'edit', text: '', args: { to: 'grace' } });
  await all.worker().advance(all.org, edited);
  assert.deepEqual(all.sent, [{ to: 'grace' }]);

  const denied = await startOf(all, 'mailer');
  await all.worker().advance(all.org, denied);
  const second = await openQuestion(all, denied);
  await answer(callerOf(all.owner), { id: second.id, hash: second.hash, answer: 'deny', text: 'not today' });
  await all.worker().advance(all.org, denied);
  assert.deepEqual(all.sent, [{ to: 'grace' }]);
  const entries = await all.runs.readEntries(all.org, denied, { afterSeq: 0, limit: 100 });
  assert.ok(entries.some(({ event }) => event?.type === 'tool.denied' && event.reason.includes('not today')));
});

test('a cancelled run withdraws its question [APR-2]', async () => {
  await using all = await driven(asksToSend);
  await all.agents.ensure(all.owner, [definition({ name: 'mailer', tools: ['send'] })]);
  const run = await startOf(all, 'mailer');
  await all.worker().advance(all.org, run);
  const { id, hash } = await openQuestion(all, run);
  const by = { actor: all.owner.actor, name: 'owner' };
  const event = { type: 'run.signalled', signal: 'cancel', reason: '', by } as const;
  await all.runs.transaction(all.org, (tx) => all.runs.putInbox(tx, { org: all.org, run, kind: 'cancel', event, actor: all.owner.actor }));
  await all.worker().advance(all.org, run);
  assert.equal((await all.approvals.handlers.get(callerOf(all.owner), { id })).state, 'withdrawn');
  await assert.rejects(all.approvals.handlers.answer(callerOf(all.owner), { id, hash, answer: 'approve', text: '' }), { code: 'conflict' });
  assert.deepEqual(all.sent, []);
});

test('the third failed run leaves its agent in error: nothing else runs until a person resumes it [AGT-4]', async () => {
  let broken = true;
  await using all = await driven(() => {
    if (broken) return { ok: false, failure: modelFailure('invalid_request', 'The model is broken.', { sent: false }) };
    return say('Fine.');
  });
  await all.agents.ensure(all.owner, [definition({ name: 'flaky', limits: { turns: 1 } })]);
  const { get, resume } = all.agents.handlers;
  for (const failures of [1, 2, 3]) {
    const run = await startOf(all, 'flaky');
    await all.worker().advance(all.org, run);
    assert.equal((await all.runs.getRun(all.org, run))?.status, 'failed');
    assert.equal((await get(callerOf(all.owner), { name: 'flaky' })).failures, failures);
  }
  assert.equal((await get(callerOf(all.owner), { name: 'flaky' })).state, 'error');
  await assert.rejects(startOf(all, 'flaky'), { code: 'agent_halted' });
  broken = false;
  await resume(callerOf(all.owner), { name: 'flaky' });
  const run = await startOf(all, 'flaky');
  await all.worker().advance(all.org, run);
  assert.equal((await all.runs.getRun(all.org, run))?.status, 'succeeded');
});

test('a rerun asks who may use the agent as a start does, and says which surface it came over [AGT-3, RUN-1]', async () => {
  await using all = await driven(() => say('Done.'));
  const { owner, db, runs: store } = all;
  await all.agents.ensure(owner, [definition({ name: 'closed', access: { roles: ['owner'] } })]);
  const run = await startOf(all, 'closed');
  await all.worker().advance(all.org, run);
  const rules = { decide: decideByTier, validate: () => [], countTokens: estimateTokens };
  const { rerun } = createRuns({
    ...{ store, rules, ids: testIds, clock: systemClock, wake: () => {}, history: async () => [] },
    views: createRunViews(db),
    mayRun: all.agents.mayRun,
  }).handlers;
  const member = await testPrincipal(all.identity, owner, { role: 'member' });
  await assert.rejects(rerun(callerOf(member), { id: run }), { code: 'denied' });
  const { id } = await rerun(callerOf(owner, 'mcp'), { id: run });
  const [first] = await store.readEntries(all.org, id as RunId, { afterSeq: 0, limit: 1 });
  assert.ok(first?.event?.type === 'run.queued' && first.event.trigger === 'mcp' && first.event.by.key === owner.fingerprint);
});

test('a sub-agent runs as a run of its own and its question names the tree it belongs to [RUN-8, APR-1]', async () => {
  await using all = await driven((request) => {
    const isKid = request.instructions.includes('Be a kid');
    if (request.turn > 1) return say(isKid ? 'Mail sent.' : 'Done.');
    return isKid ? call('send', { to: 'ada' }) : call('agent_kid', { task: 'mail ada' });
  });
  await all.agents.ensure(all.owner, [
    definition({ name: 'parent', agents: ['kid'] }),
    definition({ name: 'kid', instructions: 'Be a kid.', tools: ['send'] }),
  ]);
  const parent = await startOf(all, 'parent');
  await all.worker().advance(all.org, parent);
  const [child] = await all.db.owner<{ id: string }>('select id from run where parent_id = $1', [parent]);
  assert.ok(child);
  const kid = child.id as RunId;
  await all.worker().advance(all.org, kid);
  const { id, hash } = await openQuestion(all, kid);
  const shown = await all.approvals.handlers.get(callerOf(all.owner), { id });
  assert.deepEqual([shown.agent, shown.trigger, shown.startedBy.key], ['kid', 'manual', all.owner.fingerprint]);
  await all.approvals.handlers.answer(callerOf(all.owner), { id, hash, answer: 'approve', text: '' });
  await all.worker().advance(all.org, kid);
  await all.worker().advance(all.org, parent);
  assert.deepEqual([(await all.runs.getRun(all.org, kid))?.status, (await all.runs.getRun(all.org, parent))?.status], ['succeeded', 'succeeded']);
  assert.deepEqual(all.sent, [{ to: 'ada' }]);
});
