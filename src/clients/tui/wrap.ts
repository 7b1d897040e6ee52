/** Lines cut into rows, with nothing lost: what an answer binds to has to be seen whole. Pure. */
import type { Line, Segment } from '../cli/terminal.ts';
import { cut, printable, segments, width } from '../cli/terminal.ts';

/** Rows of at most so many columns, by words where there are any; continued rows begin with `indent` blanks. */
export function wrapLine(line: Line, columns: number, indent = 0): Line[] {
  const space = Math.max(1, columns);
  const margin = indent < space / 2 ? ' '.repeat(indent) : '';
  const rows: Segment[][] = [[]];
  let left = space;
  const breakRow = (): void => {
    rows.push(margin === '' ? [] : [margin]);
    left = space - margin.length;
  };
  /** A line break of the text's own brings its own blanks. */
  const newRow = (): void => {
    rows.push([]);
    left = space;
  };
  const put = (text: string, style: Exclude<Segment, string>[0] | null): void => {
    // the blank after a word that just fits is the break itself
    const kept = width(text) > left ? text.trimEnd() : text;
    if (kept !== '') rows.at(-1)?.push(style === null ? kept : [style, kept]);
    left -= width(kept);
  };
  for (const segment of segments(line)) {
    const [style, text] = typeof segment === 'string' ? [null, segment] : segment;
    for (const [index, paragraph] of printable(text).split('\n').entries()) {
      if (index > 0) newRow();
      for (const word of paragraph.match(/\S+\s?|\s+/gu) ?? []) {
        if (needed(word) > left && needed(word) <= space - margin.length) breakRow();
        for (const piece of pieces(word, () => left, breakRow)) put(piece, style);
      }
    }
  }
  return rows;
}

/** Columns of a word; the blank after it may fall away. */
function needed(word: string): number {
  const bare = word.trimEnd();
  return width(bare === '' ? word : bare);
}

/** A word that fits no row is cut where it must be. */
function* pieces(word: string, left: () => number, breakRow: () => void): Iterable<string> {
  if (needed(word) <= left()) {
    yield word;
    return;
  }
  let piece = '';
  for (const char of word) {
    if (piece !== '' && width(piece) + width(char) > left()) {
      yield piece;
      piece = '';
      breakRow();
    }
    piece += char;
  }
  yield piece;
}

/** Exactly so many columns: cut, or filled with blanks. */
export function fitted(line: Line, columns: number): readonly Segment[] {
  const kept = cut(line, columns);
  return [...segments(kept), ' '.repeat(Math.max(0, columns - width(kept)))];
}

/** Exactly so many rows. */
export function filled(lines: readonly Line[], rows: number): Line[] {
  return [...lines.slice(0, rows), ...Array.from({ length: Math.max(0, rows - lines.length) }, (): Line => '')];
}
