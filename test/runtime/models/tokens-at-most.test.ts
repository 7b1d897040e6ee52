/** The upper bound of tokens, held against two real tokenizers over the kinds of text that a briefing is made of. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { encode as cl100k } from 'gpt-tokenizer/encoding/cl100k_base';
import { encode as o200k } from 'gpt-tokenizer/encoding/o200k_base';
import { tokensAtMost } from '../../../src/runtime/models/tokens.ts';

const ROOT = join(import.meta.dirname, '../../..');
const real = (text: string): number => Math.max(cl100k(text).length, o200k(text).length);
const of = (chars: string) => fc.string({ unit: fc.constantFrom(...chars.split('')), minLength: 300, maxLength: 1_500 });
const lower = 'abcdefghijklmnopqrstuvwxyz';

const TEXTS = fc.oneof(
  fc
    .array(
      of('0123456789abcdefghjkmnpqrstvwxyz').map((text) => `sess_${text.slice(0, 26)}`),
      { minLength: 20, maxLength: 40 },
    )
    .map((ids) => ids.join(' ')),
  of('0123456789abcdef'),
  of(`${lower}${lower.toUpperCase()}0123456789+/`),
  of(lower),
  of(`${lower} `),
  of(lower.toUpperCase()),
  of('0123456789 .:-'),
  of('!"#$%&\'()*+,-./:;<=>?@[]^_`{|}~'),
  fc.string({ unit: 'binary', minLength: 300, maxLength: 1_500 }),
  fc.string({ unit: 'grapheme', minLength: 300, maxLength: 1_500 }),
);

test('no real tokenizer takes more than the bound, whatever the text [BRF-2]', () => {
  fc.assert(
    fc.property(TEXTS, (text) => assert.ok(real(text) <= tokensAtMost(text), `${real(text)} > ${tokensAtMost(text)}: ${text.slice(0, 80)}`)),
    { numRuns: 200 },
  );
});

test('prose and code are bounded within twice of what they take [BRF-2]', () => {
  for (const file of ['README.md', 'AGENTS.md', 'docs/architecture.md', 'src/main.ts', 'package.json', 'docs/interfaces.md']) {
    const text = readFileSync(join(ROOT, file), 'utf8');
    const [most, takes] = [tokensAtMost(text), real(text)];
    assert.ok(takes <= most && most <= 2 * takes, `${file}: ${takes} and at most ${most}`);
  }
});
