/**
 * Makes one list of what several reviewers said (spec PER-6, REV-1). Findings that are linked, directly or through others, are one: so
 * the order in which reviewers answer changes nothing, and merging what was merged changes nothing. Pure.
 */
import { canonicalJson } from '../../kernel/canonical-json.ts';
import { invariant } from '../../kernel/errors.ts';
import type { Finding, Mark } from './finding.ts';
import { Dimension, Severity } from './finding.ts';

/** Who said it, and how sure that one is, from 0 to 1. */
export type Vote = { reviewer: string; confidence: number };
export type Voiced = Finding & { votes: readonly Vote[]; marks?: readonly Mark[] };
/** `marks`: of each dimension that somebody named, the worst. */
export type Merged = Finding & { votes: Vote[]; confidence: number; marks: Mark[] };

/** How sure one reviewer alone makes us. */
export const ONE_VOICE = 0.6;
/** Never certain. */
const MOST = 0.99;
const LINES_APART = 3;
/** Share of words that two texts have in common (Dice) from which they speak of the same. */
const SIMILAR = 0.3;
/** With the same line quoted and the same dimension, less will do. */
const SIMILAR_ON_SAME_LINE = 0.12;

/** At most a few hundred findings: every pair in one file is looked at. */
export function mergeFindings(found: readonly Voiced[]): Merged[] {
  const groups = found.map((finding) => ({ words: wordsOf(`${finding.problem} ${finding.fix}`), finding }));
  const root = groups.map((_, index) => index);
  const rootOf = (index: number): number => {
    let at = index;
    while (root[at] !== at) at = root[at] ?? at;
    return at;
  };
  groups.forEach((a, i) => {
    for (let j = i + 1; j < groups.length; j += 1) {
      const b = groups[j];
      if (b !== undefined && rootOf(i) !== rootOf(j) && isSame(a, b)) root[Math.max(rootOf(i), rootOf(j))] = Math.min(rootOf(i), rootOf(j));
    }
  });
  const members = Map.groupBy(found, (_, index) => rootOf(index));
  return [...members.values()].map(mergeGroup).toSorted(byWeight);
}

type Worded = { words: ReadonlySet<string>; finding: Finding };

function isSame(a: Worded, b: Worded): boolean {
  const [one, other] = [a.finding, b.finding];
  if (one.file !== other.file) return false;
  if (one.line === null || other.line === null ? one.line !== other.line : Math.abs(one.line - other.line) > LINES_APART) return false;
  const sameLine = quoted(one.evidence) === quoted(other.evidence);
  if (one.rule !== null && one.rule === other.rule) return sameLine || one.line === other.line;
  const likeness = dice(a.words, b.words);
  return likeness >= SIMILAR || (sameLine && one.dimension === other.dimension && likeness >= SIMILAR_ON_SAME_LINE);
}

const quoted = (text: string): string => text.replaceAll(/\s+/g, '');

const STOP = new Set(
  'the a an is are be of to in on for and or not no it its this that with as at by from can will may into than then so do does'.split(' '),
);
/** Words are compared by their beginnings, so that forms of one word are one. */
const STEM = 5;

function wordsOf(text: string): Set<string> {
  const words = text.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [];
  return new Set(words.filter((word) => !STOP.has(word)).map((word) => word.slice(0, STEM)));
}

function dice(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  if (a.size + b.size === 0) return 1;
  return (2 * [...a].filter((word) => b.has(word)).length) / (a.size + b.size);
}

/** The weightiest speaks for all; who else said it makes it surer. */
function mergeGroup(group: readonly Voiced[]): Merged {
  const sorted = group.toSorted(byWeight);
  const [head] = sorted;
  invariant(head !== undefined, 'a group has a member');
  const votes = new Map<string, number>();
  for (const { reviewer, confidence } of sorted.flatMap((each) => each.votes)) {
    votes.set(reviewer, Math.max(votes.get(reviewer) ?? 0, confidence));
  }
  const doubt = [...votes.values()].reduce((left, confidence) => left * (1 - confidence), 1);
  return {
    ...head,
    standard: sorted.map(({ standard }) => standard).find((standard) => standard !== null) ?? null,
    votes: [...votes].map(([reviewer, confidence]) => ({ reviewer, confidence })).toSorted((a, b) => (a.reviewer < b.reviewer ? -1 : 1)),
    confidence: Math.min(MOST, Math.round((1 - doubt) * 100) / 100),
    marks: marksOf(sorted.flatMap(({ marks, dimension, severity, rule }) => marks ?? [{ dimension, severity, rule }])),
  };
}

function marksOf(marks: readonly Mark[]): Mark[] {
  const worst = (dimension: Dimension): Mark[] =>
    marks
      .filter((mark) => mark.dimension === dimension)
      .toSorted((a, b) => rankOf(a.severity) - rankOf(b.severity) || ((a.rule ?? '') < (b.rule ?? '') ? 1 : -1))
      .slice(0, 1);
  return Dimension.options.flatMap(worst);
}

const rankOf = (severity: Severity): number => Severity.options.indexOf(severity);

/** A total order: severity, then place, then the text itself. */
function byWeight(a: Finding, b: Finding): number {
  const severity = rankOf(a.severity) - rankOf(b.severity);
  if (severity !== 0) return severity;
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  if (a.line !== b.line) return (a.line ?? 0) - (b.line ?? 0);
  const [one, other] = [textOf(a), textOf(b)];
  return one === other ? 0 : one < other ? -1 : 1;
}

function textOf({ severity, dimension, rule, file, line, evidence, problem, fix, standard }: Finding): string {
  return canonicalJson([problem, fix, evidence, rule, dimension, standard, severity, file, line]);
}
