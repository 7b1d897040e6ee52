import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createScrubber, type Scrubber } from '../../../src/platform/secrets/scrub.ts';

const SECRETS = [
  { name: 'PLAIN', value: 'hunter2hunter2' },
  { name: 'ODD', value: 'p"a\\ss/w+ö d&<é>\n!' },
  { name: 'TOKEN', value: 'sk-live-0123456789abcdefABCDEF' },
];

const ENCODINGS: Record<string, (value: string, before: string, after: string) => string> = {
  raw: (value) => value,
  base64: (value, before, after) => Buffer.from(before + value + after).toString('base64'),
  base64url: (value, before, after) => Buffer.from(before + value + after).toString('base64url'),
  'base64 in a URL': (value, before, after) => encodeURIComponent(Buffer.from(before + value + after).toString('base64')),
  'URL component': (value) => encodeURIComponent(value),
  form: (value) => new URLSearchParams({ v: value }).toString().slice(2),
  'every byte in percent': (value) => [...Buffer.from(value)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
  JSON: (value) => JSON.stringify(value),
  'JSON in JSON': (value) => JSON.stringify(JSON.stringify(value)),
  'ASCII JSON': (value) => JSON.stringify(value).replaceAll(/[\u007f-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`),
  hex: (value) => Buffer.from(value).toString('hex'),
  HEX: (value) => Buffer.from(value).toString('hex').toUpperCase(),
};

function inPieces(scrubber: Scrubber, text: string, size: number): string {
  const stream = scrubber.stream();
  let out = '';
  for (let i = 0; i < text.length; i += size) out += stream.push(text.slice(i, i + size));
  return out + stream.end();
}

for (const [form, encode] of Object.entries(ENCODINGS)) {
  test(`a secret is found in ${form}, at every alignment and however it is cut in pieces [SEC-5] [TOL-5]`, () => {
    const scrubber = createScrubber(() => SECRETS);
    for (const { name, value } of SECRETS) {
      for (const before of ['', 'u', 'us', 'usr', 'user:']) {
        for (const after of ['', 'x', 'xy', 'xyz']) {
          const text = `{"seen": ${encode(value, before, after)} , and more}`;
          const whole = scrubber.text(text);
          assert.ok(whole.includes(`[secret:${name}]`), `${name} in ${form}: ${whole}`);
          for (const size of [1, 3, 7, 64]) assert.equal(inPieces(scrubber, text, size), whole, `${name} in pieces of ${size}`);
        }
      }
    }
  });
}

test('JSON is scrubbed in values, keys and numbers, and is the same value when there is nothing', () => {
  const scrubber = createScrubber(() => [...SECRETS, { name: 'PIN', value: '123456789' }]);
  assert.deepEqual(scrubber.json({ a: ['x hunter2hunter2'], hunter2hunter2: 1, n: 123456789, z: null }), {
    a: ['x [secret:PLAIN]'],
    '[secret:PLAIN]': 1,
    n: '[secret:PIN]',
    z: null,
  });
  const innocent = { a: [1, 'b', null, { c: true }] };
  assert.equal(scrubber.json(innocent), innocent);
});

test('innocent text stays as it is, short values are left alone, new values count at once', () => {
  const secrets = [{ name: 'SHORT', value: 'abc' }];
  const scrubber = createScrubber(() => secrets);
  assert.equal(scrubber.text('abc and later1later'), 'abc and later1later');
  secrets.push({ name: 'LATER', value: 'later1later' });
  assert.equal(scrubber.text('abc and later1later'), 'abc and [secret:LATER]');
});

test('the lines of a key of several lines count by themselves', () => {
  const lines = ['MIIEvQIBADANBgkqhkiG9w0BAQEFAASC', 'BKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj'];
  const scrubber = createScrubber(() => [{ name: 'PEM', value: `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----` }]);
  assert.equal(scrubber.text(`only ${lines[1]}`), 'only [secret:PEM]');
});

test('no value survives anywhere, whatever surrounds it [SEC-5]', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ minLength: 8, maxLength: 40 }), { minLength: 1, maxLength: 8 }),
      fc.tuple(fc.string(), fc.string()),
      fc.nat(),
      (values, [before, after], cut) => {
        const scrubber = createScrubber(() => values.map((value, i) => ({ name: `S${i}`, value })));
        for (const value of values) {
          const text = before + value + after;
          const out = scrubber.text(text);
          assert.ok(values.every((one) => !out.replaceAll(/\[secret:S\d\]/g, '\u0000').includes(one)));
          const stream = scrubber.stream();
          const at = cut % (text.length + 1);
          assert.equal(stream.push(text.slice(0, at)) + stream.push(text.slice(at)) + stream.end(), out);
        }
      },
    ),
  );
});
