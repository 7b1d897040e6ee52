/** Deliveries that come one to five times, together and late (benchmark R3): requests to start, answers of people, signals. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../src/kernel/errors.ts';
import { agentOperations } from '../../src/work/agents/contract.ts';
import { testServer, type TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { openFaultBench, PERSON } from './fault-bench.ts';

const DISTINCT = 20;
/** A sender that is told to come again does so, this often at most. */
const ATTEMPTS = 20;

test('each request to start, delivered one to five times, together and late, is one run [R3]', { timeout: 60_000 }, async (t) => {
  await using server = await testServer({ rehearsals: { hello: 'turns:\n  - text: Hello.\n' } });
  await server.api().call(agentOperations.create, { name: 'greeter', instructions: 'Greet.', model: 'rehearsal/hello' });
  const deliveries = Array.from({ length: DISTINCT }, (_delivery, index) => ({ key: `delivery-${index}`, times: 1 + (index % 5) }));
  const together = await Promise.all(deliveries.map(({ key, times }) => Promise.all(Array.from({ length: times }, () => deliver(server, key)))));
  await until('the end of all runs', 20_000, async () => {
    const [row] = await server.db.owner<{ ended: string }>('select count(*) as ended from run where ended_at is not null');
    return Number(row?.ended) === DISTINCT;
  });
  const late = await Promise.all(deliveries.map(({ key }) => deliver(server, key)));
  const [row] = await server.db.owner<{ runs: string }>('select count(*) as runs from run');
  assert.equal(Number(row?.runs), DISTINCT);
  for (const [index, ids] of together.entries()) assert.deepEqual(new Set([...ids, late[index]]).size, 1, deliveries[index]?.key);
  assert.equal(new Set(late).size, DISTINCT);
  t.diagnostic(`R3: ${together.flat().length + late.length} deliveries of ${DISTINCT} distinct ones, ${String(row?.runs)} runs`);
});

async function deliver(server: TestServer, key: string): Promise<string> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const response = await server.request('/agents/greeter/runs', { method: 'POST', body: { input: {} }, headers: { 'idempotency-key': key } });
    const body = (await response.json()) as { id?: string; code?: string };
    if (body.id !== undefined && response.ok) return body.id;
    assert.equal(response.status, 409, JSON.stringify(body)); // the first of them is still at work
  }
  throw new Error(`${key} was in flight all along`);
}

test('an answer or a signal, delivered one to five times, together and late, counts once [APR-1, RUN-5, R3]', { timeout: 60_000 }, async (t) => {
  await using bench = await openFaultBench();
  const worker = await bench.worker();
  const TIMES = [1, 2, 3, 4, 5];
  const runs = await Promise.all(TIMES.map(() => bench.create('send')));
  let refused = 0;
  const answer = async (run: string): Promise<void> => {
    const { items } = await bench.approvals.handlers.list(PERSON, { state: 'open', run, limit: 5 });
    const [question] = items;
    assert.ok(question !== undefined);
    const give = async (): Promise<void> => {
      try {
        await bench.approvals.handlers.answer(PERSON, { id: question.id, hash: question.hash, answer: 'approve', text: '' });
      } catch (error) {
        assert.ok(error instanceof AppError && error.code === 'conflict', String(error));
        refused += 1;
      }
    };
    await Promise.all(Array.from({ length: TIMES[runs.indexOf(run as never)] ?? 1 }, give));
    await bench.untilEnded([run as never], 20_000);
    await give();
  };
  for (const run of runs) await until('its question', 20_000, async () => (await bench.row(run)).waitingFor === 'approval');
  await Promise.all(runs.map(answer));
  for (const run of runs) {
    assert.equal((await bench.row(run)).status, 'succeeded');
    assert.equal(bench.receiver.effects().filter((effect) => effect.run === run).length, 1);
    assert.equal((await bench.events(run)).filter(({ type }) => type === 'approval.answered').length, 1);
  }

  const paused = await bench.create('hang');
  await until('its model call', 20_000, async () => (await bench.events(paused)).some(({ type }) => type === 'model.intended'));
  const all = (work: () => Promise<unknown>): Promise<unknown> => Promise.all(TIMES.map(work));
  await all(() => bench.runs.cancel(PERSON, { id: paused, reason: 'enough' }));
  await bench.untilEnded([paused], 5_000);
  await assert.rejects(
    bench.runs.cancel(PERSON, { id: paused, reason: 'enough' }),
    (error) => error instanceof AppError && error.code === 'conflict',
  );
  assert.equal((await bench.events(paused)).filter(({ type }) => type === 'run.ended').length, 1);
  assert.equal((await bench.row(paused)).status, 'cancelled');
  await worker.end('SIGKILL');
  t.diagnostic(`R3: ${TIMES.length} questions, ${refused + TIMES.length} answers given, ${refused} refused, ${TIMES.length} effects`);
});
