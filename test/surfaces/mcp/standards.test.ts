/** The tools of standards as MCP clients use them: proposed, written only with a person's recorded approval of that very text, found (spec STD-5). */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectOperations } from '../../../src/work/projects/contract.ts';
import { standardOperations } from '../../../src/work/standards/contract.ts';
import { newClient } from '../../support/mcp.ts';
import { reviewRepository } from '../../support/review-repository.ts';
import { testServer } from '../../support/server.ts';
import { standardBody } from '../../support/standards.ts';

test('a client proposes a standard, writes it only once a person approved that very text, and another client finds it with its place [STD-2, STD-5]', async () => {
  using repository = reviewRepository();
  await using server = await testServer();
  const { code } = await server.api().call(projectOperations.add, { path: repository.path });
  await using client = await newClient({ url: server.url, key: server.localKey, toolset: 'reviews' });
  const content = standardBody('Retry with backoff', 'Wait longer after each failure.');
  const wish = { domain: 'errors', topic: 'retry', tags: ['http'], content, why: 'Seen three times.', project: code };
  const proposed = await client.call('standard_propose', wish);
  assert.match(proposed.text, /^Proposal stp_\w+ for errors\/retry\.md: open\.[\s\S]*windlass standard approve/);
  const { id, hash } = proposed.structured as { id: string; hash: string };
  assert.equal((await client.call('standard_propose', wish)).structured['id'], id, 'the same text is proposed once');
  const create = (approval: string, text = content) => client.call('standard_create', { domain: 'errors', topic: 'retry', content: text, approval });
  const unapproved = await create('apr_none');
  assert.deepEqual([unapproved.isError, /no recorded approval/.test(unapproved.text)], [true, true]);
  const { approval } = await server.api().call(standardOperations.answer, { id, hash, answer: 'approve' });
  const other = await create(approval ?? '', `${content}more\n`);
  assert.deepEqual([other.isError, /for another text/.test(other.text)], [true, true]);
  const written = await create(approval ?? '');
  assert.equal(written.text, 'Written: errors/retry.md (in the repository).');
  assert.match(await readFile(join(repository.path, 'standards/errors/retry.md'), 'utf8'), /^---\ndomain: errors\n[\s\S]*approved_by: owner/);
  assert.equal((await create(approval ?? '')).structured['id'], written.structured['id'], 'asked again it is the same one, written once');
  const taken = await client.call('standard_propose', { ...wish, content: standardBody('Retry', 'Otherwise.') });
  assert.deepEqual([taken.isError, /never overwritten/.test(taken.text)], [true, true]);
  await using reader = await newClient({ url: server.url, key: server.localKey, toolset: 'personas' });
  const found = await reader.call('standards_search', { query: 'waiting after a failure', project: code });
  assert.match(found.text, /\*\*errors\/retry\.md:\d+\*\* Pattern \([\w-]+\)\n> Wait longer after each failure\./);
});
