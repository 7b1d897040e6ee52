/** Tables as migrations leave them: SQL files, SQL within Go, Alembic, and Prisma schemas, applied in order. Statements of other kinds are passed over. */
import type { Repository } from './repository.ts';
import { isOwnCode } from './repository.ts';
import { alembicStatements } from './alembic.ts';
import { splitTop } from './split.ts';
import { prismaTables } from './prisma.ts';

export type Column = { name: string; type: string; rules: string };
export type Table = { name: string; columns: Column[]; rules: string[]; source: string };
export type Tables = { tables: Table[]; sources: string[]; cut: boolean };

export const TABLE_LIMITS = { tables: 500, files: 1_000 } as const;

const SQL_FILE = /(^|\/)(migrations?|migrate|db|database|sql|schema|alembic)\/.*\.sql$|(^|\/)(schema|structure|init)\.sql$/i;

/** A column may be called key or check as well. */
const RULE = /^(primary key|foreign key|unique\b|constraint\s|check ?\(|exclude\s|(key|index)( [\w"`]+)? \(|fulltext\s|like\s)/i;

export async function readTables(repository: Repository): Promise<Tables> {
  const { files, read } = repository;
  const tables = new Map<string, Table>();
  const sources = new Set<string>();
  const prisma = files.filter((file) => file.endsWith('.prisma') && isOwnCode(file));
  for (const source of prisma) {
    for (const table of prismaTables(source, (await read(source)) ?? '')) {
      tables.set(table.name, table);
      sources.add(source);
    }
  }
  // a Prisma schema is what its migrations lead to
  const candidates = prisma.length > 0 ? [] : await statementFiles(repository);
  for (const { source, sql } of candidates.slice(0, TABLE_LIMITS.files)) if (applySql(tables, { source, sql })) sources.add(source);
  const list = [...tables.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return {
    tables: list.slice(0, TABLE_LIMITS.tables),
    sources: [...sources],
    cut: list.length > TABLE_LIMITS.tables || candidates.length > TABLE_LIMITS.files,
  };
}

/** A whole schema stands above the migrations that led to it. Down migrations are passed over. */
async function statementFiles({ files, read }: Repository): Promise<{ source: string; sql: string }[]> {
  const own = files.filter(isOwnCode);
  const sqlFiles = own.filter((file) => SQL_FILE.test(file) && !/[._-]down\.sql$|\/down\.sql$|seed|fixture/i.test(file)).toSorted(byNumber);
  const whole = sqlFiles.filter((file) => /(^|\/)(schema|structure)\.sql$/i.test(file));
  const chosen = whole.length > 0 ? whole : sqlFiles;
  const plain = await Promise.all(chosen.map(async (source) => ({ source, sql: upOnly((await read(source)) ?? '') })));
  if (plain.length > 0) return plain;
  const alembic = own.filter((file) => /(^|\/)(alembic|migrations)\/versions\/[^/]+\.py$/.test(file));
  if (alembic.length > 0) return alembicStatements(await Promise.all(alembic.map(async (source) => ({ source, text: (await read(source)) ?? '' }))));
  const go = own.filter((file) => /migrat[^/]*\.go$/i.test(file));
  return Promise.all(
    go.map(async (source) => ({
      source,
      sql: [...((await read(source)) ?? '').matchAll(/`([^`]*)`/g)].map((match) => `${match[1] ?? ''};`).join('\n'),
    })),
  );
}

function byNumber(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

/** goose and dbmate write both ways into one file. */
function upOnly(sql: string): string {
  return sql.split(/^--\s*(?:\+goose Down|migrate:down)/im)[0] ?? sql;
}

/** True when a table came, went or changed. */
export function applySql(tables: Map<string, Table>, { source, sql }: { source: string; sql: string }): boolean {
  let changed = false;
  for (const statement of statementsOf(sql)) {
    const done = create(tables, statement, source) || alter(tables, statement) || drop(tables, statement);
    changed ||= done;
  }
  return changed;
}

function statementsOf(sql: string): string[] {
  const plain = sql.replaceAll(/--[^\n]*/g, '').replaceAll(/\/\*[\s\S]*?\*\//g, '');
  // bodies of functions hold statements of their own
  return plain
    .replaceAll(/\$(\w*)\$[\s\S]*?\$\1\$/g, "''")
    .split(';')
    .map((each) => each.trim().replaceAll(/\s+/g, ' '));
}

function create(tables: Map<string, Table>, statement: string, source: string): boolean {
  const found =
    /^CREATE (?:UNLOGGED |TEMP(?:ORARY)? )?TABLE (?:IF NOT EXISTS )?((?:["`[]?[\w$]+["`\]]?\.)?["`[]?[\w$]+["`\]]?) ?\((.*)\)[^)]*$/i.exec(statement);
  if (found === null || /^CREATE TEMP/i.test(statement)) return false;
  const name = plainName(found[1] ?? '');
  if (tables.has(name) && /IF NOT EXISTS/i.test(statement)) return false;
  const parts = splitTop(found[2] ?? '');
  const columns = parts.filter((part) => !RULE.test(part)).map(columnOf);
  tables.set(name, {
    name,
    columns,
    rules: [...new Map(parts.filter((part) => RULE.test(part)).map((part) => [sameRule(part), part])).values()],
    source,
  });
  return true;
}

function alter(tables: Map<string, Table>, statement: string): boolean {
  const found = /^ALTER TABLE (?:IF EXISTS )?(?:ONLY )?((?:["`[]?[\w$]+["`\]]?\.)?["`[]?[\w$]+["`\]]?) (.*)$/i.exec(statement);
  const table = found === null ? undefined : tables.get(plainName(found[1] ?? ''));
  if (found === null || table === undefined) return false;
  const rest = found[2] ?? '';
  const renamed = /^RENAME TO ["`]?(\w+)/i.exec(rest)?.[1];
  if (renamed !== undefined) {
    tables.delete(table.name);
    tables.set(renamed, { ...table, name: renamed });
    return true;
  }
  return splitTop(rest)
    .map((part) => change(table, part))
    .includes(true);
}

function change(table: Table, part: string): boolean {
  const added = /^ADD (?:COLUMN )?(?:IF NOT EXISTS )?(.*)$/i.exec(part)?.[1];
  if (added !== undefined) {
    if (RULE.test(added)) table.rules = [...table.rules.filter((rule) => sameRule(rule) !== sameRule(added)), added];
    else table.columns = [...table.columns.filter(({ name }) => name !== columnOf(added).name), columnOf(added)];
    return true;
  }
  const dropped = /^DROP (?:COLUMN )?(?:IF EXISTS )?["`]?(\w+)["`]?/i.exec(part);
  if (dropped !== null && !/^DROP (CONSTRAINT|INDEX|PRIMARY|FOREIGN|DEFAULT)/i.test(part)) {
    const gone = dropped[1] ?? '';
    table.columns = table.columns.filter(({ name }) => name !== gone);
    // a rule over a column goes with it
    table.rules = table.rules.filter((rule) => !new RegExp(String.raw`^[^(]*\([^)]*\b${gone}\b`, 'i').test(rule));
    return true;
  }
  const renamed = /^RENAME (?:COLUMN )?["`]?(\w+)["`]? TO ["`]?(\w+)/i.exec(part);
  const retyped = /^ALTER (?:COLUMN )?["`]?(\w+)["`]? (?:SET DATA )?TYPE ([\w ]+(?:\([^)]*\))?(?:\[\])?)/i.exec(part);
  const named = /^ALTER (?:COLUMN )?["`]?(\w+)["`]? (SET|DROP) (NOT NULL|DEFAULT)(.*)$/i.exec(part);
  if (renamed !== null) table.columns = table.columns.map((each) => (each.name === renamed[1] ? { ...each, name: renamed[2] ?? each.name } : each));
  if (retyped !== null)
    table.columns = table.columns.map((each) =>
      each.name === retyped[1] ? { ...each, type: (retyped[2] ?? each.type).replace(/ using$/i, '').trim() } : each,
    );
  if (named !== null) table.columns = table.columns.map((each) => (each.name === named[1] ? { ...each, rules: ruled(each.rules, named) } : each));
  return renamed !== null || retyped !== null || named !== null;
}

/** A foreign key over the same columns is the same rule, whatever it does on a deletion: the newer one holds. */
function sameRule(rule: string): string {
  return rule
    .toLowerCase()
    .replaceAll(/[\s"`]/g, '')
    .replace(/on(delete|update)\w+/, '');
}

function ruled(rules: string, [, , verb = '', what = '', rest = '']: RegExpExecArray): string {
  const without = what.toUpperCase() === 'DEFAULT' ? rules.replace(/default ('(?:[^']|'')*'|\S+(\([^)]*\))?)/i, '') : rules.replace(/not null/i, '');
  return `${without} ${verb.toUpperCase() === 'SET' ? `${what.toLowerCase()}${rest}` : ''}`.replaceAll(/\s+/g, ' ').trim();
}

function drop(tables: Map<string, Table>, statement: string): boolean {
  const found = /^DROP TABLE (?:IF EXISTS )?([^()]+?)(?: CASCADE| RESTRICT)?$/i.exec(statement)?.[1];
  return (
    found !== undefined &&
    found
      .split(',')
      .map((name) => tables.delete(plainName(name.trim())))
      .includes(true)
  );
}

const TYPE_END =
  /\s(?=(?:not null|null|default|primary key|unique|references|check|constraint|collate|generated|auto_increment|autoincrement|on update|comment)\b)/i;

function columnOf(part: string): Column {
  const found = /^["`[]?([\w$]+)["`\]]?\s*(.*)$/.exec(part);
  const rest = found?.[2] ?? '';
  const end = TYPE_END.exec(` ${rest}`)?.index;
  return {
    name: found?.[1] ?? part,
    type: (end === undefined ? rest : rest.slice(0, Math.max(0, end - 1))).trim(),
    rules: end === undefined ? '' : rest.slice(end).trim(),
  };
}

function plainName(name: string): string {
  return name.replaceAll(/["`[\]]/g, '').replace(/^public\./, '');
}
