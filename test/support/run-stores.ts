/** The two implementations of `RunStore` as the conformance suite wants them: on a clock that the test moves. */
import { randomBytes } from 'node:crypto';
import { createRunStore } from '../../src/runtime/runs/store.ts';
import { createDatabaseClock } from '../../src/storage/database-clock.ts';
import { readSealed } from '../../src/storage/journal-store.ts';
import { START_MS } from '../conformance/run-store-harness.ts';
import type { StoreUnderTest } from '../conformance/run-store-harness.ts';
import { insertBudget, readCounter } from './budgets.ts';
import { testDatabase } from './database.ts';
import { createManualClock } from './manual-clock.ts';
import { createMemoryStore } from './memory-store.ts';

export async function openMemory(): Promise<StoreUnderTest> {
  const clock = createManualClock(START_MS);
  const store = createMemoryStore({ clock, randomBytes });
  return {
    store,
    setTime: async (afterStartMs) => clock.set(START_MS + afterStartMs),
    addOrg: async () => {},
    setLimit: async (limit) => store.setLimit(limit),
    setBudget: async (budget) => store.budgets.set(budget),
    counter: async (budget, root) => store.budgets.counter(budget, root),
    sealed: async (org, run) => store.sealed(org, run),
    [Symbol.asyncDispose]: async () => {},
  };
}

export async function openPostgres(): Promise<StoreUnderTest> {
  const db = await testDatabase();
  const clock = createManualClock(START_MS);
  await db.setTime(START_MS);
  return {
    store: createRunStore({ db, clock: createDatabaseClock({ db, clock }), randomBytes, onAppended: () => {} }),
    async setTime(afterStartMs) {
      clock.set(START_MS + afterStartMs);
      await db.setTime(START_MS + afterStartMs);
    },
    addOrg: async (org) => void (await db.addOrg(org)),
    setLimit: async ({ org, scope, id, max }) =>
      void (await db.owner('insert into concurrency_limit (org_id, scope, id, max) values ($1, $2, $3, $4)', [org, scope, id, max])),
    setBudget: (budget) => insertBudget(db, budget, START_MS),
    counter: (budget, root) => readCounter(db, budget, root),
    sealed: (org, run) => db.asWorker((tx) => readSealed(tx, { org, id: run }, { afterSeq: 0, limit: 1_000 })),
    [Symbol.asyncDispose]: () => db[Symbol.asyncDispose](),
  };
}
