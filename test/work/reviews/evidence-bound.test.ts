import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkFinding } from '../../../src/work/reviews/evidence.ts';
import type { Finding } from '../../../src/work/reviews/finding.ts';

const LINES = 20_000;
const FINDING: Finding = {
  ...{ severity: 'low', dimension: 'quality', rule: null, file: 'a.ts', line: 1, evidence: '' },
  ...{ problem: 'It is wrong.', fix: 'Mend it.', standard: null },
};

test('a quotation with gaps over many lines is looked for once, not from every line anew [PER-5]', () => {
  const lines = Array.from({ length: LINES }, (_, index) => ({ line: index + 1, text: index === LINES - 1 ? 'the last line' : `line ${index}` }));
  const sources = new Map([['a.ts', [lines]]]);
  const startedMs = performance.now();
  for (const evidence of ['line\n...\nnowhere at all', 'line\n...\nthe last line\nnowhere', '...\nnowhere at all'])
    assert.equal(checkFinding({ ...FINDING, evidence }, sources), 'evidence');
  assert.ok(performance.now() - startedMs < 3_000);
  const found = checkFinding({ ...FINDING, line: 7, evidence: 'line 5\n...\nthe last line' }, sources);
  assert.equal(typeof found === 'object' && found.line, 6);
});
