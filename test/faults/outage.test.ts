/** The database is stopped under running workers and comes back (benchmark R7). A cluster of its own, with fsync on. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { Client } from 'pg';
import { systemClock } from '../../src/kernel/clock.ts';
import type { Entry } from '../../src/kernel/events.ts';
import type { RunId } from '../../src/kernel/ids.ts';
import { createRunStore } from '../../src/runtime/runs/store.ts';
import type { RunStore } from '../../src/runtime/runs/store-port.ts';
import { createDatabaseClock } from '../../src/storage/database-clock.ts';
import { createDatabase } from '../../src/storage/database.ts';
import { startEmbedded } from '../../src/storage/embedded-postgres.ts';
import { migrate } from '../../src/storage/migrate.ts';
import { startProcess } from '../support/process.ts';
import { testHome } from '../support/home.ts';
import { createWorldOn, ORG } from '../support/run-world.ts';
import { until } from '../support/until.ts';
import { jobOptions, TOOLS } from './job.ts';
import { startReceiver } from './receiver.ts';

const RUNS = 12;
const OUTAGE_MS = 3_000;
/** After its return the first step must follow within this. */
const FIRST_STEP_MS = 2_000;

test(
  'a database that is stopped under running workers loses nothing acknowledged, and work goes on within 2 s of its return [RUN-3, R7]',
  { timeout: 120_000 },
  async (t) => {
    await using home = testHome();
    await using receiver = await startReceiver();
    const start = () => startEmbedded({ home: home.path, clock: systemClock, spawn });
    let cluster = await start();
    home.atEnd(() => cluster.stop());
    await migrate({ url: cluster.url });
    const owner = new Client({ connectionString: cluster.url });
    await owner.connect();
    await owner.query('insert into org (id, name) values ($1, $2)', [ORG, 'Test']);
    await owner.end();

    const db = createDatabase({ url: cluster.url, applicationName: 'outage', poolSize: 8, clock: systemClock });
    const clock = createDatabaseClock({ db, clock: systemClock });
    await clock.sync();
    const acknowledged: Entry[] = [];
    const real = createRunStore({ db, clock, randomBytes, onAppended: () => undefined });
    const store: RunStore = {
      ...real,
      async append(requests) {
        const results = await real.append(requests);
        for (const result of results) if (result.ok === 'appended') acknowledged.push(...result.entries);
        return results;
      },
    };
    const options = jobOptions(receiver.url, clock);
    const script: typeof options.script = async (request) => {
      await clock.sleep(150); // so that the stop meets runs in every phase
      return options.script(request);
    };
    const world = createWorldOn({ store, clock }, { ...options, script });
    const runs: RunId[] = [];
    for (let index = 0; index < RUNS; index += 1) runs.push(await world.create({ plan: { tools: TOOLS }, queued: { input: 'job four' } }));
    const workers = ['a', 'b'].map((name) => startProcess({ deps: world.deps, name, wakeups: { listen: () => () => undefined }, concurrency: RUNS }));

    await until('work on the runs', 20_000, () => receiver.effects().length >= 8);
    await cluster.stop();
    const before = acknowledged.length;
    const stoppedMs = performance.now();
    await until('the outage to last', OUTAGE_MS * 2, () => performance.now() - stoppedMs >= OUTAGE_MS);
    cluster = await start();
    const backMs = performance.now();
    await until('a step after the return', 10_000, () => acknowledged.length > before);
    const firstStepMs = Math.round(performance.now() - backMs);
    assert.ok(firstStepMs <= FIRST_STEP_MS, `the first step followed after ${firstStepMs} ms`);

    await until('the end of all runs', 60_000, async () =>
      (await Promise.all(runs.map((run) => store.getRun(ORG, run)))).every((row) => row !== null && row.endedAtMs !== null),
    );
    for (const run of runs) {
      const entries = await world.journal(run);
      for (const entry of acknowledged.filter(({ stream }) => stream === run))
        assert.equal(entries[entry.seq - 1]?.hash, entry.hash, `entry ${entry.seq} was lost`);
      assert.equal((await store.getRun(ORG, run))?.status, 'succeeded');
      assert.equal(receiver.effects().filter((effect) => effect.run === run).length, 2);
    }
    await Promise.all(workers.map(({ engine }) => engine.stop()));
    await db.close();
    await cluster.stop();
    t.diagnostic(
      `R7: ${OUTAGE_MS} ms outage, ${acknowledged.length} acknowledged, 0 lost, 0 duplicated, first step ${firstStepMs} ms after the return`,
    );
  },
);
