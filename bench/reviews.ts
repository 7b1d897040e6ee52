/**
 * PER-3 and PER-4: how long creating and polling a review takes over HTTP with 10,000 stored and 10 running, seven personas at once, and how
 * right the estimates are after ten reviews. The floor is a request that only resolves its key. Rehearsed: no model's time is in it.
 */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { createApi } from '../src/clients/api.ts';
import type { Api } from '../src/clients/api.ts';
import { systemClock } from '../src/kernel/clock.ts';
import { loadConfig } from '../src/config.ts';
import { startServer } from '../src/main.ts';
import { identityOperations } from '../src/platform/identity/contract.ts';
import { startEmbedded } from '../src/storage/embedded-postgres.ts';
import { panelOperations, reviewOperations } from '../src/work/reviews/contract.ts';
import type { Report } from './report.ts';
import { quantile, timed } from './report.ts';

const STORED = 10_000;
const RUNNING = 10;
const CREATED = 300;
const POLLED = 1_000;
const ESTIMATED = 20;
/** One actor may ask so often in a minute; more actors ask more. */
const ACTORS = 8;

const TEXT = `export function total(items: any) {\n  try { return items.length; } catch {}\n}\n`.repeat(200);
const HANG = 'turns:\n  - hang: true\n    text: never\n';
/** Takes about as long each time, as a model would, on a small scale. */
const STEADY =
  'turns:\n  - delayMs: 400\n    calls: [{ tool: review_scan, args: {} }]\n  - delayMs: 800\n    json: { summary: Seen., findings: [], specialists: [], proposals: [] }\n';

export async function benchReviews(): Promise<Report> {
  const home = await mkdtemp(join(tmpdir(), 'windlass-bench-'));
  for (const [name, script] of Object.entries({ hang: HANG, steady: STEADY })) {
    await mkdir(join(home, 'rehearsals', name), { recursive: true });
    await writeFile(join(home, 'rehearsals', name, 'rehearsal.yaml'), script);
  }
  const embedded = await startEmbedded({ home, clock: systemClock, spawn });
  const env = { PATH: process.env['PATH'], WINDLASS_PORT: '0', WINDLASS_LOG: 'error', DATABASE_URL: embedded.url };
  const config = loadConfig({ flags: { home }, env, cwd: home });
  const server = await startServer({ ...config, reviews: { ...config.reviews, workers: RUNNING, maxBytes: 1e12 } }, { log: () => undefined, env });
  try {
    const owner = createApi({ url: server.url, key: server.ownerKey ?? '', fetch: globalThis.fetch });
    const askers = await Promise.all(Array.from({ length: ACTORS }, (_, i) => asker(server.url, owner, i)));
    const estimates = await estimateErrors(owner);
    const seven = await timed(() => panelOf(owner));
    await store(embedded.url, owner);
    for (let i = 0; i < RUNNING; i += 1)
      await owner.call(reviewOperations.start, { persona: 'sre', text: TEXT, name: 'a.ts', model: 'rehearsal/hang' });
    while ((await owner.call(reviewOperations.stats, {})).running < RUNNING) await pause();
    const ids: string[] = [];
    const created = await times(CREATED, async (i) => {
      const job = await (askers[i % ACTORS] ?? owner).call(reviewOperations.start, { persona: 'engineer', text: TEXT, name: 'a.ts' });
      ids.push(job.id);
    });
    const live = (await owner.call(reviewOperations.list, { persona: 'sre', live: 'true' })).items.map(({ id }) => id);
    const polled = await times(POLLED, (i) =>
      (askers[i % ACTORS] ?? owner).call(reviewOperations.get, {
        id: (i % 2 === 0 ? live : ids)[i % (i % 2 === 0 ? live.length : ids.length)] ?? '',
      }),
    );
    const floor = await times(POLLED / 2, (i) => (askers[i % ACTORS] ?? owner).call(identityOperations.whoami, {}));
    const { stored, running } = await owner.call(reviewOperations.stats, {});
    return {
      title: 'Reviews',
      series: [],
      notes: [
        `Stored ${stored}, running ${running}, over HTTP, one request at a time.`,
        `Creating, ${CREATED} times, ${TEXT.length} characters each: ${spread(created)}.`,
        `Polling one that runs or waits, ${POLLED} times: ${spread(polled)}.`,
        `Floor, a request that only resolves its key: ${spread(floor)}.`,
        `Seven personas at once on ${RUNNING} workers, from asking to grades: ${Math.round(seven * 1000)} ms.`,
        `Estimates after ten reviews: error in percent of the real duration ${estimates.join(', ')}; within 50: ${estimates.filter((each) => each <= 50).length} of ${estimates.length}.`,
      ],
    };
  } finally {
    await server.stop();
    await embedded.stop();
    await rm(home, { recursive: true, force: true });
  }
}

