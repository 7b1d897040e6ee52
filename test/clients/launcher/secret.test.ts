/** `windlass secret` and its vault: what is stored is encrypted, checked for form, found again, and never printed. */
import assert from 'node:assert/strict';
import { chmodSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { checkForm, formOf } from '../../../src/clients/launcher/secret-form.ts';
import { temporaryFolder, windlass } from '../../support/cli.ts';

const STRIPE = ['sk', 'live', '4eC39HqLyjWDarjtT1zdp7dc'].join('_');

test('a secret is stored encrypted under a key of mode 600, and no command prints it [SEC-1, SEC-3]', async () => {
  using home = temporaryFolder();
  const set = await windlass(['secret', 'set', 'app', 'STRIPE_SECRET_KEY', '--from', '-'], { home: home.path, stdin: `${STRIPE}\n` });
  assert.deepEqual([set.exit, set.err], [0, '']);
  assert.match(set.out, /STRIPE_SECRET_KEY is stored at app \(Stripe key, fingerprint [0-9a-f]{8}\)/);
  const typed = await windlass(['secret', 'set', '/app/staging', 'DATABASE_URL'], {
    home: home.path,
    hidden: 'postgres://u:pa55word@db.example/app',
  });
  assert.equal(typed.exit, 0, typed.err);
  const list = await windlass(['secret', 'list'], { home: home.path, nowMs: Date.UTC(2026, 10, 24, 12) });
  assert.match(list.out, /^app +STRIPE_SECRET_KEY +Stripe key +3 d ago/m);
  assert.match(list.out, /^app\/staging +DATABASE_URL +URL with a password/m);
  for (const text of [set.out, typed.out, list.out, (await windlass(['secret', 'list', '--json'], { home: home.path })).out]) {
    assert.doesNotMatch(text, /4eC39|pa55word/);
  }
  const file = readFileSync(join(home.path, 'vault.json'), 'utf8');
  assert.doesNotMatch(file, /STRIPE|4eC39|app/);
  for (const name of ['vault.json', 'vault.key']) assert.equal(statSync(join(home.path, name)).mode & 0o777, 0o600, name);
  assert.deepEqual(readdirSync(home.path).toSorted(), ['vault.json', 'vault.key']);
});

test('descriptions, placeholders, keys of others and wrong forms are refused, by reason and not by value [SEC-3]', async () => {
  const refused: [string, string, RegExp][] = [
    ['API_KEY', 'the key from the dashboard', /reads like a description/],
    ['API_KEY', 'changeme', /a placeholder/],
    ['API_KEY', '${API_KEY}', /a placeholder/],
    ['API_KEY', 'your-api-key-here', /a placeholder/],
    ['API_KEY', 'aaaaaaaaaaaaaaaa', /repeats itself/],
    ['ANTHROPIC_API_KEY', `sk-proj-${'abcDEF123456'.repeat(3)}`, /an? Anthropic key is expected there, and it is OpenAI key/],
    ['DATABASE_URL', 'localhost', /a URL is expected/],
    ['TLS_KEY', '-----BEGIN PRIVATE KEY-----\nMIIE\n', /does not end like one/],
  ];
  for (const [name, value, expected] of refused) {
    using home = temporaryFolder();
    const { exit, err } = await windlass(['secret', 'set', 'app', name, '--from', '-'], { home: home.path, stdin: value });
    assert.equal(exit, 2);
    assert.match(err, expected);
    assert.ok(value === 'changeme' || !err.includes(value), `${name}: the value is in the message`);
    const asIs = await windlass(['secret', 'set', 'app', name, '--as-is', '--from', '-'], { home: home.path, stdin: value });
    assert.equal(asIs.exit, 0, asIs.err);
  }
  assert.throws(() => checkForm('SIGNING_KEY', 'ab12'.repeat(10), 'hex of 64'), /before was hex of 64, this is hex of 40/);
  assert.equal(formOf('0123456789abcdef'.repeat(4)), 'hex of 64');
});

test('the form of a value holds no part of it [SEC-3]', () => {
  fc.assert(fc.property(fc.stringMatching(/^[g-zG-Z!#$%&]{8,60}$/), (value) => assert.ok(!formOf(value).includes(value))));
});

test('empty values, arguments in the place of values, loaders of programs and strange paths are refused [SEC-7]', async () => {
  using home = temporaryFolder();
  const set = async (path: string, name: string, ...rest: string[]) =>
    windlass(['secret', 'set', path, name, ...rest], { home: home.path, stdin: ' \n' });
  assert.match((await set('app', 'KEY', '--from', '-')).err, /empty/);
  const argued = await set('app', 'KEY', STRIPE);
  assert.deepEqual([argued.exit, argued.err.includes(STRIPE)], [2, false]);
  const from = await set('app', 'KEY', '--from', STRIPE);
  assert.deepEqual([from.exit, from.err.includes(STRIPE)], [2, false]);
  assert.match((await set('app', 'LD_PRELOAD')).err, /never set from a secret/);
  assert.match((await set('app', 'WINDLASS_KEY')).err, /never set from a secret/);
  assert.match((await set('app', '1KEY')).err, /no name of a variable/);
  assert.match((await set('../app', 'KEY')).err, /no path of secrets/);
  assert.match((await set('app/other', 'KEY')).err, /no path of secrets/);
});

test('a look-up tells absent, stored and never injected, and the other environment apart [SEC-2, SEC-7]', async () => {
  using home = temporaryFolder();
  const set = (path: string, name: string) => windlass(['secret', 'set', path, name, '--from', '-'], { home: home.path, stdin: 'f3Kq9ZpLw2Xc' });
  await set('app', 'A');
  await set('app/vault', 'B');
  await set('app/staging', 'C');
  const names = ['A', 'B', 'C', 'D', 'E'];
  const found = await windlass(['secret', 'check', 'app', ...names], { home: home.path, env: { E: 'x' } });
  assert.equal(found.exit, 1);
  assert.match(found.out, /A: injected from app\n/);
  assert.match(found.out, /B: stored at app\/vault, which is never injected/);
  assert.match(found.out, /C: stored at app\/staging only/);
  assert.match(found.out, /D: not there; store it: windlass secret set app D/);
  assert.match(found.out, /E: not in the vault, taken from your shell/);
  assert.doesNotMatch(found.out, /f3Kq9/);
  assert.equal((await windlass(['secret', 'check', 'app', 'A', 'C', '--staging'], { home: home.path })).exit, 0);
});

test('removing takes it from one path or all, and says where the name still is [SEC-7]', async () => {
  using home = temporaryFolder();
  for (const path of ['app', 'app/staging', 'other']) {
    await windlass(['secret', 'set', path, 'OLD', '--from', '-'], { home: home.path, stdin: 'f3Kq9ZpLw2Xc' });
  }
  const one = await windlass(['secret', 'remove', 'app', 'OLD'], { home: home.path, env: { OLD: 'x' } });
  assert.match(one.out, /removed from app\.\nIt is still in the vault at app\/staging and the vault at other and the environment of this shell/);
  const all = await windlass(['secret', 'remove', 'app', 'OLD', '--everywhere'], { home: home.path });
  assert.match(all.out, /removed from app\/staging/);
  assert.equal((await windlass(['secret', 'remove', 'app', 'NEVER'], { home: home.path })).exit, 3);
});

test('a key that others can read, a lost key and a changed file are refused with what to do [SEC-1]', async () => {
  using home = temporaryFolder();
  const set = () => windlass(['secret', 'set', 'app', 'KEY', '--from', '-'], { home: home.path, stdin: 'f3Kq9ZpLw2Xc' });
  await set();
  const key = join(home.path, 'vault.key');
  chmodSync(key, 0o644);
  assert.match((await windlass(['secret', 'list'], { home: home.path })).err, /read by others[\s\S]*chmod 600/);
  chmodSync(key, 0o600);
  const file = join(home.path, 'vault.json');
  const sealed = readFileSync(file, 'utf8');
  const parts = JSON.parse(sealed) as { data: string };
  writeFileSync(file, JSON.stringify({ ...parts, data: Buffer.from(parts.data, 'base64').fill(0, 3, 4).toString('base64') }));
  assert.match((await set()).err, /does not open with its key/);
  writeFileSync(file, sealed);
  writeFileSync(key, '');
  assert.match((await set()).err, /no key of the vault/);
});

test('twenty writers at once lose nothing [SEC-1]', async () => {
  using home = temporaryFolder();
  // long enough for twenty to have their turn, on a machine that has other work
  const sleep = async (): Promise<void> => {
    for (let turn = 0; turn < 25; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  const names = Array.from({ length: 20 }, (_, i) => `KEY_${i}`);
  const done = await Promise.all(
    names.map((name) => windlass(['secret', 'set', 'app', name, '--from', '-'], { home: home.path, stdin: 'f3Kq9ZpLw2Xc', sleep })),
  );
  assert.deepEqual(
    done.map(({ exit, err }) => [exit, err]).filter(([exit]) => exit !== 0),
    [],
  );
  const { out } = await windlass(['secret', 'list', 'app', '--json'], { home: home.path });
  assert.equal((JSON.parse(out) as { items: unknown[] }).items.length, 20);
});

test('the lock of a process that died is passed over [SEC-1]', async () => {
  using home = temporaryFolder({ 'vault.json.lock': '999999999' });
  const set = await windlass(['secret', 'set', 'app', 'KEY', '--from', '-'], { home: home.path, stdin: 'f3Kq9ZpLw2Xc' });
  assert.equal(set.exit, 0, set.err);
});
