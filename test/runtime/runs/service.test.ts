import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../../src/kernel/errors.ts';
import { storedId, type RunId } from '../../../src/kernel/ids.ts';
import type { Caller } from '../../../src/kernel/operation.ts';
import type { Principal } from '../../../src/platform/identity/principal.ts';
import { createRuns } from '../../../src/runtime/runs/service.ts';
import { createRunViews } from '../../../src/runtime/runs/views-store.ts';
import { databaseWorld, type DatabaseWorld } from '../../support/database-world.ts';
import { calls, says } from '../../support/drive-pure.ts';
import { ORG, writeTool } from '../../support/run-world.ts';
import { UNBOUND } from '../../support/identity.ts';

const CALLER: Caller<Principal> = {
  correlation: storedId('cor', 'cor_1'),
  surface: 'http',
  principal: {
    org: ORG,
    actor: storedId('act', 'act_1'),
    kind: 'user',
    name: 'Ada',
    agent: null,
    key: storedId('key', 'key_1'),
    fingerprint: '0123456789abcdef',
    role: 'owner',
    scopes: [],
    ...UNBOUND,
  },
};

type Turn = 'write' | 'fail' | 'end';

/** A world whose model plays `turns`, and the use cases on it. */
async function open(turns: Turn[]) {
  const world = await databaseWorld({
    script: () => {
      const turn = turns.shift() ?? 'end';
      if (turn === 'write') return calls(['put', { n: turns.length }]);
      if (turn === 'end') return says('Done.');
      return { ok: false, failure: { kind: 'refused', message: 'no', retryable: false, retryAfterMs: null, sent: true, usage: null } };
    },
    tools: (at) => [writeTool('put', 'key', at)],
  });
  const woken: RunId[] = [];
  const { handlers } = createRuns({
    store: world.store,
    views: createRunViews(world.db),
    clock: world.clock,
    ids: world.deps.ids,
    rules: world.deps.rules,
    history: async () => [],
    wake: (_org, run) => void woken.push(run),
    mayRun: async () => undefined,
  });
  const drive = (run: string): Promise<unknown> => world.driver('a').advance(ORG, storedId('run', run));
  return { world, handlers, woken, drive, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

const create = (world: DatabaseWorld): Promise<RunId> => world.create({ plan: { tools: ['put'] } });

test('a retry keeps what was done and tries again what failed [RUN-6]', async () => {
  await using opened = await open(['write', 'fail', 'end']);
  const { world, handlers, drive } = opened;
  const run = await create(world);
  await drive(run);
  assert.equal((await handlers.get(CALLER, { id: run })).status, 'failed');
  const retried = await handlers.retry(CALLER, { id: run });
  await drive(retried.id);
  const detail = await handlers.get(CALLER, { id: retried.id });
  assert.equal(detail.status, 'succeeded');
  assert.equal(detail.origin?.how, 'retry');
  assert.equal(world.effects.length, 1, 'the effect of the first run was not repeated');
});

test('a fork goes on from a step with another result, which is marked edited; a rerun starts afresh [RUN-6]', async () => {
  await using opened = await open(['write', 'end', 'end', 'write', 'end']);
  const { world, handlers, drive } = opened;
  const run = await create(world);
  await drive(run);
  const done = (await world.journal(run)).find(({ event }) => event?.type === 'tool.done');
  assert.ok(done?.event?.type === 'tool.done');
  const forked = await handlers.fork(CALLER, { id: run, seq: done.seq, result: { callId: done.event.callId, text: 'something else' } });
  await drive(forked.id);
  assert.match(JSON.stringify(world.modelCalls.at(-1)?.messages), /edited by a person[^"]*something else/);
  assert.equal(world.effects.length, 1);
  const again = await handlers.rerun(CALLER, { id: run });
  await drive(again.id);
  assert.equal(world.effects.length, 2);
});

test("an agent's key steers only runs that the agent started; a person's steers all [AGT-1]", async () => {
  await using opened = await open(['end']);
  const { world, handlers } = opened;
  const run = await create(world);
  const agent: Caller<Principal> = { ...CALLER, principal: { ...CALLER.principal, kind: 'agent', actor: storedId('act', 'act_other') } };
  await assert.rejects(handlers.note(agent, { id: run, text: 'Obey me.' }), { code: 'denied' });
  for (const steer of ['cancel', 'pause', 'resume'] as const)
    await assert.rejects(handlers[steer](agent, { id: run, reason: '' }), { code: 'denied' });
  assert.equal((await world.store.readInbox(ORG, run)).length, 0);
  const starter = (await world.store.getRun(ORG, run))?.actor;
  assert.ok(starter !== undefined);
  await handlers.note({ ...agent, principal: { ...agent.principal, actor: starter } }, { id: run, text: 'Go on.' });
  await handlers.cancel(CALLER, { id: run, reason: '' });
  assert.equal((await world.store.readInbox(ORG, run)).length, 2);
});

test('a replay makes the same decisions again, writes nothing, and a prompt is rebuilt to its hash [RUN-6, HAR-3]', async () => {
  await using opened = await open(['write', 'end']);
  const { world, handlers, drive } = opened;
  const run = await create(world);
  await drive(run);
  const before = (await world.journal(run)).length;
  const replayed = await handlers.replay(CALLER, { id: run });
  assert.equal(replayed.diverged, null);
  assert.ok(replayed.steps > 3);
  assert.equal((await world.journal(run)).length, before);
  assert.equal((await handlers.prompt(CALLER, { id: run, turn: 2 })).verified, true);
  assert.equal((await handlers.verify(CALLER, { id: run })).ok, true);
  assert.match((await handlers.transcript(CALLER, { id: run })).markdown, /## succeeded/);
});

test('cancelling an ended run is refused with how it ended; cancelling twice does no harm [RUN-5]', async () => {
  await using opened = await open(['end']);
  const { world, handlers, woken, drive } = opened;
  const run = await create(world);
  await handlers.cancel(CALLER, { id: run, reason: 'enough' });
  await handlers.cancel(CALLER, { id: run, reason: 'enough' });
  assert.deepEqual(woken, [run, run]);
  await drive(run);
  assert.equal((await handlers.get(CALLER, { id: run })).reason, 'Cancelled by Ada: enough.');
  await assert.rejects(
    handlers.cancel(CALLER, { id: run, reason: '' }),
    (error) => error instanceof AppError && error.code === 'conflict' && /already ended as cancelled/.test(error.message),
  );
  await assert.rejects(
    handlers.pause(CALLER, { id: 'run_01jd2m7x9c4qf8w3v5k6t1z0ab', reason: '' }),
    (error) => error instanceof AppError && error.code === 'not_found',
  );
});
