/**
 * Many runs of several organizations, worker processes of which some are killed every few seconds (benchmark R12). Small in
 * the suite, at full size by `npm run bench -- faults`.
 */
import { storedId, type OrgId, type RunId } from '../../src/kernel/ids.ts';
import { until } from '../support/until.ts';
import { forAll, type FaultBench, type Worker } from './fault-bench.ts';

export type StormOptions = { runs: number; workers: number; kills: number; killEveryMs: number; withinMs: number };
export type Storm = {
  runs: number;
  seconds: number;
  killed: number;
  succeeded: number;
  /** Runs whose one effect is not there. */
  lost: number;
  duplicated: number;
  takeovers: number;
  /** Mean wait for a worker by organization: the longest over the shortest. */
  waitRatio: number;
};

const ORGS = ['red', 'green', 'blue', 'grey', 'black', 'white', 'brown', 'pink'].map((name) => storedId('org', `org_${name}`));
const CREATED_AT_ONCE = 6;

export async function runStorm(bench: FaultBench, options: StormOptions): Promise<Storm> {
  await bench.addOrgs(ORGS);
  const orgs = Array.from({ length: options.runs }, (_run, index) => ORGS[index % ORGS.length] as OrgId);
  const runs = await forAll(orgs, CREATED_AT_ONCE, (org) => bench.create('keyed', { row: { org } }));
  const beganMs = performance.now();
  const over = new AbortController();
  const killing = killWorkers(bench, options, over.signal);
  try {
    let lookMs = 0;
    await until('the end of all runs', options.withinMs, async () => {
      if (performance.now() < lookMs) return false;
      lookMs = performance.now() + 200; // counting is work for the database under test
      const [row] = await bench.owner<{ open: string }>('select count(*) as open from run where ended_at is null');
      return Number(row?.open) === 0;
    });
  } finally {
    over.abort();
  }
  const seconds = Math.round((performance.now() - beganMs) / 100) / 10;
  const killed = await killing;
  return { runs: runs.length, seconds, killed, ...(await countUp(bench, runs)) };
}

async function killWorkers(bench: FaultBench, { workers, kills, killEveryMs }: StormOptions, over: AbortSignal): Promise<number> {
  let started = 0;
  const start = (): Promise<Worker> => bench.worker({ name: `storm_${(started += 1)}` });
  const alive = await Promise.all(Array.from({ length: workers }, start));
  let killed = 0;
  while (!over.aborted) {
    const killMs = performance.now() + killEveryMs;
    await until('the next kill', killEveryMs * 2, () => over.aborted || performance.now() >= killMs);
    if (over.aborted) break;
    const victims = alive.splice(0, kills);
    await Promise.all(victims.map((victim) => victim.end('SIGKILL')));
    killed += victims.length;
    alive.push(...(await Promise.all(victims.map(start))));
  }
  await Promise.all(alive.map((worker) => worker.end('SIGKILL')));
  return killed;
}

async function countUp(
  bench: FaultBench,
  runs: readonly RunId[],
): Promise<Pick<Storm, 'succeeded' | 'lost' | 'duplicated' | 'takeovers' | 'waitRatio'>> {
  const effects = new Map<string, number>();
  for (const { run } of bench.receiver.effects()) effects.set(run, (effects.get(run) ?? 0) + 1);
  const [sums] = await bench.owner<{ succeeded: string; takeovers: string }>(
    `select count(*) filter (where status = 'succeeded') as succeeded,
       (select count(*) from journal where type = 'run.resumed') as takeovers from run where org_id = any ($1)`,
    [ORGS],
  );
  const waits = await bench.owner<{ ms: number }>(
    'select avg(extract(epoch from started_at - created_at))::float8 as ms from run where org_id = any ($1) group by org_id',
    [ORGS],
  );
  const means = waits.map(({ ms }) => ms);
  return {
    succeeded: Number(sums?.succeeded),
    takeovers: Number(sums?.takeovers),
    lost: runs.filter((run) => !effects.has(run)).length,
    duplicated: [...effects.values()].filter((count) => count > 1).length,
    waitRatio: Math.round((Math.max(...means) / Math.min(...means)) * 100) / 100,
  };
}
