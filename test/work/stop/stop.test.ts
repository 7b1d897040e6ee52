/** Stopping everything: agents take nothing new, live runs end, and what ended before stays as it was. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runOperations } from '../../../src/runtime/runs/contract.ts';
import { agentOperations } from '../../../src/work/agents/contract.ts';
import { stopOperations } from '../../../src/work/stop/contract.ts';
import { testServer } from '../../support/server.ts';
import { until } from '../../support/until.ts';

test('one call stops all agents and runs, and only an operator may [KIL-1]', async () => {
  await using server = await testServer({ workers: 2, rehearsals: { hangs: 'turns:\n  - hang: true\n', ends: 'turns:\n  - text: done\n' } });
  const api = server.api();
  for (const name of ['hangs', 'ends']) await api.call(agentOperations.create, { name, model: `rehearsal/${name}`, instructions: 'x' });
  const ended = await api.call(agentOperations.run, { name: 'ends' });
  await until('one has ended', 20_000, async () => (await api.call(runOperations.get, { id: ended.id })).endedAtMs !== null);
  for (let count = 0; count < 4; count += 1) await api.call(agentOperations.run, { name: 'hangs' });
  await until('two run', 20_000, async () => (await api.call(runOperations.list, { status: 'running' })).items.length === 2);
  assert.equal((await server.request('/stop', { method: 'POST', body: {}, key: server.localKey })).status, 403);
  const startedMs = performance.now();
  const stopped = await api.call(stopOperations.all, { reason: 'a drill' });
  assert.deepEqual(stopped, { agents: ['ends', 'hangs'], runs: 4, failed: [] });
  await until('all have ended', 5_000, async () => (await api.call(runOperations.list, { live: 'true' })).items.length === 0);
  assert.equal(performance.now() - startedMs < 5_000, true);
  const { items } = await api.call(runOperations.list, {});
  assert.deepEqual(items.map(({ status }) => status).toSorted(), ['cancelled', 'cancelled', 'cancelled', 'cancelled', 'succeeded']);
  assert.match((await api.call(agentOperations.get, { name: 'hangs' })).stateReason, /everything was stopped: a drill/);
  await assert.rejects(api.call(agentOperations.run, { name: 'ends' }), { code: 'agent_halted' });
  assert.deepEqual(await api.call(stopOperations.all, {}), { agents: [], runs: 0, failed: [] }, 'again is nothing more');
});
