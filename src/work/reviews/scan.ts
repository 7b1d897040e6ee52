/**
 * The scan: candidates for findings by fixed rules over the lines that are under review, and over the change as a whole. Models judge them;
 * a rehearsal takes them as they are, which is why it works without a model. Pure.
 */
import type { SourceFile } from './diff.ts';
import type { Finding } from './finding.ts';
import { Severity } from './finding.ts';
import { bodyOf, commentsOf, withoutQuotes } from './scan-lines.ts';
import type { ScanRule } from './scan-rules.ts';
import { SCAN_RULES } from './scan-rules-code.ts';

export const SCAN_LIMITS = { perRule: 3, findings: 60, lineChars: 500 } as const;
const TEST_FILE = /(^|\/)(tests?|spec|__tests__|e2e)\/|[._-](test|spec)\.\w+$|(^|\/)test_\w+\.py$/;
const SOURCE_FILE = /\.(m?[jt]sx?|c[jt]s|py|rb|go|rs|java|kt|cs|php|swift)$/;
const LARGE_FILE_LINES = 500;
const MANIFEST = /(^|\/)(package\.json|pyproject\.toml|requirements[\w-]*\.txt|Cargo\.toml|go\.mod)$/;

export type Scan = {
  findings: Finding[];
  /** Beyond the limits, by rule. */
  more: { rule: string; count: number }[];
  lines: number;
  files: number;
};

/** `persona` null takes every rule. */
export function scanFiles(files: readonly SourceFile[], persona: string | null): Scan {
  const wanted = (personas: readonly string[]): boolean => persona === null || personas.includes(persona);
  const rules = SCAN_RULES.filter((rule) => wanted(rule.personas));
  const found = [
    ...WHOLE.filter((each) => wanted(each.personas)).flatMap(({ look }) => look(files)),
    ...rules.flatMap((rule) => byLine(files, rule)),
  ];
  const kept: Finding[] = [];
  const more = new Map<string, number>();
  for (const finding of found.toSorted(bySeverity)) {
    const rule = finding.rule ?? '';
    const same = kept.filter((each) => each.rule === rule).length;
    if (same < SCAN_LIMITS.perRule && kept.length < SCAN_LIMITS.findings) kept.push(finding);
    else more.set(rule, (more.get(rule) ?? 0) + 1);
  }
  const lines = files.reduce((sum, file) => sum + reviewed(file).length, 0);
  return { findings: kept, more: [...more].map(([rule, count]) => ({ rule, count })), lines, files: files.length };
}

function bySeverity(a: Finding, b: Finding): number {
  return Severity.options.indexOf(a.severity) - Severity.options.indexOf(b.severity);
}

/** Of a change what is new; of a whole file everything. */
function reviewed(file: SourceFile): SourceFile['lines'] {
  return file.change === 'whole' ? file.lines : file.lines.filter(({ sign }) => sign === '+');
}

function byLine(files: readonly SourceFile[], rule: ScanRule): Finding[] {
  return files.flatMap((file) => {
    if (!concerns(rule, file.path)) return [];
    const comments = rule.comments === true ? new Set() : commentsOf(file);
    return reviewed(file).flatMap((line) => {
      const short = line.text.slice(0, SCAN_LIMITS.lineChars);
      const text = rule.quotes === false ? withoutQuotes(short) : short;
      if (!rule.line.test(text) || rule.unless?.test(short) === true || short.trim().length < 4) return [];
      if (comments.has(line) || !aroundFits(rule, file, line)) return [];
      const { severity, dimension, problem, fix } = rule;
      const quoted = at(file, line);
      const evidence = rule.body === undefined ? quoted.evidence : [quoted.evidence, ...bodyOf(file, line).lines].join('\n');
      return [{ ...quoted, evidence, severity, dimension, rule: rule.rule, problem, fix, standard: null }];
    });
  });
}

function aroundFits({ body, unlessBody, unlessAbove }: ScanRule, file: SourceFile, line: SourceFile['lines'][number]): boolean {
  if (unlessAbove?.test(file.lines[file.lines.indexOf(line) - 1]?.text.slice(0, SCAN_LIMITS.lineChars) ?? '') === true) return false;
  if (body === undefined && unlessBody === undefined) return true;
  const found = bodyOf(file, line);
  if (!found.whole) return false;
  return body?.test(found.lines.join('\n')) !== false && !found.lines.some((each) => unlessBody?.test(each.slice(0, SCAN_LIMITS.lineChars)));
}

function concerns(rule: ScanRule, path: string): boolean {
  const isTest = TEST_FILE.test(path);
  if (rule.tests === 'only' ? !isTest : isTest && rule.tests !== true) return false;
  return rule.files?.test(path) !== false && rule.notFiles?.test(path) !== true;
}

type WholeLook = { personas: readonly string[]; look: (files: readonly SourceFile[]) => Finding[] };

