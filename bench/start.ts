/**
 * P10: how long a start takes from the command to the first answered request, and what an idle server and its database hold in
 * memory. Linux only for the memory (PSS from smaps_rollup). The floor is `node -e 0`.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Report } from './report.ts';
import { compare, timed } from './report.ts';

const ROOT = join(import.meta.dirname, '..');
const IDLE_MS = 60_000;
const START_MAX_MS = 60_000;

export async function benchStart(): Promise<Report> {
  const home = await mkdtemp(join(tmpdir(), 'windlass-bench-'));
  try {
    const first = await startOnce(await mkdtemp(join(home, 'first-')), 0);
    const again = join(home, 'again');
    await startOnce(again, 0);
    const starts = await compare({ what: 'start to ready', unit: 'ms', better: 'less' }, [
      { name: 'Windlass', measure: async () => (await startOnce(again, 0)).readyMs },
      { name: 'node -e 0', measure: async () => 1000 * (await timed(() => run(['-e', '0']))) },
    ]);
    const idle = await startOnce(again, IDLE_MS);
    const memory = `Idle for ${IDLE_MS / 1000} s, PSS: server ${idle.serverMb} MB, database ${idle.databaseMb} MB, together ${idle.serverMb + idle.databaseMb} MB.`;
    return { title: 'Start and footprint', series: [starts], notes: [`The very first start, with initdb: ${Math.round(first.readyMs)} ms.`, memory] };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

type Started = { readyMs: number; serverMb: number; databaseMb: number };

async function startOnce(home: string, idleMs: number): Promise<Started> {
  const others = new Set((await postmasters()).map(({ pid }) => pid));
  const before = performance.now();
  const server = spawn(process.execPath, [join(ROOT, 'bin/windlass.mjs'), 'up', '--port', '0'], {
    cwd: tmpdir(),
    env: { PATH: process.env['PATH'], HOME: home, WINDLASS_HOME: home },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = new Promise<void>((resolve) => server.once('close', () => resolve()));
  const said: string[] = [];
  server.stdout.on('data', (data: Buffer) => said.push(data.toString()));
  while (!(await answers(/http:\/\/[\d.]+:\d+/.exec(said.join(''))?.[0]))) {
    if (performance.now() - before > START_MAX_MS) throw new Error('the server did not start');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const readyMs = performance.now() - before;
  await new Promise((resolve) => setTimeout(resolve, idleMs));
  const memory = idleMs === 0 ? { serverMb: 0, databaseMb: 0 } : await memoryOf(server.pid ?? 0, others);
  server.kill('SIGTERM');
  await ended;
  return { readyMs, ...memory };
}

async function answers(url: string | undefined): Promise<boolean> {
  if (url === undefined) return false;
  try {
    return (await fetch(`${url}/readyz`)).ok;
  } catch {
    return false; // not yet
  }
}

/** Proportional set size of the server, and of the postmaster that came with it and its children. */
async function memoryOf(pid: number, others: ReadonlySet<number>): Promise<{ serverMb: number; databaseMb: number }> {
  const family = new Set((await postmasters()).map((each) => each.pid).filter((each) => !others.has(each)));
  for (const each of await processes()) if (family.has(each.parent)) family.add(each.pid);
  const databaseKb = await Promise.all([...family].map(pssKb));
  return { serverMb: Math.round((await pssKb(pid)) / 1024), databaseMb: Math.round(databaseKb.reduce((sum, kb) => sum + kb, 0) / 1024) };
}

async function postmasters(): Promise<Process[]> {
  return (await processes()).filter(({ command }) => command.includes('postgres') && command.includes(' -D '));
}

async function processes(): Promise<Process[]> {
  const names = await readdir('/proc').catch(() => []); // no such folder elsewhere than on Linux
  return Promise.all(
    names
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .map(describe),
  );
}

type Process = { pid: number; parent: number; command: string };

async function describe(pid: number): Promise<Process> {
  try {
    const [stat, command] = await Promise.all([readFile(`/proc/${pid}/stat`, 'latin1'), readFile(`/proc/${pid}/cmdline`, 'latin1')]);
    return { pid, parent: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]), command: command.replaceAll('\0', ' ') };
  } catch {
    return { pid, parent: 0, command: '' }; // it ended meanwhile
  }
}

async function pssKb(pid: number): Promise<number> {
  try {
    return Number(/^Pss:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1] ?? 0);
  } catch {
    return 0; // it ended meanwhile
  }
}

function run(args: readonly string[]): Promise<void> {
  return new Promise((resolve) => spawn(process.execPath, args, { stdio: 'ignore' }).once('close', () => resolve()));
}
