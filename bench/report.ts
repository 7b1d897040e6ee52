/** Rounds, medians and ranges: what every benchmark measures with, and the two files it writes. */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';

/** One side of a comparison: `measure` gives one figure per round. */
export type Side = { name: string; measure(round: number): Promise<number> };
export type Series = { what: string; unit: string; better: 'more' | 'less'; sides: { name: string; rounds: number[]; median: number }[] };
export type Report = { title: string; series: Series[]; notes: string[] };

const ROUNDS = 5;

/** All sides in turn, five times over, after one round that does not count. */
export async function compare(series: Pick<Series, 'what' | 'unit' | 'better'>, sides: readonly Side[]): Promise<Series> {
  const rounds = new Map<string, number[]>(sides.map((side) => [side.name, []]));
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const side of sides) {
      const figure = await side.measure(round);
      if (round > 0) rounds.get(side.name)?.push(figure);
      process.stderr.write(`${series.what}, round ${round}, ${side.name}: ${shown(figure)} ${series.unit}\n`);
    }
  }
  return { ...series, sides: [...rounds].map(([name, figures]) => ({ name, rounds: figures, median: quantile(figures, 0.5) })) };
}

export function quantile(figures: readonly number[], share: number): number {
  const sorted = figures.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** Seconds that the work took. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now();
  await work();
  return (performance.now() - before) / 1000;
}

export async function writeReport(name: string, report: Report): Promise<string> {
  const folder = join(import.meta.dirname, 'results');
  await mkdir(folder, { recursive: true });
  const machine = { cpus: cpus().length, model: cpus()[0]?.model ?? '', node: process.version };
  const text = table(report, machine);
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify({ ...report, machine }, null, 2)}\n`);
  await writeFile(join(folder, `${name}.md`), text);
  return text;
}

function table(report: Report, machine: { cpus: number; model: string; node: string }): string {
  const lines = [
    `# ${report.title}`,
    '',
    `${machine.cpus} × ${machine.model}, Node ${machine.node}; median of ${ROUNDS} interleaved rounds (range).`,
    '',
  ];
  for (const series of report.series) {
    const ours = series.sides[0];
    lines.push(`| ${series.what}, ${series.unit} | median | range | Windlass against it |`, '| --- | ---: | --- | ---: |');
    for (const side of series.sides) {
      const ratio = ours === undefined || side === ours ? '' : `${shown(ours.median / side.median)}x`;
      lines.push(`| ${side.name} | ${shown(side.median)} | ${shown(Math.min(...side.rounds))} to ${shown(Math.max(...side.rounds))} | ${ratio} |`);
    }
    lines.push('', series.better === 'more' ? 'More is better.' : 'Less is better.', '');
  }
  return [...lines, ...report.notes.map((note) => `- ${note}`), ''].join('\n');
}

function shown(figure: number): string {
  return figure >= 100 ? Math.round(figure).toLocaleString('en') : figure.toPrecision(3);
}
