/**
 * P5: from enqueueing to starting, and how fast 10,000 queued runs are worked off. A run of ours is claimed under a lease and
 * journals its start and its end; a job of a peer does nothing. The limit of the first is one NOTIFY round trip.
 */
import { Client } from 'pg';
import { systemClock } from '../src/kernel/clock.ts';
import type { OrgId, RunId, WorkerId } from '../src/kernel/ids.ts';
import { createLocalEngine } from '../src/runtime/runs/local-engine.ts';
import type { Lease } from '../src/runtime/runs/store-port.ts';
import { ACTOR, endedEvent, newRun, noteEvent } from '../test/support/run-fixtures.ts';
import { until } from '../test/support/until.ts';
import { openArena, ORGS } from './arena.ts';
import type { Arena } from './arena.ts';
import { importPeer, installPeers } from './peers.ts';
import type { Graphile, PgBoss } from './peers.ts';
import { compare, quantile, timed } from './report.ts';
import type { Report, Series, Side } from './report.ts';

const JOBS = 10_000;
const STARTS = 100;
const CONCURRENCY = 256;
const LEASE_MS = 600_000;
const CREATE_TOGETHER = 125;

/** `drain` times working off what was just enqueued; `starts` gives the milliseconds from enqueueing to start, one by one. */
type Queue = { name: string; drain(): Promise<number>; starts(): Promise<number[]>; close(): Promise<void> };

export async function benchQueue(): Promise<Report> {
  await installPeers();
  const arena = await openArena();
  const queues = [
    ours(arena),
    await graphile(await arena.addDatabase('graphile'), false),
    await graphile(await arena.addDatabase('graphile_batched'), true),
    await pgBoss(await arena.addDatabase('boss')),
  ];
  const limits = await oursAtDepth(arena);
  const drains = queues.map((queue): Side => ({ name: queue.name, measure: async () => JOBS / (await queue.drain()) }));
  const starts = queues.map((queue): Side => ({ name: queue.name, measure: async () => quantile(await queue.starts(), 0.5) }));
  const roundTrip: Side = {
    name: 'NOTIFY round trip',
    measure: async () => quantile(await notifyRoundTrips(await arena.addDatabase(`notify_${Math.round(performance.now())}`)), 0.5),
  };
  const series: Series[] = [
    await compare({ what: `working off ${JOBS.toLocaleString('en')} queued`, unit: 'jobs/s', better: 'more' }, drains),
    await compare({ what: 'enqueue to start, p50', unit: 'ms', better: 'less' }, [...starts, roundTrip]),
  ];
  for (const queue of queues) await queue.close();
  await arena.close();
  return {
    title: 'P5: the queue',
    series,
    notes: [
      `With ${JOBS.toLocaleString('en')} queued over ${ORGS.length} organizations: ${limits}.`,
      'A run of Windlass is claimed under a lease with fencing, limits, fair share and lanes, and writes two chained journal entries; a job of a peer writes nothing.',
      'graphile-worker runs one job at a time with 24 at once, and batched (500 fetched and completed together); pg-boss by fetch and complete of 500.',
    ],
  };
}

function ours(arena: Arena): Queue {
  const { store, hub } = arena;
  let made = 0;
  const create = async (org: OrgId): Promise<RunId> => {
    made += 1;
    const run = newRun(org, `run_${made}`);
    await store.transaction(org, (tx) => store.createRun(tx, run));
    return run.id;
  };
  const started = new Map<string, number>();
  let ended = 0;
  let drains = 0;
  const drive = async (lease: Lease): Promise<{ is: 'ended' }> => {
    started.set(lease.run, performance.now());
    const events = [noteEvent('started'), endedEvent()].map((event) => ({ event, effectId: null }));
    await store.append([{ lease, actor: ACTOR, events, patch: { status: 'succeeded', reason: 'It is over.' }, consumed: [] }]);
    ended += 1;
    return { is: 'ended' };
  };
  const startEngine = (): ReturnType<typeof createLocalEngine> =>
    createLocalEngine({
      store,
      driver: { drive, nudge: () => false, drain: async () => {} },
      wakeups: hub,
      clock: systemClock,
      worker: 'wrk_bench' as WorkerId,
      log: () => {},
      pools: [],
      concurrency: CONCURRENCY,
      leaseMs: LEASE_MS,
    });
  return {
    name: 'Windlass',
    async drain() {
      drains += 1;
      await fill(arena, `run_drain${drains}x`, JOBS);
      ended = 0;
      let engine: ReturnType<typeof createLocalEngine> | null = null;
      const seconds = await timed(async () => {
        engine = startEngine();
        await until('all have ended', 300_000, () => ended === JOBS);
      });
      await (engine as ReturnType<typeof createLocalEngine> | null)?.stop();
      return seconds;
    },
    async starts() {
      const engine = startEngine();
      const times = await oneByOne(async () => {
        const before = performance.now();
        const run = await create(ORGS[0] ?? ('' as OrgId));
        hub.wake(ORGS[0] ?? ('' as OrgId), run);
        await untilSoon(() => started.has(run));
        return (started.get(run) ?? Number.NaN) - before;
      });
      await engine.stop();
      return times;
    },
    close: async () => {},
  };
}

/** Creates runs over all organizations, many in a transaction: not what is measured. */
async function fill({ store }: Arena, prefix: string, count: number): Promise<void> {
  for (let done = 0; done < count; done += CREATE_TOGETHER) {
    const org = ORGS[(done / CREATE_TOGETHER) % ORGS.length] ?? ('' as OrgId);
    const runs = Array.from({ length: CREATE_TOGETHER }, (_, index) => newRun(org, `${prefix}${done + index}`));
    await store.transaction(org, async (tx) => void (await Promise.all(runs.map((run) => store.createRun(tx, run)))));
  }
}

