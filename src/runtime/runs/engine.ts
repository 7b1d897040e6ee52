/**
 * What drives runs: the one interface that any engine implements (spec ENG-2). An engine calls `advance` at least once for
 * every wake-up and every due time, and knows nothing of agents. Implementations: `local-engine.ts`.
 */
import type { OrgId, RunId } from '../../kernel/ids.ts';

export type Engine = {
  /** Something came for this run. May be called for any run, any number of times; only the id travels. */
  wake(org: OrgId, run: RunId): void;
  /** Finishes steps or gives leases back, within ten seconds (spec ENG-3). May be called twice. */
  stop(): Promise<void>;
};

/**
 * What one driving of a run came to. `waiting`: nothing to do before `untilMs` (milliseconds of the store's clock; null: only a
 * wake-up brings it on). `again`: not finished here (lease lost, store away, stopped): somebody should call again.
 */
export type Advanced = { is: 'ended' } | { is: 'waiting'; untilMs: number | null } | { is: 'again' };

export type Advance = (org: OrgId, run: RunId) => Promise<Advanced>;

/** Hints that something is due, from the store's notifications. They may be lost: the sweep is what can be relied on. */
export type Wakeups = {
  /** `run` null: some run is due. Returns what ends the listening. */
  listen(on: (hint: { org: OrgId; run: RunId } | null) => void): () => void;
};
