/**
 * A worker process as a test has it: driver and engine on ports that can die or freeze at any call, as by kill -9 and SIGSTOP.
 * What it had under way stays under way outside, and nothing of it ever comes back.
 */
import type { Clock } from '../../src/kernel/clock.ts';
import type { WorkerId } from '../../src/kernel/ids.ts';
import { createDriver, type AdvanceDeps, type Driver } from '../../src/runtime/runs/advance.ts';
import type { Engine, Wakeups } from '../../src/runtime/runs/engine.ts';
import { createLocalEngine } from '../../src/runtime/runs/local-engine.ts';
import type { RunStore } from '../../src/runtime/runs/store-port.ts';
import type { Tool } from '../../src/runtime/tools/tool.ts';

/** Called before and after every port call: may delay it, kill the process or freeze it. */
export type Hook = (when: 'before' | 'after', port: string, args: readonly unknown[]) => void | Promise<void>;

export type Process = {
  readonly name: string;
  readonly engine: Engine;
  readonly driver: Driver;
  kill(): void;
  freeze(): void;
  thaw(): void;
  isDead(): boolean;
};

type ProcessDeps = Omit<AdvanceDeps, 'store'> & { store: RunStore };
export type ProcessOptions = { deps: ProcessDeps; name: string; wakeups: Wakeups; hook?: Hook; concurrency?: number };

type Gate = { pass: () => Promise<void>; kill: () => void; freeze: () => void; thaw: () => void; isDead: () => boolean };

export function startProcess(options: ProcessOptions): Process {
  const gate = createGate();
  const deps = behind(gate, { ...options.deps, worker: `wrk_${options.name}` as WorkerId }, options.hook ?? (() => undefined));
  const driver = createDriver(deps);
  const wakeups: Wakeups = {
    listen: (on) =>
      options.wakeups.listen((hint) => {
        if (!gate.isDead()) on(hint);
      }),
  };
  const { store, clock, worker, log, pools, leaseMs } = deps;
  const engine = createLocalEngine({ store, driver, wakeups, clock, worker, log, pools, leaseMs, concurrency: options.concurrency ?? 8 });
  return { name: options.name, engine, driver, kill: gate.kill, freeze: gate.freeze, thaw: gate.thaw, isDead: gate.isDead };
}

function createGate(): Gate {
  const state: { dead: boolean; frozen: PromiseWithResolvers<void> | null } = { dead: false, frozen: null };
  return {
    async pass() {
      while (state.frozen !== null && !state.dead) await state.frozen.promise;
      if (state.dead) await new Promise(() => undefined);
    },
    kill: () => {
      state.dead = true;
    },
    freeze: () => {
      state.frozen ??= Promise.withResolvers();
    },
    thaw: () => {
      state.frozen?.resolve();
      state.frozen = null;
    },
    isDead: () => state.dead,
  };
}

type AnyPort = (...args: never[]) => unknown;

function behind(gate: Gate, deps: ProcessDeps, hook: Hook): ProcessDeps {
  const wrap = <F extends AnyPort>(port: string, call: F): F =>
    (async (...args: never[]) => {
      await hook('before', port, args);
      await gate.pass();
      try {
        return await call(...args);
      } finally {
        await hook('after', port, args);
        await gate.pass();
      }
    }) as unknown as F;
  const wrapAll = <T extends object>(prefix: string, ports: T, isPort: (name: string) => boolean): T => {
    const wrapped = Object.entries(ports).map(([name, value]: [string, unknown]) => [
      name,
      typeof value === 'function' && isPort(name) ? wrap(`${prefix}.${name}`, value as AnyPort) : value,
    ]);
    return Object.fromEntries(wrapped) as T;
  };
  const wrapTool = (tool: Tool): Tool => wrapAll(`tool.${tool.spec.name}`, tool, () => true);
  const clock: Clock = {
    nowMs: () => deps.clock.nowMs(),
    sleep: async (ms, signal) => {
      await deps.clock.sleep(ms, signal);
      await gate.pass();
    },
  };
  // what runs inside a transaction is part of the store's own call
  const store = wrapAll('store', deps.store, (name) => name !== 'createRun' && name !== 'putInbox');
  return {
    ...deps,
    clock,
    store,
    models: wrapAll('models', deps.models, (name) => name === 'call'),
    tools: {
      ...deps.tools,
      resolve: wrap('tools.resolve', async (org, names) => {
        const found = await deps.tools.resolve(org, names);
        return { ...found, tools: found.tools.map(wrapTool) };
      }),
    },
  };
}
