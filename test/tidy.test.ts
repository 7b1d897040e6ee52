/**
 * The house rules over the whole tree: what types and lint cannot see. The rules are in `tidy/`, their own tests beside them.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { EXCEPTIONS } from './tidy/exceptions.ts';
import { applyExceptions, checkAll } from './tidy/rules.ts';
import { shareOverTarget } from './tidy/shape.ts';
import { listSources } from './tidy/source.ts';

const sources = listSources(join(import.meta.dirname, '..'));

test('every file keeps the house rules, and no exception is wider than needed', () => {
  assert.ok(
    sources.some((source) => source.path === 'src/kernel/errors.ts'),
    'the tree was read',
  );
  assert.equal(applyExceptions(checkAll(sources), EXCEPTIONS).join('\n'), '');
});

test('files in src are mostly under 200 lines', () => {
  assert.equal(shareOverTarget(sources), null);
});
