/**
 * Proof that the tidy rules bite: each is shown a source that breaks it and a twin that does not.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importFault } from './layers.ts';
import { applyExceptions, checkAll, RULES } from './rules.ts';
import { shareOverTarget } from './shape.ts';
import { scan } from './source.ts';

const HEAD = '/** What it is. */\n';
/** Put together here, so that this file does not hold what the rule looks for. */
const ONE_MACHINE = ['', 'work', 'main'].join('/');
const ONE_HOST = ['registry', 'npmjs', 'org'].join('.');

type Case = { readonly rule: string; readonly path: string; readonly bad: string; readonly good: string };

const CASES: readonly Case[] = [
  { rule: 'barrel', path: 'src/work/tasks/task.ts', bad: `export { a } from './a.ts';`, good: `import { a } from './a.ts';\nexport const b = a;` },
  { rule: 'barrel', path: 'src/work/tasks/task.ts', bad: `export * from './a.ts';`, good: `// export * from './a.ts';` },
  { rule: 'clock', path: 'src/work/tasks/task.ts', bad: `const t = Date.now();`, good: `const t = clock.nowMs(); // not Date.now()` },
  { rule: 'clock', path: 'src/work/tasks/task.ts', bad: `const t = new Date();`, good: `const t = new Date(ms);` },
  { rule: 'clock', path: 'src/work/tasks/task.ts', bad: `const r = Math.random();`, good: `const r = random();` },
  { rule: 'clock', path: 'src/work/tasks/task.ts', bad: `setTimeout(go, 5);`, good: `await clock.sleep(5);` },
  { rule: 'clock', path: 'src/work/tasks/task.ts', bad: 'const s = `at ${Date.now()}`;', good: 'const s = `at Date.now()`;' },
  {
    rule: 'clock',
    path: 'src/work/tasks/task.ts',
    bad: `import { setTimeout as wait } from 'node:timers/promises';`,
    good: `import { join } from 'node:path';`,
  },
  { rule: 'bare-error', path: 'src/work/tasks/task.ts', bad: `throw new Error('no');`, good: `throw new AppError('denied', 'No.');` },
  { rule: 'bare-error', path: 'src/work/tasks/task.ts', bad: `reject(new TypeError('no'));`, good: `const ok = thrown instanceof TypeError;` },
  {
    rule: 'layers',
    path: 'src/runtime/runs/run.ts',
    bad: `import { a } from '../../work/agents/agent.ts';`,
    good: `import { a } from '../../platform/policy/policy.ts';`,
  },
  {
    rule: 'layers',
    path: 'src/work/agents/agent.ts',
    bad: `import type { A } from '../../runtime/runs/core/fold.ts';`,
    good: `import type { A } from '../../runtime/runs/fold.ts';`,
  },
  {
    rule: 'layers',
    path: 'src/clients/cli/run.ts',
    bad: `const m = await import('../../runtime/runs/service.ts');`,
    good: `import { A } from '../../runtime/runs/contract.ts';`,
  },
  { rule: 'layers', path: 'src/work/agents/contract.ts', bad: `import { a } from './store.ts';`, good: `import { a } from './agent.ts';` },
  { rule: 'layers', path: 'src/work/agents/store.ts', bad: `import { Pool } from 'pg';`, good: `import { z } from 'zod';` },
  {
    rule: 'layers',
    path: 'src/work/agents/agent.ts',
    bad: `import { until } from '../../../test/support/until.ts';`,
    good: `import { join } from 'node:path';`,
  },
  { rule: 'machine-words', path: 'docs/a.md', bad: `See ${ONE_MACHINE}/x.`, good: 'See src/work/agents and ../work/x.' },
  { rule: 'machine-words', path: 'package-lock.json', bad: `"resolved": "https://${ONE_HOST}/x"`, good: '"integrity": "sha512-x"' },
  { rule: 'names', path: 'src/work/tasks/task-utils.ts', bad: `export const x = 1; function dateUtils() {}`, good: `export const formatDate = 1;` },
  { rule: 'names', path: 'src/work/tasks/task.ts', bad: `export class TaskManager {}`, good: `import { promisify } from 'node:util';` },
  { rule: 'names', path: 'src/work/tasks/task.ts', bad: `const crewSize = 3;`, good: `const screwSize = 3;` },
  {
    rule: 'silenced-lint',
    path: 'src/work/tasks/task.ts',
    bad: `// oxlint-disable-next-line no-console`,
    good: `const s = '// oxlint-disable-next-line';`,
  },
  { rule: 'silenced-lint', path: 'test/work/tasks.test.ts', bad: `// @ts-expect-error wrong`, good: `// what TypeScript expects` },
  {
    rule: 'sleep-in-test',
    path: 'test/work/tasks.test.ts',
    bad: `await new Promise((r) => setTimeout(r, 50));`,
    good: `await until('it ended', 500, look);`,
  },
  { rule: 'sleep-in-test', path: 'test/work/tasks.test.ts', bad: `await systemClock.sleep(50);`, good: `await clock.sleep(50);` },
  {
    rule: 'sleep-in-test',
    path: 'test/work/tasks.test.ts',
    bad: 'await db.query(`select pg_sleep(1)`);',
    good: `await db.query('select 1');`,
  },
  {
    rule: 'sql-place',
    path: 'src/work/tasks/service.ts',
    bad: 'await tx.query(`\n  select id from task where org_id = $1`);',
    good: `say('Select a task from the list.');`,
  },
  { rule: 'sql-place', path: 'src/work/tasks/service.ts', bad: `q('INSERT INTO task VALUES ($1)');`, good: `say('insert a coin');` },
  { rule: 'sql-place', path: 'src/work/tasks/service.ts', bad: 'q(`${base} where org_id = $1`);', good: 'say(`where are you, ${name}?`);' },
  { rule: 'sql-time', path: 'src/work/tasks/store.ts', bad: 'q(`select now() from task`);', good: 'q(`select clock_now() from task`);' },
  {
    rule: 'sql-time',
    path: 'src/storage/migrations/0001_make_base.sql',
    bad: 'create table t (at timestamptz default current_timestamp);',
    good: '-- now()\ncreate function clock_now() returns timestamptz language sql as $$ select clock_timestamp() $$;',
  },
  { rule: 'unfinished', path: 'src/work/tasks/task.ts', bad: `// TODO: the rest`, good: `const todo = 1;` },
  { rule: 'unfinished', path: 'test/work/tasks.test.ts', bad: `test.skip('later', run);`, good: `test('now', { skip: onWindows }, run);` },
];

