/** How the screen is divided. Pure. */
import type { Size, State } from './state.ts';

/** Narrower or lower than this nothing useful fits. */
export const COLUMNS_MIN = 40;
export const ROWS_MIN = 8;
/** From here on errors and details stand beside the runs. */
const BESIDE_COLUMNS = 120;
/** From here on they stand below them; in less room Tab shows them in place of the runs. */
const BELOW_ROWS = 36;
const BELOW_SHARE = 0.4;
const BESIDE_SHARE = 0.38;
/** Title, what was said, counts, prompt. */
const FRAME_ROWS = 4;

export type Arrangement =
  | { readonly kind: 'beside'; readonly list: Size; readonly side: Size }
  | { readonly kind: 'below'; readonly list: Size; readonly side: Size }
  | { readonly kind: 'list'; readonly list: Size }
  | { readonly kind: 'side'; readonly side: Size };

export function bodyRows({ rows }: Size): number {
  return Math.max(0, rows - FRAME_ROWS);
}

export function arrangement({ size, side }: Pick<State, 'size' | 'side'>): Arrangement {
  const { columns } = size;
  const rows = bodyRows(size);
  if (columns >= BESIDE_COLUMNS && !side) {
    const right = Math.floor(columns * BESIDE_SHARE);
    return { kind: 'beside', list: { columns: columns - right - 3, rows }, side: { columns: right, rows } };
  }
  if (columns < BESIDE_COLUMNS && size.rows >= BELOW_ROWS && !side) {
    const below = Math.floor(rows * BELOW_SHARE);
    return { kind: 'below', list: { columns, rows: rows - below - 1 }, side: { columns, rows: below } };
  }
  return side ? { kind: 'side', side: { columns, rows } } : { kind: 'list', list: { columns, rows } };
}

/** Runs that fit, without the head of the table. */
export function listRows(state: Pick<State, 'size' | 'side'>): number {
  const arranged = arrangement(state);
  return arranged.kind === 'side' ? 1 : Math.max(1, arranged.list.rows - 1);
}

/** The first of `length` items to show so that the selected one is seen, in pages that stay where they are. */
export function firstShown(selected: number, rows: number, length: number): number {
  if (length <= rows) return 0;
  const half = Math.floor(rows / 2);
  return Math.min(length - rows, Math.max(0, selected - half));
}
