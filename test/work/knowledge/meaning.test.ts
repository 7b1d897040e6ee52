/** Notes found by meaning through a real server: an embeddings endpoint on loopback that also goes away. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { noteOperations } from '../../../src/work/knowledge/contract.ts';
import { projectOperations } from '../../../src/work/projects/contract.ts';
import { embeddingServer } from '../../support/embedding-server.ts';
import { testServer } from '../../support/server.ts';
import { until } from '../../support/until.ts';

test('with an embedding model notes are found by meaning too, within the filter, as they say now, and by words when it is away [KNO-1]', async () => {
  await using embeddings = await embeddingServer();
  const providers = { near: { kind: 'openai-compatible' as const, baseUrl: embeddings.url } };
  await using server = await testServer({ config: { providers, embeddings: 'near/m' } });
  const api = server.api();
  const top = join(server.home, 'mill');
  execFileSync('git', ['init', '-q', top]);
  await api.call(projectOperations.add, { path: top, code: 'mill' });
  const keep = (title: string, content: string, more: { project?: string; tags?: string[] } = {}) =>
    api.call(noteOperations.create, { title, content, tags: [], word: 'keep that', ...more });
  const late = await keep('Late millers', 'They wait for the wind.', { project: 'mill', tags: ['prd'] });
  const shop = await keep('Shop', 'All about money.');
  const search = (query: string, filter: object = {}) => api.call(noteOperations.search, { query, ...filter });
  const ids = (found: { items: { id: string }[] }) => found.items.map(({ id }) => id);
  const embedded = async (total: number) => {
    const rows = await server.db.owner<{ version: number }>(
      'select v.version from note_vector v join note n on n.id = v.note_id and n.version = v.version',
    );
    return rows.length === total;
  };
  await until('embedding', 30_000, () => embedded(2));

  const found = await search('patience');
  assert.deepEqual([found.how, ids(found), found.total.kind], ['words_and_meaning', [late.id, shop.id], 'unknown']);
  assert.match(found.items[0]?.excerpt ?? '', /wait for the wind/);
  assert.deepEqual(ids(await search('money')), [shop.id, late.id], 'what has the words as well comes first');
  assert.deepEqual(ids(await search('patience', { tag: 'prd' })), [late.id]);
  assert.deepEqual(ids(await search('patience', { scope: 'org' })), [shop.id]);

  await api.call(noteOperations.update, { id: shop.id, version: 1, content: 'Wait for money, with patience.', word: 'change it' });
  await api.call(noteOperations.update, { id: late.id, version: 1, content: 'A name.', word: 'change it' });
  await until('embedding anew', 30_000, () => embedded(2));
  assert.deepEqual(ids(await search('waiting')), [shop.id, late.id], 'by what they say now');

  embeddings.state.down = true;
  const without = await search('patience');
  assert.deepEqual([without.how, ids(without)], ['words', [shop.id]]);
});
