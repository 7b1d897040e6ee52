/** The local engine under the conformance suite, on any world. */
import type { Clock } from '../../src/kernel/clock.ts';
import type { OrgId, RunId } from '../../src/kernel/ids.ts';
import type { AssistantPart } from '../../src/kernel/messages.ts';
import type { ModelRequest } from '../../src/runtime/models/model.ts';
import type { Wakeups } from '../../src/runtime/runs/engine.ts';
import type { RunStore } from '../../src/runtime/runs/store-port.ts';
import type { EngineFixture, EngineScript } from '../conformance/engine.ts';
import { calls, says } from './drive-pure.ts';
import { startProcess, type Process } from './process.ts';
import { ORG, writeTool, type RunWorld, type WorldOptions } from './run-world.ts';

/** Plays what the run's input names. The first call of `hang` never answers; whoever calls again is answered. */
export function engineWorldOptions(): WorldOptions {
  let hung = 0;
  const script = ({ messages, turn }: ModelRequest): AssistantPart[] | Promise<AssistantPart[]> => {
    const input = JSON.stringify(messages[0]);
    const is = (name: EngineScript): boolean => input.includes(`"${name}"`);
    if (is('hang')) return (hung += 1) === 1 ? new Promise(() => undefined) : says('Went on.');
    if (turn > 1) return says('Done.');
    if (is('write')) return calls(['put', { n: 1 }]);
    if (is('slow_write')) return calls(['put_slowly', { n: 1 }]);
    if (is('parent')) return calls(['agent_helper', { task: 'help' }]);
    return says('Done.');
  };
  const tools: WorldOptions['tools'] = (at) => [writeTool('put', 'key', at), writeTool('put_slowly', 'probe', { ...at, latencyMs: () => 400 })];
  return { script, tools };
}

export type FixtureTime = { until: EngineFixture['until']; leaseMs: number; dispose(): Promise<void> };

export function engineFixture(world: RunWorld<RunStore, Clock>, { leaseMs, ...time }: FixtureTime): EngineFixture {
  const listeners = new Set<Parameters<Wakeups['listen']>[0]>();
  const started: Process[] = [];
  let lost = false;
  const announce = (org: OrgId, run: RunId): void => {
    if (!lost) for (const on of listeners) on({ org, run });
  };
  const wakeups: Wakeups = {
    listen: (on) => {
      listeners.add(on);
      return () => void listeners.delete(on);
    },
  };
  return {
    leaseMs,
    until: (holds, mostMs) => time.until(holds, mostMs),
    nowMs: () => world.clock.nowMs(),
    start(name) {
      const process = startProcess({ deps: { ...world.deps, leaseMs }, name, wakeups });
      started.push(process);
      return process;
    },
    async create(script, over = {}) {
      const notBeforeMs = over.notBeforeInMs === undefined ? null : world.clock.nowMs() + over.notBeforeInMs;
      const run = await world.create({ plan: { tools: ['put', 'put_slowly'], agents: ['helper'] }, queued: { input: script }, row: { notBeforeMs } });
      announce(ORG, run);
      return run;
    },
    async cancel(run) {
      await world.signal(run, 'cancel');
      announce(ORG, run);
    },
    async getRun(run) {
      const row = await world.store.getRun(ORG, run);
      if (row === null) throw new Error(`There is no run ${run}.`);
      return row;
    },
    events: (run) => world.events(run),
    effects: (run) => world.effects.filter((effect) => effect.run === run).length,
    modelCalls: () => world.modelCalls.length,
    loseWakeups: () => {
      lost = true;
    },
    async [Symbol.asyncDispose]() {
      for (const process of started) process.kill();
      await time.dispose();
    },
  };
}
