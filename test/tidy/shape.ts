/**
 * The shape of files: size, names, head comments, no barrels, no bare errors, no silenced lint. Function length is lint's.
 */
import { basename } from 'node:path';
import { type Finding, type Rule, type Source, findingsOf, lineAt, scan } from './source.ts';

export const MAX_LINES = 400;
export const TARGET_LINES = 200;
/** Share of files in src that may be longer than the target. */
export const MAX_SHARE_OVER_TARGET = 0.2;
/** Documents that a newcomer reads whole. */
const DOCUMENT_LINES: Readonly<Record<string, number>> = { 'README.md': 150, 'AGENTS.md': 120 };

const isTypeScript = (path: string): boolean => /^(?:src|test|bench|web|bin)\/.*\.(?:ts|tsx|mjs)$/.test(path);
const isSource = (path: string): boolean => /^src\/.*\.ts$/.test(path);
const linesOf = (source: Source): number => source.text.replace(/\n$/, '').split('\n').length;
const whole = (rule: string, source: Source, message: string): Finding => ({ rule, path: source.path, line: 1, message });

export const sizeRule: Rule = {
  name: 'file-size',
  applies: (path) => isTypeScript(path) || path in DOCUMENT_LINES,
  check(source) {
    const max = DOCUMENT_LINES[source.path] ?? MAX_LINES;
    return linesOf(source) > max ? [whole('file-size', source, `${linesOf(source)} lines, ${max} at most`)] : [];
  },
};

/** How many files in src exceed the target, as a fault of the whole tree, or null. */
export function shareOverTarget(sources: readonly Source[]): string | null {
  const files = sources.filter((source) => isSource(source.path));
  const over = files.filter((source) => linesOf(source) > TARGET_LINES);
  if (over.length <= Math.max(1, files.length * MAX_SHARE_OVER_TARGET)) return null;
  return `${over.length} of ${files.length} files in src are over ${TARGET_LINES} lines: ${over.map((source) => source.path).join(', ')}`;
}

const KEBAB = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+)*$/;
const MIGRATION = /^\d{4}_[a-z0-9]+(?:_[a-z0-9]+)+\.sql$/;
const PATH_WORDS = /^(?:utils?|helpers?|common|managers?|misc)$/;
const DECLARED = /\b(?:function|const|let|class|type|interface)\s+(\w*?(?:Utils?|Helpers?|Managers?|Common)|(?:utils?|helpers?|managers?|common))\b/g;
/** Nicknames: the field's own words are used instead. */
const THEME = /\b(?:captain|bosun|capstan|harbou?r|sailor|voyage|galley|mooring|shipyard|crew)/gi;

export const nameRule: Rule = {
  name: 'names',
  applies: (path) => /^(?:src|test|bench|web|bin)\//.test(path),
  check(source) {
    const parts = source.path.split('/').slice(1);
    const file = basename(source.path);
    const findings: Finding[] = [];
    const kebab = source.path.startsWith('src/storage/migrations/') ? MIGRATION.test(file) : KEBAB.test(file) || file === 'README.md';
    if (!kebab || !parts.slice(0, -1).every((part) => KEBAB.test(part))) {
      findings.push(whole('names', source, 'files and folders are kebab-case, migrations NNNN_verb_noun.sql'));
    }
    if (parts.some((part) => PATH_WORDS.test(part.split('.')[0] ?? ''))) {
      findings.push(whole('names', source, 'no utils, helpers, common or manager: name what it is'));
    }
    if (THEME.test(source.path)) findings.push(whole('names', source, 'no theme words'));
    if (!isTypeScript(source.path)) return findings;
    const { code } = scan(source.text);
    const message = (match: string): string => `${match}: name what it is or does`;
    return [
      ...findings,
      ...findingsOf('names', source, { in: code, pattern: DECLARED, message }),
      ...findingsOf('names', source, { in: code, pattern: THEME, message }),
    ];
  },
};

export const headRule: Rule = {
  name: 'head-comment',
  applies: isSource,
  check: (source) =>
    /^(?:#![^\n]*\n)?\/\*\*?[^]/.test(source.text) ? [] : [whole('head-comment', source, 'starts with a comment: what it is and what it is not')],
};

const RE_EXPORT = /\bexport\s+(?:type\s+)?(?:\*(?:\s+as\s+\w+)?|\{[^}]*\})\s*from\b/g;

export const barrelRule: Rule = {
  name: 'barrel',
  applies: (path) => /^(?:src|test|bench|web)\/.*\.tsx?$/.test(path),
  check(source) {
    const findings = findingsOf('barrel', source, {
      in: scan(source.text).code,
      pattern: RE_EXPORT,
      message: () => 'no re-exports: import from where it is made',
    });
    return /^index\.tsx?$/.test(basename(source.path)) ? [...findings, whole('barrel', source, 'no index files')] : findings;
  },
};

export const errorRule: Rule = {
  name: 'bare-error',
  applies: (path) => isSource(path) && path !== 'src/kernel/errors.ts',
  check: (source) =>
    findingsOf('bare-error', source, {
      in: scan(source.text).code,
      pattern: /\bnew\s+(?:Type|Range|Syntax)?Error\s*\(/g,
      message: () => 'throw an AppError with a code and the next step',
    }),
};

export const silencedRule: Rule = {
  name: 'silenced-lint',
  applies: isTypeScript,
  check(source) {
    const { code, uncommented } = scan(source.text);
    return [...source.text.matchAll(/(?:oxlint|eslint)-disable|@ts-(?:ignore|expect-error|nocheck)|oxfmt-ignore/g)]
      .filter((match) => code.charAt(match.index) === ' ' && uncommented.charAt(match.index) === ' ')
      .map((match) => ({
        rule: 'silenced-lint',
        path: source.path,
        line: lineAt(source.text, match.index),
        message: `${match[0]}: mend it, or list it as an exception`,
      }));
  },
};
