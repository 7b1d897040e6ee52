/** What is kept where, as the operator sees it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../../src/kernel/errors.ts';
import { runOperations } from '../../../src/runtime/runs/contract.ts';
import { agentOperations } from '../../../src/work/agents/contract.ts';
import { statusOperations } from '../../../src/work/status/contract.ts';
import { testServer } from '../../support/server.ts';
import { until } from '../../support/until.ts';

test('storage says which database, how large, the largest tables, artefacts, and what is deleted by itself [WEB-1, STO-3, STO-5]', async () => {
  await using server = await testServer({ rehearsals: { talk: 'turns:\n  - text: Done.\n' } });
  const api = server.api();
  const before = await api.call(statusOperations.storage, {});
  assert.deepEqual(before.artefacts.files, { kind: 'exact', value: 0 });
  await api.call(agentOperations.create, { name: 'talker', instructions: 'Talk.', model: 'rehearsal/talk' });
  const { id } = await api.call(agentOperations.run, { name: 'talker' });
  await until('it ends', 10_000, async () => (await api.call(runOperations.get, { id })).endedAtMs !== null);
  const found = await until('its transcript is kept', 10_000, async () => {
    const storage = await api.call(statusOperations.storage, {});
    return storage.artefacts.files.kind === 'exact' && storage.artefacts.files.value > 0 ? storage : null;
  });
  const { database, artefacts, retention } = found;
  assert.equal(database.embedded, false);
  assert.match(database.version, /^\d+/);
  assert.equal(database.tables.items.length, 10);
  assert.equal(database.bytes >= database.tables.items.reduce((sum, { bytes }) => sum + bytes, 0), true);
  assert.equal(artefacts.bytes.kind === 'exact' && artefacts.bytes.value > 0, true);
  assert.deepEqual(
    retention.find((each) => each.class === 'request_log'),
    { class: 'request_log', days: 7 },
  );
  assert.equal(JSON.stringify(found).includes(new URL(server.db.url).password || 'no password'), false);
});

test('who does not operate the server does not see where it keeps things [WEB-1]', async () => {
  await using server = await testServer({ workers: 0 });
  const member = await server.key({ role: 'member' });
  await assert.rejects(
    server.api(member.secret).call(statusOperations.storage, {}),
    (error: unknown) => error instanceof AppError && error.code === 'denied',
  );
});