const rulesOn = (path: string, text: string): string[] => checkAll([{ path, text: HEAD + text }]).map((finding) => finding.rule);

for (const { rule, path, bad, good } of CASES) {
  test(`${rule} refuses: ${bad.trim().slice(0, 60)}`, () => {
    assert.ok(rulesOn(path, bad).includes(rule), 'the broken source is refused');
  });
  test(`${rule} lets pass: ${good.slice(0, 60)}`, () => {
    const findings = checkAll([{ path: path.replace('-utils', ''), text: path.endsWith('.ts') ? HEAD + good : good }]);
    assert.deepEqual(findings, []);
  });
}

test('file names, sizes and head comments are checked', () => {
  assert.deepEqual(rulesOn('src/work/tasks/taskList.ts', ''), ['names']);
  assert.deepEqual(rulesOn('src/work/tasks/index.ts', ''), ['barrel']);
  assert.deepEqual(rulesOn('src/work/common/task.ts', ''), ['names']);
  assert.deepEqual(rulesOn('src/storage/migrations/0001-base.sql', ''), ['names']);
  assert.deepEqual(rulesOn('src/work/tasks/task.ts', 'const a = 1;\n'.repeat(400)), ['file-size']);
  assert.deepEqual(rulesOn('README.md', 'a line\n'.repeat(150)), ['file-size']);
  assert.deepEqual(rulesOn('AGENTS.md', 'a line\n'.repeat(120)), ['file-size']);
  assert.deepEqual(
    checkAll([{ path: 'src/work/tasks/task.ts', text: 'export const a = 1;\n' }]).map((finding) => finding.rule),
    ['head-comment'],
  );
});

