/** R12 at full size: ten thousand runs, three workers, two of them killed every ten seconds. Figures, no peers. */
import { runStorm } from '../test/faults/storm.ts';
import type { Report } from './report.ts';

const RUNS = 10_000;
const WITHIN_MS = 60 * 60_000;

export async function benchFaults(): Promise<Report> {
  const storm = await runStorm({ runs: RUNS, workers: 3, kills: 2, killEveryMs: 10_000, withinMs: WITHIN_MS });
  return {
    title: 'Runs under killed workers (R12)',
    series: [],
    notes: [
      `${RUNS} runs of three organizations, three workers, two killed every 10 s: ${storm.ended} ended, ${storm.succeeded} succeeded.`,
      `${storm.lost} effects lost, ${storm.duplicated} duplicated; ${storm.killed} workers killed, ${storm.takeovers} take-overs.`,
      `${storm.seconds.toFixed(0)} s; mean waits between organizations within ${storm.waitRatio.toFixed(2)}x.`,
    ],
  };
}
