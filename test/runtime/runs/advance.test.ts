import assert from 'node:assert/strict';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { test } from 'node:test';
import type { EventOf } from '../../../src/kernel/events.ts';
import { calls, says } from '../../support/drive-pure.ts';
import { DEFAULT_LIMITS } from '../../../src/kernel/plan.ts';
import { modelFailure } from '../../../src/runtime/models/failure.ts';
import { DRIVE_LIMITS } from '../../../src/runtime/runs/drive-limits.ts';
import { createRunWorld, ORG, readTool, writeTool, type Effect } from '../../support/run-world.ts';

test('a run is driven to its end: intents before effects, outcome and usage in the journal [RUN-3]', async () => {
  const world = createRunWorld({
    script: ({ turn }) => (turn === 1 ? calls(['look', { at: 'a' }], ['look', { at: 'b' }]) : says('Both are fine.')),
    tools: [readTool('look', async (args) => ({ ok: true, text: `saw ${JSON.stringify(args['at'])}` }))],
  });
  const run = await world.create({ plan: { tools: ['look'] } });
  const advanced = await world.clock.settle(world.driver('a').advance(ORG, run));
  assert.deepEqual(advanced, { is: 'ended' });
  const types = (await world.events(run)).map((event) => event.type);
  assert.ok(types.indexOf('model.intended') < types.indexOf('model.replied'));
  assert.deepEqual(
    types.filter((type) => type.startsWith('tool.')),
    ['tool.intended', 'tool.intended', 'tool.done', 'tool.done'],
  );
  const row = await world.store.getRun(ORG, run);
  assert.equal(row?.status, 'succeeded');
  assert.equal(row.turns, 2);
  assert.equal(row.usage.outputTokens, 20);
  assert.equal(world.ended[0]?.event.answer, 'Both are fine.');
});

test('advance called twice at once drives the run once [ENG-2]', async () => {
  const world = createRunWorld({ script: () => says('Done.') });
  const run = await world.create();
  const [a, b] = await world.clock.settle(Promise.all([world.driver('a').advance(ORG, run), world.driver('b').advance(ORG, run)]));
  assert.equal([a, b].filter((advanced) => advanced.is === 'ended').length, 1);
  assert.equal(world.modelCalls.length, 1);
  assert.equal(world.ended.length, 1);
});

test('cancel aborts the call in flight within a second, also when its wake-up is lost [RUN-5]', async () => {
  const world = createRunWorld({ script: () => new Promise(() => undefined) });
  const run = await world.create();
  const work = world.driver('a').advance(ORG, run);
  await world.clock.until(() => world.modelCalls.length === 1);
  const cancelledMs = world.clock.nowMs();
  await world.signal(run, 'cancel');
  await world.clock.settle(work);
  assert.ok(world.clock.nowMs() - cancelledMs <= 1_000, `took ${world.clock.nowMs() - cancelledMs} ms`);
  assert.equal((await world.store.getRun(ORG, run))?.status, 'cancelled');
});

test('a run whose provider says not before T shows why it waits, holds no worker, and goes on by itself at T [GTW-10]', async () => {
  const tooMany = modelFailure('rate_limited', 'anthropic answered 429: your limit resets at noon', { sent: true, retryAfterMs: 3_600_000 });
  const world = createRunWorld({ script: ({ model }) => (world.modelCalls.length < 3 ? { ok: false, failure: tooMany } : says(`by ${model}`)) });
  const run = await world.create({ plan: { fallbacks: ['test/other'] } });
  const driver = world.driver('a');
  const startMs = world.clock.nowMs();
  const first = await world.clock.settle(driver.advance(ORG, run));
  assert.ok(first.is === 'waiting' && first.untilMs !== null && first.untilMs >= startMs + 3_600_000, JSON.stringify(first));
  assert.equal(new Set(world.modelCalls.map(({ model }) => model)).size, 2, 'the other model was tried first');
  const row = await world.store.getRun(ORG, run);
  assert.deepEqual([row?.status, row?.waitingFor], ['waiting', 'rate_limit']);
  assert.match(row?.reason ?? '', /is not to be called before \d{4}-\d\d-\d\d \d\d:\d\d UTC/);
  await world.clock.settle(world.clock.sleep(first.untilMs - world.clock.nowMs()));
  assert.deepEqual(await world.clock.settle(driver.advance(ORG, run)), { is: 'ended' });
  assert.match(world.ended[0]?.event.answer ?? '', /^by /);
  assert.equal(world.modelCalls.length, 3);
});