test('every rule is broken by a case', () => {
  const shown = new Set([...CASES.map((entry) => entry.rule), 'file-size', 'head-comment']);
  assert.deepEqual(RULES.map((rule) => rule.name).toSorted(), [...shown].toSorted());
});

test('more than a fifth of long files in src is a fault', () => {
  const file = (name: string, lines: number): { path: string; text: string } => ({ path: `src/work/tasks/${name}.ts`, text: 'a\n'.repeat(lines) });
  const short = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => file(name, 200));
  assert.equal(shareOverTarget([...short, file('x', 201)]), null);
  assert.match(shareOverTarget([...short, file('x', 201), file('y', 201)]) ?? '', /2 of 9 files/);
});

test('an exception covers so many findings and no more, and fails when it is wider than needed', () => {
  const finding = { rule: 'clock', path: 'src/a.ts', line: 3, message: 'no' };
  const exception = { rule: 'clock', path: 'src/a.ts', findings: 1, reason: 'a reason' };
  assert.deepEqual(applyExceptions([finding], [exception]), []);
  assert.equal(applyExceptions([finding, finding], [exception]).length, 2);
  assert.match(applyExceptions([], [exception]).join(), /lower or remove/);
  assert.equal(applyExceptions([finding], []).length, 1);
  assert.equal(applyExceptions([{ ...finding, path: 'src/b.ts' }], [exception]).length, 2);
});

test('the layer rule knows every direction', () => {
  const allowed: readonly (readonly [string, string])[] = [
    ['src/main.ts', 'src/surfaces/http/app.ts'],
    ['src/storage/journal/append.ts', 'src/kernel/events.ts'],
    ['src/runtime/runs/service.ts', 'src/storage/database.ts'],
    ['src/runtime/runs/service.ts', 'src/runtime/runs/core/fold.ts'],
    ['src/surfaces/http/app.ts', 'src/config.ts'],
    ['src/clients/cli/up.ts', 'src/main.ts'],
    ['src/clients/cli/up.ts', 'src/work/agents/contract.ts'],
  ];
  const refused: readonly (readonly [string, string])[] = [
    ['src/kernel/ids.ts', 'src/storage/database.ts'],
    ['src/storage/database.ts', 'src/config.ts'],
    ['src/work/agents/service.ts', 'src/surfaces/http/app.ts'],
    ['src/work/agents/service.ts', 'src/main.ts'],
    ['src/surfaces/http/app.ts', 'src/clients/cli/up.ts'],
    ['src/clients/cli/up.ts', 'src/work/agents/service.ts'],
    ['src/config.ts', 'src/runtime/runs/run.ts'],
    ['src/work/agents/contract.ts', 'src/runtime/runs/run.ts'],
  ];
  for (const [from, to] of allowed) assert.equal(importFault(from, to), null, `${from} -> ${to}`);
  for (const [from, to] of refused) assert.notEqual(importFault(from, to), null, `${from} -> ${to}`);
});

test('the scanner tells code from strings, templates, comments and regular expressions', () => {
  const { code, uncommented, strings } = scan(
    "const a = 'x'; // y\nconst b = `p${f({ q: `r${s}` })}t`; /* u */ const c = /[/'\"]v/g; const d = 4 / 2 / w;",
  );
  assert.deepEqual(
    strings.map((string) => string.text),
    ['x', 'p', 'r', '', 't'],
  );
  for (const seen of ['const', 'f(', 's', 'w']) assert.ok(code.includes(seen), seen);
  for (const hidden of ["'x'", 'y', 'u', 'v/g']) assert.ok(!code.includes(hidden), hidden);
  assert.ok(uncommented.includes("'x'") && !uncommented.includes('y\n'));
  assert.equal(code.length, uncommented.length);
});
