/**
 * P1 to P3: the model gateway with key, budget, routing and journal, reserve and outcome committed, against Portkey's gateway (no database, no
 * budget), nginx and a bare pipe. Requests and answers are of the size that is named.
 */
import { Client } from 'pg';
import { Pool } from 'undici';
import { openArena } from './arena.ts';
import { startSides, type Sides, type Target } from './gateway-sides.ts';
import { installPeers } from './peers.ts';
import { compare, quantile } from './report.ts';
import type { Report, Series, Side } from './report.ts';

const SECONDS = Number(process.env['WINDLASS_BENCH_SECONDS'] ?? 3);
const STREAMS = Number(process.env['WINDLASS_BENCH_STREAMS'] ?? 2_000);
const CONNECTIONS = [1, 16, 64] as const;
const STREAM_CONNECTIONS = 16;
const RATE_PER_SECOND = 300;
const COMMITS = 200;

export async function benchGateway(): Promise<Report> {
  await installPeers();
  const arena = await openArena();
  const sides = await startSides(await arena.addDatabase('gateway'));
  const commits = new Client({ connectionString: await arena.addDatabase('commits') });
  await commits.connect();
  await commits.query('create table entry (id bigint generated always as identity, body text)');
  const notes: string[] = [];
  const series: Series[] = [...(await throughput(sides, notes)), await firstBytes(sides, commits, notes), await steady(sides, commits)];
  await commits.end();
  await sides.close();
  await arena.close();
  return {
    title: 'P1 to P3: the model gateway',
    series,
    notes: [
      'Each call of Windlass passes a virtual key with a rate limit, an alias, a budget in money, and two journal entries, each in a durable commit. The others keep nothing.',
      ...notes,
    ],
  };
}

async function throughput(sides: Sides, notes: string[]): Promise<Series[]> {
  const all = [sides.windlass, sides.portkey, sides.pipe, ...(sides.nginx === null ? [] : [sides.nginx])];
  const series: Series[] = [];
  for (const [size, bytes] of [
    ['small', 1_000],
    ['large', 100_000],
  ] as const) {
    for (const connections of CONNECTIONS) {
      const cpu = new Map<string, number[]>();
      const measured = all.map((target): Side => ({
        name: target.name,
        measure: async () => {
          const before = await target.cpuSeconds();
          const { calls, seconds } = await load(target, { connections, seconds: SECONDS, body: bodyOf(size, bytes) });
          const used = cpu.get(target.name) ?? [];
          used.push((1e6 * ((await target.cpuSeconds()) - before)) / calls);
          cpu.set(target.name, used);
          return calls / seconds;
        },
      }));
      const what = `${bytes / 1_000} KB JSON, ${connections} connection${connections === 1 ? '' : 's'}`;
      series.push(await compare({ what, unit: 'calls/s', better: 'more' }, measured));
      const each = [...cpu].map(([name, figures]) => `${name} ${Math.round(quantile(figures, 0.5))}`).join(', ');
      notes.push(`Processor time a call, ${what}: ${each} µs (without the database).`);
    }
  }
  return series;
}

/** P2: first byte beyond direct and beyond one durable commit; every stream whole and as it was sent. */
async function firstBytes(sides: Sides, commits: Client, notes: string[]): Promise<Series> {
  const body = bodyOf('stream', 1_000, true);
  const expected = (await streamOnce(sides.direct, body)).text;
  let wrong = 0;
  let streams = 0;
  const measured = [sides.windlass, sides.pipe, sides.direct].map((target): Side => ({
    name: target.name,
    measure: async () => {
      const firsts: number[] = [];
      for (let count = 0; count < STREAMS; count += 1) {
        const { firstMs, text } = await streamOnce(target, body).catch(() => ({ firstMs: Number.NaN, text: '' }));
        firsts.push(firstMs);
        if (target !== sides.windlass) continue;
        streams += 1;
        if (text !== expected) wrong += 1;
      }
      return quantile(firsts, 0.5);
    },
  }));
  const series = await compare({ what: 'first byte of a stream, one after the other, p50', unit: 'ms', better: 'less' }, [
    ...measured,
    commitSide(commits),
  ]);
  const together = Array.from({ length: STREAM_CONNECTIONS }, async () => {
    for (let count = 0; count < STREAMS / STREAM_CONNECTIONS; count += 1) {
      const { text } = await streamOnce(sides.windlass, body).catch(() => ({ text: '' }));
      streams += 1;
      if (text !== expected) wrong += 1;
    }
  });
  await Promise.all(together);
  notes.push(
    `Of ${streams.toLocaleString('en')} streams through Windlass, ${STREAM_CONNECTIONS} at once among them, ${wrong} differed from the provider's by a byte.`,
  );
  return series;
}

