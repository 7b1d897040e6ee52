/** `npm run simulate -- --seeds N [--from N]` or `--seed N`: worlds until one fails. Prints rate, fault points and failing seeds. */
import { parseArgs } from 'node:util';
import { simulate } from './simulate.ts';

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '200' }, from: { type: 'string', default: '1' }, seed: { type: 'string' } },
});
const from = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.seeds) : 1;
const beganMs = performance.now();
const hits = new Map<string, number>();
const failed: number[] = [];
for (let seed = from; seed < from + count; seed += 1) {
  try {
    for (const [where, times] of (await simulate(seed)).hits) hits.set(where, (hits.get(where) ?? 0) + times);
  } catch (error) {
    failed.push(seed);
    console.error(`seed ${seed}:`, values.seed === undefined && error instanceof Error ? error.message : error);
  }
}
const seconds = (performance.now() - beganMs) / 1_000;
if (values.seed !== undefined) for (const [where, times] of [...hits].toSorted((a, b) => a[0].localeCompare(b[0]))) console.log(`${times}\t${where}`);
const faults = [...hits.values()].reduce((sum, times) => sum + times, 0);
console.log(
  `${count} seeds in ${seconds.toFixed(1)} s (${Math.round((count / seconds) * 60)} a minute), ${faults} faults at ${hits.size} points, ${failed.length} failed${failed.length > 0 ? `: ${failed.join(' ')}` : ''}`,
);
process.exitCode = failed.length > 0 ? 1 : 0;
