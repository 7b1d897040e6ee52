/**
 * STD-3: how long a search over 500 standards takes over HTTP, how soon an edited file is found, and how long it is from a proposal to another
 * agent finding what was approved. The floor is a request that only resolves its key.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { identityOperations } from '../src/platform/identity/contract.ts';
import { projectOperations } from '../src/work/projects/contract.ts';
import { standardOperations } from '../src/work/standards/contract.ts';
import { renderStandard } from '../src/work/standards/standard.ts';
import { testServer } from '../test/support/server.ts';
import { standardBody } from '../test/support/standards.ts';
import { until } from '../test/support/until.ts';
import type { Report } from './report.ts';
import { compare, quantile, timed } from './report.ts';

const STANDARDS = 500;
const SEARCHES = 50;
const EDITS = 5;
const WORDS = 'retry wait timeout budget lease fence journal order name unit error token cache secret label approve queue batch index merge'.split(
  ' ',
);
const FRONT = { domain: 'bench', tags: [], created_by: 'bench', approved_by: 'bench', date: '2026-11-28' };
const FOUND_MS = 30_000;

const word = (n: number): string => WORDS[n % WORDS.length] ?? '';
const text = (n: number, more = ''): string =>
  renderStandard(FRONT, standardBody(`About ${word(n)} ${n}`, `${Array.from({ length: 60 }, (_, i) => word(n * 7 + i * i)).join(' ')} ${more}.`));

export async function benchStandards(): Promise<Report> {
  await using server = await testServer();
  const api = server.api();
  const top = join(server.home, 'checkout');
  const folder = join(top, 'standards', 'bench');
  await mkdir(folder, { recursive: true });
  execFileSync('git', ['init', '-q', top]);
  for (let n = 0; n < STANDARDS; n += 1) await writeFile(join(folder, `about-${n}.md`), text(n));
  await api.call(projectOperations.add, { path: top, code: 'bench' });
  const isFound = async (query: string): Promise<boolean> => {
    const { how, shown } = await api.call(standardOperations.search, { query, limit: 1 });
    return how === 'words' && shown > 0;
  };
  const indexed = await timed(() =>
    until('indexing', FOUND_MS * 4, async () => {
      const { total } = await api.call(standardOperations.list, { limit: 1 });
      return total.kind === 'exact' && total.value === STANDARDS;
    }),
  );
  // A key of its own: one may ask 1,000 times a minute, and this asks for most of them.
  const searching = server.api((await server.key({ role: 'member' })).secret);
  const p50 = async (call: (n: number) => Promise<unknown>): Promise<number> => {
    const took: number[] = [];
    for (let n = 0; n < SEARCHES; n += 1) took.push((await timed(() => call(n))) * 1_000);
    return quantile(took, 0.5);
  };
  const series = await compare({ what: `search over ${STANDARDS} standards, p50`, unit: 'ms', better: 'less' }, [
    { name: 'Windlass', measure: () => p50((n) => searching.call(standardOperations.search, { query: `${word(n)} ${word(n * 3 + 1)}` })) },
    { name: 'a request that resolves its key', measure: () => p50(() => searching.call(identityOperations.whoami, {})) },
  ]);
  const edits: number[] = [];
  for (let n = 0; n < EDITS; n += 1) {
    await writeFile(join(folder, `about-${n}.md`), text(n, `edited${n}x`));
    edits.push(await timed(() => until('an edit to be found', FOUND_MS, () => isFound(`edited${n}x`))));
  }
  const approved = await timed(async () => {
    const proposal = { domain: 'bench', topic: 'proposed', content: standardBody('Proposed', 'Say quokka first.'), why: 'Seen.', project: 'bench' };
    const { id, hash } = await server.api(server.localKey).call(standardOperations.propose, proposal);
    await api.call(standardOperations.answer, { id, hash, answer: 'approve', write: true });
    await until('the standard to be found', FOUND_MS, () => isFound('quokka'));
  });
  const ms = (seconds: number): string => `${Math.round(seconds * 1_000)} ms`;
  return {
    title: 'Standards',
    series: [series],
    notes: [
      `${STANDARDS} files indexed ${ms(indexed)} after their project was added; an edited file found after ${ms(Math.min(...edits))} to ${ms(Math.max(...edits))}.`,
      `From a proposal through its approval to being found: ${ms(approved)}.`,
    ],
  };
}
