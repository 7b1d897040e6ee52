/**
 * A list that goes on by cursor. More of it is read from where it ends and appended; when something changed, its first rows are read again
 * and what follows them stays, so that a list of 10,000 rows costs no more to keep up than one of 400.
 */
import { useState } from 'react';
import type { Count } from '../../../src/kernel/page.ts';
import type { Rows } from '../parts/list.tsx';
import type { Call } from './api.ts';
import { peek, put, useQuery } from './query.ts';
import { toastProblem } from './toasts.ts';

type PageLike<T> = { items: T[]; shown: number; total: Count; next: string | null };
/** `staleFrom`: rows from there on are as they were at `staleMs`. */
type Gathered<T> = { items: T[]; total: Count; next: string | null; atMs: number; staleFrom: number | null; staleMs: number };
type Options<T> = { live?: readonly string[]; everyMs?: number; keyOf?: (item: T) => string };

const PAGE_MAX = 200;
const STEP = 50;
/** Rows that are read again when something changed. */
const FRESH_MAX = 400;

/** `input` without limit and cursor. Another input begins anew. Rows without an `id` say by `keyOf` which is which. */
export function usePages<T, I extends object>(call: Call<I, PageLike<T>>, input: I, options: Options<T> = {}): Rows<T> {
  const { keyOf = idOf, ...query } = options;
  const key = `${call.id} ${JSON.stringify(input)}`;
  const known = (): Gathered<T> | undefined => peek(key) as Gathered<T> | undefined;
  const { data, problem, loading, reload, atMs } = useQuery<Gathered<T>>(key, () => again(call, input, { known, keyOf }), query);
  const [reading, setReading] = useState(false);
  const more = async (): Promise<void> => {
    setReading(true);
    try {
      const cursor = known()?.next ?? null;
      const page = await call({ ...input, limit: PAGE_MAX, ...(cursor === null ? {} : { cursor }) });
      const before = known();
      if (before !== undefined)
        put(key, cursor === null ? { ...before, ...page } : { ...before, ...page, items: joined(before.items, page.items, keyOf) });
    } catch (error) {
      toastProblem(error); // what is there stays, and the button
    } finally {
      setReading(false);
    }
  };
  return {
    items: data?.items,
    total: data?.total ?? null,
    stale: data === undefined || data.staleFrom === null ? null : { from: data.staleFrom, atMs: data.staleMs },
    more: data === undefined || !hasMore(data) ? null : () => void more(),
    ...{ problem, reload, atMs, loading: loading || reading, reading },
  };
}

function idOf(item: unknown): string {
  return (item as { id: string }).id;
}

type Known<T> = { known: () => Gathered<T> | undefined; keyOf: (item: T) => string };

async function again<T, I extends object>(call: Call<I, PageLike<T>>, input: I, { known, keyOf }: Known<T>): Promise<Gathered<T>> {
  const wanted = Math.min(FRESH_MAX, Math.max(STEP, known()?.items.length ?? 0));
  const fresh = await gather(call, input, wanted);
  const before = known();
  const now = { ...fresh, atMs: Date.now(), staleFrom: null, staleMs: 0 };
  if (before === undefined || fresh.next === null || before.items.length <= fresh.items.length) return now;
  const rest = afterLast(fresh.items, before.items, keyOf);
  if (rest.length === 0) return now;
  const staleMs = before.staleFrom === null ? before.atMs : before.staleMs;
  return { ...now, items: [...fresh.items, ...rest], next: before.next, staleFrom: fresh.items.length, staleMs };
}

async function gather<T, I extends object>(
  call: Call<I, PageLike<T>>,
  input: I,
  wanted: number,
): Promise<Pick<Gathered<T>, 'items' | 'total' | 'next'>> {
  const items: T[] = [];
  let cursor: string | null = null;
  for (;;) {
    const limit = Math.min(PAGE_MAX, wanted - items.length);
    const page: PageLike<T> = await call({ ...input, limit, ...(cursor === null ? {} : { cursor }) });
    items.push(...page.items);
    cursor = page.next;
    if (cursor === null || items.length >= wanted) return { items, total: page.total, next: cursor };
  }
}

/** Rows known before that stand behind the last fresh one that was known too; none when nothing is as it was. */
function afterLast<T>(fresh: readonly T[], before: readonly T[], keyOf: (item: T) => string): T[] {
  const keys = new Set(fresh.map(keyOf));
  const last = before.findLastIndex((item) => keys.has(keyOf(item)));
  return last < 0 ? [] : before.slice(last + 1);
}

/** A row that moved while more was read is not there twice. */
function joined<T>(before: readonly T[], more: readonly T[], keyOf: (item: T) => string): T[] {
  const keys = new Set(before.map(keyOf));
  return [...before, ...more.filter((item) => !keys.has(keyOf(item)))];
}

/** Without a cursor, a list is read with a higher limit while there is one. */
function hasMore({ items, total, next }: Gathered<unknown>): boolean {
  return next !== null || (items.length < PAGE_MAX && total.kind !== 'unknown' && total.value > items.length);
}
