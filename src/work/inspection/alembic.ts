/** Alembic migrations as SQL statements, in the order of their revisions. Reads `op.*` calls of `upgrade`, and no code beside them. */
import { splitTop } from './split.ts';

type Revision = { source: string; id: string; down: string | null; sql: string };

export function alembicStatements(files: readonly { source: string; text: string }[]): { source: string; sql: string }[] {
  const revisions = files.flatMap(({ source, text }): Revision[] => {
    const id = /^revision(?::\s*\w+)?\s*=\s*["']([^"']+)["']/m.exec(text)?.[1];
    if (id === undefined) return [];
    const down = /^down_revision(?:[^=\n]*)?\s*=\s*["']([^"']+)["']/m.exec(text)?.[1] ?? null;
    return [{ source, id, down, sql: statementsOf(text) }];
  });
  const ordered: Revision[] = [];
  let waiting = revisions;
  // a revision follows the one below it; what hangs on none of these comes last, in its own order
  while (waiting.length > 0) {
    const done = new Set(ordered.map(({ id }) => id));
    const ready = waiting.filter(({ down }) => down === null || done.has(down));
    const next = ready.length > 0 ? ready : waiting;
    ordered.push(...next);
    waiting = waiting.filter((each) => !next.includes(each));
  }
  return ordered.map(({ source, sql }) => ({ source, sql }));
}

