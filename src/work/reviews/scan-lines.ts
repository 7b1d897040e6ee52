/** What stands around a line, as far as its look and its indentation tell: whether it is a comment, and which lines belong to it. Pure; no parser. */
import type { SourceFile, SourceLine } from './diff.ts';

const HASH_COMMENTS = /\.(py|rb|sh|ya?ml|toml)$/;
const SLASH_COMMENTS = /\.(m?[jt]sx?|c[jt]s|go|rs|java|kt|cs|php|swift|scala|c|cc|cpp|h|css|scss|less|vue|svelte)$/;
const DOC = /^[rRuU]?("""|''')/;

/** Lines of the file as it is after the change that are nothing but comment or documentation. */
export function commentsOf(file: SourceFile): ReadonlySet<SourceLine> {
  const hash = HASH_COMMENTS.test(file.path);
  if (!hash && !SLASH_COMMENTS.test(file.path)) return new Set();
  const comments = new Set<SourceLine>();
  let end: string | null = null;
  let last = 0;
  for (const each of file.lines) {
    if (each.line === null) continue;
    // what is not shown may have ended it
    if (each.line !== last + 1) end = null;
    last = each.line;
    const text = each.text.trim();
    if (end !== null) {
      comments.add(each);
      if (text.includes(end)) end = null;
      continue;
    }
    const opens = hash ? DOC.exec(text)?.[1] : text.startsWith('/*') ? '*/' : undefined;
    if (opens !== undefined && !text.slice(opens.length).includes(opens)) end = opens;
    if (opens !== undefined || (hash ? text.startsWith('#') : /^(?:\/\/|\*(?:\s|\/|$)|<!--)/.test(text))) comments.add(each);
  }
  return comments;
}

/** What is indented deeper than the line and follows it; `whole` is false when the change shows no end of it. */
export function bodyOf(file: SourceFile, head: SourceLine): { lines: string[]; whole: boolean } {
  const depth = indentOf(head.text);
  const lines: string[] = [];
  let last = head.line ?? 0;
  for (const { line, text } of file.lines.slice(file.lines.indexOf(head) + 1)) {
    if (line === null) continue;
    if (line !== last + 1) return { lines, whole: false };
    last = line;
    if (text.trim() === '') continue;
    if (indentOf(text) <= depth) return { lines, whole: true };
    lines.push(text.trim());
  }
  return { lines, whole: file.change === 'whole' || file.change === 'added' };
}

function indentOf(text: string): number {
  return text.length - text.trimStart().length;
}

/** Without what stands in plain quotation marks; templates and f-strings stay, since values go into them. */
export function withoutQuotes(text: string): string {
  return text.replaceAll(/(?<![\w`])"(?:[^"\\]|\\.)*"|(?<![\w`])'(?:[^'\\]|\\.)*'/g, '""');
}