test('a write cut off by a cancel is recorded as unknown, not as undone [RUN-4, RUN-5]', async () => {
  const effects: Effect[] = [];
  const world = createRunWorld({ script: () => calls(['post', {}]), tools: [] });
  const post = writeTool('post', 'none', { effects, clock: world.clock, latencyMs: () => 4_000 });
  const run = await world.create({ plan: { tools: ['post'] } });
  const tools = { ...world.deps.tools, resolve: async () => ({ tools: [post], missing: [] }) };
  const work = world.driver('a', { tools }).advance(ORG, run);
  await world.clock.until(() => world.modelCalls.length === 1);
  await world.signal(run, 'cancel');
  await world.clock.settle(work);
  const events = await world.events(run);
  assert.equal(events.at(-1)?.type, 'run.ended');
  assert.ok(events.some((event) => event.type === 'tool.outcome_unknown'));
});

test('pause gives the worker back after the step, resume goes on where it was [RUN-5]', async () => {
  const world = createRunWorld({
    script: ({ turn }) => (turn === 1 ? calls(['look', {}]) : says('Done.')),
    tools: [readTool('look', async () => ({ ok: true, text: 'seen' }))],
  });
  const run = await world.create({ plan: { tools: ['look'] } });
  await world.signal(run, 'pause');
  const driver = world.driver('a');
  assert.deepEqual(await world.clock.settle(driver.advance(ORG, run)), { is: 'waiting', untilMs: null });
  assert.equal((await world.store.getRun(ORG, run))?.status, 'paused');
  await world.signal(run, 'resume');
  assert.deepEqual(await world.clock.settle(driver.advance(ORG, run)), { is: 'ended' });
});

test('a question commits with its row, holds no worker, and its answer continues the run [RUN-4]', async () => {
  const world = createRunWorld({ script: ({ turn }) => (turn === 1 ? calls(['post', { to: 'x' }]) : says('Posted.')) });
  const effects: Effect[] = [];
  const post = writeTool('post', 'key', { effects, clock: world.clock });
  const tools = {
    ...world.deps.tools,
    resolve: async () => ({ tools: [{ ...post, spec: { ...post.spec, sideEffect: 'external' as const } }], missing: [] }),
  };
  const run = await world.create({ plan: { tools: ['post'] } });
  const driver = world.driver('a', { tools });
  const advanced = await world.clock.settle(driver.advance(ORG, run));
  assert.equal(advanced.is, 'waiting');
  const [asked] = world.asked;
  assert.ok(asked);
  assert.equal(driver.counts().held, 0);
  const by = { actor: 'act_2', name: 'Grace' };
  const answered: EventOf<'approval.answered'> = {
    type: 'approval.answered',
    approvalId: asked.approvalId,
    callId: asked.callId,
    hash: asked.hash,
    answer: 'approve',
    text: '',
    by,
  };
  await world.put(run, 'answer', answered);
  assert.deepEqual(await world.clock.settle(driver.advance(ORG, run)), { is: 'ended' });
  assert.equal(effects.length, 1);
});

