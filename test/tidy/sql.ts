/**
 * Where SQL may stand and where its time comes from: statements only in a domain's store, in migrations and in `src/storage`;
 * time only from `clock_now()`, which tests replace. Not a check of the SQL itself: the database and the catalogue test do that.
 */
import { type Finding, type Rule, type Source, findingsOf, lineAt, scan } from './source.ts';

/** Keywords in one case only, so that "Select a run from the list" stays prose. */
const STATEMENT =
  /^\s*(?:select\s[\s\S]*\sfrom\s|select\s+[\w.]+\(|insert\s+into\s|update\s+[\w."]+\s+(?:\w+\s+)?set\s|delete\s+from\s|with\s+\w+\s+(?:\([^)]*\)\s+)?as\s*(?:materialized\s*)?\(|(?:create|alter|drop)\s+(?:table|index|role|policy|function|schema|view)\s|set\s+local\s|listen\s+\w+$|notify\s+\w+)/;
const STATEMENT_UPPER = new RegExp(
  STATEMENT.source.replaceAll(/\b(?:select|from|insert|into|update|set|delete|with|as|create|alter|drop|table|local|listen|notify)\b/g, (word) =>
    word.toUpperCase(),
  ),
);
const FRAGMENT = /\b(?:where|and|values|returning|limit|order by)\b[\s\S]*\$\d/;

const MACHINE_TIME =
  /\b(?:now|clock_timestamp|transaction_timestamp|statement_timestamp|timeofday)\s*\(\s*\)|\b(?:current_timestamp|current_date|current_time|localtimestamp|localtime)\b/gi;
/** The one definition that may read the database's own clock. */
const CLOCK_DEFINITION = /create\s+(?:or\s+replace\s+)?function\s+(?:\w+\.)?clock_now\b[\s\S]*?(\$\w*\$)[\s\S]*?\1/gi;

export const isSql = (text: string): boolean => STATEMENT.test(text) || STATEMENT_UPPER.test(text) || FRAGMENT.test(text);

const mayHoldSql = (path: string): boolean => path.startsWith('src/storage/') || /\/(?:[a-z0-9-]+-)?store\.ts$/.test(path);

export const sqlPlaceRule: Rule = {
  name: 'sql-place',
  applies: (path) => /^(?:src|web)\/.*\.tsx?$/.test(path) && !mayHoldSql(path),
  check: (source) =>
    scan(source.text)
      .strings.filter((string) => isSql(string.text))
      .map((string) => ({
        rule: 'sql-place',
        path: source.path,
        line: lineAt(source.text, string.at),
        message: 'SQL stands only in store.ts, in migrations and in src/storage',
      })),
};

const blank = (text: string): string => text.replace(/[^\n]/g, ' ');
const withoutSqlComments = (text: string): string => text.replace(/--[^\n]*|\/\*[\s\S]*?\*\//g, blank);

function timeFindings(source: Source, text: string, offset = 0): Finding[] {
  const looked = withoutSqlComments(text).replace(CLOCK_DEFINITION, blank);
  return findingsOf('sql-time', source, {
    in: looked,
    pattern: MACHINE_TIME,
    message: (match) => `${match}: time in SQL comes only from clock_now()`,
  }).map((finding) => ({ ...finding, line: finding.line + lineAt(source.text, offset) - 1 }));
}

export const sqlTimeRule: Rule = {
  name: 'sql-time',
  applies: (path) => /^src\/.*\.(?:ts|sql)$/.test(path),
  check: (source) =>
    source.path.endsWith('.sql')
      ? timeFindings(source, source.text)
      : scan(source.text)
          .strings.filter((string) => mayHoldSql(source.path) || isSql(string.text))
          .flatMap((string) => timeFindings({ path: source.path, text: source.text }, string.text, string.at)),
};
