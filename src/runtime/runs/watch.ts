/**
 * A run's journal as it grows: entries after a cursor, then whatever follows, until it has ended (spec RUN-5). The cursor is the
 * truth and a wake-up only a hint: without one the journal is looked at again after a while.
 */
import type { Clock } from '../../kernel/clock.ts';
import type { Entry } from '../../kernel/events.ts';
import type { OrgId, RunId } from '../../kernel/ids.ts';
import type { RunStore } from './store-port.ts';

export type Preview = { turn: number; text: string };
export type WatchFrame = { kind: 'entry'; entry: Entry } | { kind: 'preview'; preview: Preview } | { kind: 'idle' };

export type WatchRequest = { org: OrgId; run: RunId; afterSeq: number; signal: AbortSignal };
export type Watch = (request: WatchRequest) => AsyncIterable<WatchFrame>;

/** Entries read at once, and how long to trust that no news means nothing happened. */
const BATCH = 200;
const LOOK_AGAIN_MS = 1_000;
/** A frame at least this often, so that a proxy or a reader sees that the stream lives. */
const IDLE_MS = 15_000;

export type WatchDeps = {
  store: Pick<RunStore, 'readEntries'>;
  clock: Clock;
  /** Calls `on` when the run may have news; returns what ends the listening. */
  onNews(org: OrgId, run: RunId, on: () => void): () => void;
  /** Text being generated, null when there is none now. */
  preview(org: OrgId, run: RunId): Promise<Preview | null>;
};

export function createWatch(deps: WatchDeps): Watch {
  return async function* watch({ org, run, afterSeq, signal }) {
    let cursor = afterSeq;
    let shown = '';
    let quietMs = 0;
    const news = { at: new AbortController() };
    const stop = deps.onNews(org, run, () => news.at.abort());
    try {
      while (!signal.aborted) {
        news.at = new AbortController();
        const entries = await deps.store.readEntries(org, run, { afterSeq: cursor, limit: BATCH });
        for (const entry of entries) {
          yield { kind: 'entry', entry };
          cursor = entry.seq;
          if (entry.event?.type === 'run.ended') return;
        }
        if (entries.length > 0) {
          quietMs = 0;
          continue;
        }
        const preview = await deps.preview(org, run);
        const key = preview === null ? '' : `${preview.turn}:${preview.text.length}`;
        if (preview !== null && key !== shown) yield { kind: 'preview', preview };
        shown = key;
        await deps.clock.sleep(LOOK_AGAIN_MS, AbortSignal.any([signal, news.at.signal]));
        quietMs += LOOK_AGAIN_MS;
        if (quietMs >= IDLE_MS) {
          quietMs = 0;
          yield { kind: 'idle' };
        }
      }
    } finally {
      stop();
    }
  };
}
