/**
 * P4: durable runs of ten steps, 32 side by side, over 8 organizations. A step of ours is two commits, intent and outcome,
 * with chain, fence and row-level security; a peer's is one record of its result. The limit is a bare multi-row insert.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunId, WorkerId } from '../src/kernel/ids.ts';
import type { Lease } from '../src/runtime/runs/store-port.ts';
import { ACTOR, endedEvent, newRun, noteEvent } from '../test/support/run-fixtures.ts';
import { until } from '../test/support/until.ts';
import { openArena, ORGS } from './arena.ts';
import type { Arena } from './arena.ts';
import { importPeer, installPeers, restateBinary } from './peers.ts';
import type { Dbos, Restate } from './peers.ts';
import { compare, timed } from './report.ts';
import type { Report, Side } from './report.ts';

const STEPS = 10;
const PARALLEL = 32;
const RUNS = { together: 320, alone: 20 };
const RESULT = 'x'.repeat(200);
const LEASE_MS = 600_000;

type Contender = { name: string; start(runs: number): Promise<(() => Promise<unknown>)[]>; close(): Promise<void> };

export async function benchJournal(): Promise<Report> {
  await installPeers();
  const arena = await openArena();
  const contenders = [ours(arena, false), ours(arena, true), await dbos(await arena.addDatabase('dbos')), await restate()];
  const stepsPerSecond = contenders.map((each): Side => ({
    name: each.name,
    measure: async () => (RUNS.together * STEPS) / (await timed(sideBySide(await each.start(RUNS.together), PARALLEL))),
  }));
  const bare: Side = { name: 'bare multi-row insert, halved', measure: () => bareSteps(arena) };
  const msPerStep = contenders.map((each): Side => ({
    name: each.name,
    measure: async () => ((await timed(sideBySide(await each.start(RUNS.alone), 1))) * 1000) / (RUNS.alone * STEPS),
  }));
  const together = await compare({ what: `${PARALLEL} runs side by side`, unit: 'steps/s', better: 'more' }, [...stepsPerSecond, bare]);
  const alone = await compare({ what: 'one run alone', unit: 'ms a step', better: 'less' }, msPerStep);
  for (const each of contenders) await each.close();
  await arena.close();
  return {
    title: 'P4: durable runs of ten steps',
    series: [together, alone],
    notes: [
      'A step of Windlass is two durable commits (intent, then outcome: a model call or a write), or one with both (a read), chained and fenced, under row-level security over 8 organizations; a step of a peer is one record, after the fact.',
      'The bare insert writes 64 rows a commit into one table without index checks of ours; a step is counted as two rows.',
      'Windlass and DBOS use the same PostgreSQL with fsync on; Restate its own store. Budgets are not part of a step yet.',
    ],
  };
}

function sideBySide(jobs: (() => Promise<unknown>)[], parallel: number): () => Promise<unknown> {
  const next = async (): Promise<void> => {
    for (let job = jobs.pop(); job !== undefined; job = jobs.pop()) await job();
  };
  return () => Promise.all(Array.from({ length: parallel }, next));
}

/** `shared`: intent and outcome of a step in one commit, as a read's may be; a model call or a write needs two. */
function ours({ store }: Arena, shared: boolean): Contender {
  let made = 0;
  const commit = async (lease: Lease, texts: readonly string[], effectId: string): Promise<Lease> => {
    const events = texts.map((text) => ({ event: noteEvent(text), effectId }));
    const [result] = await store.append([{ lease, actor: ACTOR, events, patch: {}, consumed: [] }]);
    if (result?.ok !== 'appended') throw new Error(`An append was ${result?.ok}.`);
    return result.lease;
  };
  const drive = async (claimed: Lease): Promise<void> => {
    let lease = claimed;
    for (let step = 0; step < STEPS; step += 1) {
      if (!shared) lease = await commit(lease, ['intent'], `call_${step}`);
      lease = await commit(lease, shared ? ['intent', RESULT] : [RESULT], `call_${step}`);
    }
    const patch = { status: 'succeeded', reason: 'It is over.' } as const;
    await store.append([{ lease, actor: ACTOR, events: [{ event: endedEvent(), effectId: null }], patch, consumed: [] }]);
  };
  return {
    name: shared ? 'Windlass, steps that read' : 'Windlass',
    async start(runs) {
      const leases: Lease[] = [];
      for (let index = 0; index < runs; index += 1) {
        made += 1;
        const run = newRun(ORGS[made % ORGS.length] ?? '', `run_${shared ? 'read' : 'step'}${made}`);
        await store.transaction(run.org, (tx) => store.createRun(tx, run));
      }
      while (leases.length < runs) leases.push(...(await store.claim({ worker: 'wrk_bench' as WorkerId, leaseMs: LEASE_MS, limit: 100, pools: [] })));
      return leases.map((lease) => () => drive(lease));
    },
    close: async () => {},
  };
}

