/** Faults at full size on real processes: R1, R2, R8, R12. Counts, no peers: what is to be reached is nothing lost and nothing twice. */
import { openFaultBench, type FaultBench } from '../test/faults/fault-bench.ts';
import { FREEZES, freezeAll, takeOverMs } from '../test/faults/freeze.ts';
import { killEverywhere } from '../test/faults/kill.ts';
import { runStorm } from '../test/faults/storm.ts';
import type { Report } from './report.ts';

const AT_ONCE = 4;
const KILLS_EACH = 20;
const FREEZES_EACH = 3;
const TAKE_OVERS = 5;
const STORM = { runs: 10_000, workers: 3, kills: 2, killEveryMs: 10_000, withinMs: 60 * 60_000 };
const WITHIN_MS = 10 * 60_000;

const PARTS: Readonly<Record<string, (bench: FaultBench) => Promise<unknown>>> = {
  'R1, twelve steps, every commit and call': (bench) => killEverywhere(bench, { job: 'twelve', calls: true, atOnce: AT_ONCE, withinMs: WITHIN_MS }),
  'R2, receiver with keys': (bench) => killAtEffect(bench, 'keyed'),
  'R2, receiver with a probe': (bench) => killAtEffect(bench, 'probed'),
  'R2, receiver with neither': (bench) => killAtEffect(bench, 'plain'),
  'R8, take-over in ms': async (bench) => {
    const took: number[] = [];
    for (let round = 0; round < TAKE_OVERS; round += 1) took.push(await takeOverMs(bench));
    return took;
  },
  'R8, freezes': async (bench) => {
    const rounds: unknown[] = [];
    for (let round = 0; round < FREEZES_EACH; round += 1) rounds.push(await freezeAll(bench, FREEZES, AT_ONCE));
    return rounds;
  },
  'R12, 10,000 runs of eight organizations': (bench) => runStorm(bench, STORM),
};

function killAtEffect(bench: FaultBench, job: string): Promise<unknown> {
  return killEverywhere(bench, { job, calls: true, only: /tool\./, each: KILLS_EACH, atOnce: AT_ONCE, withinMs: WITHIN_MS });
}

export async function benchFaults(): Promise<Report> {
  const notes: string[] = [];
  for (const [what, measure] of Object.entries(PARTS)) {
    await using bench = await openFaultBench();
    const note = `${what}: ${JSON.stringify(await measure(bench))}`;
    process.stderr.write(`${note}\n`);
    notes.push(note);
  }
  return { title: 'Faults on real processes', series: [], notes };
}
