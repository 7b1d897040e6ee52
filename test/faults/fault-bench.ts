/** What fault tests share: a durable database, a receiver, worker processes of their own, the use cases that reach them, and outcomes of runs. */
import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { systemClock } from '../../src/kernel/clock.ts';
import type { RunEvent } from '../../src/kernel/events.ts';
import { storedId, type OrgId, type RunId } from '../../src/kernel/ids.ts';
import type { Caller } from '../../src/kernel/operation.ts';
import type { RunPlan } from '../../src/kernel/plan.ts';
import type { Principal } from '../../src/platform/identity/principal.ts';
import { createRuns } from '../../src/runtime/runs/service.ts';
import type { NewRun, RunRow } from '../../src/runtime/runs/store-port.ts';
import { createRunViews, type RunViews } from '../../src/runtime/runs/views-store.ts';
import { createWakeupHub } from '../../src/runtime/runs/wakeup.ts';
import { createDatabaseClock } from '../../src/storage/database-clock.ts';
import { createDatabase } from '../../src/storage/database.ts';
import { startEmbedded } from '../../src/storage/embedded-postgres.ts';
import { migrate } from '../../src/storage/migrate.ts';
import { testDatabase } from '../support/database.ts';
import { modelPlan, queued } from '../support/drive-pure.ts';
import { testHome } from '../support/home.ts';
import { newRun, ORG } from '../support/run-world.ts';
import { until } from '../support/until.ts';
import { TOOLS } from './job.ts';
import { startReceiver, type Receiver } from './receiver.ts';
import { workerParts, type WorkerParts } from './worker-deps.ts';
import { UNBOUND } from '../support/identity.ts';

export const LEASE_MS = 3_000;
export const ON_SERVER = process.env['WINDLASS_TEST_DATABASE'] === 'server';

