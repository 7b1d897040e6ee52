/**
 * A worker process of the fault tests, on the real PostgreSQL store. With FAULT_RUN it drives that run and dies (SIGKILL) or
 * stops (SIGSTOP) at the point named by FAULT_AT: `kill before append 7`, `stop before tool.put_keyed.call 1`. Without it, it
 * is an engine until it is killed.
 */
import { enableCompileCache } from 'node:module';
import { randomBytes } from 'node:crypto';
import { systemClock } from '../../src/kernel/clock.ts';
import { storedId } from '../../src/kernel/ids.ts';
import { createRunStore } from '../../src/runtime/runs/store.ts';
import { createWakeupHub } from '../../src/runtime/runs/wakeup.ts';
import { createDatabaseClock } from '../../src/storage/database-clock.ts';
import { createDatabase } from '../../src/storage/database.ts';
import { startProcess } from '../support/process.ts';
import { createWorldOn, ORG } from '../support/run-world.ts';
import { jobOptions } from './job.ts';

enableCompileCache();
const { FAULT_URL = '', FAULT_RECEIVER = '', FAULT_RUN = '', FAULT_AT = '', FAULT_LEASE_MS = '3000', FAULT_NAME = String(process.pid) } = process.env;
const [deed, when, port, count] = FAULT_AT.split(' ');

const db = createDatabase({ url: FAULT_URL, applicationName: 'fault-worker', poolSize: 4, clock: systemClock });
const clock = createDatabaseClock({ db, clock: systemClock });
await clock.sync();
const store = createRunStore({ db, clock, randomBytes, onAppended: () => undefined });
const world = createWorldOn({ store, clock }, jobOptions(FAULT_RECEIVER, clock));
const hub = await createWakeupHub({ db, clock: systemClock, process: FAULT_NAME });

let passed = 0;
const worker = startProcess({
  deps: { ...world.deps, leaseMs: Number(FAULT_LEASE_MS) },
  name: FAULT_NAME,
  wakeups: FAULT_RUN === '' ? hub : { listen: () => () => undefined },
  concurrency: FAULT_RUN === '' ? 16 : 0,
  hook(at, called) {
    if (at !== when || called !== port) return;
    passed += 1;
    if (passed === Number(count)) process.kill(process.pid, deed === 'stop' ? 'SIGSTOP' : 'SIGKILL');
  },
});

if (FAULT_RUN !== '') {
  await worker.driver.advance(ORG, storedId('run', FAULT_RUN));
  process.exit(0);
}
