/** Tables and lists of fields as lines. Pure; knows no command. */
import type { Count } from '../../kernel/page.ts';
import { renderCount } from '../../kernel/page.ts';
import type { Line, Segment } from './terminal.ts';
import { cut, plain, width } from './terminal.ts';

/** A column is never made narrower than this. */
const NARROWEST = 8;
const GAP = '  ';

/** Columns as wide as their widest cell, figures to the right; the last gives way first, so that all fit `columns`. */
export function table(head: readonly string[], rows: readonly (readonly Line[])[], columns: number): Line[] {
  const widths = fit(
    head.map((title, i) => Math.max(width(title), ...rows.map((row) => width(cut(row[i] ?? '', Number.POSITIVE_INFINITY))))),
    columns - GAP.length * (head.length - 1),
  );
  const line = (cells: readonly Line[], style: 'bold' | null): Line => {
    const parts = widths.flatMap((columnWidth, i): Segment[] => {
      const cell = cut(cells[i] ?? '', columnWidth);
      const pad = ' '.repeat(Math.max(0, columnWidth - width(cell)));
      const text: readonly Segment[] = style !== null ? [[style, plain(cell)]] : typeof cell === 'string' ? [cell] : cell;
      const last = i === widths.length - 1;
      const right = isFigures(rows, i);
      return [...(i === 0 ? [] : [GAP]), ...(right ? [pad, ...text] : last ? text : [...text, pad])];
    });
    return trimEnd(parts);
  };
  return [line(head, 'bold'), ...rows.map((row) => line(row, null))];
}

function isFigures(rows: readonly (readonly Line[])[], column: number): boolean {
  return rows.length > 0 && rows.every((row) => /^$|^-$|^[$\d][\d.,]*%?$/.test(plain(row[column] ?? '')));
}

/** The last column, words mostly, gives way first; then the widest of the others. */
function fit(wanted: readonly number[], space: number): number[] {
  const widths = [...wanted];
  const last = widths.length - 1;
  const giveWay = (column: number, by: number): void => {
    widths[column] = Math.max(Math.min(NARROWEST, widths[column] ?? 0), (widths[column] ?? 0) - by);
  };
  giveWay(last, Math.max(0, total(widths) - space));
  for (let sum = total(widths); sum > space; sum -= 1) {
    const widest = widths.indexOf(Math.max(...widths));
    if ((widths[widest] ?? 0) <= NARROWEST) break;
    giveWay(widest, 1);
  }
  return widths;
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0);
}

function trimEnd(parts: readonly Segment[]): Line {
  const kept = [...parts];
  while (kept.length > 0 && plain(kept.slice(-1)).trim() === '') kept.pop();
  const last = kept.at(-1);
  if (typeof last === 'string') kept[kept.length - 1] = last.trimEnd();
  return kept;
}

/** `name  value`, names lined up; what is null is left out. */
export function fields(pairs: readonly (readonly [string, Line | null])[]): Line[] {
  const shown = pairs.filter((pair): pair is readonly [string, Line] => pair[1] !== null && plain(pair[1]) !== '');
  const names = Math.max(0, ...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => {
    const indent = `\n${' '.repeat(names + GAP.length)}`;
    const text: readonly Segment[] = typeof value === 'string' ? [value.replaceAll('\n', indent)] : value;
    return [['dim', name.padEnd(names)], GAP, ...text];
  });
}

/** The table of a page with what it leaves out and how to see more; `nothing` when it is empty. */
export function pageLines(
  page: { shown: number; total: Count; next: string | null },
  options: { table: () => Line[]; nothing: string; more: string },
): Line[] {
  if (page.shown === 0) return [options.nothing];
  if (page.next === null && page.total.kind === 'exact' && page.total.value <= page.shown) return options.table();
  const more = page.next === null ? '' : ` Next page: ${options.more} --cursor ${page.next}`;
  return [...options.table(), '', [['dim', `${page.shown} of ${renderCount(page.total)} shown.${more}`]]];
}