async function asker(url: string, owner: Api, index: number): Promise<Api> {
  const actor = await owner.call(identityOperations.createActor, { kind: 'user', name: `asker ${index}` });
  const { secret } = await owner.call(identityOperations.createKey, { name: actor.name, actor: actor.id, role: 'member', scopes: ['read', 'run'] });
  return createApi({ url, key: secret, fetch: globalThis.fetch });
}

/** Percent of the real duration, of those that had ten before them. */
async function estimateErrors(owner: Api): Promise<number[]> {
  const errors: number[] = [];
  for (let i = 0; i < ESTIMATED; i += 1) {
    const { id } = await owner.call(reviewOperations.start, { persona: 'qa', text: TEXT, name: 'a.ts', model: 'rehearsal/steady' });
    const job = await ended(owner, id);
    if (i >= ESTIMATED / 2) errors.push(job.estimateErrorPercent ?? Number.NaN);
  }
  return errors;
}

async function ended(owner: Api, id: string) {
  for (;;) {
    const job = await owner.call(reviewOperations.get, { id, waitSeconds: 5 });
    if (job.ended) return job;
  }
}

async function panelOf(owner: Api): Promise<void> {
  const { id } = await owner.call(panelOperations.start, { text: TEXT, name: 'src/a.ts' });
  while (!(await owner.call(panelOperations.get, { id, waitSeconds: 5 })).ended);
}

/** Copies of a review that has ended, with their runs: what a few months leave behind. */
async function store(url: string, owner: Api): Promise<void> {
  const [last] = (await owner.call(reviewOperations.list, { limit: 1 })).items;
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const columns = (table: string, left: string) =>
      client
        .query<{ name: string }>(
          `select string_agg(quote_ident(column_name), ', ') as name from information_schema.columns
           where table_name = $1 and column_name <> all ($2) and is_generated = 'NEVER' and is_identity = 'NO'`,
          [table, left.split(' ')],
        )
        .then(({ rows }) => rows[0]?.name ?? '');
    const run = await columns('run', 'id root_id');
    const review = await columns('review', 'run_id');
    const id = `'run_' || lpad(i::text, 26, '0')`;
    await client.query(
      `insert into run (id, root_id, ${run}) select ${id}, ${id}, ${run} from run, generate_series(1, ${STORED}) i where run.id = $1`,
      [last?.id],
    );
    await client.query(
      `insert into review (run_id, ${review}) select ${id}, ${review} from review, generate_series(1, ${STORED}) i where run_id = $1`,
      [last?.id],
    );
    await client.query('analyze run; analyze review');
  } finally {
    await client.end();
  }
}

async function times(count: number, work: (index: number) => Promise<unknown>): Promise<number[]> {
  const figures: number[] = [];
  for (let i = 0; i < count; i += 1) figures.push(1000 * (await timed(() => work(i))));
  return figures;
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

function spread(figures: readonly number[]): string {
  const at = (share: number): string => quantile(figures, share).toFixed(1);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms`;
}
