/**
 * Puts members and list items that we own into somebody's JSON file and takes them out again. Everything else keeps its bytes: order,
 * unknown keys, comments, indentation. Putting in and taking out is the text as it was. Pure.
 */
import type { Json } from '../../kernel/canonical-json.ts';
import { canonicalJson } from '../../kernel/canonical-json.ts';
import { AppError } from '../../kernel/errors.ts';
import type { ArrayNode, Node, ObjectNode } from './jsonc.ts';
import { isBlank, memberOf, parseJsonc, valueOf } from './jsonc.ts';

/** `member`: the value at the path. `item`: one element of the list at the path. */
export type JsonEdit = { kind: 'member' | 'item'; path: readonly string[]; value: Json };

/** What was put in, to be taken out again: edits, and the objects and lists made to hold them, outermost first. */
export type JsonRecord = { edits: readonly JsonEdit[]; made: readonly (readonly string[])[] };

/** `kept`: places where somebody else's value stands, or ours that was changed by hand; they stay as they are. */
export type JsonResult = { text: string; record: JsonRecord; kept: readonly string[] };

export const NO_RECORD: JsonRecord = { edits: [], made: [] };

/** @throws AppError `invalid_input` for text that is no JSON object, or holds something else where a list or object is needed. */
export function installJson(text: string, wanted: readonly JsonEdit[], before: JsonRecord): JsonResult {
  if (isInstalled(text, wanted, before)) return { text, record: before, kept: [] };
  const cleared = removeJson(text, before);
  let now = cleared.text;
  const made = [...cleared.record.made];
  const edits: JsonEdit[] = [];
  const kept: string[] = [];
  for (const edit of wanted) {
    const done = put(now, edit);
    if (done === null) {
      kept.push(nameOf(edit));
      continue;
    }
    // an equal value that stood there before is ours only by its name: a person's own allowance must outlive us
    if (done.text !== now || isNamedOurs(edit)) edits.push(edit);
    now = done.text;
    made.push(...done.made);
  }
  return { text: now, record: { edits, made }, kept };
}

/** Takes out what is still as it was put in. @throws AppError as `installJson` does. */
export function removeJson(text: string, record: JsonRecord): JsonResult {
  let now = text;
  const kept: string[] = [];
  for (const edit of record.edits.toReversed()) {
    const found = find(now, edit);
    if (found === 'other') kept.push(nameOf(edit));
    else if (found !== null) now = cut(now, found.holder, found.index);
  }
  const left: (readonly string[])[] = [];
  for (const path of record.made.toReversed()) {
    const emptied = dropEmpty(now, path);
    if (emptied === null) left.unshift(path);
    else now = emptied;
  }
  return { text: now, record: { edits: [], made: left }, kept };
}

function nameOf({ path }: JsonEdit): string {
  return path.join('.');
}

function isNamedOurs({ path, value }: JsonEdit): boolean {
  return /windlass/i.test(path.at(-1) ?? '') || /windlass/i.test(JSON.stringify(value));
}

function same(a: Json, b: Json): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

function isInstalled(text: string, wanted: readonly JsonEdit[], { edits }: JsonRecord): boolean {
  if (!same(edits, wanted)) return false;
  return wanted.every((edit) => {
    const found = find(text, edit);
    return found !== null && found !== 'other';
  });
}

type Holder = ObjectNode | ArrayNode;
type Found = { holder: Holder; index: number };

/** Where the edit stands; `other` when something else has its place. */
function find(text: string, edit: JsonEdit): Found | 'other' | null {
  const holder = nodeAt(parseJsonc(text), edit.kind === 'member' ? edit.path.slice(0, -1) : edit.path);
  if (holder === null) return null;
  if (edit.kind === 'item') {
    if (holder.kind !== 'array') return null;
    const index = holder.items.findLastIndex((item) => same(valueOf(item), edit.value));
    if (index !== -1) return { holder, index };
    return holder.items.some((item) => isOurs(valueOf(item), edit.value)) ? 'other' : null;
  }
  if (holder.kind !== 'object') return null;
  const key = edit.path.at(-1) ?? '';
  const member = memberOf(holder, key);
  if (member === undefined) return null;
  return same(valueOf(member.value), edit.value) ? { holder, index: holder.members.indexOf(member) } : 'other';
}

/** An element of a list that was ours before somebody changed it: a hook that still calls the same command. */
function isOurs(found: Json, ours: Json): boolean {
  const commands = (value: Json): string[] => JSON.stringify(value).match(/windlass hook \w+/g) ?? [];
  const [command] = commands(ours);
  return command !== undefined && commands(found).includes(command);
}

function nodeAt(root: Node | null, path: readonly string[]): Node | null {
  let node = root;
  for (const key of path) node = node?.kind === 'object' ? (memberOf(node, key)?.value ?? null) : null;
  return node;
}

