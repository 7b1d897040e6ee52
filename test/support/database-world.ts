/** A world for runs on a real PostgreSQL: real time, real commits, scripted model and tools. `await using world = await databaseWorld(...)`. */
import { randomBytes } from 'node:crypto';
import { systemClock } from '../../src/kernel/clock.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import { createRunStore } from '../../src/runtime/runs/store.ts';
import type { RunStore } from '../../src/runtime/runs/store-port.ts';
import { createDatabaseClock } from '../../src/storage/database-clock.ts';
import { testDatabase, type TestDatabase } from './database.ts';
import { createWorldOn, ORG, type RunWorld, type WorldOptions } from './run-world.ts';

export type DatabaseWorld = RunWorld<RunStore, Clock> & { readonly db: TestDatabase } & AsyncDisposable;

export async function databaseWorld(options: WorldOptions): Promise<DatabaseWorld> {
  const db = await testDatabase();
  await db.addOrg(ORG);
  const clock = createDatabaseClock({ db, clock: systemClock });
  await clock.sync();
  const world = createWorldOn({ store: createRunStore({ db, clock, randomBytes, onAppended: () => undefined }), clock }, options);
  return { ...world, db, [Symbol.asyncDispose]: () => db[Symbol.asyncDispose]() };
}
