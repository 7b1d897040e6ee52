/**
 * A block of ours between two marks at the end of somebody's text file: TOML, Markdown. The opening mark carries a digest of the block,
 * so that an edit by hand is noticed wherever the file goes. Putting in and taking out is the text as it was. Pure.
 */
import { createHash } from 'node:crypto';
import { AppError } from '../../kernel/errors.ts';

/** `open` ends in the digest and `tail`; lines of the file that are neither mark are left alone. */
export type BlockMarks = { open: string; tail: string; close: string };

export const TOML_MARKS: BlockMarks = {
  open: '# >>> windlass ',
  tail: ' (written by `windlass launch`, taken out by `windlass launch --remove`)',
  close: '# <<< windlass',
};
export const MARKDOWN_MARKS: BlockMarks = {
  open: '<!-- windlass:begin ',
  tail: ' Rendered by `windlass render`: change .windlass/instructions.md instead. -->',
  close: '<!-- windlass:end -->',
};

/** `kept`: the block was changed by hand and stays as it is. */
export type BlockResult = { text: string; kept: boolean };

const DIGEST_CHARS = 12;

/** @throws AppError `invalid_input` when the marks in the text are broken. */
export function installBlock(text: string, body: string, marks: BlockMarks): BlockResult {
  const found = findBlock(text, marks);
  if (found?.edited === true) return { text, kept: true };
  const eol = eolOf(text);
  const block = [marks.open + digestOf(body) + marks.tail, ...body.split('\n'), marks.close].join(eol);
  if (found !== null) return { text: text.slice(0, found.start) + block + text.slice(found.end), kept: false };
  if (text === '') return { text: block + eol, kept: false };
  // whether the file ended in a line break is kept in whether ours does
  return { text: text.endsWith('\n') ? text + eol + block + eol : text + eol + eol + block, kept: false };
}

/** @throws AppError `invalid_input` when the marks in the text are broken. */
export function removeBlock(text: string, marks: BlockMarks): BlockResult {
  const found = findBlock(text, marks);
  if (found === null) return { text, kept: false };
  if (found.edited) return { text, kept: true };
  const [before, after] = [text.slice(0, found.start), text.slice(found.end)];
  const eol = eolOf(text);
  if (after === '') return { text: cutEnd(cutEnd(before, eol), eol), kept: false };
  return { text: cutEnd(before, eol) + after.slice(eol.length), kept: false };
}

/** Whether a block of ours is there, changed by hand or not. @throws AppError `invalid_input` */
export function hasBlock(text: string, marks: BlockMarks): boolean {
  return findBlock(text, marks) !== null;
}

type Found = { start: number; end: number; edited: boolean };

function findBlock(text: string, marks: BlockMarks): Found | null {
  const start = lineStarts(text, marks.open);
  const close = lineStarts(text, marks.close);
  if (start.length === 0 && close.length === 0) return null;
  const [from, to] = [start[0], close[0]];
  if (start.length !== 1 || close.length !== 1 || from === undefined || to === undefined || to < from) {
    throw new AppError(
      'invalid_input',
      `the marks of our block ("${marks.open.trim()}" and "${marks.close}") do not stand there once each, in this order`,
    );
  }
  const lines = text.slice(from, to).split(/\r?\n/);
  const digest = lines[0]?.slice(marks.open.length, marks.open.length + DIGEST_CHARS);
  return { start: from, end: to + marks.close.length, edited: digest !== digestOf(lines.slice(1, -1).join('\n')) };
}

function lineStarts(text: string, mark: string): number[] {
  const starts: number[] = [];
  for (let at = text.indexOf(mark); at !== -1; at = text.indexOf(mark, at + 1)) if (at === 0 || text[at - 1] === '\n') starts.push(at);
  return starts;
}

function digestOf(body: string): string {
  return createHash('sha256').update(body).digest('hex').slice(0, DIGEST_CHARS);
}

function eolOf(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}

function cutEnd(text: string, end: string): string {
  return text.endsWith(end) ? text.slice(0, -end.length) : text;
}
