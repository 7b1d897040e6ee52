/**
 * What is accepted of a client's body, whatever its protocol: JSON that can be stored and sent on, members that are known, and a
 * word for each that cannot be translated. Nothing is dropped in silence: a member nobody knows is a fault.
 */
import { z } from 'zod';
import type { JsonObject } from '../../../kernel/canonical-json.ts';
import { AppError, type Fault } from '../../../kernel/errors.ts';

/** Levels of a body: a schema of a tool inside a request rarely has more than thirty. */
const DEPTH_MAX = 200;
const FAULTS_SAID = 5;
const FAULTS_MAX = 100;
const WORD_CHARS = 60;

/** The body as an object. @throws AppError `invalid_input` naming the place of what no provider would take. */
export function parseBody(bytes: Uint8Array): JsonObject {
  let body: unknown;
  try {
    body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    const why = error instanceof Error ? error.message.slice(0, 200) : String(error);
    throw new AppError('invalid_input', `The body is no JSON in UTF-8: ${why}`, { next: 'Send one JSON object.', cause: error });
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new AppError('invalid_input', 'The body must be a JSON object.', { next: 'Send one JSON object.' });
  }
  const fault = textFault(body);
  if (fault !== null) throw faulty([fault]);
  return body as JsonObject;
}

/** The first text (or name) that is no text to a provider, or a level too deep; walked without recursion. */
function textFault(body: object): Fault | null {
  const open: { value: unknown; path: string; depth: number }[] = [{ value: body, path: '', depth: 0 }];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const { value, path, depth } = at;
    if (typeof value === 'string') {
      if (value.includes('\0')) return { path, message: 'holds the character NUL' };
      if (!value.isWellFormed()) return { path, message: 'holds half a character (a lone surrogate)' };
    } else if (typeof value === 'object' && value !== null) {
      if (depth > DEPTH_MAX) return { path: path.slice(0, WORD_CHARS), message: `is nested more than ${DEPTH_MAX} deep` };
      for (const [name, member] of Object.entries(value)) {
        const place = path === '' ? name : `${path}.${name}`;
        if (name.includes('\0') || !name.isWellFormed()) return { path: place.toWellFormed().slice(0, WORD_CHARS), message: 'is no name' };
        if (typeof member === 'string' || typeof member === 'object') open.push({ value: member, path: place, depth: depth + 1 });
      }
    }
  }
  return null;
}

/** @throws AppError `invalid_input` with each fault at its place, in the client's own names. */
export function accept<T extends z.ZodType>(schema: T, body: unknown, at = ''): z.output<T> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.flatMap((issue) => placed(issue, [], body));
  throw faulty(at === '' ? faults : faults.map((fault) => ({ ...fault, path: `${at}.${fault.path}` })));
}

/** One error of many faults; the message says the first of them, since SDKs show nothing else. */
export function faulty(faults: readonly Fault[]): AppError {
  const said = faults.slice(0, FAULTS_SAID).map((fault) => `${fault.path}: ${fault.message}`);
  const more = faults.length > FAULTS_SAID ? ` (and ${faults.length - FAULTS_SAID} more)` : '';
  return new AppError('invalid_input', `${said.join('; ')}${more}`, {
    faults: faults.slice(0, FAULTS_MAX),
    next: 'Change what is named, or use a model of that protocol.',
  });
}

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** An issue of a union is told by the branch that came furthest: the others were never meant. */
function placed(issue: Issue, prefix: Path, body: unknown): Fault[] {
  const path = [...prefix, ...issue.path];
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: said([...path, key]), message: 'is not known here and would be lost' }));
  if (issue.code !== 'invalid_union') return [{ path: said(path), message: issue.message.replace(MISSING, 'is missing: $1') }];
  if (issue.errors.length === 0) return [{ path: said(path), message: unknownKind(valueAt(body, path)) }];
  const reach = (issues: readonly Issue[]): number =>
    Math.max(...issues.map(({ path: to, code }) => to.length + (code === 'unrecognized_keys' ? 1 : 0)));
  const [best] = issue.errors.toSorted((a, b) => reach(b) - reach(a));
  return (best ?? []).flatMap((inner) => placed(inner, path, body));
}

const MISSING = /^Invalid input: (expected .+), received undefined$/;

function unknownKind(value: unknown): string {
  return typeof value === 'string'
    ? `"${value.slice(0, WORD_CHARS)}" cannot be translated for another provider`
    : 'must name a kind that can be translated';
}

function said(path: Path): string {
  return path.map((step) => String(step).slice(0, WORD_CHARS)).join('.') || '(body)';
}

function valueAt(body: unknown, path: Path): unknown {
  let at = body;
  for (const step of path) at = typeof at === 'object' && at !== null ? (at as Record<PropertyKey, unknown>)[step] : undefined;
  return at;
}

/** A member that no other provider can carry out: only its saying nothing (null, false, empty) passes. */
export function refused(why: string): z.ZodOptional<z.ZodUnknown> {
  const nothing = z.union([z.null(), z.literal(false), z.literal(''), z.tuple([])]);
  return z
    .unknown()
    .refine((value) => nothing.safeParse(value).success, { error: why })
    .optional();
}

/** A member of which one value can be kept, because it is what happens anyway. */
export function only<T extends string | number | boolean>(values: readonly [T, ...T[]], why: string): z.ZodOptional<z.ZodUnknown> {
  return z
    .unknown()
    .refine((value) => value === null || values.includes(value as T), { error: why })
    .optional();
}

/** A member without meaning for the answer: kept out of the call, and told. */
export const Told = z.unknown().optional();

/** Null says as much as a member that is not there. */
export function orNone<T>(value: T | null | undefined): T | undefined {
  return value ?? undefined;
}

export const Schema = z.record(z.string(), z.json());
export const Count = z.int().positive();

/** Those of these members that the body has and that say something. */
export function toldOf(body: JsonObject, names: readonly string[]): string[] {
  return names.filter((name) => Object.hasOwn(body, name) && body[name] !== null && body[name] !== undefined);
}

/** Leaves out what is undefined or null: an option not given is not an option. */
export function given<T extends Record<string, unknown>>(members: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined && value !== null)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
