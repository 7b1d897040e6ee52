/** `npm run bench -- NAME`: runs one benchmark and writes its figures to bench/results/NAME.json and NAME.md. */
import { benchBriefing } from './briefing.ts';
import { benchFaults } from './faults.ts';
import { benchGateway } from './gateway.ts';
import { benchJournal } from './journal.ts';
import { benchQueue } from './queue.ts';
import { benchReviews } from './reviews.ts';
import { benchStandards } from './standards.ts';
import { benchStart } from './start.ts';
import type { Report } from './report.ts';
import { writeReport } from './report.ts';

const BENCHMARKS: Readonly<Record<string, () => Promise<Report>>> = {
  briefing: benchBriefing,
  faults: benchFaults,
  gateway: benchGateway,
  journal: benchJournal,
  queue: benchQueue,
  reviews: benchReviews,
  standards: benchStandards,
  start: benchStart,
};

const name = process.argv[2] ?? '';
const benchmark = BENCHMARKS[name];
if (benchmark === undefined) {
  process.stderr.write(`There is no benchmark "${name}". There are: ${Object.keys(BENCHMARKS).join(', ')}.\n`);
  process.exitCode = 2;
} else {
  process.stdout.write(`${await writeReport(name, await benchmark())}\n`);
  process.exit(); // peers leave timers behind
}
