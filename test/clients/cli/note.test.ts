/** What `windlass note` prints and sends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noteOperations } from '../../../src/work/knowledge/contract.ts';
import type { NoteView } from '../../../src/work/knowledge/contract.ts';
import { answers, NOW_MS, windlass } from '../../support/cli.ts';
import { page } from '../../support/cli-fixtures.ts';

const NOTE: NoteView = {
  id: 'note_01kaghv4000000000000abcdef',
  project: 'windmill',
  title: 'Pricing',
  tags: ['prd', 'strategy'],
  archived: false,
  version: 2,
  bytes: 12,
  createdAtMs: NOW_MS - 120_000,
  updatedAtMs: NOW_MS - 60_000,
  content: 'Ten a month.',
  written: {
    by: { actor: 'act_test', name: 'Tess', key: '0123456789abcdef' },
    surface: 'http',
    word: 'write that down',
    source: 'call with Ana',
    atMs: NOW_MS - 60_000,
  },
};

test('notes are listed, found and shown with the word they were written at [KNO-1]', async () => {
  const server = {
    operations: [
      answers(noteOperations.list, () => page([NOTE, { ...NOTE, project: null, archived: true }], { total: 9, next: 'abc' })),
      answers(noteOperations.search, () => ({
        how: 'likeness' as const,
        items: [{ ...NOTE, excerpt: 'Ten a\nmonth.' }],
        shown: 1,
        total: { kind: 'at_least' as const, value: 5 },
      })),
      answers(noteOperations.get, () => NOTE),
    ],
  };
  const bare = { server, columns: 100, env: { NO_COLOR: '1' } };
  assert.equal(
    (await windlass(['note', 'list'], bare)).out,
    [
      'note      project   tags           changed    title',
      '00abcdef  windmill  prd, strategy  1 min ago  Pricing',
      '00abcdef  org-wide  prd, strategy  1 min ago  Pricing (archived)',
      '',
      '2 of 9 shown. Next page: windlass note list --cursor abc',
      '',
    ].join('\n'),
  );
  assert.equal(
    (await windlass(['note', 'search', 'pricng'], bare)).out,
    [
      'No note has these words; these have titles like them.',
      '',
      'note      project   title    excerpt',
      '00abcdef  windmill  Pricing  Ten a month.',
      '',
      '1 of at least 5 shown.',
      '',
    ].join('\n'),
  );
  const { out } = await windlass(['note', 'show', NOTE.id], bare);
  assert.match(out, /^Pricing\n[^]*written {2}2026-11-21T11:59:00Z by Tess\nword {5}write that down\nsource {3}call with Ana\n\nTen a month\.\n$/);
});

test('a typed command is the word, unless another is quoted [KNO-1]', async () => {
  const sent: unknown[] = [];
  const server = {
    operations: [
      answers(noteOperations.get, () => NOTE),
      answers(noteOperations.create, (input) => {
        sent.push([input.word, input.title, input.content, input.tags, input.project]);
        return NOTE;
      }),
      answers(noteOperations.archive, (input) => {
        sent.push([input.word, input.version]);
        return { ...NOTE, archived: true };
      }),
    ],
  };
  assert.equal((await windlass(['note', 'add', 'Pricing', '-', '--tags', 'prd, strategy'], { server, stdin: 'from a pipe' })).exit, 0);
  assert.equal((await windlass(['note', 'archive', NOTE.id, '--word', 'throw it out'], { server })).exit, 0);
  assert.deepEqual(sent, [
    ['typed: windlass note add', 'Pricing', 'from a pipe', ['prd', 'strategy'], null],
    ['throw it out', 2],
  ]);
  const refused = await windlass(['note', 'add', ' ', 'text'], { server });
  assert.equal(refused.exit, 2);
  assert.match(refused.err, /title/);
});
