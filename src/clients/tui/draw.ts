/**
 * From one picture to the next: only lines that differ are written, inside one synchronized update, so that nothing flickers and little
 * goes over a slow connection. Pure.
 */
export type Picture = {
  /** As they are written, one a row; each takes its whole row or ends in `ERASE`. */
  readonly lines: readonly string[];
  /** Of the cursor, from 0. */
  readonly row: number;
  readonly column: number;
};

const CSI = '\u001b[';
const BEGIN = `${CSI}?2026h${CSI}?25l`;
const END = `${CSI}?25h${CSI}?2026l`;
const RESET = `${CSI}0m`;
/** The rest of a row. After a full row it would take the last character: the cursor still stands on it. */
export const ERASE = `${RESET}${CSI}K`;

/** Alternate screen, pastes marked as such, no line that wraps by itself. */
export const ENTER = `${CSI}?1049h${CSI}?2004h${CSI}?7l${CSI}2J`;
/** Everything as it was; does no harm twice. */
export const LEAVE = `${CSI}?2026l${RESET}${CSI}?7h${CSI}?2004l${CSI}?25h${CSI}?1049l`;

/** What to write; empty when nothing has changed. Without a picture before, the screen is cleared first. */
export function drawText(before: Picture | null, after: Picture): string {
  const changed = after.lines.map((line, row) => (before !== null && before.lines[row] === line ? '' : `${CSI}${row + 1};1H${line}`)).join('');
  const moved = before === null || before.row !== after.row || before.column !== after.column;
  if (changed === '' && !moved) return '';
  const clear = before === null ? `${CSI}2J` : '';
  return `${BEGIN}${clear}${changed}${CSI}${after.row + 1};${after.column + 1}H${END}`;
}
