/** Workers frozen past their lease and woken (benchmark R8): SIGSTOP, a take-over by another process, SIGCONT. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { RunId } from '../../src/kernel/ids.ts';
import { ORG } from '../support/run-world.ts';
import { until } from '../support/until.ts';
import { forAll, LEASE_MS, type FaultBench, type Worker } from './fault-bench.ts';

/** `at` null: frozen by its parent while the receiver, which has applied the effect, keeps its answer. */
export type Freeze = { job: string; at: string | null };
export type FreezeFigures = { freezes: number; staleWrites: number; duplicated: number; lost: number; parked: number };

const PORTS = ['store.append 4', 'models.call 1'];
export const FREEZES: readonly Freeze[] = ['keyed', 'probed', 'plain'].flatMap((job) => [
  ...[...PORTS, `tool.put_${job}.call 1`].flatMap((port) => ['before', 'after'].map((when) => ({ job, at: `stop ${when} ${port}` }))),
  { job, at: null },
]);

type Frozen = Freeze & { run: RunId; worker: Worker };

/** Freezes a worker at each point, lets one other process end all runs, and wakes the workers up. */
export async function freezeAll(bench: FaultBench, freezes: readonly Freeze[], atOnce: number): Promise<FreezeFigures> {
  const frozen = await forAll(freezes, atOnce, (freeze, index) => freezeOne(bench, freeze, `frozen_${index}`));
  const survivor = await bench.worker({ name: 'survivor' });
  await bench.untilEnded(
    frozen.map(({ run }) => run),
    90_000,
  );
  const heads = await Promise.all(frozen.map(async ({ run }) => (await bench.row(run)).headHash));
  for (const { worker } of frozen) worker.child.kill('SIGCONT');
  await Promise.all(frozen.map(({ worker }) => worker.exited));
  await survivor.end('SIGKILL');

  const figures: FreezeFigures = { freezes: frozen.length, staleWrites: 0, duplicated: 0, lost: 0, parked: 0 };
  for (const [index, { run, job, at }] of frozen.entries()) {
    const row = await bench.row(run);
    const effects = bench.receiver.effects().filter((effect) => effect.run === run);
    const events = await bench.events(run);
    const what = `${job}, ${at ?? 'in the middle of its effect'}`;
    if (row.headHash !== heads[index]) figures.staleWrites += 1;
    if (effects.length === 0) figures.lost += 1;
    if (effects.length > 1) figures.duplicated += 1;
    if (events.some(({ type }) => type === 'tool.outcome_unknown')) figures.parked += 1;
    assert.equal(row.status, 'succeeded', what);
    assert.equal(row.headHash, heads[index], `${what}: a stale write was accepted`);
    assert.equal(effects.length, 1, what);
    assert.ok((await bench.views.verify(ORG, run)).ok, what);
  }
  return figures;
}

async function freezeOne(bench: FaultBench, freeze: Freeze, name: string): Promise<Frozen> {
  const run = await bench.create(freeze.job);
  const worker = await bench.worker({ run, name, ...(freeze.at === null ? {} : { at: freeze.at }) });
  if (freeze.at === null) {
    const answer = await bench.receiver.holdNext(run);
    worker.child.kill('SIGSTOP');
    await until(`${name} to freeze`, 20_000, () => isStopped(worker));
    answer();
  } else {
    await until(`${name} to freeze at ${freeze.at}`, 40_000, () => isStopped(worker));
  }
  return { ...freeze, run, worker };
}

/** How long after a worker froze between two steps another goes on with its run, in milliseconds. */
export async function takeOverMs(bench: FaultBench): Promise<number> {
  const run = await bench.create('keyed');
  const worker = await bench.worker({ run, name: 'sleeper', at: 'stop before models.call 1' });
  await until('the worker to freeze', 20_000, () => isStopped(worker));
  const frozenMs = bench.nowMs();
  const survivor = await bench.worker({ name: 'next' });
  await bench.untilEnded([run], LEASE_MS + 20_000);
  const entries = await bench.store.readEntries(ORG, run, { afterSeq: 0, limit: 100 });
  const resumed = entries.find(({ event }) => event?.type === 'run.resumed');
  await Promise.all([worker.end('SIGKILL'), survivor.end('SIGKILL')]);
  return (resumed?.atMs ?? Infinity) - frozenMs;
}

async function isStopped({ child }: Worker): Promise<boolean> {
  const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
  return /^State:\s+T/m.test(status);
}
