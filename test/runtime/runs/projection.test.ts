/** The projection of a run says what its journal says: compared with a fold from nothing, on PostgreSQL. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunId } from '../../../src/kernel/ids.ts';
import { rebuildRun } from '../../../src/runtime/runs/run-patch.ts';
import { databaseWorld } from '../../support/database-world.ts';
import { calls, says } from '../../support/drive-pure.ts';
import { ORG, readTool } from '../../support/run-world.ts';

test('the stored row of a run equals the one rebuilt from its journal, at every commit of its life [RUN-2]', async () => {
  await using world = await databaseWorld({
    script: ({ turn }) => (turn === 1 ? calls(['look', { at: 'a' }], ['look', { at: 'b' }]) : says('Both are fine.')),
    tools: [readTool('look', async () => ({ ok: true, text: 'seen' }))],
  });
  const compared = async (run: RunId): Promise<string> => {
    const row = await world.store.getRun(ORG, run);
    assert.ok(row !== null);
    assert.deepEqual({ ...row, ...rebuildRun(await world.journal(run)) }, row);
    return row.status;
  };
  const run = await world.create({ plan: { tools: ['look'] } });
  assert.equal(await compared(run), 'queued');
  // its row is looked at after each of its commits, before the next
  const { store } = world.deps;
  const seen: string[] = [];
  const watched = {
    ...store,
    append: async (requests: Parameters<typeof store.append>[0]) => {
      const results = await store.append(requests);
      seen.push(await compared(run));
      return results;
    },
  };
  await world.driver('a', { store: watched }).advance(ORG, run);
  assert.equal(seen.at(-1), 'succeeded');
  assert.ok(seen.length >= 6, seen.join());

  const cancelled = await world.create();
  await world.signal(cancelled, 'pause');
  await world.driver('b').advance(ORG, cancelled);
  assert.equal(await compared(cancelled), 'paused');
  await world.signal(cancelled, 'cancel');
  await world.driver('c').advance(ORG, cancelled);
  assert.equal(await compared(cancelled), 'cancelled');
});
