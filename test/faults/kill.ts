/** Kill -9 at every transition (benchmarks R1, R2): which points there are, one victim each, one survivor for all, and what came of it. */
import assert from 'node:assert/strict';
import type { EventOf, RunEvent } from '../../src/kernel/events.ts';
import type { RunId } from '../../src/kernel/ids.ts';
import { addUsage, NO_USAGE, type Usage } from '../../src/kernel/messages.ts';
import { loadState } from '../../src/runtime/runs/load-run.ts';
import type { AppendRequest } from '../../src/runtime/runs/store-port.ts';
import { startProcess } from '../support/process.ts';
import { ORG } from '../support/run-world.ts';
import { forAll, LEASE_MS, type FaultBench } from './fault-bench.ts';

/** `at` is how the worker names it; `inFlight` is how many entries may be on their way there that nobody was told of. */
export type Point = { at: string; inFlight: number };

const VICTIMS_EACH = 3;
/** Of the job with most. */
const READS_AT_ONCE = 2;

export type KillFigures = {
  points: number;
  transitions: number;
  parked: number;
  chargedAgain: number;
  lost: number;
  duplicated: number;
  seconds: number;
};

/** What must be the same with and without faults, however often the model had to be asked. */
export type Outcome = {
  status: string;
  answer: string | null;
  effects: string[];
  labels: readonly string[];
  verified: boolean;
  /** Of replies, for each turn that was needed. */
  usagePerTurn: Usage;
};

export async function outcomeOf(bench: FaultBench, run: RunId): Promise<Outcome> {
  const events = await bench.events(run);
  const ended = events.findLast((event) => event.type === 'run.ended');
  const replies = events.filter((event) => event.type === 'model.replied');
  const { labels } = await loadState(bench.store, { org: ORG, run });
  const effects = bench.receiver.effects().flatMap((effect) => (effect.run === run ? [`${effect.step} ${effect.tool}`] : []));
  const { ok } = await bench.views.verify(ORG, run);
  const [first] = replies;
  assert.ok(replies.every(({ usage }) => JSON.stringify(usage) === JSON.stringify(first?.usage)));
  return {
    status: ended?.status ?? 'none',
    answer: ended?.answer ?? null,
    effects: effects.toSorted(),
    labels,
    verified: ok,
    usagePerTurn: first?.usage ?? NO_USAGE,
  };
}

/** Runs the job once without faults; answers every point at which its worker can be killed. */
async function pointsOf(bench: FaultBench, job: string, calls: boolean): Promise<{ run: RunId; points: Point[]; transitions: number }> {
  const run = await bench.create(job);
  const points: Point[] = [];
  const passed = new Map<string, number>();
  const hook = (when: 'before' | 'after', port: string, args: readonly unknown[]): void => {
    const commit = port === 'store.append';
    if (!commit && (!calls || !(port.startsWith('tool.') || port === 'models.call'))) return;
    const count = (passed.get(port) ?? 0) + (when === 'before' ? 1 : 0);
    passed.set(port, count);
    const entries = commit ? ((args[0] as readonly AppendRequest[])[0]?.events.length ?? 0) : 0;
    // reads of a turn that are slow write their intents meanwhile
    points.push({ at: `kill ${when} ${port} ${count}`, inFlight: port === 'tool.look.call' ? READS_AT_ONCE : 0 });
    if (commit && when === 'before') points.push({ at: `kill during ${port} ${count}`, inFlight: Math.max(entries, READS_AT_ONCE * 2) });
  };
  const plain = startProcess({ deps: bench.parts.deps, name: 'plain', wakeups: { listen: () => () => undefined }, hook, concurrency: 0 });
  await plain.driver.advance(ORG, run);
  await plain.engine.stop();
  return { run, points, transitions: passed.get('store.append') ?? 0 };
}

