/**
 * Grades A to F by written thresholds (spec REV-1): data with a version, in `thresholds.json`, so that a grade says by which rules it was
 * given and which one decided. Pure.
 */
import { z } from 'zod';
import { Dimension, Severity } from './finding.ts';
import type { Mark } from './finding.ts';
import thresholds from './thresholds.json' with { type: 'json' };

/** Best first. */
export const Grade = z.enum(['A', 'B', 'C', 'D', 'F']);
export type Grade = z.infer<typeof Grade>;

const Threshold = z.strictObject({
  severity: Severity.optional(),
  rule: z.string().optional(),
  atLeast: z.int().positive(),
  atBest: Grade,
});
type Threshold = z.infer<typeof Threshold>;
const Thresholds = z.strictObject({
  version: z.int().positive(),
  date: z.string(),
  every: z.array(Threshold),
  dimensions: z.record(Dimension, z.array(Threshold)),
  overall: z.array(z.strictObject({ any: Grade, atBest: Grade })),
});
export type Thresholds = z.infer<typeof Thresholds>;
export const THRESHOLDS: Thresholds = Thresholds.parse(thresholds);

/** `grade` is null where nobody who covers the dimension gave an answer: that is no A. `why` names the threshold that decided. */
export const DimensionGrade = z.object({ dimension: Dimension, grade: Grade.nullable(), findings: z.int(), why: z.string() });
export type DimensionGrade = z.infer<typeof DimensionGrade>;
export const Scorecard = z.object({ thresholds: z.int(), overall: Grade.nullable(), dimensions: z.array(DimensionGrade) });
export type Scorecard = z.infer<typeof Scorecard>;

const worse = (a: Grade, b: Grade): Grade => (Grade.options.indexOf(a) >= Grade.options.indexOf(b) ? a : b);

/** A finding that was seen from several sides counts in each of its dimensions. */
export function gradeFindings(
  findings: readonly (Mark & { marks?: readonly Mark[] })[],
  covered: ReadonlySet<Dimension>,
  rules: Thresholds = THRESHOLDS,
): Scorecard {
  const marks = findings.flatMap((finding) => finding.marks ?? [finding]);
  const dimensions = Dimension.options.map((dimension) => {
    const own = marks.filter((mark) => mark.dimension === dimension);
    // a finding is a look at its dimension, whoever had it
    return covered.has(dimension) || own.length > 0
      ? gradeDimension(dimension, own, rules)
      : { dimension, grade: null, findings: 0, why: 'nobody looked at it' };
  });
  return { thresholds: rules.version, overall: overallOf(dimensions, rules), dimensions };
}

function gradeDimension(dimension: Dimension, findings: readonly Mark[], rules: Thresholds): DimensionGrade {
  let [grade, why]: [Grade, string] = ['A', findings.length === 0 ? 'no findings' : 'below every threshold'];
  for (const threshold of [...(rules.dimensions[dimension] ?? []), ...rules.every]) {
    const count = findings.filter((finding) => counts(threshold, finding)).length;
    if (count < threshold.atLeast || worse(grade, threshold.atBest) === grade) continue;
    grade = threshold.atBest;
    const what = [threshold.severity, threshold.rule].filter((part) => part !== undefined).join(' ');
    why = `${count} ${what}: ${threshold.atLeast} or more make it ${threshold.atBest} at best`;
  }
  return { dimension, grade, findings: findings.length, why };
}

function counts({ severity, rule }: Threshold, finding: Mark): boolean {
  // a worse finding counts wherever a lighter one does
  const heavy = severity === undefined || Severity.options.indexOf(finding.severity) <= Severity.options.indexOf(severity);
  return heavy && (rule === undefined || finding.rule === rule);
}

/** The grade that most dimensions have, the worse one of equals, and pulled down by any D or F. Null when nothing was graded. */
function overallOf(dimensions: readonly DimensionGrade[], rules: Thresholds): Grade | null {
  const grades = dimensions.flatMap(({ grade }) => (grade === null ? [] : [grade]));
  if (grades.length === 0) return null;
  const count = (grade: Grade): number => grades.filter((each) => each === grade).length;
  const most = Math.max(...Grade.options.map(count));
  const mode = Grade.options.findLast((grade) => count(grade) === most) ?? 'F';
  return rules.overall.filter(({ any }) => grades.includes(any)).reduce((overall, { atBest }) => worse(overall, atBest), mode);
}

export const Trend = z.enum(['new', 'up', 'down', 'stable']);
export type Trend = z.infer<typeof Trend>;

/** Against the scorecard before of the same project: by the overall grade, then by the sum of the dimensions that both graded. */
export function trendOf(now: Scorecard, before: Scorecard | null): Trend {
  if (before === null || before.overall === null || now.overall === null) return 'new';
  const index = (grade: Grade): number => Grade.options.indexOf(grade);
  const overall = index(before.overall) - index(now.overall);
  const parts = now.dimensions.map(({ dimension, grade }) => {
    const earlier = before.dimensions.find((each) => each.dimension === dimension)?.grade ?? null;
    return grade === null || earlier === null ? 0 : index(earlier) - index(grade);
  });
  const change = overall === 0 ? parts.reduce((sum, part) => sum + part, 0) : overall;
  return change === 0 ? 'stable' : change > 0 ? 'up' : 'down';
}
