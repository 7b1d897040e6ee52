import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storedId } from '../../../src/kernel/ids.ts';
import { createCheckpointTools } from '../../../src/runtime/tools/builtin/checkpoint-tools.ts';
import type { ToolContext } from '../../../src/runtime/tools/tool.ts';
import { testDatabase } from '../../support/database.ts';
import { caller, contextOf, ORG } from './support.ts';

const OTHER = storedId('org', 'org_01jd2m7x9c4qf8w3v5k6t1z0ac');

test('checkpoints are kept for one agent of one organization, by compare-and-set [TOL-11]', async () => {
  await using db = await testDatabase();
  await db.addOrg(ORG);
  await db.addOrg(OTHER);
  const tools = createCheckpointTools({ db });
  let keys = 0;
  const as = (part: Partial<ToolContext> = {}): ReturnType<typeof caller> => caller(tools, contextOf({ key: `key-${(keys += 1)}`, ...part }));

  const first = await as()('checkpoint_set', { name: 'read-up-to', value: { id: 7, odd: 'a\u0000\ud800' }, version: 0 });
  assert.ok(first.ok, JSON.stringify(first));
  const got = await as()('checkpoint_get', { name: 'read-up-to' });
  assert.ok(got.ok);
  assert.deepEqual(
    [(got.structured as { value: unknown }).value, (got.structured as { version: number }).version],
    [{ id: 7, odd: 'a\u0000\ud800' }, 1],
  );

  const again = await as()('checkpoint_set', { name: 'read-up-to', value: 1, version: 0 });
  assert.ok(!again.ok && again.message.includes('is at version 1, not 0'));
  assert.ok((await as()('checkpoint_set', { name: 'read-up-to', value: 2, version: 1 })).ok);
  const stale = await as()('checkpoint_set', { name: 'read-up-to', value: 3, version: 1 });
  assert.ok(!stale.ok && stale.message.includes('is at version 2'));

  for (const other of [{ agent: 'another' }, { org: OTHER }]) {
    const unseen = await as(other)('checkpoint_get', { name: 'read-up-to' });
    assert.ok(unseen.ok && (unseen.structured as { version: number }).version === 0);
    const list = await as(other)('checkpoint_list');
    assert.ok(list.ok && list.text === 'No checkpoints.');
  }
  const list = await as()('checkpoint_list', { prefix: 'read' });
  assert.ok(list.ok && list.text.startsWith('read-up-to (version 2, '));
});

test('a repeated checkpoint_set is recognised by its key and answers as the first did [TOL-11] [RUN-4]', async () => {
  await using db = await testDatabase();
  await db.addOrg(ORG);
  const call = caller(createCheckpointTools({ db }), contextOf({ key: 'the-key' }));
  const args = { name: 'n', value: [1], version: 0 };
  const first = await call('checkpoint_set', args);
  assert.deepEqual(await call('checkpoint_set', args), first);
  const got = await call('checkpoint_get', { name: 'n' });
  assert.ok(got.ok && (got.structured as { version: number }).version === 1);
});

test('of two at once over the same version one wins; a value over 64 KB is refused [TOL-11]', async () => {
  await using db = await testDatabase();
  await db.addOrg(ORG);
  const tools = createCheckpointTools({ db });
  const set = (key: string): ReturnType<ReturnType<typeof caller>> =>
    caller(tools, contextOf({ key }))('checkpoint_set', { name: 'n', value: key, version: 0 });
  const outcomes = await Promise.all(Array.from({ length: 8 }, (_, i) => set(`key-${i}`)));
  assert.equal(outcomes.filter((one) => one.ok).length, 1);
  const big = await caller(tools, contextOf())('checkpoint_set', { name: 'big', value: 'x'.repeat(65_536), version: 0 });
  assert.ok(!big.ok && big.class === 'invalid_input' && big.message.includes('65538 bytes'));
  const fits = await caller(tools, contextOf())('checkpoint_set', { name: 'big', value: 'x'.repeat(65_534), version: 0 });
  assert.ok(fits.ok);
});