function statementsOf(text: string): string {
  const upgrade = /def upgrade\([^)]*\)[^:]*:\n([\s\S]*?)(?=\ndef |$)/.exec(text)?.[1] ?? '';
  return callsOf(upgrade.replaceAll(/#[^\n]*/g, ''))
    .flatMap(({ name, args }) => statementOf(name, args) ?? [])
    .join(';\n');
}

/** Every `op.name(...)` with its arguments, by counting parentheses. */
function callsOf(text: string): { name: string; args: string[] }[] {
  return [...text.matchAll(/\bop\.(\w+)\(/g)].map((match) => {
    const start = match.index + match[0].length;
    let depth = 1;
    let end = start;
    for (; end < text.length && depth > 0; end += 1) depth += text.charAt(end) === '(' ? 1 : text.charAt(end) === ')' ? -1 : 0;
    return { name: match[1] ?? '', args: splitTop(text.slice(start, end - 1).replaceAll(/\s+/g, ' ')) };
  });
}

/** What a reader of tables is told; nothing here runs a statement, so no whole one stands here. */
function told(verb: 'CREATE' | 'ALTER' | 'DROP', table: string, rest: string): string {
  return [verb, 'TABLE', table, rest].join(' ').trim();
}

function statementOf(name: string, args: readonly string[]): string | null {
  const table = unquoted(args[0]);
  const second = unquoted(args[1]);
  const parts = (): string[] => args.slice(1).flatMap((arg) => columnOf(arg) ?? ruleOf(arg) ?? []);
  switch (name) {
    case 'create_table':
      return told('CREATE', table, `(${parts().join(', ')})`);
    case 'add_column':
      return told('ALTER', table, `ADD COLUMN ${columnOf(args[1] ?? '') ?? 'unread'}`);
    case 'drop_column':
      return told('ALTER', table, `DROP COLUMN ${second}`);
    case 'drop_table':
      return told('DROP', table, '');
    case 'rename_table':
      return told('ALTER', table, `RENAME TO ${second}`);
    case 'alter_column':
      return alterOf(table, args);
    case 'create_foreign_key':
      return told('ALTER', second, `ADD FOREIGN KEY (${list(args[3])}) REFERENCES ${unquoted(args[2])} (${list(args[4])})${onDelete(args)}`);
    case 'create_primary_key':
      return told('ALTER', second, `ADD PRIMARY KEY (${list(args[2])})`);
    case 'create_unique_constraint':
      return told('ALTER', second, `ADD UNIQUE (${list(args[2])})`);
    case 'execute':
      return table;
    default:
      return null;
  }
}

function onDelete(args: readonly string[]): string {
  const found = args.find((arg) => arg.startsWith('ondelete='));
  return found === undefined ? '' : ` ON DELETE ${unquoted(found.slice('ondelete='.length))}`;
}

function alterOf(table: string, args: readonly string[]): string {
  const column = unquoted(args[1]);
  const named = (key: string): string | undefined => args.find((arg) => arg.startsWith(`${key}=`))?.slice(key.length + 1);
  const changes: string[] = [];
  const type = named('type_');
  if (type !== undefined) changes.push(`ALTER COLUMN ${column} TYPE ${typeOf(type)}`);
  if (named('nullable') === 'False') changes.push(`ALTER COLUMN ${column} SET NOT NULL`);
  if (named('nullable') === 'True') changes.push(`ALTER COLUMN ${column} DROP NOT NULL`);
  // a new name is a statement of its own
  const renamed = named('new_column_name');
  const rename = renamed === undefined ? '' : `;\n${told('ALTER', table, `RENAME COLUMN ${column} TO ${unquoted(renamed)}`)}`;
  return (changes.length === 0 ? '' : told('ALTER', table, changes.join(', '))) + rename;
}

function columnOf(arg: string): string | null {
  const inside = /^sa\.Column\(\s*(.*)\)$/.exec(arg)?.[1];
  if (inside === undefined) return null;
  const [name = '', type = '', ...rest] = splitTop(inside);
  const rules = [
    ...(rest.some((each) => /^nullable\s*=\s*False/.test(each)) ? ['not null'] : []),
    ...(rest.some((each) => /^primary_key\s*=\s*True/.test(each)) ? ['primary key'] : []),
    ...(rest.some((each) => /^unique\s*=\s*True/.test(each)) ? ['unique'] : []),
    ...rest.flatMap((each) =>
      ((target) => (target === undefined ? [] : [`references ${target.replace(/\.(\w+)$/, '($1)')}`]))(
        /^sa\.ForeignKey\(\s*["']([^"']+)["']/.exec(each)?.[1],
      ),
    ),
  ];
  return [unquoted(name), typeOf(type), ...rules].join(' ');
}

function ruleOf(arg: string): string | null {
  const found = /^sa\.(PrimaryKeyConstraint|UniqueConstraint|ForeignKeyConstraint)\((.*)\)$/.exec(arg);
  if (found === null) return null;
  const parts = splitTop(found[2] ?? '');
  if (found[1] === 'ForeignKeyConstraint') {
    const target = list(parts[1])
      .split(', ')
      .map((each) => each.split('.'));
    return `FOREIGN KEY (${list(parts[0])}) REFERENCES ${target[0]?.[0] ?? ''} (${target.map((each) => each.at(-1) ?? '').join(', ')})`;
  }
  const columns = parts
    .filter((part) => /^["']/.test(part))
    .map(unquoted)
    .join(', ');
  return `${found[1] === 'UniqueConstraint' ? 'UNIQUE' : 'PRIMARY KEY'} (${columns})`;
}

/** `sqlmodel.sql.sqltypes.AutoString(length=255)` → `string(255)`. */
function typeOf(type: string): string {
  const name = (/([\w]+)\(?/.exec(type.replace(/^.*?(\w+)(\(|$)/, '$1$2'))?.[1] ?? type).toLowerCase().replace(/^autostring$/, 'string');
  const length = /length\s*=\s*(\d+)|\((\d+)\)/.exec(type);
  return length === null ? name : `${name}(${length[1] ?? length[2]})`;
}

function unquoted(arg: string | undefined): string {
  return (arg ?? '')
    .trim()
    .replace(/^(?:sa\.text\()?["']+/, '')
    .replace(/["']+\)?$/, '');
}

function list(arg: string | undefined): string {
  return [...(arg ?? '').matchAll(/["']([^"']+)["']/g)].map((match) => match[1] ?? '').join(', ');
}
