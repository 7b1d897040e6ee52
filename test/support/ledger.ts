/** A ledger on a real PostgreSQL whose time the test moves, and calls as dull as possible: 100 tokens in, 100 out at most, 1 micro-USD each. */
import { randomBytes } from 'node:crypto';
import { createIds, storedId } from '../../src/kernel/ids.ts';
import { NO_USAGE } from '../../src/kernel/messages.ts';
import type { CallOutcome, PlannedCall } from '../../src/platform/budgets/ledger.ts';
import { createLedger, type LedgerService } from '../../src/platform/budgets/ledger-service.ts';
import { testDatabase, type TestDatabase } from './database.ts';
import { createManualClock } from './manual-clock.ts';

export const ORG = storedId('org', 'org_1');
export const KEY = storedId('key', 'key_1');
const START_MS = Date.UTC(2026, 10, 28, 9);

export type LedgerAt = AsyncDisposable & {
  db: TestDatabase;
  ledger: LedgerService;
  nowMs(): number;
  /** Another process on the same database. */
  another(process: string): LedgerService;
  setTime(afterStartMs: number): Promise<void>;
  setInstant(iso: string): Promise<void>;
};

export async function openLedger(): Promise<LedgerAt> {
  const db = await testDatabase({ poolSize: 10 });
  await db.addOrg(ORG);
  const clock = createManualClock(START_MS);
  await db.setTime(START_MS);
  const ids = createIds({ nowMs: () => clock.nowMs(), randomBytes });
  const another = (process: string): LedgerService => createLedger({ db, clock, ids, randomBytes, process, log: () => {} });
  const set = async (nowMs: number): Promise<void> => {
    clock.set(nowMs);
    await db.setTime(nowMs);
  };
  return {
    db,
    ledger: another('wrk_1'),
    another,
    nowMs: () => clock.nowMs(),
    setTime: (afterStartMs) => set(START_MS + afterStartMs),
    setInstant: (iso) => set(Date.parse(iso)),
    [Symbol.asyncDispose]: () => db[Symbol.asyncDispose](),
  };
}

export function planned({ key = KEY, org = ORG, ...over }: Partial<Omit<PlannedCall, 'place'>> & { key?: string; org?: string } = {}): PlannedCall {
  const place = { project: null, agent: null, run: null, actor: storedId('act', 'act_1'), correlation: storedId('cor', 'cor_1') };
  return {
    place: { ...place, org: storedId('org', org), key: storedId('key', key) },
    model: 'provider/model',
    protocol: 'anthropic',
    inputTokens: 100,
    maxOutputTokens: 100,
    price: { input: 1_000_000, cachedInput: 100_000, cacheWrite: 1_000_000, output: 1_000_000, date: '2026-11-01' },
    rehearsed: false,
    facts: {},
    ...over,
  };
}

export function replied(inputTokens: number, outputTokens: number): CallOutcome {
  return { kind: 'replied', usage: { ...NO_USAGE, inputTokens, outputTokens }, status: 200, ms: 5, firstByteMs: 2, failure: null, facts: {} };
}
