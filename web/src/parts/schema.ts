/** JSON Schemas as far as forms read them, and what is plainly wrong with a value before the server is asked. */
import type { Fault } from '../../../src/kernel/errors.ts';

export type Schema = {
  type?: string | readonly string[];
  title?: string;
  description?: string;
  default?: unknown;
  enum?: readonly unknown[];
  const?: unknown;
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  items?: Schema;
  anyOf?: readonly Schema[];
  oneOf?: readonly Schema[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  pattern?: string;
};

export type FieldKind = 'text' | 'long' | 'number' | 'switch' | 'choice' | 'several' | 'lines' | 'group' | 'json';

/** Text over so many characters gets more than a line. */
const LONG_CHARS = 400;

/** What stands in a schema that also allows nothing: null, or an empty text. */
export function insideOf(schema: Schema): Schema {
  const inside = schema.anyOf?.filter((each) => each.type !== 'null' && each.const !== '') ?? [];
  const [only] = inside;
  if (only === undefined || inside.length > 1 || inside.length === schema.anyOf?.length) return schema;
  const { anyOf: _gone, ...rest } = schema;
  return { ...only, ...rest };
}

export function kindOf(schema: Schema): FieldKind {
  if (choicesOf(schema).length > 0) return 'choice';
  switch (schema.type) {
    case 'string':
      return (schema.maxLength ?? 0) > LONG_CHARS ? 'long' : 'text';
    case 'integer':
    case 'number':
      return 'number';
    case 'boolean':
      return 'switch';
    case 'array':
      if (schema.items !== undefined && choicesOf(schema.items).length > 0) return 'several';
      return schema.items?.type === 'string' && choicesOf(schema.items).length === 0 ? 'lines' : 'json';
    case 'object':
      return schema.properties === undefined ? 'json' : 'group';
    default:
      return 'json';
  }
}

/** Values of an enumeration, also one written as a union of constants. */
export function choicesOf(schema: Schema): readonly unknown[] {
  if (schema.enum !== undefined) return schema.enum;
  const union = schema.anyOf ?? schema.oneOf ?? [];
  const constants = union.map((each) => each.const);
  return constants.length > 0 && constants.every((value) => value !== undefined) ? constants : [];
}

/** `limits.turns` as the server names a place. */
export function placeOf(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

export function faultOf(faults: readonly Fault[], path: string): string | null {
  return faults.find((fault) => fault.path === path || fault.path.endsWith(` ${path}`))?.message ?? null;
}

/** What can be told without the server: something required that is missing, a number out of bounds, a text too long. */
export function faultsOf(schema: Schema, value: unknown, path = ''): Fault[] {
  if (value === undefined) return [];
  if (typeof value === 'number') {
    if (schema.minimum !== undefined && value < schema.minimum) return [{ path, message: `must be ${schema.minimum} or more` }];
    if (schema.maximum !== undefined && value > schema.maximum) return [{ path, message: `must be ${schema.maximum} or less` }];
  }
  if (typeof value === 'string') {
    if (schema.minLength !== undefined && value.length < schema.minLength) return [{ path, message: 'must not be empty' }];
    if (schema.maxLength !== undefined && value.length > schema.maxLength)
      return [{ path, message: `must have ${schema.maxLength} characters at most` }];
  }
  if (kindOf(schema) !== 'group' || typeof value !== 'object' || value === null) return [];
  const given = value as Readonly<Record<string, unknown>>;
  const missing = (schema.required ?? [])
    .filter((name) => given[name] === undefined)
    .map((name) => ({ path: placeOf(path, name), message: 'is needed' }));
  return [...missing, ...Object.entries(schema.properties ?? {}).flatMap(([name, each]) => faultsOf(each, given[name], placeOf(path, name)))];
}

/** `maxTokens` and `max_tokens` as `Max tokens`. */
export function labelOf(name: string, schema: Schema): string {
  if (schema.title !== undefined) return schema.title;
  const words = name
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll(/[_-]+/g, ' ')
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
