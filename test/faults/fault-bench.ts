/** What fault tests share: a database, a receiver, worker processes that are killed, a survivor that goes on, and the outcome of a run. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { EventOf } from '../../src/kernel/events.ts';
import type { RunId } from '../../src/kernel/ids.ts';
import type { Label } from '../../src/kernel/labels.ts';
import { addUsage, NO_USAGE, type Usage } from '../../src/kernel/messages.ts';
import { loadState } from '../../src/runtime/runs/load-run.ts';
import { databaseWorld, type DatabaseWorld } from '../support/database-world.ts';
import { startProcess, type Process } from '../support/process.ts';
import { ORG } from '../support/run-world.ts';
import { until } from '../support/until.ts';
import { jobOptions, TOOLS } from './job.ts';
import { startReceiver, type Receiver } from './receiver.ts';

export const LEASE_MS = 3_000;

export type FaultBench = {
  world: DatabaseWorld;
  receiver: Receiver;
  create(input: 'twelve' | 'plain' | 'short'): Promise<RunId>;
  /** A process of its own; resolves once it has exited, or was stopped when `at` says so. */
  spawnWorker(options: { run?: RunId; at?: string; name?: string }): ChildProcess;
  /** An engine in this process. */
  survivor(name?: string): Process;
  /** Waits for the end of all; people answer questions about unknown outcomes after a look at the receiver. */
  untilEnded(runs: readonly RunId[], withinMs: number): Promise<void>;
  outcome(run: RunId): Promise<Outcome>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** What must be the same with and without faults. */
export type Outcome = { status: string; answer: string | null; effects: string[]; usage: Usage; labels: readonly Label[]; unknown: number };

export async function openFaultBench(): Promise<FaultBench> {
  const receiver = await startReceiver();
  const world = await databaseWorld({ ...jobOptions(receiver.url, { nowMs: () => Date.now(), sleep: async () => undefined }) });
  const children: ChildProcess[] = [];
  const survivors: Process[] = [];

  const answerUnknown = async (run: RunId): Promise<void> => {
    const state = await loadState(world.store, { org: ORG, run });
    for (const { question, phase, tool, callId } of state.calls) {
      if (phase !== 'waiting' || question?.asked.kind !== 'outcome' || (await world.store.readInbox(ORG, run)).length > 0) continue;
      const there = receiver.effects().some((effect) => effect.tool === tool && effect.key === `${run}/${callId}`);
      const { approvalId, hash } = question.asked;
      const answered: EventOf<'approval.answered'> = {
        type: 'approval.answered',
        approvalId,
        callId,
        hash,
        answer: there ? 'done' : 'not_done',
        text: '',
        by: { actor: 'act_2', name: 'Grace' },
      };
      await world.put(run, 'answer', answered);
    }
  };

  return {
    world,
    receiver,
    create: (input) => world.create({ plan: { tools: TOOLS }, queued: { input } }),
    spawnWorker({ run, at, name }) {
      const env = {
        PATH: process.env['PATH'],
        FAULT_URL: world.db.url,
        FAULT_RECEIVER: receiver.url,
        FAULT_RUN: run,
        FAULT_AT: at,
        FAULT_LEASE_MS: String(LEASE_MS),
        FAULT_NAME: name,
      };
      const child = spawn(process.execPath, [new URL('worker.ts', import.meta.url).pathname], { env, stdio: ['ignore', 'ignore', 'inherit'] });
      children.push(child);
      return child;
    },
    survivor(name = 'survivor') {
      const process = startProcess({ deps: { ...world.deps, leaseMs: LEASE_MS }, name, wakeups: { listen: () => () => undefined }, concurrency: 32 });
      survivors.push(process);
      return process;
    },
    async untilEnded(runs, withinMs) {
      const open = new Set(runs);
      await until('the end of all runs', withinMs, async () => {
        for (const run of open) {
          const row = await world.store.getRun(ORG, run);
          if (row !== null && row.endedAtMs !== null) open.delete(run);
          else if (row?.status === 'waiting') await answerUnknown(run);
        }
        return open.size === 0;
      });
    },
    async outcome(run) {
      const events = await world.events(run);
      const ended = events.findLast((event) => event.type === 'run.ended');
      const usage = events.reduce((sum, event) => (event.type === 'model.replied' ? addUsage(sum, event.usage) : sum), NO_USAGE);
      const { labels } = await loadState(world.store, { org: ORG, run });
      const effects = receiver.effects().flatMap(({ tool, key }) => (key.startsWith(`${run}/`) ? [`${tool} ${key.slice(run.length + 1)}`] : []));
      const unknown = events.filter((event) => event.type === 'tool.outcome_unknown').length;
      return { status: ended?.status ?? 'none', answer: ended?.answer ?? null, effects, usage, labels, unknown };
    },
    async [Symbol.asyncDispose]() {
      for (const child of children) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      for (const survivor of survivors) survivor.kill();
      await receiver[Symbol.asyncDispose]();
      await world[Symbol.asyncDispose]();
    },
  };
}

/** Exits of all, a few side by side. */
export async function runAll<T>(items: readonly T[], atOnce: number, start: (item: T) => ChildProcess): Promise<(string | null)[]> {
  const signals: (string | null)[] = [];
  const queue = items.entries();
  const lane = async (): Promise<void> => {
    for (const [index, item] of queue) {
      const child = start(item);
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      signals[index] = child.signalCode;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return signals;
}