type Put = { text: string; made: readonly (readonly string[])[] };

/** Null when the place is taken by another value. */
function put(text: string, edit: JsonEdit): Put | null {
  const found = find(text, edit);
  if (found === 'other') return null;
  if (found !== null) return { text, made: [] };
  const root = parseJsonc(text);
  if (root === null) {
    const eol = text.includes('\r\n') ? '\r\n' : '\n';
    const inner = put(`${text}{}${eol}`, edit);
    return inner && { text: inner.text, made: [[], ...inner.made] };
  }
  const path = edit.kind === 'member' ? edit.path.slice(0, -1) : edit.path;
  let node: Node = root;
  for (const [depth, key] of path.entries()) {
    if (node.kind !== 'object') throw misfit(path.slice(0, depth), 'an object');
    const next = memberOf(node, key);
    if (next !== undefined) {
      node = next.value;
      continue;
    }
    const made = path.slice(0, depth + 1);
    const list = edit.kind === 'item' && depth === path.length - 1;
    const inner = put(insert(text, node, { key, value: list ? [] : {} }), edit);
    return inner && { text: inner.text, made: [made, ...inner.made] };
  }
  if (edit.kind === 'item') {
    if (node.kind !== 'array') throw misfit(path, 'a list');
    return { text: insert(text, node, { value: edit.value }), made: [] };
  }
  if (node.kind !== 'object') throw misfit(path, 'an object');
  return { text: insert(text, node, { key: edit.path.at(-1) ?? '', value: edit.value }), made: [] };
}

function misfit(path: readonly string[], expected: string): AppError {
  return new AppError('invalid_input', `${path.length === 0 ? 'the whole' : path.join('.')} is not ${expected}`);
}

/** Behind the last of the holder, on a line of its own unless the holder stands on one line. */
function insert(text: string, holder: Holder, { key, value }: { key?: string; value: Json }): string {
  const last = holder.kind === 'object' ? holder.members.at(-1)?.value : holder.items.at(-1);
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const name = key === undefined ? '' : `${JSON.stringify(key)}: `;
  if (last !== undefined && !text.slice(holder.start, holder.end).includes('\n')) {
    return splice(text, last.end, `, ${name}${JSON.stringify(value)}`);
  }
  const unit = /\n([ \t]+)\S/.exec(text)?.[1] ?? '  ';
  const outer = indentAt(text, holder.start);
  const body = JSON.stringify(value, null, unit).replaceAll('\n', `${eol}${outer}${unit}`);
  const line = `${eol}${outer}${unit}${name}${body}`;
  return last === undefined ? splice(text, holder.start + 1, `${line}${eol}${outer}`) : splice(text, last.end, `,${line}`);
}

function indentAt(text: string, at: number): string {
  const line = text.slice(text.lastIndexOf('\n', at) + 1, at);
  return /^[ \t]*/.exec(line)?.[0] ?? '';
}

function splice(text: string, at: number, put: string): string {
  return text.slice(0, at) + put + text.slice(at);
}

/** The inverse of `insert`, wherever the part stands by now. */
function cut(text: string, holder: Holder, index: number): string {
  const parts = holder.kind === 'object' ? holder.members.map(({ start, value }) => ({ start, end: value.end })) : holder.items;
  const [before, part, after] = [parts[index - 1], parts[index], parts[index + 1]];
  if (part === undefined) return text;
  const without = (from: number, to: number): string => text.slice(0, from) + text.slice(to);
  if (before !== undefined) {
    const gap = text.slice(before.end, part.start);
    if (/^\s*,\s*$/.test(gap)) return without(before.end, part.end);
    return text.slice(0, before.end) + gap.replace(',', '') + text.slice(part.end); // a comment of somebody's stays
  }
  if (after !== undefined) return without(part.start, after.start);
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const tail = `${eol}${indentAt(text, holder.start)}`;
  const from = isBlank(text, holder.start + 1, part.start) ? holder.start + 1 : part.start;
  return without(from, part.end + (text.startsWith(tail, part.end) ? tail.length : 0));
}

/** Without the object or list at the path; null when something is in it. */
function dropEmpty(text: string, path: readonly string[]): string | null {
  const root = parseJsonc(text);
  const node = nodeAt(root, path);
  if (node === null) return text;
  if (node.kind === 'scalar' || (node.kind === 'object' ? node.members : node.items).length > 0) return null;
  if (!isBlank(text, node.start + 1, node.end - 1)) return null;
  const key = path.at(-1);
  if (key === undefined) return text.slice(0, node.start) + text.slice(node.end).replace(/^\r?\n/, '');
  const holder = nodeAt(root, path.slice(0, -1));
  if (holder?.kind !== 'object') return text;
  const member = memberOf(holder, key);
  return member === undefined ? text : cut(text, holder, holder.members.indexOf(member));
}
