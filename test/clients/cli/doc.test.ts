/** What `windlass doc` prints, and how it exits for scripts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documentOperations } from '../../../src/work/documents/contract.ts';
import { answers, windlass } from '../../support/cli.ts';

const finding = { pattern: 'x', ageDays: null, staleDays: 90, generator: null };

test('an audit and a sync are tables, and fail for scripts when something is missing or in conflict [DOC-3, DOC-4]', async () => {
  const prefers: unknown[] = [];
  const server = {
    operations: [
      answers(documentOperations.audit, () => ({
        project: 'mill',
        capabilities: [],
        overall: 'incomplete' as const,
        findings: [
          { ...finding, name: 'AGENTS.md', state: 'missing' as const },
          { ...finding, name: 'docs/API.md', state: 'stale' as const, ageDays: 91 },
        ],
      })),
      answers(documentOperations.sync, ({ prefer }) => {
        prefers.push(prefer);
        const results = [
          { name: 'README.md', state: 'conflict' as const, reason: 'It changed in both.' },
          { name: 'a.md', state: 'unchanged' as const, reason: '' },
        ];
        return { project: 'mill', results, conflicts: 1, cut: false };
      }),
      answers(documentOperations.diff, () => ({
        lines: [
          { how: 'same' as const, text: 'a' },
          { how: 'removed' as const, text: 'b' },
          { how: 'added' as const, text: 'c' },
        ],
      })),
    ],
  };
  const bare = { server, columns: 80, env: { NO_COLOR: '1' } };
  const audit = await windlass(['doc', 'audit', 'mill'], bare);
  assert.equal(audit.exit, 1);
  assert.equal(
    audit.out,
    ['mill: incomplete', 'document     state    age', 'AGENTS.md    missing', 'docs/API.md  stale    91 d old, stale after 90 d', ''].join('\n'),
  );
  const sync = await windlass(['doc', 'sync', 'mill', '--take', 'README.md, b.md', '--keep', 'c.md'], bare);
  assert.equal(sync.exit, 1);
  assert.equal(sync.out, ['document   state     why', 'README.md  conflict  It changed in both.', '1 unchanged.', ''].join('\n'));
  assert.deepEqual(prefers, [{ 'README.md': 'repository', 'b.md': 'repository', 'c.md': 'store' }]);
  assert.equal((await windlass(['doc', 'diff', 'doc_01kaghv4000000000000abcdef', '1', '2'], bare)).out, '- b\n+ c\n');
});