/** How creating and claiming do while the queue is full. */
async function oursAtDepth(arena: Arena): Promise<string> {
  const { store } = arena;
  let made = 0;
  const create = async (org: OrgId): Promise<number> => {
    made += 1;
    const run = newRun(org, `run_deep${made}`);
    return (await timed(() => store.transaction(org, (tx) => store.createRun(tx, run)))) * 1000;
  };
  await fill(arena, 'run_depth', JOBS);
  const creating = await oneByOne(() => create(ORGS[made % ORGS.length] ?? ('' as OrgId)));
  const leases: Lease[] = [];
  const claiming = await oneByOne(
    async () =>
      (await timed(async () => leases.push(...(await store.claim({ worker: 'wrk_deep' as WorkerId, leaseMs: LEASE_MS, limit: 1, pools: [] }))))) *
      1000,
  );
  const events = [{ event: endedEvent(), effectId: null }];
  while (leases.length > 0) {
    const batch = leases.splice(0, CONCURRENCY);
    await store.append(batch.map((lease) => ({ lease, actor: ACTOR, events, patch: { status: 'succeeded', reason: '' }, consumed: [] })));
    leases.push(...(await store.claim({ worker: 'wrk_deep' as WorkerId, leaseMs: LEASE_MS, limit: 100, pools: [] })));
  }
  const p99 = (figures: readonly number[]): string => `p50 ${quantile(figures, 0.5).toFixed(2)} ms, p99 ${quantile(figures, 0.99).toFixed(2)} ms`;
  return `creating one ${p99(creating)}; claiming one ${p99(claiming)}`;
}

async function oneByOne(measure: () => Promise<number>): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < STARTS; index += 1) times.push(await measure());
  return times;
}

/** Looks at every turn of the event loop: until() is too coarse for milliseconds. */
async function untilSoon(look: () => boolean): Promise<void> {
  while (!look()) await new Promise((resolve) => setImmediate(resolve));
}

/** `batched`: jobs fetched 500 at a time and completed together, so that a crash repeats all of them. */
async function graphile(url: string, batched: boolean): Promise<Queue> {
  const { run, makeWorkerUtils, Logger } = await importPeer<Graphile>('graphile-worker');
  const logger = new Logger(() => () => {});
  const producer = await makeWorkerUtils({ connectionString: url, logger });
  await producer.migrate();
  let done = 0;
  let startedAt = 0;
  const taskList = {
    nothing: async ({ at }: { at: number }) => {
      if (at > 0) startedAt = performance.now();
      done += 1;
    },
  };
  const options = { connectionString: url, logger, noHandleSignals: true, taskList };
  return {
    name: batched ? 'graphile-worker, batched' : 'graphile-worker',
    async drain() {
      await producer.addJobs(Array.from({ length: JOBS }, () => ({ identifier: 'nothing', payload: { at: 0 } })));
      done = 0;
      let runner: { stop(): Promise<void> } | null = null;
      const seconds = await timed(async () => {
        runner = await run({
          ...options,
          concurrency: 24,
          ...(batched
            ? { preset: { worker: { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0, connectionString: url } } }
            : {}),
        });
        await until('all are done', 300_000, () => done === JOBS);
      });
      await (runner as { stop(): Promise<void> } | null)?.stop();
      return seconds;
    },
    async starts() {
      const runner = await run({ ...options, concurrency: 10 });
      const times = await oneByOne(async () => {
        startedAt = 0;
        const before = performance.now();
        await producer.addJob('nothing', { at: before });
        await untilSoon(() => startedAt > 0);
        return startedAt - before;
      });
      await runner.stop();
      return times;
    },
    close: () => producer.release(),
  };
}

async function pgBoss(url: string): Promise<Queue> {
  const { PgBoss: Boss } = await importPeer<PgBoss>('pg-boss');
  const boss = new Boss({ connectionString: url });
  boss.on('error', () => {});
  await boss.start();
  await boss.createQueue('drain');
  await boss.createQueue('start');
  let startedAt = 0;
  await boss.work('start', { batchSize: 1, pollingIntervalSeconds: 0.5 }, async () => void (startedAt = performance.now()));
  return {
    name: 'pg-boss',
    async drain() {
      for (let index = 0; index < JOBS; index += 1_000)
        await boss.insert(
          'drain',
          Array.from({ length: 1_000 }, () => ({ data: { at: 0 } })),
        );
      return timed(async () => {
        for (let jobs = await boss.fetch('drain', { batchSize: 500 }); jobs.length > 0; jobs = await boss.fetch('drain', { batchSize: 500 })) {
          await boss.complete(
            'drain',
            jobs.map((job) => job.id),
          );
        }
      });
    },
    async starts() {
      const times: number[] = [];
      // polling: a few are enough, and each takes half a second
      for (let index = 0; index < 5; index += 1) {
        startedAt = 0;
        const before = performance.now();
        await boss.send('start', { at: before });
        await untilSoon(() => startedAt > 0);
        times.push(startedAt - before);
      }
      return times;
    },
    close: () => boss.stop({ graceful: false }),
  };
}

async function notifyRoundTrips(url: string): Promise<number[]> {
  const [listener, sender] = [new Client({ connectionString: url }), new Client({ connectionString: url })];
  await Promise.all([listener.connect(), sender.connect()]);
  await listener.query('listen bench');
  let heardAt = 0;
  listener.on('notification', () => (heardAt = performance.now()));
  const times = await oneByOne(async () => {
    heardAt = 0;
    const before = performance.now();
    await sender.query("select pg_notify('bench', '')");
    await untilSoon(() => heardAt > 0);
    return heardAt - before;
  });
  await Promise.all([listener.end(), sender.end()]);
  return times;
}
