/** Search by meaning through a real server: an embeddings endpoint on loopback, metered, held to a budget, and away. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../../src/kernel/errors.ts';
import { createEmbedder } from '../../../src/runtime/models/embeddings.ts';
import { budgetOperations } from '../../../src/platform/budgets/contract.ts';
import { standardOperations } from '../../../src/work/standards/contract.ts';
import { embeddingServer } from '../../support/embedding-server.ts';
import { testServer } from '../../support/server.ts';
import { standardBody } from '../../support/standards.ts';
import { until } from '../../support/until.ts';

test('a server with an embedding model finds standards by meaning, meters each call, keeps to the budget, and says when it went by words [STD-3, BUD-1]', async () => {
  await using embeddings = await embeddingServer();
  const providers = { near: { kind: 'openai-compatible' as const, baseUrl: embeddings.url } };
  await using server = await testServer({ config: { providers, embeddings: 'near/m' } });
  const api = server.api();
  const propose = { domain: 'http', topic: 'retry', content: standardBody('Retry', 'Always wait.'), why: 'Seen.' };
  const { id, hash } = await server.api(server.localKey).call(standardOperations.propose, propose);
  await api.call(standardOperations.answer, { id, hash, answer: 'approve', write: true });
  const search = (query: string) => api.call(standardOperations.search, { query });
  const found = await until('embedding', 30_000, async () => {
    const answer = await search('patience');
    return answer.how === 'words_and_meaning' ? answer : null;
  });
  assert.deepEqual([found.items[0]?.path, found.items[0]?.heading], ['http/retry.md', 'Pattern']);
  const metered = await server.db.owner<{ calls: number }>(`select count(*)::int as calls from journal where type = 'call.replied'`);
  assert.ok((metered[0]?.calls ?? 0) >= 2, 'the passages and the query');

  embeddings.state.down = true;
  assert.equal((await search('wait')).how, 'words');
  embeddings.state.down = false;
  await api.call(budgetOperations.set, { scope: 'org', unit: 'calls', period: 'day', limit: 0 });
  const before = embeddings.state.asked;
  assert.equal((await search('wait')).how, 'words');
  assert.equal(embeddings.state.asked, before, 'a call over the budget is not made');
});

test('a model of a provider without embeddings is refused at the start [STD-3, OPS-2]', () => {
  for (const model of ['anthropic/claude', 'nobody/m', 'm']) {
    assert.throws(
      () => createEmbedder({ providers: {} } as never, model),
      (error) => error instanceof AppError && error.code === 'configuration',
    );
  }
});
