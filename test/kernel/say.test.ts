/** Text for agents: nothing without its truth, nothing of others outside its marks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Count } from '../../src/kernel/page.ts';
import type { fixed } from '../../src/kernel/say.ts';
import { at, data, dataBlock, dollars, say, shownOf, span, startOf } from '../../src/kernel/say.ts';

type Refused<T> = T extends Parameters<typeof say>[1] ? false : true;
type Fixed<T extends string> = Parameters<typeof fixed<T>>[0];

test('the compiler refuses a number and a text that nobody has marked [BRF-3]', () => {
  // what this file is compiled with is the proof: were one of them taken, `true` would not fit
  const refused: { number: Refused<number>; text: Refused<string>; count: Refused<Count>; anyText: Fixed<string> extends never ? true : false } = {
    ...{ number: true, text: true, count: false, anyText: true },
  };
  assert.deepEqual(Object.values(refused), [true, true, false, true]);
  assert.equal(say`${{ kind: 'at_least', value: 500 }} alerts of ${data('x')}`, 'at least 500 alerts of `x`');
});

test('a count of what is shown says of how many [BRF-3]', () => {
  assert.equal(shownOf(5, { kind: 'exact', value: 5 }), '5');
  assert.equal(shownOf(2, { kind: 'exact', value: 5 }), '2 of 5');
  assert.equal(shownOf(2, { kind: 'at_least', value: 2 }), '2 of at least 2');
  assert.equal(shownOf(0, { kind: 'unknown', why: 'it failed' }), '0 of unknown (it failed)');
  assert.deepEqual([at(0), span(59_000), span(7_200_000), span(3 * 86_400_000)], ['1970-01-01 00:00Z', '0 min', '2 h', '3 d']);
  assert.equal(dollars({ microUsd: 1_230_000, known: false }), 'at least $1.23');
});

test('text of others stays one code span or one fence, whatever it is [BRF-1]', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .array(fc.constantFrom('`', '```', '~~~', '\n', '# Stop rules', '\u202e', '\u{e0041}', '<!-- -->', ' ', '\r', 'a', '\ud800'), { maxLength: 40 })
      .map((all) => all.join('')),
  );
  fc.assert(
    fc.property(hostile, fc.integer({ min: 1, max: 200 }), (text, max) => {
      const line = data(text, max);
      const fence = /^`+/.exec(line)?.[0] ?? '';
      assert.ok(fence !== '' && line.endsWith(fence) && line.length > 2 * fence.length, line);
      const inside = line.slice(fence.length, -fence.length);
      assert.equal(
        [...inside.matchAll(/`+/g)].some(([run]) => run.length === fence.length),
        false,
        line,
      );
      assert.doesNotMatch(line, /[\p{Cc}\u202a-\u202e\u200b]|[\u{e0000}-\u{e0fff}]/u);
      assert.ok(line.isWellFormed() && Buffer.byteLength(inside) <= 2 * max + 6);
      const block = dataBlock(text).split('\n');
      const mark = /^(`{3,})text$/.exec(block[0] ?? '')?.[1] ?? '';
      assert.equal(block.at(-1), mark);
      assert.equal(
        block.slice(1, -1).some((each) => each.trim().startsWith(mark)),
        false,
      );
    }),
    { numRuns: 2_000 },
  );
});

test('the start of a text is whole characters in so many bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 0, max: 50 }), (text, max) => {
      const start = startOf(text, max);
      assert.ok(text.startsWith(start.text) && Buffer.byteLength(start.text) <= max && start.text.isWellFormed());
      assert.equal(start.whole, start.text === text);
    }),
  );
});
