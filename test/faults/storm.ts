/**
 * Many runs of several organizations, worker processes of which two are killed every few seconds (benchmark R12). Small in
 * the suite, at full size by `npm run bench -- faults`.
 */
import type { ChildProcess } from 'node:child_process';
import { storedId, type OrgId, type RunId } from '../../src/kernel/ids.ts';
import { modelPlan, queued } from '../support/drive-pure.ts';
import { newRun } from '../support/run-world.ts';
import { until } from '../support/until.ts';
import { openFaultBench, type FaultBench } from './fault-bench.ts';
import { TOOLS } from './job.ts';

export type StormOptions = { runs: number; workers: number; kills: number; killEveryMs: number; withinMs: number };
export type Storm = {
  seconds: number;
  killed: number;
  ended: number;
  succeeded: number;
  /** Runs whose one effect is not there. */
  lost: number;
  duplicated: number;
  takeovers: number;
  /** Mean wait for a worker by organization: the longest over the shortest. */
  waitRatio: number;
};

const ORGS = ['org_red', 'org_green', 'org_blue'].map((org) => storedId('org', org));

export async function runStorm(options: StormOptions): Promise<Storm> {
  await using bench = await openFaultBench();
  for (const org of ORGS) await bench.world.db.addOrg(org);
  const runs = await createRuns(bench, options.runs);
  const beganMs = performance.now();
  const over = new AbortController();
  const killing = killWorkers(bench, options, over.signal);
  await until('the end of all runs', options.withinMs, async () => {
    const [row] = await bench.world.db.owner<{ open: string }>('select count(*) as open from run where ended_at is null');
    return Number(row?.open) === 0;
  });
  const seconds = (performance.now() - beganMs) / 1_000;
  over.abort();
  const killed = await killing;
  return { seconds, killed, ...(await countUp(bench, runs)) };
}

async function createRuns(bench: FaultBench, count: number): Promise<RunId[]> {
  const { store, deps } = bench.world;
  const runs: RunId[] = [];
  for (let index = 0; index < count; index += 1) {
    const id = deps.ids.next('run');
    const org = ORGS[index % ORGS.length] as OrgId;
    await store.transaction(org, (tx) =>
      store.createRun(tx, { ...newRun(id), org, queued: queued(modelPlan({ tools: TOOLS }), { input: 'short' }) }),
    );
    runs.push(id);
  }
  return runs;
}

async function killWorkers(bench: FaultBench, { workers, kills, killEveryMs }: StormOptions, over: AbortSignal): Promise<number> {
  let started = 0;
  const start = (): ChildProcess => bench.spawnWorker({ name: `w${(started += 1)}` });
  const alive = Array.from({ length: workers }, start);
  let killed = 0;
  while (!over.aborted) {
    const killMs = performance.now() + killEveryMs;
    await until('the next kill', killEveryMs * 2, () => over.aborted || performance.now() >= killMs);
    if (over.aborted) break;
    for (let victim = 0; victim < kills; victim += 1) {
      alive.shift()?.kill('SIGKILL');
      alive.push(start());
      killed += 1;
    }
  }
  for (const child of alive) child.kill('SIGKILL');
  return killed;
}

async function countUp(bench: FaultBench, runs: readonly RunId[]): Promise<Omit<Storm, 'seconds' | 'killed'>> {
  const effects = new Map<string, number>();
  for (const { key } of bench.receiver.effects()) effects.set(key.split('/')[0] ?? '', (effects.get(key.split('/')[0] ?? '') ?? 0) + 1);
  const [sums] = await bench.world.db.owner<{ ended: string; succeeded: string; takeovers: string }>(
    `select count(*) filter (where ended_at is not null) as ended, count(*) filter (where status = 'succeeded') as succeeded,
       (select count(*) from journal where type = 'run.resumed') as takeovers from run`,
  );
  const waits = await bench.world.db.owner<{ ms: number }>(
    'select avg(extract(epoch from started_at - created_at))::float8 as ms from run group by org_id',
  );
  return {
    ended: Number(sums?.ended),
    succeeded: Number(sums?.succeeded),
    takeovers: Number(sums?.takeovers),
    lost: runs.filter((run) => !effects.has(run)).length,
    duplicated: [...effects.values()].filter((count) => count > 1).length,
    waitRatio: Math.max(...waits.map(({ ms }) => ms)) / Math.min(...waits.map(({ ms }) => ms)),
  };
}
