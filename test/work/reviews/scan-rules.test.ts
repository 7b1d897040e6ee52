/** The fixed rules, line by line: what they must find, and what real repositories showed that they must leave alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDiff } from '../../../src/work/reviews/diff.ts';
import { checkFinding } from '../../../src/work/reviews/evidence.ts';
import { wholeFile } from '../../../src/work/reviews/material.ts';
import { scanFiles } from '../../../src/work/reviews/scan.ts';

const rulesIn = (path: string, text: string): string[] =>
  [...new Set(scanFiles([wholeFile(path, text)], null).findings.map(({ rule }) => rule ?? ''))].toSorted();

const FOUND: [string, string, string[]][] = [
  ['a.py', 'try:\n    go()\nexcept:\n    pass\n', ['bare-except', 'error-swallowed']],
  ['a.py', 'try:\n    go()\nexcept Exception as error:\n\n    ...\n', ['error-swallowed']],
  ['a.py', 'try: go()\nexcept: pass\n', ['bare-except', 'error-swallowed']],
  ['a.ts', 'try {\n  go();\n} catch (error) {\n}\n', ['error-swallowed']],
  ['a.go', 'if err != nil {\n}\n', ['error-swallowed']],
  ['a.py', 'def add(item, into=[]):\n    into.append(item)\n', ['mutable-default']],
  ['a.ts', 'items.forEach(async (item) => {\n  await send(item);\n});\n', ['promise-lost']],
  ['a.py', 'while True:\n    work()\n', ['endless-loop']],
  ['a.ts', 'const q = `select name from users where id = ${id}`;\n', ['sql-injection']],
  ['a.py', 'q = "select name from users where id = %s" % user\n', ['sql-injection']],
  ['a.py', 'q = f"delete from users where id = {user}"\n', ['sql-injection']],
  ['a.go', 'q := fmt.Sprintf("UPDATE users SET name = %s", name)\n', ['sql-injection']],
  ['a.py', 'app.run(host="::", debug=True)\n', ['debug-on']],
  ['a.ts', 'throw new Error("failed");\n', ['empty-message']],
  ['a.ts', 'if (a == b) go();\n', ['loose-equality']],
  ['a.test.ts', '  await delay(300);\n', ['test-sleeps']],
  ['a.test.ts', 'fit("works", () => {});\n', ['test-left-out']],
];
const LEFT_ALONE: [string, string][] = [
  ['a.py', 'try:\n    go()\nexcept KeyError:\n    pass\n'],
  ['a.py', 'try:\n    go()\nexcept:\n    undo()\n    raise\n'],
  ['a.ts', 'try {\n  go();\n} catch {\n  // it is gone already\n}\n'],
  ['a.ts', 'await close().catch(() => undefined); // it is closed already\n'],
  ['a.py', 'while True:\n    line = read()\n    if not line:\n        break\n'],
  ['a.ts', 'const label = `Update ${name}`;\nconst other = `Select ${count} items`;\n'],
  ['a.ts', 'const q = sql`select name from users where id = ${id}`;\n'],
  ['a.ts', 'const q = `select ${COLUMNS} from users where ${where} limit ${MOST + 1}`;\n'],
  ['a.ts', "server.once('error', done);\nthis.emit('error', error);\n"],
  ['a.ts', 'if (a == null || b != null) go();\n'],
  ['a.ts', '/**\nExample:\n\nconsole.log(queue.size);\nqueue.add(() => go()).catch(() => {});\n*/\nexport {};\n'],
  ['a.py', '"""Runs it.\n\n    eval(text)\n"""\nrun()\n'],
  ['a.ts', '// eslint-disable-next-line no-console\n'],
  ['a.ts', "console.error('Unexpected token', at);\n"],
  ['a.tsx', 'return <Row key={Math.random()} />;\n'],
  ['a.ts', 'const end = PATTERN.exec(` ${rest}`)?.index;\n'],
  ['locales/de.ts', "export default { password: 'Kennwort' };\n"],
  ['a.test.ts', "const asked = fit(request, target);\nconst began = Date.now();\nlog({ password: 'not-a-real-one' });\n"],
  ['a.test.ts', 'queue.add(async () => delay(100));\n'],
  ['a.ts', 'const { name, any, choices } = props;\n'],
];

test('the rules find what they must, over several lines too [PER-5]', () => {
  for (const [path, text, rules] of FOUND) assert.deepEqual(rulesIn(path, text), rules, text);
});

test('a rule that looks at the lines below quotes them, and the quotation stands [PER-5]', () => {
  const file = wholeFile('a.py', 'try:\n    go()\nexcept Exception:\n\n    pass\n');
  const [found] = scanFiles([file], 'sre').findings;
  assert.equal(found?.evidence, 'except Exception:\npass');
  assert.deepEqual(found === undefined ? null : checkFinding(found, new Map([['a.py', [file.lines]]])), found);
});

test('the rules leave alone what only looks alike [PER-5]', () => {
  for (const [path, text] of LEFT_ALONE) assert.deepEqual(rulesIn(path, text), [], text);
});

test('a rule that needs the lines below says nothing where a change does not show them [PER-5]', () => {
  const hunk = (...rows: string[]) => parseDiff(['--- a/a.py', '+++ b/a.py', `@@ -10,0 +10,${rows.length} @@`, ...rows].join('\n'));
  const found = (...rows: string[]) => scanFiles(hunk(...rows), 'sre').findings.map(({ rule }) => rule);
  assert.deepEqual(found('+while True:', '+    work()'), []);
  assert.deepEqual(found('+while True:', '+    work()', '+done()'), ['endless-loop']);
});
