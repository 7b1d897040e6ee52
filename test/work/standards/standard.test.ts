/** What a standard is, pure: its form, faults with their lines, passages with their place, and how rankings are fused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { fromBytes, fuse, toBytes } from '../../../src/work/meaning/meaning.ts';
import { bodyFaults, digestOf, parseStandard, passagesOf, renderStandard, SECTIONS, STANDARD_LIMITS } from '../../../src/work/standards/standard.ts';
import { standardBody } from '../../support/standards.ts';

const FRONT = { domain: 'errors', tags: ['http'], created_by: 'engineer', approved_by: 'ada', date: '2026-11-28' };

test('a standard is written with its front matter and read back unchanged [STD-1]', () => {
  const body = standardBody('Retry with backoff', 'Wait longer each time.');
  const text = renderStandard(FRONT, body);
  const parsed = parseStandard(text);
  assert.deepEqual([parsed.title, parsed.front, parsed.body.trim(), parsed.faults], ['Retry with backoff', FRONT, body.trim(), []]);
});

test('every fault of a text is named with its line [STD-1]', () => {
  assert.deepEqual(bodyFaults(standardBody('A', 'b')), []);
  const messages = (text: string): string[] => bodyFaults(text).map(({ line, message }) => `${line ?? '-'} ${message}`);
  assert.equal(messages('').length, 1 + SECTIONS.length);
  assert.match(messages(standardBody('A', 'b').replace('## Examples', '### Examples')).join(), /`## Examples` is missing/);
  const empty = standardBody('A', 'b').replace(/## Anti-patterns\n\n[^\n]*\n/, '## Anti-patterns\n\n');
  assert.match(messages(empty).join(), /^15 `## Anti-patterns` is empty/);
  const swapped = `# A\n\n## Pattern\n\nx\n\n## Context\n\nx\n\n## Examples\n\nx\n\n## Anti-patterns\n\nx\n\n## When to revisit\n\nx\n`;
  assert.match(messages(swapped).join(), /^3 `## Pattern` comes too early/);
  const fenced = standardBody('A', 'b').replace('## Examples\n', '## Examples\n\n```md\n## Context\n# no title\n```\n');
  assert.deepEqual(bodyFaults(fenced), [], 'a heading inside code is code');
});

test('a file with broken front matter is still read, with the line of the fault [STD-1]', () => {
  const of = (front: string) => parseStandard(`---\n${front}\n---\n\n${standardBody('Kept', 'body')}`);
  assert.equal(of('domain: [').title, 'Kept');
  assert.equal(of('domain: errors\ntags: [').faults[0]?.line !== undefined, true);
  assert.match(
    of('domain: errors')
      .faults.map(({ path }) => path)
      .join(),
    /created_by.*approved_by.*date/,
  );
  assert.match(parseStandard(standardBody('No front', 'x')).faults[0]?.message ?? '', /It has none/);
  const bomb = of(`a: &a [x, x]\nb: [*a, *a]\ndomain: errors`);
  assert.equal(bomb.front, null, 'aliases are not expanded');
});

test('passages carry the line at which they begin, and no text is lost [STD-3]', () => {
  const line = fc.oneof(fc.constantFrom('', '## Context', '# T', '```', 'plain words', '   '), fc.string({ maxLength: 60 }));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 80 }), (lines) => {
      const text = lines.map((each) => each.replaceAll(/[\r\n]/g, ' ')).join('\n');
      const parsed = parseStandard(text);
      const all = text.split('\n');
      for (const passage of passagesOf(parsed)) {
        assert.ok(passage.text.length <= STANDARD_LIMITS.passageChars + 61);
        const first = passage.text.split('\n')[0] ?? '';
        const from = all.slice(passage.line - 1).find((each) => each.trim() !== '');
        assert.equal(from?.trim().startsWith(first.trim()), true, `${passage.line}: ${first}`);
      }
    }),
  );
});

test('an approval is bound to place, tags and every character of the text [STD-2]', () => {
  const text = { domain: 'a', topic: 'b', tags: ['x'], content: 'c' };
  const digests = [text, { ...text, domain: 'ab' }, { ...text, topic: 'c' }, { ...text, tags: [] }, { ...text, content: 'c ' }].map(digestOf);
  assert.equal(new Set(digests).size, digests.length);
});

test('fused rankings hold every passage once, what both lists have first [STD-3]', () => {
  const list = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p'), { maxLength: 12 });
  fc.assert(
    fc.property(list, list, (one, two) => {
      const names = fuse([one, two], 100);
      assert.equal(new Set(names).size, names.length);
      assert.deepEqual(new Set(names), new Set([...one, ...two]));
    }),
  );
  assert.deepEqual(
    fuse(
      [
        ['a', 'b'],
        ['b', 'c'],
      ],
      1,
    ),
    ['b'],
  );
  const vector = Float32Array.from([1, -0.5, 3e-7]);
  assert.deepEqual(fromBytes(toBytes(vector)), vector);
});
