/**
 * P7: a briefing over 50,000 notes, 10,000 sessions, 1,000 handoffs, 270 documents and 270 alerts: how long one takes, and what it holds, against
 * dumping everything and against reading 12 KB of notes (the floor). Counts are held against direct ones in each of the seeded cases.
 */
import { benchBriefingWorld } from '../test/support/briefing-bench.ts';
import type { Report } from './report.ts';
import { compare, quantile } from './report.ts';

const CALLS = 100;
const CASES = 1_000;

export async function benchBriefing(): Promise<Report> {
  await using world = await benchBriefingWorld();
  const median = async (call: (i: number) => Promise<unknown>): Promise<number> => {
    const took: number[] = [];
    for (let i = 0; i < CALLS; i += 1) {
      const before = performance.now();
      await call(i);
      took.push(performance.now() - before);
    }
    return quantile(took, 0.5);
  };
  const time = await compare({ what: 'one briefing, p50', unit: 'ms', better: 'less' }, [
    { name: 'Windlass', measure: () => median(() => world.read()) },
    { name: 'a read of 12 KB of notes', measure: () => median(() => world.readNotes()) },
  ]);
  const dump = await world.dump();
  const view = await world.read();
  const cases = await world.cases(CASES);
  return {
    title: 'Briefing',
    series: [time],
    notes: [
      `The briefing: at most ${view.tokens} tokens, ${view.bytes} bytes. Dumping everything: at most ${dump.tokens} tokens, ${dump.bytes} bytes.`,
      `${cases.read} seeded cases: ${cases.overBudget} over 3,000 tokens, ${cases.overBytes} with over 12 KB of notes, ${cases.wrong} with a wrong count; the most tokens were ${cases.mostTokens}.`,
    ],
  };
}
