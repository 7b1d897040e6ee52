/**
 * Pages and honest counts (spec BRF-3): a number travels with what is known about it, and cannot be shown without.
 */
import { z } from 'zod';

export type Count =
  | { readonly kind: 'exact'; readonly value: number }
  | { readonly kind: 'at_least'; readonly value: number }
  | { readonly kind: 'unknown'; readonly why: string };

export const Count = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('exact'), value: z.int().nonnegative() }),
  z.object({ kind: z.literal('at_least'), value: z.int().nonnegative() }),
  z.object({ kind: z.literal('unknown'), why: z.string() }),
]);

/** `next` is an opaque cursor, null on the last page. */
export type Page<T> = { readonly items: readonly T[]; readonly shown: number; readonly total: Count; readonly next: string | null };

export const PAGE_SIZE_DEFAULT = 50;
export const PAGE_SIZE_MAX = 200;

/** What every list takes. Query strings bring numbers as text. */
export const PageInput = z.object({
  limit: z.coerce.number().int().min(1).max(PAGE_SIZE_MAX).default(PAGE_SIZE_DEFAULT).meta({ description: 'How many at most.' }),
  cursor: z.string().max(500).optional().meta({ description: '`next` of the page before.' }),
});

/** What every list answers. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), shown: z.int(), total: Count, next: z.string().nullable() });
}

/** `12`, `at least 500`, `unknown (store did not answer)`. */
export function renderCount(count: Count): string {
  switch (count.kind) {
    case 'exact':
      return String(count.value);
    case 'at_least':
      return `at least ${count.value}`;
    case 'unknown':
      return `unknown (${count.why})`;
  }
}

export function encodeCursor(parts: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/** Null when the text is not a cursor of ours: callers answer `invalid_input`. */
export function decodeCursor(text: string): (string | number)[] | null {
  try {
    const parts: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return Array.isArray(parts) && parts.every((p) => typeof p === 'string' || typeof p === 'number') ? parts : null;
  } catch {
    return null; // not base64url JSON: the same answer as any other foreign text
  }
}