/** P3: an open load that does not wait for answers. */
async function steady(sides: Sides, commits: Client): Promise<Series> {
  const measured = [sides.windlass, sides.portkey, sides.direct].map((target): Side => ({
    name: target.name,
    measure: async () => quantile(await openLoad(target, bodyOf('slow', 1_000)), 0.5),
  }));
  return compare({ what: `${RATE_PER_SECOND} calls/s, provider 50 ms, p50`, unit: 'ms', better: 'less' }, [...measured, commitSide(commits)]);
}

function commitSide(commits: Client): Side {
  return {
    name: 'one durable commit',
    measure: async () => {
      const times: number[] = [];
      for (let count = 0; count < COMMITS; count += 1) {
        const before = performance.now();
        await commits.query("insert into entry (body) values (repeat('x', 500))");
        times.push(performance.now() - before);
      }
      return quantile(times, 0.5);
    },
  };
}

function bodyOf(model: string, bytes: number, stream = false): string {
  const options = stream ? { stream, stream_options: { include_usage: true } } : {};
  return JSON.stringify({ model, ...options, max_tokens: 100, messages: [{ role: 'user', content: 'y'.repeat(bytes) }] });
}

async function load(target: Target, { connections, seconds, body }: { connections: number; seconds: number; body: string }) {
  const { origin, pathname } = new URL(target.url);
  const pool = new Pool(origin, { connections, pipelining: 1 });
  const headers = { ...target.headers, 'content-type': 'application/json' };
  const beganMs = performance.now();
  const endMs = beganMs + seconds * 1_000;
  let calls = 0;
  const one = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const response = await pool.request({ path: pathname, method: 'POST', headers, body });
      const text = await response.body.text();
      if (response.statusCode !== 200) throw new Error(`${target.name} answered ${response.statusCode}: ${text.slice(0, 300)}`);
      calls += 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, one));
  const took = (performance.now() - beganMs) / 1_000;
  await pool.close();
  return { calls, seconds: took };
}

async function streamOnce(target: Target, body: string): Promise<{ firstMs: number; text: string }> {
  const before = performance.now();
  const response = await fetch(target.url, { method: 'POST', headers: { ...target.headers, 'content-type': 'application/json' }, body });
  if (response.status !== 200 || response.body === null) throw new Error(`${target.name} answered ${response.status}`);
  let firstMs = Number.NaN;
  const parts: Uint8Array[] = [];
  for await (const part of response.body as ReadableStream<Uint8Array>) {
    if (parts.length === 0) firstMs = performance.now() - before;
    parts.push(part);
  }
  return { firstMs, text: Buffer.concat(parts).toString('utf8') };
}

async function openLoad(target: Target, body: string): Promise<number[]> {
  const { origin, pathname } = new URL(target.url);
  const pool = new Pool(origin, { connections: 128, pipelining: 1 });
  const headers = { ...target.headers, 'content-type': 'application/json' };
  const times: number[] = [];
  const calls: Promise<void>[] = [];
  const beganMs = performance.now();
  for (let sent = 0; sent < RATE_PER_SECOND * SECONDS;) {
    const due = Math.floor(((performance.now() - beganMs) / 1_000) * RATE_PER_SECOND);
    for (; sent <= due; sent += 1) {
      calls.push(
        (async () => {
          const before = performance.now();
          const response = await pool.request({ path: pathname, method: 'POST', headers, body });
          await response.body.text();
          if (response.statusCode === 200) times.push(performance.now() - before);
        })(),
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(calls);
  await pool.close();
  if (times.length < calls.length) throw new Error(`${target.name} failed ${calls.length - times.length} of ${calls.length} calls`);
  return times;
}