test('a child has a journal of its own, and its end reaches the parent in its own last commit [RUN-8]', async () => {
  const world = createRunWorld({
    script: ({ messages, turn }) => {
      const first = JSON.stringify(messages[0]);
      if (first.includes('subtask')) return says('child says 7');
      return turn === 1 ? calls(['agent_helper', { task: 'subtask' }]) : says('The helper said 7.');
    },
  });
  const run = await world.create({ plan: { agents: ['helper'] } });
  const driver = world.driver('a');
  assert.equal((await world.clock.settle(driver.advance(ORG, run))).is, 'waiting');
  const child = world.store.runs().find((row) => row.parent === run);
  assert.ok(child);
  await world.clock.settle(driver.advance(ORG, child.id));
  assert.deepEqual(await world.clock.settle(driver.advance(ORG, run)), { is: 'ended' });
  const ended = (await world.events(run)).find((event) => event.type === 'child.ended');
  assert.equal(ended?.text, 'child says 7');
});

test('a transcript that cannot be stored does not fail the run, and the journal says so [RUN-9]', async () => {
  const world = createRunWorld({ script: () => says('Done.') });
  const run = await world.create();
  const artefacts = { putTranscript: () => Promise.reject(new Error('the bucket is away')) };
  await world.clock.settle(world.driver('a', { artefacts }).advance(ORG, run));
  const events = await world.events(run);
  assert.equal((await world.store.getRun(ORG, run))?.status, 'succeeded');
  assert.match(events.find((event) => event.type === 'artefact.failed')?.message ?? '', /bucket is away/);
});

test('a run whose tool is missing ends at once with what is missing', async () => {
  const world = createRunWorld({ script: () => says('Done.') });
  const run = await world.create({ plan: { tools: ['nonesuch'] } });
  await world.clock.settle(world.driver('a').advance(ORG, run));
  const row = await world.store.getRun(ORG, run);
  assert.equal(row?.status, 'failed');
  assert.match(row.reason, /nonesuch: There is no tool/);
});

test('a fault of ours ends the run with its cause instead of trying it for ever', async () => {
  const world = createRunWorld({ script: () => says('Done.') });
  const run = await world.create();
  const decide = (): never => {
    throw new TypeError('the rules are broken');
  };
  await world.clock.settle(world.driver('a', { rules: { ...world.deps.rules, countTokens: decide } }).advance(ORG, run));
  const row = await world.store.getRun(ORG, run);
  assert.equal(row?.status, 'failed');
  assert.match(row.reason, /fault of the server: the rules are broken/);
});

test('an end that is refused rests and is tried again, it is not lost', async () => {
  const world = createRunWorld({ script: () => says('Done.') });
  const run = await world.create();
  let refusals = 0;
  const onEnded: typeof world.deps.onEnded = (tx, ended) => {
    refusals += 1;
    return refusals <= 2 ? Promise.reject(new TypeError('no room')) : world.deps.onEnded(tx, ended);
  };
  const driver = world.driver('a', { onEnded });
  assert.equal((await world.clock.settle(driver.advance(ORG, run))).is, 'waiting');
  world.clock.jump(61_000);
  assert.deepEqual(await world.clock.settle(driver.advance(ORG, run)), { is: 'ended' });
});

test('the lease keeps up while an answer of 10 MB is parsed and journalled [ENG-3]', async () => {
  const world = createRunWorld({
    script: ({ turn }) => (turn === 1 ? calls(['keep', { text: 'x'.repeat(10_000_000) }]) : says('Kept.')),
    tools: [readTool('keep', async () => ({ ok: true, text: 'kept' }))],
  });
  const run = await world.create({ plan: { tools: ['keep'], limits: { ...DEFAULT_LIMITS, tokens: 100_000_000 } } });
  const busy = monitorEventLoopDelay({ resolution: 5 });
  busy.enable();
  await world.clock.settle(world.driver('a').advance(ORG, run));
  const longestMs = busy.max / 1e6;
  busy.disable();
  assert.ok((await world.events(run)).some((event) => event.type === 'model.replied'));
  const spareMs = DRIVE_LIMITS.leaseMs - DRIVE_LIMITS.leaseMs / DRIVE_LIMITS.heartbeatsPerLease;
  assert.ok(longestMs < spareMs, `the process was busy for ${longestMs} ms at a stretch`);
});
