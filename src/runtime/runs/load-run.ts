/** Folds a run from its journal; a fork or retry first folds the prefix it refers to. */
import { AppError } from '../../kernel/errors.ts';
import type { Entry } from '../../kernel/events.ts';
import { storedId, type OrgId, type RunId } from '../../kernel/ids.ts';
import { DRIVE_LIMITS } from './drive-limits.ts';
import { fold } from './fold.ts';
import { emptyState, type RunState } from './state.ts';
import type { RunStore } from './store-port.ts';

type Journal = Pick<RunStore, 'readEntries'>;

/** The state up to `untilSeq`, by default all there is. @throws AppError `internal` for a broken journal, `conflict` for a deleted payload. */
export async function loadState(store: Journal, at: { org: OrgId; run: RunId; untilSeq?: number }): Promise<RunState> {
  return loadAt(store, { untilSeq: Infinity, ...at, generation: 0 });
}

async function loadAt(store: Journal, at: { org: OrgId; run: RunId; untilSeq: number; generation: number }): Promise<RunState> {
  const { org, run, untilSeq, generation } = at;
  if (generation > DRIVE_LIMITS.forkGenerations) {
    throw new AppError('conflict', `Run ${run} is forked over more than ${DRIVE_LIMITS.forkGenerations} generations.`, {
      next: 'Rerun it to start afresh.',
    });
  }
  let state = emptyState();
  let readTo = 0;
  while (readTo < untilSeq) {
    const entries = await store.readEntries(org, run, { afterSeq: readTo, limit: Math.min(DRIVE_LIMITS.entriesPage, untilSeq - readTo) });
    const first = readTo === 0 ? entries[0]?.event : null;
    if (first?.type === 'run.queued' && first.origin !== null) {
      const { run: origin, seq } = first.origin;
      state = await loadAt(store, { org, run: storedId('run', origin), untilSeq: seq, generation: generation + 1 });
    }
    state = entries.reduce(fold, state);
    readTo = entries.at(-1)?.seq ?? readTo;
    if (entries.length < DRIVE_LIMITS.entriesPage) break;
  }
  return state;
}

/** All entries of a run, at most `transcriptEntries`. */
export async function readJournal(store: Journal, { org, run }: { org: OrgId; run: RunId }): Promise<Entry[]> {
  const all: Entry[] = [];
  while (all.length < DRIVE_LIMITS.transcriptEntries) {
    const page = await store.readEntries(org, run, { afterSeq: all.at(-1)?.seq ?? 0, limit: DRIVE_LIMITS.entriesPage });
    all.push(...page);
    if (page.length < DRIVE_LIMITS.entriesPage) break;
  }
  return all;
}
