/** What happened since a time, and how the runs of each agent went: counted from what is stored, of one organization only. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runOperations } from '../../../src/runtime/runs/contract.ts';
import { agentOperations } from '../../../src/work/agents/contract.ts';
import { statusOperations } from '../../../src/work/status/contract.ts';
import { consoleWorld } from '../../support/console-world.ts';

test('what happened since a time is told, and nothing from before it or of others [WEB-1]', async () => {
  await using world = await consoleWorld();
  const { server, runs } = world;
  const api = server.api();
  const told = await api.call(statusOperations.activity, { since: 0 });
  assert.deepEqual(told.ended, [
    { status: 'cancelled', count: 1 },
    { status: 'succeeded', count: 1 },
  ]);
  assert.deepEqual([told.asked, told.answered, told.expired, told.failures], [3, 0, 0, []]);
  assert.deepEqual(
    told.agents.map(({ name, what, by }) => [name, what, by]),
    [
      ['team-news', 'created', 'owner'],
      ['release-notes', 'created', 'owner'],
      ['nightly-audit', 'created', 'owner'],
    ],
  );
  await api.call(agentOperations.pause, { name: 'team-news' });
  const later = await api.call(statusOperations.activity, { since: told.nowMs });
  assert.deepEqual([later.ended, later.asked, later.agents.map(({ what }) => what)], [[], 0, ['paused']]);
  const other = await server.addOrganization();
  const theirs = await server.api(other.ownerKey).call(statusOperations.activity, { since: 0 });
  assert.deepEqual([theirs.ended, theirs.asked, theirs.agents], [[], 0, []]);

  const { items } = await api.call(statusOperations.agents, { since: 0 });
  assert.deepEqual(
    items.map(({ agent, runs: all, succeeded, failed, live }) => [agent, all, succeeded, failed, live]),
    [
      ['nightly-audit', 1, 1, 0, 0],
      ['release-notes', 2, 0, 0, 1],
      ['team-news', 1, 0, 0, 1],
    ],
  );
  assert.deepEqual((await server.api(other.ownerKey).call(statusOperations.agents, { since: 0 })).items, []);

  const search = async (text: string): Promise<string[]> => (await api.call(runOperations.list, { search: text })).items.map(({ id }) => id);
  assert.deepEqual(await search('NIGHTLY'), [runs.done]);
  assert.deepEqual(await search('another one asks'), [runs.cancelled]);
  assert.deepEqual(await search(runs.asks.slice(-6)), [runs.asks]);
  assert.deepEqual(await search('100%_'), []);
});
