/**
 * What was read from the server, shared by all parts of a page: fetched once, shown at once when it was read before, read again when the
 * feed says that it changed. A read that fails keeps what was there, and says so.
 */
import { useCallback, useEffect, useSyncExternalStore } from 'react';
import type { Call, Problem } from './api.ts';
import { asProblem } from './api.ts';
import type { Change } from './live.ts';
import { onChanges } from './live.ts';

export type Query<T> = {
  /** The latest that was read; stays while it is read again. */
  data: T | undefined;
  /** Why the latest read failed. */
  problem: Problem | null;
  loading: boolean;
  /** When `data` was read. */
  atMs: number;
  reload: () => void;
};

type Snapshot = { data: unknown; problem: Problem | null; loading: boolean; atMs: number };
type Entry = {
  snapshot: Snapshot;
  load: () => Promise<unknown>;
  topics: readonly string[];
  users: Set<() => void>;
  stale: boolean;
  running: boolean;
};

/** Entries that nothing shows are kept for going back, so many at most. */
const KEPT_MAX = 60;
/** Changes that come together are read together. */
const GATHER_MS = 250;

const entries = new Map<string, Entry>();
const due = new Set<string>();
let timer: ReturnType<typeof setTimeout> | null = null;

/**
 * Reads an operation for as long as the part is there. `live` names what it depends on: `run`, `run:ID`, `agent`, `approval`, or a type of
 * event; see `matches` in live.ts. Null as input reads nothing.
 */
export function useCall<I extends object, O>(
  call: Call<I, O>,
  input: I | null,
  options: { live?: readonly string[]; everyMs?: number } = {},
): Query<O> {
  const key = input === null ? null : `${call.id} ${JSON.stringify(input)}`;
  return useQuery<O>(key, () => call(input ?? ({} as I)), options);
}

/** The same for anything that can be loaded; `key` says when it is the same thing. */
export function useQuery<T>(key: string | null, load: () => Promise<T>, options: { live?: readonly string[]; everyMs?: number } = {}): Query<T> {
  const { live = [], everyMs } = options;
  if (key !== null && !entries.has(key)) {
    entries.set(key, {
      snapshot: { data: undefined, problem: null, loading: true, atMs: 0 },
      load,
      topics: live,
      users: new Set(),
      stale: true,
      running: false,
    });
  }
  const subscribe = useCallback(
    (on: () => void) => {
      const entry = key === null ? undefined : entries.get(key);
      entry?.users.add(on);
      return () => {
        entry?.users.delete(on);
        forgetUnused();
      };
    },
    [key],
  );
  const snapshot = useSyncExternalStore(subscribe, () => (key === null ? NOTHING : (entries.get(key)?.snapshot ?? NOTHING)));
  useEffect(() => {
    const entry = key === null ? undefined : entries.get(key);
    if (key === null || entry === undefined) return;
    entry.load = load;
    // several parts of a page may read the same and each name what it is there for
    entry.topics = [...new Set([...entry.topics, ...live])];
    if (entry.stale || Date.now() - entry.snapshot.atMs > STALE_MS) void refresh(key);
    // `load` and `live` are made anew at every render; the key says when they are others
  }, [key]);
  useEffect(() => {
    if (key === null || everyMs === undefined) return;
    const ticking = setInterval(() => document.visibilityState === 'visible' && void refresh(key), everyMs);
    return () => clearInterval(ticking);
  }, [key, everyMs]);
  const reload = useCallback(() => {
    if (key !== null) void refresh(key);
  }, [key]);
  return { ...(snapshot as Query<T>), reload };
}

const NOTHING: Snapshot = { data: undefined, problem: null, loading: false, atMs: 0 };
/** Shown at once, read again when older. */
const STALE_MS = 5_000;

async function refresh(key: string): Promise<void> {
  const entry = entries.get(key);
  if (entry === undefined) return;
  entry.stale = true;
  if (entry.running) return; // it looks again when it is done
  entry.running = true;
  while (entry.stale) {
    entry.stale = false;
    set(entry, { ...entry.snapshot, loading: true });
    try {
      const data = await entry.load();
      set(entry, { data, problem: null, loading: false, atMs: Date.now() });
    } catch (error) {
      set(entry, { ...entry.snapshot, problem: asProblem(error), loading: false });
    }
  }
  entry.running = false;
}

function set(entry: Entry, snapshot: Snapshot): void {
  entry.snapshot = snapshot;
  for (const on of entry.users) on();
}

function forgetUnused(): void {
  for (const [key, entry] of entries) {
    if (entries.size <= KEPT_MAX) return;
    if (entry.users.size === 0 && !entry.running) entries.delete(key);
  }
}

/** What was read under a key, if it was. */
export function peek(key: string): unknown {
  return entries.get(key)?.snapshot.data;
}

/** Puts something else in the place of what was read: more of a list. */
export function put(key: string, data: unknown): void {
  const entry = entries.get(key);
  if (entry !== undefined) set(entry, { ...entry.snapshot, data });
}

/** Reads again what depends on any of `topics`: after a change made here. */
export function changed(...topics: string[]): void {
  for (const [key, entry] of entries)
    if (entry.topics.some((topic) => topics.some((each) => each === topic || topic.startsWith(`${each}:`)))) mark(key, entry);
}

/** Forgets everything: somebody else may sign in. */
export function forgetAll(): void {
  entries.clear();
}

function mark(key: string, entry: Entry): void {
  entry.stale = true;
  if (entry.users.size === 0) return;
  due.add(key);
  timer ??= setTimeout(flush, GATHER_MS);
}

/** A tab that nobody sees reads when it is looked at. */
function flush(): void {
  timer = null;
  if (document.visibilityState !== 'visible') return;
  for (const key of due) void refresh(key);
  due.clear();
}

export function matches(topic: string, change: Change): boolean {
  return topic === change.kind || topic === `${change.kind}:${change.stream}` || topic === change.type || change.type.startsWith(`${topic}.`);
}

onChanges((changes) => {
  for (const [key, entry] of entries) {
    if (changes === 'all' || entry.topics.some((topic) => changes.some((change) => matches(topic, change)))) mark(key, entry);
  }
});
document.addEventListener('visibilitychange', flush);
