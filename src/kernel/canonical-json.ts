/**
 * Canonical JSON (RFC 8785) and digests over it. One value has one text, so a hash of it means something.
 * Lone surrogates are written as escapes: real tool output contains them and a journal must take it.
 */
import { createHash } from 'node:crypto';
import { AppError } from './errors.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };
export type JsonObject = { readonly [key: string]: Json | undefined };

/** @throws AppError `internal` for values JSON cannot carry (NaN, functions, cycles are not looked for). */
export function canonicalJson(value: unknown): string {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return JSON.stringify(value);
    case 'number':
      if (!Number.isFinite(value)) throw new AppError('internal', `${String(value)} is no JSON number.`);
      return JSON.stringify(value);
    case 'object': {
      if (value === null) return 'null';
      if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
      const record = value as Record<string, unknown>;
      let text = '{';
      // RFC 8785 sorts by UTF-16 code units, which is what the default sort does.
      for (const key of Object.keys(record).sort()) {
        const member = record[key];
        if (member !== undefined) text += `${text.length === 1 ? '' : ','}${JSON.stringify(key)}:${canonicalJson(member)}`;
      }
      return `${text}}`;
    }
    default:
      throw new AppError('internal', `A ${typeof value} is no JSON value.`);
  }
}

/** Lower-case hex SHA-256 of text (UTF-8) or bytes. */
export function sha256Hex(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** SHA-256 of the canonical JSON of a value. */
export function digestOf(value: unknown): string {
  return sha256Hex(canonicalJson(value));
}
