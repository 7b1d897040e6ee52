/**
 * Proof that the lint configuration bites: oxlint itself runs, with the real configuration, on broken files in a temporary folder.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '../..');

/** The temporary folder has no packages, so nothing here may need their types. */
const TSCONFIG = JSON.stringify({
  compilerOptions: {
    target: 'es2024',
    lib: ['es2024', 'dom'],
    module: 'nodenext',
    strict: true,
    noEmit: true,
    types: [],
    allowImportingTsExtensions: true,
  },
  include: ['src'],
});

/** Rule, as oxlint names it → files that break it; the last one is where the finding must be. */
const BROKEN: readonly (readonly [rule: string, files: Readonly<Record<string, string>>])[] = [
  ['eslint(max-lines)', { 'src/work/a/long.ts': 'export const a = 1;\n'.repeat(1) + '\n// line'.repeat(401) }],
  [
    'eslint(max-lines-per-function)',
    { 'src/work/a/tall.ts': `export function tall(x: number): number {\n${'  void x;\n'.repeat(70)}  return x;\n}\n` },
  ],
  ['eslint(max-params)', { 'src/work/a/wide.ts': 'export const wide = (a: number, b: number, c: number, d: number): number => a + b + c + d;\n' }],
  ['eslint(no-console)', { 'src/work/a/say.ts': `console.log('x');\nexport const a = 1;\n` }],
  ['eslint(no-restricted-globals)', { 'src/work/a/get.ts': `export const get = (url: string): Promise<Response> => fetch(url);\n` }],
  [
    'import(no-cycle)',
    {
      'src/work/a/one.ts': `import { two } from './two.ts';\nexport const one = (): number => two();\n`,
      'src/work/a/two.ts': `import { one } from './one.ts';\nexport const two = (): number => one();\n`,
    },
  ],
  ['import(no-default-export)', { 'src/work/a/default.ts': 'export default 1;\n' }],
  ['typescript(no-explicit-any)', { 'src/work/a/any.ts': 'export const a = (x: any): string => String(x);\n' }],
  [
    'typescript(no-floating-promises)',
    { 'src/work/a/float.ts': 'const f = async (): Promise<number> => 1;\nexport const g = (): void => {\n  f();\n};\n' },
  ],
  ['typescript(no-non-null-assertion)', { 'src/work/a/bang.ts': 'export const a = (x: string | null): string => x!;\n' }],
  ['typescript(parameter-properties)', { 'src/work/a/property.ts': 'export class A {\n  constructor(readonly x: number) {}\n}\n' }],
  [
    'typescript(switch-exhaustiveness-check)',
    { 'src/work/a/switch.ts': `export function f(x: 'a' | 'b'): void {\n  switch (x) {\n    case 'a':\n      f('b');\n  }\n}\n` },
  ],
  [
    'typescript(consistent-type-imports)',
    { 'src/work/a/t.ts': 'export type T = number;\n', 'src/work/a/u.ts': `import { T } from './t.ts';\nexport const t: T = 1;\n` },
  ],
  ['typescript(only-throw-error)', { 'src/work/a/throw.ts': `export function f(): never {\n  throw 'no';\n}\n` }],
  ...(
    [
      ['src/kernel/up.ts', '../storage/x.ts'],
      ['src/storage/up.ts', '../platform/x.ts'],
      ['src/platform/p/up.ts', '../../runtime/r/x.ts'],
      ['src/runtime/r/up.ts', '../../work/w/x.ts'],
      ['src/work/w/up.ts', '../../surfaces/s/x.ts'],
      ['src/surfaces/s/up.ts', '../../clients/cli/x.ts'],
      ['src/clients/cli/up.ts', '../../work/w/service.ts'],
    ] as const
  ).map(([from, to]): readonly [string, Readonly<Record<string, string>>] => [
    'eslint(no-restricted-imports)',
    { [join(dirname(from), to)]: 'export const x = 1;\n', [from]: `import { x } from '${to}';\nexport const y = x;\n` },
  ]),
];

const GOOD: Readonly<Record<string, string>> = {
  'src/kernel/x.ts': 'export const x = 1;\n',
  'src/work/w/contract.ts': `import { x } from '../../kernel/x.ts';\nexport const y = x;\n`,
  'src/clients/cli/good.ts': `import { y } from '../../work/w/contract.ts';\nexport const z = y;\n`,
};

type Diagnostic = { code: string; filename: string };

/** Runs oxlint on these files alone, under the house's configuration. */
function lint(files: Readonly<Record<string, string>>): { status: number | null; findings: Diagnostic[] } {
  const folder = mkdtempSync(join(tmpdir(), 'windlass-lint-'));
  try {
    cpSync(join(ROOT, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
    writeFileSync(join(folder, 'tsconfig.json'), TSCONFIG);
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const run = spawnSync(process.execPath, [join(ROOT, 'node_modules/oxlint/bin/oxlint'), '--format', 'json'], { cwd: folder, encoding: 'utf8' });
    const report = JSON.parse(run.stdout) as { diagnostics: Diagnostic[] };
    return { status: run.status, findings: report.diagnostics };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('lint passes what keeps the rules', () => {
  assert.deepEqual(lint(GOOD), { status: 0, findings: [] });
});

test('lint refuses each broken file with the rule meant for it', () => {
  const all = Object.assign({}, ...BROKEN.map(([, files]) => files)) as Record<string, string>;
  const { status, findings } = lint(all);
  assert.notEqual(status, 0);
  for (const [rule, files] of BROKEN) {
    const broken = Object.keys(files).at(-1);
    const here = findings.filter((finding) => finding.filename === broken);
    assert.ok(
      here.some((finding) => finding.code === rule),
      `${rule} in ${broken}, found ${here.map((finding) => finding.code).join(', ') || 'nothing'}`,
    );
  }
});
