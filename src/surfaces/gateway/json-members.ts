/**
 * Where the members of a JSON object stand in its bytes, and changing one of them without touching another byte. The bytes must hold valid
 * JSON: who calls has parsed them.
 */
import { AppError, invariant } from '../../kernel/errors.ts';
import { DEPTH } from './limits.ts';

export type Member = { name: string; keyStart: number; start: number; end: number };

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY, COMMA, COLON] = [0x7b, 0x7d, 0x5b, 0x5d, 0x2c, 0x3a];

/** Members of the object that begins at or after `from`, in order. @throws AppError `invalid_input` when one stands there twice. */
export function membersOf(bytes: Buffer, from = 0): Member[] {
  const members: Member[] = [];
  const names = new Set<string>();
  let at = afterSpace(bytes, from);
  invariant(bytes[at] === OPEN_OBJECT, 'a JSON object begins with a brace');
  at = afterSpace(bytes, at + 1);
  while (at < bytes.length && bytes[at] !== CLOSE_OBJECT) {
    const keyEnd = afterString(bytes, at);
    const name = JSON.parse(bytes.toString('utf8', at, keyEnd)) as string;
    const colon = afterSpace(bytes, keyEnd);
    invariant(bytes[colon] === COLON, 'a colon follows the name of a member');
    const start = afterSpace(bytes, colon + 1);
    const end = afterValue(bytes, start);
    // two readers may take different ones: what is counted would not be what is done
    if (names.has(name)) throw new AppError('invalid_input', `The request has the member "${name.slice(0, 60)}" twice.`, { next: 'Send it once.' });
    names.add(name);
    members.push({ name, keyStart: at, start, end });
    at = afterSpace(bytes, end);
    if (bytes[at] === COMMA) at = afterSpace(bytes, at + 1);
  }
  return members;
}

export type Edit = { path: readonly [string] | readonly [string, string]; json: string };

/** The same bytes with members set: a value in place of the old one, or a new member before all others. */
export function withMembers(bytes: Buffer, edits: readonly Edit[]): Buffer {
  return edits.reduce((changed, edit) => withMember(changed, edit), bytes);
}

function withMember(bytes: Buffer, { path: [name, inner], json }: Edit): Buffer {
  const found = membersOf(bytes).find((member) => member.name === name);
  if (inner === undefined) return set(bytes, 0, { name, found, json });
  if (found === undefined || bytes[found.start] !== OPEN_OBJECT) {
    return set(bytes, 0, { name, found, json: `{${JSON.stringify(inner)}:${json}}` });
  }
  return set(bytes, found.start, { name: inner, found: membersOf(bytes, found.start).find((member) => member.name === inner), json });
}

function set(bytes: Buffer, from: number, { name, found, json }: { name: string; found: Member | undefined; json: string }): Buffer {
  if (found !== undefined) return Buffer.concat([bytes.subarray(0, found.start), Buffer.from(json), bytes.subarray(found.end)]);
  const open = afterSpace(bytes, from) + 1;
  const empty = bytes[afterSpace(bytes, open)] === CLOSE_OBJECT;
  return Buffer.concat([bytes.subarray(0, open), Buffer.from(`${JSON.stringify(name)}:${json}${empty ? '' : ','}`), bytes.subarray(open)]);
}

function afterSpace(bytes: Buffer, from: number): number {
  let at = from;
  for (let byte = bytes[at]; byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09; byte = bytes[at]) at += 1;
  return at;
}

/** Strings are most of a request, so they are jumped over natively. */
function afterString(bytes: Buffer, at: number): number {
  for (let quote = bytes.indexOf(QUOTE, at + 1); quote >= 0; quote = bytes.indexOf(QUOTE, quote + 1)) {
    let slashes = 0;
    while (bytes[quote - 1 - slashes] === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return quote + 1;
  }
  return bytes.length;
}

function afterValue(bytes: Buffer, from: number): number {
  let depth = 0;
  let at = from;
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = afterString(bytes, at);
      if (depth === 0) return at;
      continue;
    }
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      depth += 1;
      if (depth > DEPTH) throw new AppError('invalid_input', `The request is nested more than ${DEPTH} deep.`, { next: 'Send it flatter.' });
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      if (depth === 0) return at;
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && (byte === COMMA || byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09)) return at;
    at += 1;
  }
  return at;
}