async function dbos(url: string): Promise<Contender> {
  const { DBOS } = await importPeer<Dbos>('@dbos-inc/dbos-sdk');
  DBOS.setConfig({ name: 'bench', systemDatabaseUrl: url, logLevel: 'error', runAdminServer: false });
  const workflow = DBOS.registerWorkflow(
    async () => {
      for (let step = 0; step < STEPS; step += 1) await DBOS.runStep(async () => RESULT, { name: `step_${step}` });
    },
    { name: 'steps' },
  );
  await DBOS.launch();
  return { name: 'DBOS', start: async (runs) => Array.from({ length: runs }, () => () => workflow()), close: () => DBOS.shutdown() };
}

const RESTATE_PORTS = { ingress: 18_080, admin: 19_070, node: 15_122, service: 19_080 };

async function restate(): Promise<Contender> {
  process.env['RESTATE_LOGGING'] = 'ERROR';
  const sdk = await importPeer<Restate>('@restatedev/restate-sdk');
  const folder = await mkdtemp(join(tmpdir(), 'windlass-bench-restate-'));
  const server = spawn(restateBinary(), ['--base-dir', folder], {
    stdio: 'ignore',
    env: {
      PATH: '/usr/bin:/bin',
      DO_NOT_TRACK: '1',
      RESTATE_LOG_FILTER: 'error',
      RESTATE_BIND_ADDRESS: `127.0.0.1:${RESTATE_PORTS.node}`,
      RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${RESTATE_PORTS.node}`,
      RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${RESTATE_PORTS.ingress}`,
      RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${RESTATE_PORTS.admin}`,
    },
  });
  const service = sdk.service({
    name: 'bench',
    handlers: {
      steps: async (context) => {
        for (let step = 0; step < STEPS; step += 1) await context.run(`step_${step}`, () => RESULT);
        return 'done';
      },
    },
  });
  await sdk.serve({ port: RESTATE_PORTS.service, services: [service] });
  const register = async (): Promise<boolean> => {
    const uri = `http://127.0.0.1:${RESTATE_PORTS.service}`;
    const answer = await fetch(`http://127.0.0.1:${RESTATE_PORTS.admin}/deployments`, post({ uri })).catch(() => null); // not up yet
    return answer?.ok === true;
  };
  await until('Restate takes the deployment', 60_000, register);
  const invoke = async (): Promise<void> => {
    const answer = await fetch(`http://127.0.0.1:${RESTATE_PORTS.ingress}/bench/steps`, post(1));
    if (!answer.ok) throw new Error(`Restate answered ${answer.status}: ${await answer.text()}`);
    await answer.text();
  };
  return {
    name: 'Restate',
    start: async (runs) => Array.from({ length: runs }, () => invoke),
    async close() {
      const exited = new Promise((resolve) => server.once('exit', resolve));
      server.kill('SIGTERM');
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function post(body: unknown): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

/** Rows as wide as an entry, a batch of 32 runs' intent and outcome in one commit. */
async function bareSteps({ owner }: Arena): Promise<number> {
  await owner.query('create table if not exists bare (id bigint generated always as identity primary key, run text, payload text)');
  const rows = Array.from({ length: PARALLEL * 2 }, (_, index) => ({ run: `run_${index}` as RunId, payload: RESULT.repeat(2) }));
  const batches = 200;
  const seconds = await timed(async () => {
    for (let batch = 0; batch < batches; batch += 1) {
      await owner.query('insert into bare (run, payload) select run, payload from json_to_recordset($1) as r (run text, payload text)', [
        JSON.stringify(rows),
      ]);
    }
  });
  return (batches * PARALLEL) / seconds;
}