export type Worker = {
  name: string;
  child: ChildProcess;
  /** Signal or exit code that ended it. */
  exited: Promise<string>;
  /** Last acknowledged entry of each run, as this worker told it. */
  acked: Map<string, number>;
  /** Of the driver of one run, whatever became of it: the last entry that was acknowledged to it. */
  lastSeq(): number;
  /** Ends it by that signal and waits for the end. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<string>;
};

export type WorkerOptions = { run?: RunId; at?: string; name?: string; leaseMs?: number; concurrency?: number; onAcked?: () => void };
export type Wanted = { plan?: Partial<RunPlan>; row?: Partial<NewRun> };

export type FaultBench = Omit<WorkerParts, 'world' | 'deps'> & {
  receiver: Receiver;
  views: RunViews;
  runs: ReturnType<typeof createRuns>['handlers'];
  parts: WorkerParts;
  nowMs(): number;
  /** A statement past row-level security: for arranging and inspecting. */
  owner<T extends object>(text: string, values?: readonly unknown[]): Promise<T[]>;
  addOrgs(orgs: readonly OrgId[]): Promise<void>;
  create(job: string, wanted?: Wanted): Promise<RunId>;
  /** A process of its own: an engine (resolves when it is ready) or, with `run`, the driver of that run alone. */
  worker(options?: WorkerOptions): Promise<Worker>;
  row(run: RunId, org?: OrgId): Promise<RunRow>;
  events(run: RunId, org?: OrgId): Promise<RunEvent[]>;
  /** Waits for the end of all; a person answers questions about unknown outcomes after a look at the receiver. */
  untilEnded(runs: readonly RunId[], withinMs: number): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** A person of the organization, on a surface. */
export const PERSON: Caller<Principal> = {
  correlation: storedId('cor', 'cor_1'),
  surface: 'http',
  principal: {
    org: ORG,
    actor: storedId('act', 'act_2'),
    kind: 'user',
    name: 'Grace',
    agent: null,
    key: storedId('key', 'key_1'),
    fingerprint: '0123456789abcdef',
    role: 'owner',
    scopes: [],
    ...UNBOUND,
  },
};

const POOL = 6;

export async function openFaultBench(): Promise<FaultBench> {
  const stack = new AsyncDisposableStack();
  const ground = stack.use(await (ON_SERVER ? openServer() : openEmbedded()));
  const { url } = ground;
  const receiver = stack.use(await startReceiver());
  const db = createDatabase({ url, applicationName: 'parent', poolSize: POOL, clock: systemClock });
  stack.defer(() => db.close());
  const clock = createDatabaseClock({ db, clock: systemClock });
  await clock.sync();
  const hub = await createWakeupHub({ db, clock: systemClock, process: 'parent' });
  stack.defer(() => hub.close());
  const parts = workerParts({ db, clock, receiver: receiver.url, wake: (org, run) => hub.wake(org, run) });
  const { store, approvals } = parts;
  const views = createRunViews(db);
  const runs = createRuns({
    ...{ store, views, clock, ids: parts.deps.ids, rules: parts.deps.rules },
    history: async () => [],
    wake: (org, run) => hub.wake(org, run),
    mayRun: async () => undefined,
  }).handlers;
  const workers: Worker[] = [];
  // the workers first: they hold connections
  stack.defer(async () => void (await Promise.all(workers.map((worker) => worker.end('SIGKILL')))));

  const row: FaultBench['row'] = async (run, org = ORG) => {
    const found = await store.getRun(org, run);
    if (found === null) throw new Error(`There is no run ${run}.`);
    return found;
  };
  const bench: FaultBench = {
    ...{ store, approvals, receiver, views, runs, parts, row },
    nowMs: () => clock.nowMs(),
    owner: (text, values) => ground.owner(text, values),
    addOrgs: async (orgs) => void (await ground.owner('insert into org (id, name) select unnest($1::text[]), $2', [orgs, 'Test'])),
    async create(job, { plan = {}, row: over = {} } = {}) {
      const id = parts.deps.ids.next('run');
      const run: NewRun = {
        ...newRun(id),
        queued: queued({ ...modelPlan({ tools: TOOLS, agents: ['helper'] }), ...plan } as RunPlan, { input: `job ${job}` }),
        ...over,
      };
      await store.transaction(run.org, (tx) => store.createRun(tx, run));
      hub.wake(run.org, id);
      return id;
    },
    async worker(options = {}) {
      const worker = startWorker({ url, receiver: receiver.url, name: `w${workers.length}`, ...options });
      workers.push(worker);
      if (options.run === undefined) await once(worker.child, 'message');
      return worker;
    },
    async events(run, org = ORG) {
      return (await store.readEntries(org, run, { afterSeq: 0, limit: 1_000 })).flatMap(({ event }) => (event === null ? [] : [event]));
    },
    async untilEnded(wanted, withinMs) {
      const open = new Set(wanted);
      await until('the end of all runs', withinMs, async () => {
        for (const run of open) {
          const found = await row(run);
          if (found.endedAtMs !== null) open.delete(run);
          else if (found.waitingFor === 'outcome') await answerTruthfully(bench, run);
        }
        return open.size === 0;
      });
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
  await bench.addOrgs([ORG]);
  return bench;
}

/** Looks whether the effects that a run asks about are at the receiver, and says so. */
async function answerTruthfully(bench: FaultBench, run: RunId): Promise<void> {
  const { items } = await bench.approvals.handlers.list(PERSON, { state: 'open', run, limit: 10 });
  for (const { id, hash, tool, args } of items) {
    const step = (args as { step?: unknown }).step;
    const there = bench.receiver.effects().some((effect) => effect.run === run && effect.tool === tool && effect.step === step);
    await bench.approvals.handlers.answer(PERSON, { id, hash, answer: there ? 'done' : 'not_done', text: '' });
  }
}

function startWorker(options: WorkerOptions & { url: string; receiver: string; name: string }): Worker {
  const { name, run, at, onAcked } = options;
  const env: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    NODE_COMPILE_CACHE: join(tmpdir(), `windlass-test-cache-${process.getuid?.() ?? 0}`),
    FAULT_URL: options.url,
    FAULT_RECEIVER: options.receiver,
    FAULT_NAME: name,
    FAULT_LEASE_MS: String(options.leaseMs ?? LEASE_MS),
    FAULT_CONCURRENCY: String(options.concurrency ?? 64),
    ...(run === undefined ? {} : { FAULT_RUN: run }),
    ...(at === undefined ? {} : { FAULT_AT: at }),
  };
  const child = fork(join(import.meta.dirname, 'worker.ts'), { env, stdio: ['ignore', run === undefined ? 'ignore' : 'pipe', 'inherit', 'ipc'] });
  const acked: Worker['acked'] = new Map();
  child.on('message', (message: { acked?: string; seq?: number }) => {
    if (message.acked === undefined) return;
    acked.set(message.acked, message.seq ?? 0);
    onAcked?.();
  });
  child.on('error', () => undefined);
  let told = '';
  child.stdout?.on('data', (chunk: Buffer) => (told += chunk.toString()));
  const exited = once(child, 'close').then(([code, signal]: (string | number | null)[]) => String(signal ?? code));
  return {
    ...{ name, child, exited, acked },
    lastSeq: () => Number(told.trim().split('\n').at(-1) ?? 0),
    end(signal) {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      return exited;
    },
  };
}

type Ground = AsyncDisposable & { url: string; owner<T extends object>(text: string, values?: readonly unknown[]): Promise<T[]> };

/** As in production: durable, in a home of its own. */
async function openEmbedded(): Promise<Ground> {
  const home = testHome();
  const { url, stop } = await startEmbedded({ home: home.path, clock: systemClock, spawn });
  home.atEnd(stop);
  await migrate({ url });
  return {
    url,
    async owner<T extends object>(text: string, values: readonly unknown[] = []) {
      const client = new Client({ connectionString: url });
      await client.connect();
      const { rows } = await client.query(text, [...values]);
      await client.end();
      return rows as T[];
    },
    [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
  };
}

async function openServer(): Promise<Ground> {
  const db = await testDatabase();
  return { url: db.url, owner: (text, values) => db.owner(text, values), [Symbol.asyncDispose]: () => db[Symbol.asyncDispose]() };
}

/** Does it for all, a few side by side; answers in their order. */
export async function forAll<T, R>(items: readonly T[], atOnce: number, work: (item: T, index: number) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  const failures: unknown[] = [];
  const lane = async (): Promise<void> => {
    for (const [index, item] of queue) {
      if (failures.length > 0) return;
      try {
        results[index] = await work(item, index);
      } catch (cause) {
        failures.push(cause); // thrown once every lane has come to rest, so that nothing is started behind the test's end
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  if (failures.length > 0) throw failures[0];
  return results;
}