const WHOLE: readonly WholeLook[] = [
  { personas: ['qa', 'consistency-checker', 'code-reviewer', 'engineer'], look: untested },
  { personas: ['product', 'api-documentation', 'consistency-checker'], look: undocumented },
  { personas: ['architect', 'engineer'], look: tooLarge },
  { personas: ['architect', 'security', 'pattern-scanner'], look: newDependencies },
];

const isSource = (file: SourceFile): boolean => SOURCE_FILE.test(file.path) && !TEST_FILE.test(file.path);
const NEW_BEHAVIOUR = /\b(?:function\s+\w+|def\s+\w+|func\s+\w+|fn\s+\w+|class\s+\w+|=>\s*\{?)/;

/** Source that gains behaviour while no test changes. Said once, for the change. */
function untested(files: readonly SourceFile[]): Finding[] {
  const sources = files.filter((file) => isSource(file) && file.change !== 'whole');
  if (sources.length === 0 || files.some((file) => TEST_FILE.test(file.path))) return [];
  const place = sources.flatMap((file) => reviewed(file).flatMap((line) => (NEW_BEHAVIOUR.test(line.text) ? [{ file, line }] : [])))[0];
  if (place === undefined) return [];
  return [
    {
      ...at(place.file, place.line),
      severity: 'medium',
      dimension: 'testing',
      rule: 'test-gap',
      problem: `Behaviour is added in ${sources.length} source file${sources.length === 1 ? '' : 's'}, and no test changes with it: nothing would fail if it were wrong.`,
      fix: 'Add a test that fails without this change, for the usual case and for one that must be refused.',
      standard: null,
    },
  ];
}

const USER_FACING =
  /\.(?:option|command|argument)\(|\bapp\.(?:get|post|put|delete|patch)\(|\brouter\.\w+\(|@(?:Get|Post|Put|Delete|app\.route)\b|process\.env\.[A-Z_]+|add_argument\(/;

/** What users call changes while no document does. */
function undocumented(files: readonly SourceFile[]): Finding[] {
  if (files.some((file) => /\.(md|rst|adoc|txt)$/i.test(file.path))) return [];
  const place = files
    .filter((file) => isSource(file) && file.change !== 'whole')
    .flatMap((file) => reviewed(file).flatMap((line) => (USER_FACING.test(line.text) ? [{ file, line }] : [])))[0];
  if (place === undefined) return [];
  return [
    {
      ...at(place.file, place.line),
      severity: 'low',
      dimension: 'documentation',
      rule: 'missing-section',
      problem: 'An option, route or setting that people use is new, and no document of this change names it.',
      fix: 'Say in the README, the help or the changelog what it does, with its default.',
      standard: null,
    },
  ];
}

function tooLarge(files: readonly SourceFile[]): Finding[] {
  return files.filter(isSource).flatMap((file) => {
    const last = file.lines.findLast((line) => line.line !== null && line.text.trim().length > 3);
    const shown = file.lines.findLast(({ line }) => line !== null)?.line ?? 0;
    if (last === undefined || shown <= LARGE_FILE_LINES) return [];
    return [
      {
        ...at(file, last),
        severity: 'low' as const,
        dimension: 'architecture' as const,
        rule: 'large-file',
        problem: `The file has at least ${shown} lines: more than one sitting can read.`,
        fix: 'Move what belongs together into a file of its own.',
        standard: null,
      },
    ];
  });
}

const DEPENDENCY =
  /^\s*"(?:@[\w.-]+\/)?[\w.-]+"\s*:\s*"(?:[\^~>=<]*\d|\*|latest|git|https?:)|^[\w.[\]-]+\s*(?:==|>=|~=)\s*\d|^\s*[\w-]+\s*=\s*["'{].*\d/;

function newDependencies(files: readonly SourceFile[]): Finding[] {
  return files
    .filter((file) => MANIFEST.test(file.path) && file.change === 'modified')
    .flatMap((file) =>
      reviewed(file).flatMap((line) => {
        if (!DEPENDENCY.test(line.text) || /"(?:version|node|npm|engines)"/.test(line.text)) return [];
        const loose = /"(?:\*|latest|>|git|https?:)/.test(line.text);
        return [
          {
            ...at(file, line),
            severity: loose ? ('medium' as const) : ('info' as const),
            dimension: 'dependencies' as const,
            rule: loose ? 'loose-version' : 'new-dependency',
            problem: loose
              ? 'Whatever version is newest is taken: the next install may bring another program.'
              : 'A dependency is added or moved: it runs with all rights of this program.',
            fix: loose ? 'Pin the exact version.' : 'Say why it is needed and what it brings along; read its install scripts and advisories.',
            standard: null,
          },
        ];
      }),
    );
}

function at(file: SourceFile, line: SourceFile['lines'][number]): Pick<Finding, 'file' | 'line' | 'evidence'> {
  return { file: file.path, line: line.line, evidence: line.text.trim().slice(0, SCAN_LIMITS.lineChars) };
}
