/** What differs between definitions, and what a plan would change, as lines with + - ~. Pure. */
import { diff } from 'node:util';
import type { z } from 'zod';
import type { ChangeView, DifferenceView, PlanView } from '../../work/agents/contract.ts';
import type { Line, Style } from './terminal.ts';

type Difference = z.output<typeof DifferenceView>;
type Change = z.output<typeof ChangeView>;
type Value = NonNullable<Difference['before']>;

/** Unchanged lines shown around a change of a long text. */
const CONTEXT_LINES = 1;
/** Comparing by lines costs their product; longer texts are shown by their length alone. */
const COMPARED_LINES_MAX = 2_000;

/** One line for each field; a text of several lines by the lines that differ. */
export function differenceLines(differences: readonly Difference[], indent: string): Line[] {
  return differences.flatMap(({ path, before, after }): Line[] => {
    if (typeof before === 'string' && typeof after === 'string' && (before.includes('\n') || after.includes('\n'))) {
      return [[indent, ['yellow', `~ ${path}:`]], ...textLines(before, after, `${indent}    `)];
    }
    if (before === undefined) return signed('+', 'green', { path, text: shown(after), indent });
    if (after === undefined) return signed('-', 'red', { path, text: shown(before), indent });
    return [[indent, ['yellow', `~ ${path}: `], ['red', shown(before)], ' → ', ['green', shown(after)]]];
  });
}

function signed(sign: '+' | '-', style: Style, { path, text, indent }: { path: string; text: string; indent: string }): Line[] {
  const [first = '', ...rest] = text.split('\n');
  if (rest.length === 0) return [[indent, [style, `${sign} ${path}: ${first}`]]];
  return [[indent, [style, `${sign} ${path}:`]], ...[first, ...rest].map((line): Line => [indent, '    ', [style, `${sign} ${line}`]])];
}

function shown(value: Value | null | undefined): string {
  return typeof value === 'string' && value.includes('\n') ? value.trimEnd() : JSON.stringify(value ?? null);
}

function textLines(before: string, after: string, indent: string): Line[] {
  const [old, now] = [before.trimEnd().split('\n'), after.trimEnd().split('\n')];
  if (old.length + now.length > COMPARED_LINES_MAX) return [[indent, `${old.length} lines → ${now.length} lines`]];
  if (before.trimEnd() === after.trimEnd()) return [[['dim', `${indent}only blanks at the end`]]];
  // 1 is a line that only the first has; given in this order, removed lines come before what replaces them.
  const steps = diff(old, now);
  const near = (at: number): boolean => steps.slice(Math.max(0, at - CONTEXT_LINES), at + CONTEXT_LINES + 1).some(([how]) => how !== 0);
  const lines: Line[] = [];
  let skipped = false;
  for (const [at, [how, text]] of steps.entries()) {
    if (!near(at)) {
      skipped = true;
      continue;
    }
    if (skipped) lines.push([['dim', `${indent}…`]]);
    skipped = false;
    lines.push(how === 0 ? [['dim', `${indent}  ${text}`]] : [indent, how === 1 ? ['red', `- ${text}`] : ['green', `+ ${text}`]]);
  }
  return skipped ? [...lines, [['dim', `${indent}…`]]] : lines;
}

const SIGNS: Record<Change['action'], readonly [sign: string, style: Style, words: string]> = {
  create: ['+', 'green', 'is created'],
  update: ['~', 'yellow', 'is updated'],
  archive: ['-', 'red', 'is archived: no file describes it'],
  unchanged: ['=', 'dim', 'is as its file has it'],
  absent: ['=', 'dim', 'is in no file and left alone'],
};

/** Agents that change with their fields and what was changed in the store since the last apply; the rest is counted. */
export function planLines(plan: PlanView): Line[] {
  const changing = plan.changes.filter((change) => isChange(change) || change.drift.length > 0);
  return [...changing.flatMap(changeLines), ...(changing.length === 0 ? [] : ['']), plan.message];
}

export function isChange(change: Pick<Change, 'action'>): boolean {
  return change.action === 'create' || change.action === 'update' || change.action === 'archive';
}

function changeLines(change: Change): Line[] {
  const [sign, style, words] = SIGNS[change.action];
  const drift: Line[] =
    change.drift.length === 0
      ? []
      : [[['yellow', '    changed in the store since the last apply, which this overwrites:']], ...differenceLines(change.drift, '      ')];
  return [
    [[style, `${sign} ${change.name}`], ` ${words}`, ['dim', change.path === null ? '' : `  ${change.path}`]],
    ...differenceLines(change.differences, '    '),
    ...drift,
  ];
}
