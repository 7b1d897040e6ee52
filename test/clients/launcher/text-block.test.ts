/** Our block in somebody's text: in and out without a trace, edits by hand noticed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { MARKDOWN_MARKS, TOML_MARKS, hasBlock, installBlock, removeBlock } from '../../../src/clients/launcher/text-block.ts';

const line = fc.oneof(
  fc.string({ maxLength: 20 }).filter((text) => !/[\r\n]/.test(text)),
  fc.constantFrom('', '# comment', '[a.b]', 'x = "ü"', '  '),
);
const text = fc
  .tuple(fc.array(line, { maxLength: 8 }), fc.constantFrom('\n', '\r\n'), fc.boolean())
  .map(([lines, eol, ends]) => lines.join(eol) + (ends && lines.length > 0 ? eol : ''))
  .filter((each) => !each.includes('\r') || each.includes('\r\n'));
const body = fc.array(line, { minLength: 1, maxLength: 5 }).map((lines) => lines.join('\n'));

test('a block put in and taken out leaves every byte as it was [LCH-1, LCH-3]', () => {
  fc.assert(
    fc.property(text, fc.tuple(body, body), fc.constantFrom(TOML_MARKS, MARKDOWN_MARKS), (before, [first, second], marks) => {
      const put = installBlock(before, first, marks);
      assert.ok(!put.kept && hasBlock(put.text, marks) && put.text.startsWith(before));
      assert.equal(installBlock(put.text, first, marks).text, put.text);
      const changed = installBlock(put.text, second, marks);
      assert.equal(removeBlock(changed.text, marks).text, before);
    }),
    { numRuns: 1_000 },
  );
});

test('what somebody writes behind the block stays, and so does a block changed by hand [LCH-3]', () => {
  const put = installBlock('mine\n', 'ours', MARKDOWN_MARKS);
  assert.equal(removeBlock(`${put.text}more of mine\n`, MARKDOWN_MARKS).text, 'mine\nmore of mine\n');
  const edited = put.text.replace('ours', 'ours, bettered');
  assert.deepEqual(installBlock(edited, 'newer', MARKDOWN_MARKS), { text: edited, kept: true });
  assert.deepEqual(removeBlock(edited, MARKDOWN_MARKS), { text: edited, kept: true });
});

test('broken marks are refused', () => {
  const put = installBlock('', 'ours', TOML_MARKS).text;
  for (const broken of [put.replace(TOML_MARKS.close, ''), put + put, `${TOML_MARKS.close}\n${put}`]) {
    assert.throws(() => installBlock(broken, 'ours', TOML_MARKS), /do not stand there once each/);
    assert.throws(() => removeBlock(broken, TOML_MARKS), /do not stand there once each/);
  }
});
