/** A list that goes on by cursor: what is shown so far, more on demand, all of it read again when it changed. */
import { useState } from 'react';
import type { Count } from '../../../src/kernel/page.ts';
import type { Rows } from '../parts/list.tsx';
import type { Call } from './api.ts';
import { useQuery } from './query.ts';

type PageLike<T> = { items: T[]; shown: number; total: Count; next: string | null };
type Gathered<T> = { items: T[]; total: Count; next: string | null };

const PAGE_MAX = 200;
const STEP = 50;

/** `input` without limit and cursor. Another input begins anew. */
export function usePages<T, I extends object>(
  call: Call<I, PageLike<T>>,
  input: I,
  options: { live?: readonly string[]; everyMs?: number } = {},
): Rows<T> {
  const key = JSON.stringify(input);
  const [wish, setWish] = useState({ key, wanted: STEP });
  const wanted = wish.key === key ? wish.wanted : STEP;
  const query = useQuery<Gathered<T>>(`${call.id} ${key} ${wanted}`, () => gather(call, input, wanted), options);
  const [kept, setKept] = useState<{ key: string; data: Gathered<T> } | null>(null);
  if (query.data !== undefined && kept?.data !== query.data) setKept({ key, data: query.data });
  // while more is read, what was there stays
  const data = query.data ?? (kept?.key === key ? kept.data : undefined);
  return {
    items: data?.items,
    total: data?.total ?? null,
    problem: query.problem,
    loading: query.loading,
    reload: query.reload,
    atMs: query.atMs,
    more:
      data === undefined || !hasMore(data, wanted) ? null : () => setWish({ key, wanted: wanted + (wanted < PAGE_MAX ? PAGE_MAX - STEP : PAGE_MAX) }),
  };
}

async function gather<T, I extends object>(call: Call<I, PageLike<T>>, input: I, wanted: number): Promise<Gathered<T>> {
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

/** Without a cursor, a list is read with a higher limit while there is one. */
function hasMore({ items, total, next }: Gathered<unknown>, wanted: number): boolean {
  if (next !== null) return true;
  return items.length === wanted && wanted < PAGE_MAX && total.kind !== 'unknown' && total.value > items.length;
}
