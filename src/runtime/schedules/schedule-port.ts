/** The narrow port between schedules and their store: PostgreSQL in `store.ts`, a model in the tests of many tickers. */
import type { AgentId, OrgId, RunId, ScheduleId } from '../../kernel/ids.ts';
import type { StoreTx } from '../runs/store-port.ts';
import type { FiringOutcome, ScheduleSpec } from './schedule.ts';

export type ScheduleRow = {
  org: OrgId;
  id: ScheduleId;
  agent: AgentId;
  agentName: string;
  spec: ScheduleSpec;
  createdMs: number;
  /** Every slot up to here, inclusive, has its record. */
  afterMs: number;
  /** Null: never again. */
  nextSlotMs: number | null;
  dueMs: number | null;
  lastRun: RunId | null;
};

export type Firing = { slotMs: number; outcome: FiringOutcome; run: RunId | null; reason: string; alert: boolean };

/** What is known after a firing: up to where there are records, and when to look again. */
export type Progress = { afterMs: number; nextSlotMs: number | null; dueMs: number | null };

export type ScheduleStore = {
  /** Schedules that are due by the store's clock, of all orgs, longest due first; and that clock. */
  due(limit: number): Promise<{ nowMs: number; rows: ScheduleRow[] }>;
  /** Records that start no run. A slot that has its record keeps it; progress only ever moves forward. */
  record(row: ScheduleRow, firings: readonly Firing[], progress: Progress): Promise<void>;
  /**
   * The record of a run, in the transaction that creates it. False when the slot has its record already: then nothing of the
   * transaction may be kept.
   */
  claim(tx: StoreTx, row: ScheduleRow, claimed: { firing: Firing; progress: Progress }): Promise<boolean>;
  /** Milliseconds until the next schedule is due by the store's clock, null for none. */
  untilNextMs(): Promise<number | null>;
};
