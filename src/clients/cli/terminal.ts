/**
 * What commands print: tables, times, colours on a terminal and none in a pipe. No command writes to the terminal by itself.
 */
import { stripVTControlCharacters, styleText } from 'node:util';
import { RUN_STATUSES } from '../../kernel/run-status.ts';
import type { RunStatus } from '../../kernel/run-status.ts';

export type Terminal = {
  readonly json: boolean;
  /** Whether somebody is looking: colours and redrawn lines only then. */
  readonly live: boolean;
  readonly columns: number;
  out(line: string): void;
  err(line: string): void;
  /** One JSON value, the whole answer of a command under `--json`. */
  value(value: unknown): void;
  style(style: Style, text: string): string;
};
export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

export function createTerminal(options: {
  json: boolean;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
  env: Readonly<Record<string, string | undefined>>;
}): Terminal {
  const live = options.stdout.isTTY && !options.json;
  const colours = live && options.env['NO_COLOR'] === undefined && options.env['TERM'] !== 'dumb';
  return {
    json: options.json,
    live,
    columns: options.stdout.columns ?? 100,
    out: (line) => void options.stdout.write(`${line}\n`),
    err: (line) => void options.stderr.write(`${line}\n`),
    value: (value) => void options.stdout.write(`${JSON.stringify(value, null, live ? 2 : undefined)}\n`),
    style: (style, text) => (colours ? styleText(style, text, { validateStream: false }) : text),
  };
}

/** Columns as wide as their widest cell; numbers to the right; the last column takes what is left. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], options: { columns: number }): string[] {
  const widths = head.map((title, i) => Math.max(visible(title), ...rows.map((row) => visible(row[i] ?? ''))));
  const fixed = widths.slice(0, -1).reduce((sum, width) => sum + width + 2, 0);
  const lastWidth = Math.max(20, options.columns - fixed);
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => {
        if (i === cells.length - 1) return visible(cell) > lastWidth ? `${cell.slice(0, lastWidth - 1)}…` : cell;
        const pad = ' '.repeat(Math.max(0, (widths[i] ?? 0) - visible(cell)));
        return /^[\d.,$ ]+(?:ms|s|m|h|%)?$/.test(cell) ? pad + cell : cell + pad;
      })
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)];
}

/** Length without colour codes. */
function visible(text: string): number {
  return stripVTControlCharacters(text).length;
}

export function statusStyle(status: RunStatus): Style {
  if (status === 'succeeded') return 'green';
  if (RUN_STATUSES[status].countsAsFailure) return 'red';
  return RUN_STATUSES[status].final ? 'dim' : status === 'running' ? 'cyan' : 'yellow';
}

/** `3 s ago`, `2 h ago`; for times ahead `in 5 min`. */
export function relativeTime(atMs: number, nowMs: number): string {
  const seconds = Math.round(Math.abs(nowMs - atMs) / 1000);
  const text =
    seconds < 60
      ? `${seconds} s`
      : seconds < 3600
        ? `${Math.round(seconds / 60)} min`
        : seconds < 172_800
          ? `${Math.round(seconds / 3600)} h`
          : `${Math.round(seconds / 86_400)} d`;
  return atMs > nowMs ? `in ${text}` : `${text} ago`;
}

export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/** Money in dollars; what is not known is said. */
export function money(cost: { microUsd: number; known: boolean }): string {
  const dollars = `$${(cost.microUsd / 1_000_000).toFixed(cost.microUsd > 0 && cost.microUsd < 10_000 ? 4 : 2)}`;
  return cost.known ? dollars : cost.microUsd > 0 ? `at least ${dollars}` : 'unknown';
}
