/** A durable PostgreSQL of its own for a benchmark, a database for each side, and our run store on one of them. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { systemClock } from '../src/kernel/clock.ts';
import type { OrgId } from '../src/kernel/ids.ts';
import { createRunStore } from '../src/runtime/runs/store.ts';
import type { RunStore } from '../src/runtime/runs/store-port.ts';
import { createWakeupHub } from '../src/runtime/runs/wakeup.ts';
import type { WakeupHub } from '../src/runtime/runs/wakeup.ts';
import { createDatabaseClock } from '../src/storage/database-clock.ts';
import { createDatabase } from '../src/storage/database.ts';
import { startEmbedded } from '../src/storage/embedded-postgres.ts';
import { migrate } from '../src/storage/migrate.ts';

export const ORGS = Array.from({ length: 8 }, (_, index) => `org_${index}` as OrgId);

export type Arena = {
  store: RunStore;
  hub: WakeupHub;
  /** As the owner, on our database. */
  owner: Client;
  /** Makes an empty database for a peer. */
  addDatabase(name: string): Promise<string>;
  close(): Promise<void>;
};

export async function openArena(): Promise<Arena> {
  const home = await mkdtemp(join(tmpdir(), 'windlass-bench-'));
  const embedded = await startEmbedded({ home, clock: systemClock, spawn });
  await migrate({ url: embedded.url });
  const owner = new Client({ connectionString: embedded.url });
  await owner.connect();
  for (const org of ORGS) await owner.query('insert into org (id, name) values ($1, $1)', [org]);
  const db = createDatabase({ url: embedded.url, applicationName: 'bench', poolSize: 10, clock: systemClock });
  const hub = await createWakeupHub({ db, clock: systemClock, process: 'bench' });
  const clock = createDatabaseClock({ db, clock: systemClock });
  await clock.sync();
  return {
    store: createRunStore({ db, clock, randomBytes, onAppended: (org, run) => hub.grew(org, run) }),
    hub,
    owner,
    async addDatabase(name) {
      await owner.query(`create database ${name}`);
      return embedded.url.replace('/windlass?', `/${name}?`);
    },
    async close() {
      await hub.close();
      await db.close();
      await owner.end();
      await embedded.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}
