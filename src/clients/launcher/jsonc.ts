/**
 * JSON with comments and trailing commas, read with the places of its parts, so that an edit touches nothing else. Pure; what is
 * edited, and whose it is, is in `json-edit.ts`.
 */
import type { Json } from '../../kernel/canonical-json.ts';
import { AppError } from '../../kernel/errors.ts';

export type Node = { start: number; end: number } & (
  | { kind: 'object'; members: readonly Member[] }
  | { kind: 'array'; items: readonly Node[] }
  | { kind: 'scalar'; value: null | boolean | number | string }
);
export type Member = { key: string; start: number; value: Node };
export type ObjectNode = Extract<Node, { kind: 'object' }>;
export type ArrayNode = Extract<Node, { kind: 'array' }>;

/** Nesting that no configuration has. */
const DEPTH_MAX = 200;
const SCALAR = /"(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/uy;
const BLANK = /(?:[\s\ufeff]|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*/y;

type Reader = { text: string; at: number };

/** Null for text with nothing in it. @throws AppError `invalid_input` with the line of the fault. */
export function parseJsonc(text: string): Node | null {
  const reader: Reader = { text, at: 0 };
  blank(reader);
  if (reader.at === text.length) return null;
  const node = readNode(reader, 0);
  blank(reader);
  if (reader.at < text.length) throw fault(reader, 'the end');
  return node;
}

export function valueOf(node: Node): Json {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'array') return node.items.map(valueOf);
  return Object.fromEntries(node.members.map(({ key, value }) => [key, valueOf(value)]));
}

/** The last of that name, which is the one that counts. */
export function memberOf(node: ObjectNode, key: string): Member | undefined {
  return node.members.findLast((member) => member.key === key);
}

/** Whether nothing but blanks stands between the two places. */
export function isBlank(text: string, from: number, to: number): boolean {
  return text.slice(from, to).trim() === '';
}

function readNode(reader: Reader, depth: number): Node {
  if (depth > DEPTH_MAX) throw fault(reader, 'less nesting');
  const start = reader.at;
  const first = reader.text[start];
  if (first === '{') {
    const members = readAll(reader, '}', () => readMember(reader, depth + 1));
    return { kind: 'object', members, start, end: reader.at };
  }
  if (first === '[') {
    const items = readAll(reader, ']', () => readNode(reader, depth + 1));
    return { kind: 'array', items, start, end: reader.at };
  }
  const token = match(reader, SCALAR);
  if (token === '') throw fault(reader, 'a value');
  return { kind: 'scalar', value: JSON.parse(token) as null | boolean | number | string, start, end: reader.at };
}

function readMember(reader: Reader, depth: number): Member {
  const start = reader.at;
  const name = reader.text[start] === '"' ? match(reader, SCALAR) : '';
  if (name === '') throw fault(reader, 'a name in quotes');
  blank(reader);
  if (reader.text[reader.at] !== ':') throw fault(reader, 'a colon');
  reader.at += 1;
  blank(reader);
  return { key: JSON.parse(name) as string, start, value: readNode(reader, depth) };
}

/** What stands between an opening bracket and `close`, separated by commas, one more at the end allowed. */
function readAll<T>(reader: Reader, close: string, read: () => T): T[] {
  const found: T[] = [];
  reader.at += 1;
  blank(reader);
  while (reader.text[reader.at] !== close) {
    found.push(read());
    blank(reader);
    if (reader.text[reader.at] === ',') {
      reader.at += 1;
      blank(reader);
    } else if (reader.text[reader.at] !== close) throw fault(reader, `a comma or ${close}`);
  }
  reader.at += 1;
  return found;
}

function blank(reader: Reader): void {
  match(reader, BLANK);
}

function match(reader: Reader, pattern: RegExp): string {
  const sticky = pattern;
  sticky.lastIndex = reader.at;
  const found = sticky.exec(reader.text)?.[0] ?? '';
  reader.at += found.length;
  return found;
}

function fault({ text, at }: Reader, expected: string): AppError {
  const before = text.slice(0, at).split('\n');
  const found = at >= text.length ? 'the file ends' : `"${text.slice(at, at + 20).split('\n', 1)[0]}" stands`;
  return new AppError('invalid_input', `line ${before.length}: ${found} where ${expected} should be`);
}
