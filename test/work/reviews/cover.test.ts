/** What a finding quotes is shown without the credentials in it, and otherwise as it is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { covered, coverSecrets } from '../../../src/work/reviews/cover.ts';

test('credentials are covered in whatever form they stand, and code without one is left alone [PER-5, SEC-5]', () => {
  const secret = 'Zq7x9Lm2Rt5Yp8Wc3Vb6Nk4Hj1Gf0Ds';
  for (const line of [
    `const token = "${secret}";`,
    `  api_key: '${secret}',`,
    `"DB_PASSWORD": "${secret}"`,
    `password := "${secret}"`,
    `client = connect("ghp_${secret}")`,
    `key = sk-ant-${secret}`,
    `AKIA${secret.toUpperCase().slice(0, 16)}`,
    `url = "postgres://app:${secret}@db/app"`,
    `-----BEGIN PRIVATE KEY-----\n${secret}${secret}\n-----END PRIVATE KEY-----`,
  ]) {
    const shown = coverSecrets(line);
    assert.equal(shown.toLowerCase().includes(secret.toLowerCase().slice(0, 16)), false, shown);
    assert.match(shown, /…/);
    assert.equal(coverSecrets(shown), shown, 'once is enough');
  }
  for (const line of [
    'return token === expected;',
    'if (password.length < 8) throw tooShort();',
    'const url = "https://example.org/a";',
    'x = a[i] + b[i];',
  ])
    assert.equal(coverSecrets(line), line);
  assert.deepEqual(covered({ evidence: 'a', file: 'b' }), { evidence: 'a', file: 'b' });
});
