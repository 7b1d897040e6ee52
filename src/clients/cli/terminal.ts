/**
 * The one place that writes: lines with styles, one JSON value, and lines that are redrawn in place while something goes on.
 * Whatever comes from outside is made printable here, so that no answer or tool result can drive the terminal.
 */
import { styleText } from 'node:util';

export type Style = 'bold' | 'dim' | 'inverse' | 'red' | 'green' | 'yellow' | 'cyan';
export type Segment = string | readonly [Style, string];
/** Text with styles; styles are only seen on a terminal. */
export type Line = string | readonly Segment[];

/** What is written to: a stream, or a test's list. */
export type Sink = { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };

export type Terminal = {
  readonly json: boolean;
  /** Whether somebody is looking at standard output: only then colours, short ids and redrawn lines. */
  readonly live: boolean;
  /** Without limit in a pipe. */
  readonly columns: number;
  out(line: Line): void;
  err(line: Line): void;
  /** One JSON value, the whole answer of a command under `--json`. */
  value(value: unknown): void;
  /** One JSON object on standard error, under `--json`. */
  notice(value: unknown): void;
  /** Lines below everything else, in place of those of the call before; none takes them away. Nothing in a pipe. */
  redraw(lines: readonly Line[]): void;
};

/** Redrawn at most: more would not fit a small terminal, where going up would miss the place. */
const REDRAWN_MAX = 10;
const ESCAPE = '\u001b[';

export function createTerminal(options: { json: boolean; stdout: Sink; stderr: Sink; env: Readonly<Record<string, string | undefined>> }): Terminal {
  const { stdout, stderr, env } = options;
  const dumb = env['TERM'] === 'dumb';
  const live = stdout.isTTY === true && !options.json && !dumb;
  const colours = (sink: Sink): boolean => sink.isTTY === true && !dumb && (env['NO_COLOR'] ?? '') === '';
  const columns = stdout.isTTY === true ? (stdout.columns ?? 80) : Number.POSITIVE_INFINITY;
  let drawn = 0;
  const clear = (): string => {
    const text = drawn === 0 ? '' : `${ESCAPE}${drawn}A${ESCAPE}0J`;
    drawn = 0;
    return text;
  };
  const write = (sink: Sink, line: Line): void => {
    if (drawn > 0) stdout.write(clear());
    sink.write(`${paint(line, colours(sink))}\n`);
  };
  return {
    json: options.json,
    live,
    columns,
    out: (line) => write(stdout, line),
    err: (line) => write(stderr, line),
    value: (value) => void stdout.write(`${jsonText(value, stdout.isTTY === true)}\n`),
    notice: (value) => void stderr.write(`${jsonText(value, false)}\n`),
    redraw(lines) {
      if (!live) return;
      const kept = lines.slice(-REDRAWN_MAX);
      const text = kept.map((line) => `${paint(cut(line, columns - 1), colours(stdout))}\n`).join('');
      stdout.write(clear() + text);
      drawn = kept.length;
    },
  };
}

/** As it is written: styles only with colours, whatever comes from outside made printable. */
export function paint(line: Line, colours: boolean): string {
  return segments(line)
    .map((segment) => {
      if (typeof segment === 'string') return printable(segment);
      const [style, text] = segment;
      return colours ? styleText(style, printable(text), { validateStream: false }) : printable(text);
    })
    .join('');
}

export function segments(line: Line): readonly Segment[] {
  return typeof line === 'string' ? [line] : line;
}

/** DEL and the controls above it stay as they are in JSON, and some terminals obey them. */
function jsonText(value: unknown, indent: boolean): string {
  return JSON.stringify(value, null, indent ? 2 : undefined).replaceAll(/[\p{Cc}\p{Bidi_Control}]/gu, (char) =>
    char === '\n' ? char : escaped(char),
  );
}

/** Controls and the marks that turn the direction of text, made visible; line breaks stay, tabs become blanks. */
export function printable(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replaceAll('\t', '    ')
    .replaceAll(/[\p{Cc}\p{Bidi_Control}]/gu, (char) => (char === '\n' ? char : escaped(char)));
}

function escaped(char: string): string {
  return `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
}

const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
const NO_WIDTH = /[\p{Mn}\p{Me}\p{Cf}]/u;

/** Columns that text takes on a terminal. */
export function width(line: Line): number {
  let sum = 0;
  for (const char of printable(plain(line))) sum += NO_WIDTH.test(char) ? 0 : WIDE.test(char) ? 2 : 1;
  return sum;
}

/** Without styles. */
export function plain(line: Line): string {
  return segments(line)
    .map((segment) => (typeof segment === 'string' ? segment : segment[1]))
    .join('');
}

/** At most so many columns, ending in … when something was cut; on one line. */
export function cut(line: Line, columns: number): Line {
  if (width(line) <= columns && !plain(line).includes('\n')) return line;
  const kept: Segment[] = [];
  let left = Math.max(1, columns) - 1;
  for (const segment of segments(line)) {
    const [style, text] = typeof segment === 'string' ? [null, segment] : segment;
    let part = '';
    for (const char of printable(text.replaceAll(/\s*\n\s*/g, ' '))) {
      const next = width(char);
      if (next > left) {
        part += '…';
        kept.push(style === null ? part : [style, part]);
        return kept;
      }
      part += char;
      left -= next;
    }
    kept.push(style === null ? part : [style, part]);
  }
  return kept;
}
