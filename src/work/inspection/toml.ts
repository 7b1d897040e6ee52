/** Reads what manifests say in TOML: strings, lists of strings and booleans by table. Not a TOML parser: the rest is passed over. */

export type TomlValue = string | string[] | boolean;
/** By table (`project.scripts`, '' for the top), then key. Tables in double brackets are numbered: `bin[0]`. */
export type Toml = ReadonlyMap<string, ReadonlyMap<string, TomlValue>>;

const LINES_MAX = 20_000;

export function readToml(text: string): Toml {
  const tables = new Map<string, Map<string, TomlValue>>();
  const counts = new Map<string, number>();
  let table = at(tables, '');
  const lines = text.split('\n').slice(0, LINES_MAX);
  for (let index = 0; index < lines.length; index += 1) {
    const line = (lines[index] ?? '').trim();
    const repeated = /^\[\[([^\]]+)\]\]/.exec(line)?.[1]?.trim();
    const single = /^\[([^\]]+)\]/.exec(line)?.[1]?.trim();
    if (repeated !== undefined) {
      const count = counts.get(repeated) ?? 0;
      counts.set(repeated, count + 1);
      table = at(tables, `${repeated}[${count}]`);
    } else if (single !== undefined) table = at(tables, single.replaceAll('"', ''));
    const pair = /^("[^"]+"|'[^']+'|[\w.-]+)\s*=\s*(.*)$/.exec(line);
    if (pair === null || repeated !== undefined || single !== undefined) continue;
    const key = (pair[1] ?? '').replaceAll(/^["']|["']$/g, '');
    let value = pair[2] ?? '';
    // a list or text of several lines goes on until it is closed
    const end = /^("""|''')/.exec(value)?.[0] ?? (value.startsWith('[') ? ']' : null);
    if (end !== null) {
      for (; !isClosed(value, end) && index + 1 < lines.length; index += 1) value += `\n${lines[index + 1] ?? ''}`;
    }
    const parsed = valueOf(value);
    if (parsed !== null) table.set(key, parsed);
  }
  return tables;
}

export function textAt(toml: Toml, table: string, key: string): string | null {
  const value = toml.get(table)?.get(key);
  return typeof value === 'string' ? value : null;
}

export function listAt(toml: Toml, table: string, key: string): string[] {
  const value = toml.get(table)?.get(key);
  return Array.isArray(value) ? value : [];
}

function at(tables: Map<string, Map<string, TomlValue>>, name: string): Map<string, TomlValue> {
  const known = tables.get(name);
  if (known !== undefined) return known;
  const made = new Map<string, TomlValue>();
  tables.set(name, made);
  return made;
}

function isClosed(value: string, end: string): boolean {
  if (end !== ']') return value.length > end.length && value.indexOf(end, end.length) > 0;
  return value
    .replaceAll(/"(?:[^"\\]|\\.)*"|'[^']*'/g, '')
    .replaceAll(/#.*$/gm, '')
    .trimEnd()
    .endsWith(']');
}

function valueOf(value: string): TomlValue | null {
  const long = /^(?:"""|''')\n?([\s\S]*?)(?:"""|''')/.exec(value)?.[1];
  if (long !== undefined) return long.trim().replaceAll(/\s*\n\s*/g, ' ');
  const short = /^"((?:[^"\\]|\\.)*)"|^'([^']*)'/.exec(value);
  if (short !== null) return (short[1] ?? short[2] ?? '').replaceAll(/\\(["\\])/g, '$1');
  if (value.startsWith('['))
    return [...value.replaceAll(/#[^"'\n]*$/gm, '').matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'/g)].map((match) => match[1] ?? match[2] ?? '');
  if (/^(true|false)\b/.test(value)) return value.startsWith('true');
  return null;
}
