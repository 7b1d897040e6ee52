/** The pure rules of reviews: diffs and material, evidence, merging, grades, progress, the scan. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { SourceFile } from '../../../src/work/reviews/diff.ts';
import { isDiff, parseDiff } from '../../../src/work/reviews/diff.ts';
import { checkAnswer, checkFinding } from '../../../src/work/reviews/evidence.ts';
import type { Finding } from '../../../src/work/reviews/finding.ts';
import { Dimension, Severity } from '../../../src/work/reviews/finding.ts';
import { Grade, gradeFindings, THRESHOLDS, trendOf } from '../../../src/work/reviews/grade.ts';
import { fitMaterial, leftOutText, MATERIAL_LIMITS, readMaterial, renderMaterial, wholeFile } from '../../../src/work/reviews/material.ts';
import type { Voiced } from '../../../src/work/reviews/merge.ts';
import { mergeFindings } from '../../../src/work/reviews/merge.ts';
import { errorPercent, estimateMs, etaMs, nextCleaningMs, percentOf, phaseOf } from '../../../src/work/reviews/progress.ts';
import { writeReport } from '../../../src/work/reviews/report.ts';
import { sarifOf } from '../../../src/work/reviews/sarif.ts';
import { scanFiles } from '../../../src/work/reviews/scan.ts';

const BASE: Finding = {
  ...{ severity: 'medium', dimension: 'quality', rule: null, file: 'src/a.ts', line: 10, evidence: 'catch {}' },
  ...{ problem: 'The error is swallowed.', fix: 'Let it through.', standard: null },
};

test('a diff is read as git writes it: renames, quoted paths, no newline at the end, lines that look like headers, binaries [PER-5]', () => {
  const text = [
    'diff --git "a/t\\303\\244st.ts" "b/t\\303\\244st.ts"',
    '--- "a/t\\303\\244st.ts"',
    '+++ "b/t\\303\\244st.ts"',
    '@@ -1,3 +1,3 @@',
    ' one',
    '--- not a header',
    '+++ nor this',
    ' three',
    '\\ No newline at end of file',
    'diff --git a/old.ts b/new.ts',
    'similarity index 90%',
    'rename from old.ts',
    'rename to new.ts',
    'diff --git a/x.png b/x.png',
    'Binary files a/x.png and b/x.png differ',
    'diff --git a/gone.ts b/gone.ts',
    'deleted file mode 100644',
    '--- a/gone.ts',
    '+++ /dev/null',
    '@@ -1 +0,0 @@',
    '-bye',
  ].join('\n');
  assert.equal(isDiff(text), true);
  assert.equal(isDiff('# A text\n--- a rule\n'), false);
  const files = parseDiff(text);
  assert.deepEqual(
    files.map(({ path, change, binary }) => [path, change, binary]),
    [
      ['täst.ts', 'modified', false],
      ['new.ts', 'renamed', false],
      ['x.png', 'modified', true],
      ['gone.ts', 'deleted', false],
    ],
  );
  assert.deepEqual(files[0]?.lines, [
    { sign: ' ', line: 1, text: 'one' },
    { sign: '-', line: null, text: '-- not a header' },
    { sign: '+', line: 2, text: '++ nor this' },
    { sign: ' ', line: 3, text: 'three' },
  ]);
  assert.deepEqual(
    parseDiff('--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n--- a/y\n+++ b/y\n@@ -0,0 +1 @@\n+c\n').map(({ path }) => path),
    ['x', 'y'],
  );
});

test('what is rendered for a reviewer is read back line by line, whatever the lines hold [PER-5]', () => {
  const line = fc.string({ unit: 'grapheme', maxLength: 60 }).map((text) => text.replaceAll(/[\n\r\u2028\u2029\0]/g, ' ').toWellFormed());
  const file = fc.record({
    path: fc.stringMatching(/^[a-z]{1,8}(\/[a-z ]{1,8}){0,2}\.ts$/),
    lines: fc.array(line, { minLength: 1, maxLength: 8 }),
  });
  fc.assert(
    fc.property(fc.uniqueArray(file, { selector: ({ path }) => path, maxLength: 4, minLength: 1 }), line, (given, question) => {
      const files = given.map(({ path, lines }): SourceFile => ({
        path,
        change: 'whole',
        binary: false,
        lines: lines.map((text, i) => ({ sign: ' ', line: i + 1, text })),
      }));
      const material = fitMaterial('x', files, { cut: false });
      const read = readMaterial(renderMaterial(material, question));
      assert.deepEqual(read, material.files);
    }),
  );
});

test('material keeps within its limits and names what it leaves out, of how many [PER-5]', () => {
  const big = wholeFile('src/big.ts', 'x;\n'.repeat(60_000));
  const many = Array.from({ length: 300 }, (_, i) => wholeFile(`src/f${i}.ts`, `export const a = ${i};\n`.repeat(40)));
  const files = [...many, big, wholeFile('yarn.lock', 'a\n'), { path: 'x.png', change: 'added' as const, binary: true, lines: [] }];
  const material = fitMaterial('all', files, { cut: false });
  assert.equal(renderMaterial(material, '').length < MATERIAL_LIMITS.chars + 40_000, true);
  assert.equal(material.files.length <= MATERIAL_LIMITS.files, true);
  const named = new Set([...material.files, ...material.leftOut].map(({ path }) => path));
  assert.equal(named.size, files.length, 'every file is in it or named');
  assert.match(leftOutText(material) ?? '', /^Shown: \d+ of 303 files, \d+ of 72001 lines\. Left out: .*, and \d+ more\.$/);
  assert.equal(leftOutText(fitMaterial('one', [wholeFile('a.ts', 'a\n')], { cut: false })), null);
});

test('a finding stands only on a line that was seen: its place is mended, what is made up is dropped [PER-5]', () => {
  const rows = ['import x', '', 'try {', '  work();', '} catch {}', 'done();', '} catch {}'];
  const sources = new Map([['src/a.ts', [rows.map((text, i) => ({ line: i + 1, text }))]]]);
  const check = (more: Partial<Finding>) => {
    const found = checkFinding({ ...BASE, ...more }, sources);
    return typeof found === 'string' ? found : found.line;
  };
  assert.equal(check({ line: 6 }), 5, 'the nearest place of two');
  assert.equal(check({ line: null }), 5);
  assert.equal(check({ line: 99 }), 7);
  assert.equal(check({ evidence: '    5+|} catch {}', line: 5 }), 5, 'our own numbers are no part of it');
  assert.equal(check({ evidence: '+  work();' }), 4, "a diff's sign neither");
  assert.equal(check({ evidence: 'try {\n  work();\n} catch {}' }), 3);
  assert.equal(check({ evidence: 'try {\n...\ndone();' }), 3, 'dots stand for lines left out');
  assert.equal(check({ evidence: 'try {\ndone();' }), 'evidence');
  assert.equal(check({ evidence: 'catch (error) {}' }), 'evidence');
  assert.equal(check({ evidence: '}' }), 'evidence', 'what is found anywhere shows nothing');
  assert.equal(check({ file: './src/a.ts', line: 5 }), 5);
  assert.equal(check({ file: 'b/src/a.ts', line: 5 }), 5);
  assert.equal(check({ file: 'src/b.ts' }), 'file');
  const answer = checkAnswer(
    {
      summary: 's',
      findings: [
        { ...BASE, line: 5, evidence: '} catch {}' },
        { ...BASE, file: 'no' },
        { ...BASE, evidence: 'no such line' },
        { severity: 'bad' },
        null,
      ],
      specialists: [],
    },
    sources,
    100,
  );
  assert.deepEqual([answer?.findings.length, answer?.dropped.map(({ why }) => why)], [1, ['file', 'evidence', 'invalid', 'invalid']]);
  assert.equal(checkAnswer('all is well', sources, 100), null);
});

const PROBLEMS = [
  'The error is swallowed and nobody learns of it',
  'An error is swallowed here',
  'SQL is built from input',
  'The query takes input as text',
  'No limit on the loop',
];
const voiced: fc.Arbitrary<Voiced> = fc.record({
  severity: fc.constantFrom(...Severity.options),
  dimension: fc.constantFrom(...Dimension.options),
  rule: fc.constantFrom(null, 'any-type', 'error-swallowed'),
  file: fc.constantFrom('a.ts', 'b.ts'),
  line: fc.option(fc.integer({ min: 1, max: 12 }), { nil: null }),
  evidence: fc.constantFrom('catch {}', 'query(`${x}`)'),
  problem: fc.constantFrom(...PROBLEMS),
  fix: fc.constantFrom('Handle it.', ''),
  standard: fc.constantFrom(null, 'standards/errors.md'),
  votes: fc.array(fc.record({ reviewer: fc.constantFrom('engineer', 'sre', 'qa'), confidence: fc.constantFrom(0.3, 0.6) }), {
    minLength: 1,
    maxLength: 2,
  }),
});

test('merging does not depend on order, changes nothing when done again, loses no voice, and agreement only makes surer [PER-6, REV-1]', () => {
  fc.assert(
    fc.property(fc.array(voiced, { maxLength: 14 }), fc.array(fc.nat(), { minLength: 14, maxLength: 14 }), (found, chance) => {
      const merged = mergeFindings(found);
      const shuffled = found.map((each, i) => ({ each, at: chance[i] ?? 0 })).toSorted((a, b) => a.at - b.at);
      assert.deepEqual(mergeFindings(shuffled.map(({ each }) => each)), merged, 'order');
      assert.deepEqual(mergeFindings(merged), merged, 'twice');
      const voices = (list: readonly Voiced[]) => new Set(list.flatMap(({ votes, file }) => votes.map(({ reviewer }) => `${file} ${reviewer}`)));
      assert.deepEqual(voices(merged), voices(found));
      for (const { votes, confidence } of merged) assert.equal(confidence >= Math.min(0.99, Math.max(...votes.map((vote) => vote.confidence))), true);
    }),
  );
  const said = (reviewer: string, more: Partial<Finding>): Voiced => ({ ...BASE, ...more, votes: [{ reviewer, confidence: 0.6 }] });
  const two = mergeFindings([said('engineer', {}), said('sre', { line: 12, problem: 'The swallowed error leaves no trace.', severity: 'high' })]);
  assert.deepEqual(
    two.map(({ severity, confidence, votes }) => [severity, confidence, votes.length]),
    [['high', 0.84, 2]],
  );
  const [sides] = mergeFindings([said('engineer', { severity: 'low' }), said('qa', { dimension: 'testing', severity: 'medium', rule: 'test-gap' })]);
  const card = gradeFindings(sides === undefined ? [] : [sides], new Set(['quality', 'testing']));
  assert.deepEqual(
    card.dimensions.filter(({ grade }) => grade !== null).map(({ dimension, grade, findings }) => [dimension, grade, findings]),
    [
      ['quality', 'A', 1],
      ['testing', 'C', 1],
    ],
    'one finding that two saw from two sides counts on both',
  );
  const apart = [
    said('a', {}),
    said('b', { line: 40 }),
    said('c', { file: 'src/b.ts' }),
    said('d', { problem: 'Quadratic work over all rows.', fix: 'Index by id.', dimension: 'architecture' }),
  ];
  assert.equal(mergeFindings(apart).length, 4, 'another line, another file, another matter');
});

test('grades follow the written thresholds; a finding never makes a grade better; any D or F pulls the whole down [REV-1]', () => {
  const all = new Set(Dimension.options);
  const grade = (findings: Partial<Finding>[], dimension: Finding['dimension']) =>
    gradeFindings(
      findings.map((each) => ({ ...BASE, dimension, severity: 'info', ...each })),
      all,
    ).dimensions.find((each) => each.dimension === dimension)?.grade;
  const times = (count: number, finding: Partial<Finding>) => Array.from({ length: count }, () => finding);
  assert.equal(grade([{ severity: 'high' }], 'security'), 'D', 'security: any high');
  assert.equal(grade(times(3, { rule: 'large-file' }), 'architecture'), 'C', 'architecture: three files over 500 lines');
  assert.equal(grade(times(2, { rule: 'large-file' }), 'architecture'), 'A');
  assert.equal(grade([{ rule: 'unclear-boundary' }], 'architecture'), 'C');
  assert.equal(grade(times(3, { rule: 'any-type' }), 'quality'), 'C', 'code quality: three any');
  assert.equal(grade([{ rule: 'test-gap' }], 'testing'), 'C');
  assert.equal(grade([{ rule: 'medium-advisory' }], 'dependencies'), 'C');
  assert.equal(grade([{ rule: 'majors-behind' }], 'dependencies'), 'C');
  assert.equal(grade(times(3, { rule: 'unused-dependency' }), 'dependencies'), 'C');
  assert.equal(grade([{ rule: 'missing-section' }], 'documentation'), 'B');
  assert.equal(grade([{ severity: 'critical' }], 'testing'), 'F');
  const nobody = gradeFindings([], new Set(['security']));
  assert.deepEqual([nobody.overall, nobody.dimensions.filter((each) => each.grade === null).length], ['A', 6], 'what nobody looked at is no A');
  const rank = (grade: Grade | null | undefined): number => (grade === null || grade === undefined ? -1 : Grade.options.indexOf(grade));
  fc.assert(
    fc.property(fc.array(voiced, { maxLength: 12 }), voiced, (findings, more) => {
      const [before, after] = [gradeFindings(findings, all), gradeFindings([...findings, more], all)];
      before.dimensions.forEach((each, i) => assert.equal(rank(after.dimensions[i]?.grade) >= rank(each.grade), true));
      assert.deepEqual(gradeFindings(findings.toReversed(), all), before);
      const grades = after.dimensions.map((each) => each.grade);
      if (grades.includes('F')) assert.equal(rank(after.overall) >= rank('D'), true);
      if (grades.includes('D')) assert.equal(rank(after.overall) >= rank('C'), true);
      assert.equal(after.thresholds, THRESHOLDS.version);
      assert.equal(trendOf(after, after), 'stable');
      assert.equal(trendOf(after, null), 'new');
      const [there, back] = [trendOf(after, before), trendOf(before, after)];
      assert.equal(there === 'stable' ? back : there === 'up' ? 'down' : 'up', back === 'stable' ? 'stable' : back);
    }),
  );
});

test('phase, percent and time to go: percent never goes back nor reaches 100 before the end; the estimate is the median of the like [PER-4]', () => {
  const running = { ended: false, startedAtMs: 1_000, writing: false };
  assert.equal(phaseOf({ ...running, startedAtMs: null, lastEvent: null }), 'initialising');
  assert.equal(phaseOf({ ...running, lastEvent: 'run.started' }), 'initialising');
  assert.equal(phaseOf({ ...running, lastEvent: 'tool.intended' }), 'searching');
  assert.equal(phaseOf({ ...running, lastEvent: 'model.intended' }), 'analysing');
  assert.equal(phaseOf({ ...running, lastEvent: 'model.intended', writing: true }), 'generating');
  assert.equal(phaseOf({ ...running, ended: true, lastEvent: null }), 'ended');
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e6 }), fc.nat(1e7), fc.nat(1e7), (estimate, a, b) => {
      const [early, late] = [Math.min(a, b), Math.max(a, b)].map((used) => percentOf(running, { nowMs: 1_000 + used, estimate }));
      assert.equal((early ?? 0) <= (late ?? 0) && (late ?? 0) < 100, true);
    }),
  );
  assert.equal(etaMs(running, { nowMs: 2_000, estimate: 3_000, wait: 0 }), 2_000);
  assert.equal(etaMs(running, { nowMs: 9_000, estimate: 3_000, wait: 0 }), null, 'longer than was thought');
  assert.equal(etaMs({ ended: false, startedAtMs: null }, { nowMs: 0, estimate: 3_000, wait: 6_000 }), 9_000);
  const past = [
    ...[900, 1_000, 1_100, 1_200, 5_000].map((tookMs) => ({ tookMs, chars: 1_000 })),
    ...[60_000, 70_000].map((tookMs) => ({ tookMs, chars: 100_000 })),
  ];
  assert.equal(estimateMs(past, { chars: 2_000, rehearsed: false }), 1_100);
  assert.equal(estimateMs([], { chars: 1, rehearsed: false }), 90_000);
  assert.deepEqual([errorPercent(150, 100), errorPercent(50, 100), errorPercent(100, 100)], [50, 50, 0]);
});

test('cleaning is at 03:00 of the local time, on the days of summer time too [PER-7]', () => {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Berlin', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const local = (ms: number) => {
    const parts = format.formatToParts(new Date(ms));
    const of = (type: string): number => Number(parts.find((part) => part.type === type)?.value);
    return { hour: of('hour'), minute: of('minute') };
  };
  const next = (iso: string): string => new Date(nextCleaningMs(Date.parse(iso), local)).toISOString();
  assert.equal(next('2026-11-28T12:00:00Z'), '2026-11-29T02:00:00.000Z');
  assert.equal(next('2026-11-29T01:59:30Z'), '2026-11-29T02:00:00.000Z');
  assert.equal(next('2026-11-29T02:00:00Z'), '2026-11-30T02:00:00.000Z', 'not twice a day');
  assert.equal(next('2026-03-28T12:00:00Z'), '2026-03-29T01:00:00.000Z', 'the clock goes from 02:00 to 03:00');
  assert.equal(next('2026-10-24T12:00:00Z'), '2026-10-25T02:00:00.000Z');
});

test('the scan finds what is new in a change and leaves alone what was there, what is a test, and what is excused [PER-5]', () => {
  const change = parseDiff(
    [
      'diff --git a/src/a.ts b/src/a.ts',
      '--- a/src/a.ts',
      '+++ b/src/a.ts',
      '@@ -1,2 +1,4 @@',
      ' eval(old);',
      '-eval(gone);',
      '+eval(added);',
      '+const token = Math.random();',
      '+const password = process.env.PASSWORD;',
    ].join('\n'),
  );
  assert.deepEqual(
    scanFiles(change, 'security').findings.map(({ rule, line }) => [rule, line]),
    [
      ['code-evaluation', 2],
      ['weak-randomness', 3],
    ],
  );
  assert.deepEqual(scanFiles(change, 'accessibility').findings, []);
  const spec = wholeFile('test/a.test.ts', 'fdescribe("x", () => {});\nconst a: any = 1;\n');
  assert.deepEqual(
    scanFiles([spec], null).findings.map(({ rule }) => rule),
    ['test-left-out'],
  );
  const noisy = scanFiles([wholeFile('src/b.ts', 'const a: any = 1;\n'.repeat(10))], 'engineer');
  assert.deepEqual([noisy.findings.length, noisy.more], [3, [{ rule: 'any-type', count: 7 }]]);
});

test('the reviewer that is asked when none is named sees what must not go out: a credential, a shell, data carried out as code [PER-5]', () => {
  const text = `token = "ghp_${'a1B2'.repeat(9)}"\nsubprocess.run("notify " + name, shell=True)\nvalue = eval(name)\n`;
  const found = scanFiles([wholeFile('app/state.py', text)], 'code-reviewer').findings.map(({ rule }) => rule);
  for (const rule of ['code-evaluation', 'hard-coded-secret', 'shell-injection']) assert.ok(found.includes(rule), rule);
});

test('SARIF has what its readers need, and no text of a model makes up structure in Markdown [REV-1]', () => {
  const findings = [
    { ...BASE, file: 'src/a b#.ts', confidence: 0.84, votes: [{ reviewer: 'sre', confidence: 0.6 }] },
    { ...BASE, line: null, severity: 'critical' as const },
  ];
  const sarif = JSON.parse(JSON.stringify(sarifOf({ version: '1', findings, fingerprint: () => 'f', failed: ['qa'], properties: {} }))) as {
    version: string;
    runs: {
      results: {
        level: string;
        ruleIndex: number;
        locations: { physicalLocation: { artifactLocation: { uri: string }; region?: { startLine: number } } }[];
      }[];
      invocations: { executionSuccessful: boolean }[];
      tool: { driver: { rules: { id: string }[] } };
    }[];
  };
  const [run] = sarif.runs;
  assert.deepEqual([sarif.version, run?.invocations[0]?.executionSuccessful], ['2.1.0', false]);
  assert.deepEqual(
    run?.results.map(({ level }) => level),
    ['warning', 'error'],
  );
  assert.equal(run?.results[0]?.locations[0]?.physicalLocation.artifactLocation.uri, 'src/a%20b%23.ts');
  assert.equal(run?.results[1]?.locations[0]?.physicalLocation.region, undefined);
  assert.equal(run?.tool.driver.rules[run.results[0]?.ruleIndex ?? -1]?.id, 'quality/other');
  const text = writeReport('markdown', {
    kind: 'job',
    version: '1',
    job: {
      ...{
        id: 'run_x',
        persona: 'qa',
        model: 'm',
        title: 't',
        status: 'succeeded',
        phase: 'ended',
        percent: 100,
        message: '',
        toolCalls: 0,
        etaMs: 0,
        estimateMs: 1,
      },
      ...{
        rehearsed: false,
        panel: null,
        project: null,
        leftOut: '',
        createdAtMs: 0,
        startedAtMs: 0,
        endedAtMs: 0,
        ended: true,
        specialists: [],
        proposal: { id: 'stp_x', path: 'errors/a.md' },
        proposalRefused: null,
        tookMs: 1,
      },
      ...{
        summary: '# Approved\n![x](http://evil.example)',
        dropped: { invalid: 0, file: 1, evidence: 2 },
        droppedSaid: [],
        estimateErrorPercent: null,
      },
      findings: [{ ...BASE, evidence: '```\n# Approved' }],
    },
  });
  assert.equal(/^# Approved/m.test(text.replace(/````[\s\S]*?````/g, '')), false);
  assert.equal(text.includes('![x]'), false);
  assert.match(text, /Thrown away: 2 quoted what is not in the source, 1 named files that were not seen\./);
});
