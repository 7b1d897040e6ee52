/**
 * A source file as the tidy rules see it: its text, the same text with comments and strings blanked, and its string literals.
 * Not a parser: a scanner that knows comments, strings, templates and regular expressions, which is all that the rules need.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

export type Source = { readonly path: string; readonly text: string };

/** `code` and `uncommented` have the text's own length and line breaks, so that an offset means the same place in all three. */
export type Scanned = {
  readonly code: string;
  readonly uncommented: string;
  readonly strings: readonly { readonly text: string; readonly at: number }[];
};

export type Finding = { readonly rule: string; readonly path: string; readonly line: number; readonly message: string };

/** A rule looks at one file at a time; `applies` says at which. */
export type Rule = { readonly name: string; applies(path: string): boolean; check(source: Source): Finding[] };

/** Every file that is, or would be, committed. */
export function listSources(root: string): Source[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' });
  const paths = listed.split('\0').filter((path) => path !== '' && statSync(join(root, path), { throwIfNoEntry: false })?.isFile() === true);
  return paths.toSorted().map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

export function lineAt(text: string, at: number): number {
  return text.slice(0, at).split('\n').length;
}

/** One finding for each match of a pattern with the `g` flag. */
export function findingsOf(rule: string, source: Source, found: { in: string; pattern: RegExp; message: (match: string) => string }): Finding[] {
  return [...found.in.matchAll(found.pattern)].map((match) => ({
    rule,
    path: source.path,
    line: lineAt(source.text, match.index),
    message: found.message(match[0].trim()),
  }));
}

const REGEX_MAY_FOLLOW = /(?:^|[=(,:;!&|?{}[+\-*%<>~^]|\breturn|\btypeof|\bcase|\bin|\bof|=>)\s*$/;

/** Order matters: what starts at one place is tried from the top. */
const TOKENS = {
  comment: /\/\/[^\n]*|\/\*[\s\S]*?\*\//y,
  quoted: /'(?:\\[\s\S]|[^'\\\n])*'|"(?:\\[\s\S]|[^"\\\n])*"/y,
  regex: /\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y,
} as const;

const blank = (text: string): string => text.replace(/[^\n]/g, ' ');

/** Text of a template from `at` to its next `${` or closing backtick. */
const TEMPLATE_CHUNK = /(?:\\[\s\S]|\$(?!\{)|[^`\\$])*/y;

export function scan(text: string): Scanned {
  const strings: { text: string; at: number }[] = [];
  let code = '';
  let uncommented = '';
  let at = 0;
  /** For every open template, how many braces are open inside its `${`. */
  const templates: number[] = [];

  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  const take = (token: string, kind: 'code' | 'string' | 'comment'): void => {
    code += kind === 'code' ? token : blank(token);
    uncommented += kind === 'comment' ? blank(token) : token;
    at += token.length;
  };
  const takeTemplate = (): void => {
    const chunk = match(TEMPLATE_CHUNK) ?? '';
    strings.push({ text: chunk, at });
    take(chunk, 'string');
    const opens = text.startsWith('${', at);
    take(opens ? '${' : text.slice(at, at + 1), 'code');
    if (opens) templates.push(0);
  };

  while (at < text.length) {
    const char = text.charAt(at);
    const depth = templates.at(-1);
    const comment = char === '/' ? match(TOKENS.comment) : undefined;
    const quoted = char === "'" || char === '"' ? match(TOKENS.quoted) : undefined;
    const regex = char === '/' && REGEX_MAY_FOLLOW.test(code.slice(-40)) ? match(TOKENS.regex) : undefined;
    if (comment !== undefined) take(comment, 'comment');
    else if (quoted !== undefined) {
      strings.push({ text: quoted.slice(1, -1), at: at + 1 });
      take(quoted, 'string');
    } else if (regex !== undefined) take(regex, 'string');
    else if (char === '`') {
      take(char, 'code');
      takeTemplate();
    } else if (char === '}' && depth === 0) {
      templates.pop();
      take(char, 'code');
      takeTemplate();
    } else {
      if (depth !== undefined && (char === '{' || char === '}')) templates.push((templates.pop() ?? 0) + (char === '{' ? 1 : -1));
      take(char, 'code');
    }
  }
  return { code, uncommented, strings };
}
