/** The composed server: it starts fast, a run goes from a request to its end, and it stops whole. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentOperations } from '../../../src/work/agents/contract.ts';
import { identityOperations } from '../../../src/platform/identity/contract.ts';
import { runOperations } from '../../../src/runtime/runs/contract.ts';
import { testServer } from '../../support/server.ts';
import { until } from '../../support/until.ts';

test('an agent made over HTTP carries out a run to its end [AGT-1, API-1]', async () => {
  await using server = await testServer({ rehearsals: { hello: 'turns:\n  - text: Hello from the script.\n' } });
  const api = server.api();
  await api.call(agentOperations.create, { name: 'greeter', instructions: 'Greet.', model: 'rehearsal/hello' });
  const started = await api.call(agentOperations.run, { name: 'greeter' });
  const ended = await until('the end of the run', 5_000, async () => {
    const run = await api.call(runOperations.get, { id: started.id });
    return run.endedAtMs === null ? null : run;
  });
  assert.deepEqual([ended.status, ended.answer, ended.rehearsed], ['succeeded', 'Hello from the script.', true]);
});

test('two organizations are served beside each other, each with keys of its own [IDN-1]', async () => {
  await using server = await testServer({ workers: 0 });
  const other = await server.addOrganization();
  const viewer = await server.key({ role: 'viewer' }, other.ownerKey);
  const self = await server.api(viewer.secret).call(identityOperations.whoami, {});
  assert.deepEqual([self.role, self.actor.id], ['viewer', viewer.actor]);
  assert.equal((await server.api(server.localKey).call(identityOperations.whoami, {})).role, 'member');
});