/** `calls`: also before and after each call of model and tools. `only` keeps the points that match, each of them killed `each` times. */
export type KillOptions = { job: string; calls: boolean; only?: RegExp; atOnce: number; each?: number; withinMs: number };

/** Kills a victim at every point, lets one other process take all runs over, and holds each against the run without faults. */
export async function killEverywhere(bench: FaultBench, options: KillOptions): Promise<KillFigures> {
  const began = performance.now();
  const plain = await pointsOf(bench, options.job, options.calls);
  const expected = await outcomeOf(bench, plain.run);
  assert.equal(expected.status, 'succeeded');
  assert.ok(expected.verified);
  const points = Array.from({ length: options.each ?? 1 }, () => plain.points.filter(({ at }) => options.only?.test(at) ?? true)).flat();
  const killed = await forAll(points, options.atOnce, async ({ at }, index) => {
    // on a machine that is too busy a victim loses its lease before it gets there, and another has to
    for (let attempt = 1; ; attempt += 1) {
      const run = await bench.create(options.job);
      const victim = await bench.worker({ run, at, name: `victim_${index}` });
      const how = await victim.exited;
      if (how === 'SIGKILL') return { run, told: victim.lastSeq() - 1 };
      assert.ok(attempt < VICTIMS_EACH, `${at}: it was not reached, the worker ended with ${how}`);
    }
  });
  const runs = killed.map(({ run }) => run);
  const survivor = await bench.worker({ name: 'survivor', leaseMs: LEASE_MS });
  await bench.untilEnded(runs, options.withinMs);
  await survivor.end('SIGKILL');
  const figures: KillFigures = {
    points: points.length,
    transitions: plain.transitions,
    parked: 0,
    chargedAgain: 0,
    lost: 0,
    duplicated: 0,
    seconds: 0,
  };
  for (const [index, { run, told }] of killed.entries()) {
    const point = points[index];
    assert.ok(point !== undefined);
    const outcome = await outcomeOf(bench, run);
    const entries = await bench.store.readEntries(ORG, run, { afterSeq: 1, limit: 1_000 });
    const kept = entries.filter(({ actor }) => actor === `wrk_victim_${index}`).length;
    if (kept < Math.max(0, told) || expected.effects.some((effect) => !outcome.effects.includes(effect))) figures.lost += 1;
    if (outcome.effects.length !== new Set(outcome.effects).size) figures.duplicated += 1;
    const least = Math.max(0, told);
    assert.ok(kept >= least && kept <= least + point.inFlight, `${point.at}: ${kept} entries are kept, ${least} were acknowledged`);
    assert.deepEqual(outcome, expected, point.at);
    const events = entries.flatMap(({ event }) => (event === null ? [] : [event]));
    checkUsage(point.at, events);
    figures.parked += events.filter(({ type }) => type === 'tool.outcome_unknown').length;
    figures.chargedAgain += events.filter(({ type }) => type === 'model.failed').length;
  }
  figures.seconds = Math.round((performance.now() - began) / 1000);
  return figures;
}

/** No turn has two replies, each call that was cut off has its take-over, and the end charges exactly what the journal says was used. */
function checkUsage(at: string, events: readonly RunEvent[]): void {
  const ended = events.find((event): event is EventOf<'run.ended'> => event.type === 'run.ended');
  const replied = events.filter((event) => event.type === 'model.replied');
  const failed = events.filter((event) => event.type === 'model.failed');
  assert.equal(new Set(replied.map(({ turn }) => turn)).size, replied.length, at);
  const takeOvers = events.filter((event) => event.type === 'run.resumed' && event.after === 'takeover');
  assert.ok(failed.length <= takeOvers.length, at);
  assert.ok(
    failed.every(({ kind, usage }) => kind === 'interrupted' && usage.estimated),
    at,
  );
  const used = [...replied, ...failed].reduce((sum, { usage }) => addUsage(sum, usage), NO_USAGE);
  assert.deepEqual(ended?.usage, used, at);
}
