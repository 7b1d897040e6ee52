/** The journal of one run: read by cursor to its end, and on from there whenever the feed tells of it. */
import { useEffect, useRef, useState } from 'react';
import type { EntryView } from '../../../src/runtime/runs/contract.ts';
import type { Problem } from './api.ts';
import { api, asProblem } from './api.ts';
import { onChanges } from './live.ts';
import { matches } from './query.ts';

export type Journal = {
  entries: readonly EntryView[];
  /** Entries that are there, as far as known. */
  total: number;
  loading: boolean;
  problem: Problem | null;
  reload: () => void;
};

const BATCH = 1_000;
/** Of a run longer than this the rest is read on demand from the raw journal. */
export const JOURNAL_MAX = 20_000;

export function useJournal(run: string): Journal {
  const [state, setState] = useState<{ run: string; entries: EntryView[]; total: number; loading: boolean; problem: Problem | null }>(() =>
    begin(run),
  );
  const reading = useRef<{ run: string; busy: boolean; again: boolean; after: number }>({ run, busy: false, again: false, after: 0 });
  const [wish, setWish] = useState(0);
  useEffect(() => {
    const at = { run, busy: false, again: false, after: 0 };
    reading.current = at;
    setState(begin(run));
    const read = async (): Promise<void> => {
      at.again = true;
      if (at.busy) return;
      at.busy = true;
      while (at.again && reading.current === at) {
        at.again = false;
        try {
          const page = await api.runs.events({ id: run, after: at.after, limit: BATCH });
          if (reading.current !== at) return;
          at.after = page.items.at(-1)?.seq ?? at.after;
          if (page.next !== null && at.after < JOURNAL_MAX) at.again = true;
          const total = page.total.kind === 'unknown' ? at.after : page.total.value;
          setState((before) => ({
            run,
            entries: page.items.length === 0 ? before.entries : [...before.entries, ...page.items],
            total,
            loading: at.again,
            problem: null,
          }));
        } catch (error) {
          setState((before) => ({ ...before, loading: false, problem: asProblem(error) }));
        }
      }
      at.busy = false;
    };
    void read();
    const stop = onChanges((changes) => {
      if (changes === 'all' || changes.some((change) => matches(`run:${run}`, change))) void read();
    });
    return () => {
      stop();
      reading.current = { ...at, run: '' };
    };
  }, [run, wish]);
  const { entries, total, loading, problem } = state.run === run ? state : begin(run);
  return { entries, total, loading, problem, reload: () => setWish(wish + 1) };
}

function begin(run: string) {
  return { run, entries: [], total: 0, loading: true, problem: null };
}
