/**
 * A worker process of the fault tests, on the real PostgreSQL store. With FAULT_RUN it drives that run alone; without, it is an engine
 * until it is told to end (SIGTERM). It dies (SIGKILL) or stops (SIGSTOP) at the point that FAULT_AT names: `kill before store.append 7`,
 * `kill during store.append 7`, `stop before tool.put_keyed.call 1`. What the store acknowledged it tells its parent.
 */
import { writeSync } from 'node:fs';
import { systemClock } from '../../src/kernel/clock.ts';
import { storedId } from '../../src/kernel/ids.ts';
import { createWakeupHub } from '../../src/runtime/runs/wakeup.ts';
import { createDatabaseClock } from '../../src/storage/database-clock.ts';
import { createDatabase } from '../../src/storage/database.ts';
import { startProcess } from '../support/process.ts';
import { ORG } from '../support/run-world.ts';
import { workerParts } from './worker-deps.ts';

const { FAULT_URL = '', FAULT_RECEIVER = '', FAULT_RUN = '', FAULT_AT = '', FAULT_LEASE_MS = '3000', FAULT_NAME = '' } = process.env;
const [deed, when, port, count] = FAULT_AT.split(' ');
const alone = FAULT_RUN !== '';
const STDOUT = 1;

const db = createDatabase({ url: FAULT_URL, applicationName: FAULT_NAME, poolSize: alone ? 2 : 8, clock: systemClock });
const clock = createDatabaseClock({ db, clock: systemClock });
await clock.sync();
const hub = alone ? null : await createWakeupHub({ db, clock: systemClock, process: FAULT_NAME });
const { deps } = workerParts({ db, clock, receiver: FAULT_RECEIVER, wake: (org, run) => hub?.wake(org, run) });

const { store } = deps;
const telling: typeof store = {
  ...store,
  async append(requests) {
    const results = await store.append(requests);
    for (const result of results) {
      // at once and for certain, since the kill may be next
      if (alone && result.ok === 'appended') writeSync(STDOUT, `${result.lease.headSeq}\n`);
      if (result.ok === 'appended' && process.connected)
        process.send?.({ acked: result.lease.run, org: result.lease.org, seq: result.lease.headSeq });
    }
    return results;
  },
};

const act = (): void => void process.kill(process.pid, deed === 'stop' ? 'SIGSTOP' : 'SIGKILL');
/** Turns of the event loop after which a statement has left and its answer has not come. */
const TURNS_TO_SEND = 3;
const actSoon = (turns: number): void => void (turns === 0 ? act() : setImmediate(() => actSoon(turns - 1)));

let passed = 0;
const worker = startProcess({
  deps: { ...deps, store: telling, leaseMs: Number(FAULT_LEASE_MS), log: () => undefined },
  name: FAULT_NAME,
  wakeups: hub ?? { listen: () => () => undefined },
  concurrency: alone ? 0 : Number(process.env['FAULT_CONCURRENCY'] ?? '64'),
  hook(at, called) {
    if (called !== port || at !== (when === 'during' ? 'before' : when)) return;
    passed += 1;
    if (passed !== Number(count)) return;
    if (when === 'during') actSoon(TURNS_TO_SEND);
    else act();
  },
});

if (alone) {
  await worker.driver.advance(ORG, storedId('run', FAULT_RUN));
  process.exit(0);
}
process.once('SIGTERM', () => void worker.engine.stop().then(() => process.exit(0)));
process.send?.({ ready: true });
