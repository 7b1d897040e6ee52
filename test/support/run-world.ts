/**
 * A world for runs without a database: virtual clock, memory store, scripted model, tools whose receiver counts effects, and
 * any number of workers. Tests and the simulation drive the real interpreter in it.
 */
import { randomBytes as nodeRandomBytes } from 'node:crypto';
import type { JsonObject } from '../../src/kernel/canonical-json.ts';
import type { Entry, EventOf, RunEvent } from '../../src/kernel/events.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import { createIds, storedId, type OrgId, type RunId, type WorkerId } from '../../src/kernel/ids.ts';
import type { ModelFacts, RunPlan } from '../../src/kernel/plan.ts';
import { decideByTier } from '../../src/platform/policy/policy.ts';
import type { ModelRequest } from '../../src/runtime/models/model.ts';
import { estimateTokens } from '../../src/runtime/models/tokens.ts';
import { createDriver, type AdvanceDeps, type Driver } from '../../src/runtime/runs/advance.ts';
import { DRIVE_LIMITS } from '../../src/runtime/runs/drive-limits.ts';
import type { NewRun, RunStore } from '../../src/runtime/runs/store-port.ts';
import type { Tool, ToolContext, ToolOutcome, Tools } from '../../src/runtime/tools/tool.ts';
import { FACTS, modelPlan, queued, toolEntry } from './drive-pure.ts';
import { createMemoryStore, type MemoryStore, type MemoryTx } from './memory-store.ts';
import { scriptedModels, type Script } from './scripted-model.ts';
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts';

export const ORG: OrgId = storedId('org', 'org_1');
export const AGENT = storedId('agt', 'agt_1');
const ACTOR = storedId('act', 'act_1');

/** What one effect left at the receiver. */
export type Effect = { run: string; tool: string; key: string; args: JsonObject; atMs: number };

export type RunWorld<S extends RunStore = MemoryStore, C extends Clock = VirtualClock> = {
  readonly clock: C;
  readonly store: S;
  readonly effects: Effect[];
  readonly modelCalls: ModelRequest[];
  readonly ended: { run: string; event: EventOf<'run.ended'> }[];
  readonly asked: EventOf<'approval.asked'>[];
  readonly previews: string[];
  readonly logged: { level: string; message: string; fields: unknown }[];
  readonly deps: AdvanceDeps & { store: RunStore };
  driver(name: string, over?: Partial<AdvanceDeps>): Driver;
  create(over?: {
    plan?: Partial<Extract<RunPlan, { kind: 'model' }>>;
    queued?: Partial<EventOf<'run.queued'>>;
    row?: Partial<NewRun>;
  }): Promise<RunId>;
  put(run: RunId, kind: 'cancel' | 'pause' | 'resume' | 'note' | 'answer' | 'child_ended' | 'grant', event: RunEvent): Promise<boolean>;
  signal(run: RunId, signal: 'cancel' | 'pause' | 'resume'): Promise<boolean>;
  journal(run: RunId): Promise<Entry[]>;
  events(run: RunId): Promise<RunEvent[]>;
};

export type WorldOptions = {
  script: Script;
  /** Made with the world's receiver and clock. */
  tools?: readonly Tool[] | ((at: { effects: Effect[]; clock: Clock }) => readonly Tool[]);
  random?: () => number;
  /** Of every model; a rehearsed one when left out, which no budget counts. */
  facts?: ModelFacts;
};

/** A small generator for tests: the same seed gives the same numbers everywhere (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function createRunWorld(options: WorldOptions): RunWorld {
  const clock = createVirtualClock();
  const random = options.random ?? seeded(1);
  const store = createMemoryStore({ clock, randomBytes: bytesFrom(random) });
  return createWorldOn({ store, clock }, { ...options, random });
}

function bytesFrom(random: () => number): (length: number) => Uint8Array {
  return (length) => Uint8Array.from({ length }, () => Math.floor(random() * 256));
}

/** The same world on another store and its clock. */
export function createWorldOn<S extends RunStore, C extends Clock>({ store, clock }: { store: S; clock: C }, options: WorldOptions): RunWorld<S, C> {
  const randomBytes = options.random === undefined ? nodeRandomBytes : bytesFrom(options.random);
  const ids = createIds({ nowMs: () => clock.nowMs(), randomBytes });
  const models = scriptedModels(options.script, options.facts ?? FACTS);
  const world = {
    effects: [] as Effect[],
    modelCalls: models.requests,
    ended: [] as RunWorld['ended'],
    asked: [] as RunWorld['asked'],
    previews: [] as string[],
  };
  const logged: RunWorld['logged'] = [];

  const deps: RunWorld<S, C>['deps'] = {
    store,
    models,
    tools: fixedTools(typeof options.tools === 'function' ? options.tools({ effects: world.effects, clock }) : (options.tools ?? [])),
    clock,
    ids,
    worker: storedId('wrk', 'wrk_1'),
    leaseMs: DRIVE_LIMITS.leaseMs,
    pools: [],
    rules: { decide: decideByTier, validate: () => [], countTokens: estimateTokens },
    log: (level, message, fields) => void logged.push({ level, message, fields }),
    onEnded: async (tx, { row, ended }) => onCommit(tx, () => world.ended.push({ run: row.id, event: ended })),
    approvals: { ask: async (tx, { asked }) => onCommit(tx, () => world.asked.push(asked)) },
    children: {
      manifest: async (_org, names) => ({ entries: names.map((name) => toolEntry(`agent_${name}`, { kind: 'agent' })), missing: [] }),
      prepare: async ({ id, parent, callId, agent, input, allotment, depth, labels }) => ({
        ok: true,
        run: {
          ...newRun(id),
          parent: parent.id,
          root: parent.root,
          depth,
          queued: queued(modelPlan({ agent: { id: AGENT, name: agent, version: 1 }, limits: allotment }), {
            input: JSON.stringify(input),
            labels: [...labels],
            trigger: 'run',
            parent: { run: parent.id, callId, depth },
          }),
        },
      }),
    },
    command: ({ name }) => readTool(`command.${name}`, async () => ({ ok: true, text: 'exit 0' })),
    surroundings: async () => ({ checkout: null, networkAllow: [] }),
    artefacts: { putTranscript: async () => undefined },
    leave: async () => undefined,
    history: async () => [],
    previews: { show: async (_org, _run, { text }) => void world.previews.push(text), clear: async () => undefined },
  };

  const put: RunWorld<S, C>['put'] = (run, kind, event) =>
    store.transaction(ORG, (tx) => store.putInbox(tx, { org: ORG, run, kind, event, actor: ACTOR }));

  return {
    ...world,
    clock,
    store,
    logged,
    deps,
    driver: (name, over = {}) => createDriver({ ...deps, worker: `wrk_${name}` as WorkerId, ...over }),
    async create(over = {}) {
      const id = ids.next('run');
      await store.transaction(ORG, (tx) => store.createRun(tx, { ...newRun(id), queued: queued(modelPlan(over.plan), over.queued), ...over.row }));
      return id;
    },
    put,
    signal: (run, signal) => put(run, signal, { type: 'run.signalled', signal, reason: '', by: { actor: ACTOR, name: 'Ada' } }),
    journal: (run) => store.readEntries(ORG, run, { afterSeq: 0, limit: 10_000 }),
    async events(run) {
      return (await store.readEntries(ORG, run, { afterSeq: 0, limit: 10_000 })).flatMap(({ event }) => (event === null ? [] : [event]));
    },
  };
}

export function newRun(id: RunId): NewRun {
  return {
    org: ORG,
    id,
    project: null,
    agent: AGENT,
    agentName: 'tester',
    agentVersion: 1,
    schedule: null,
    parent: null,
    root: id,
    depth: 0,
    lane: null,
    pool: null,
    priority: 'normal',
    deadlineMs: null,
    actor: ACTOR,
    correlation: storedId('cor', 'cor_1'),
    queued: queued(modelPlan()),
    notBeforeMs: null,
  };
}

/** What a model of a port does when the transaction it belongs to commits. */
export function onCommit(tx: Parameters<RunStore['createRun']>[0], apply: () => void): void {
  if ('onCommit' in tx) (tx as MemoryTx).onCommit(apply);
  else apply(); // a real database's: near enough for a test
}

function fixedTools(tools: readonly Tool[]): Tools {
  return {
    resolve: async (_org, names) => ({
      tools: tools.filter((tool) => names.includes(tool.spec.name)),
      missing: names
        .filter((name) => !tools.some((tool) => tool.spec.name === name))
        .map((tool) => ({ tool, why: 'There is no tool of this name.' })),
    }),
    list: async () => ({ specs: tools.map((tool) => tool.spec), faults: [] }),
    close: async () => undefined,
  };
}

export function readTool(name: string, call: (args: JsonObject, context: ToolContext) => Promise<ToolOutcome>): Tool {
  return { spec: { ...toolEntry(name), realm: '', source: 'builtin' }, call };
}

/** A write at a receiver that knows effects by their key (`key`), can be asked (`probe`), or neither (`none`). */
export type WriteOptions = {
  effects: Effect[];
  clock: Clock;
  latencyMs?: () => number;
  timeoutMs?: number;
  /** The connection breaks after the effect: its caller cannot know. */
  breaks?: () => boolean;
};

export function writeTool(name: string, recovery: 'key' | 'probe' | 'none', at: WriteOptions): Tool {
  const there = (context: ToolContext): boolean => at.effects.some((effect) => effect.tool === name && effect.key === context.key);
  const tool: Tool = {
    spec: {
      ...toolEntry(name, { sideEffect: 'reversible', recovery, timeoutMs: at.timeoutMs ?? 5_000, settleMs: recovery === 'probe' ? 500 : 0 }),
      realm: '',
      source: 'builtin',
    },
    async call(args, context) {
      await at.clock.sleep(at.latencyMs?.() ?? 0, context.signal);
      if (context.signal.aborted || at.clock.nowMs() >= context.deadlineMs)
        return { ok: false, class: 'timeout', message: 'It was stopped.', mayHaveHappened: true };
      if (recovery !== 'key' || !there(context)) at.effects.push({ run: context.run, tool: name, key: context.key, args, atMs: at.clock.nowMs() });
      if (at.breaks?.() === true) return { ok: false, class: 'tool_error', message: 'The connection broke.', mayHaveHappened: true };
      return { ok: true, text: `${name} done` };
    },
  };
  if (recovery === 'probe') tool.probe = async (_args, context) => (there(context) ? { found: true, text: `${name} done` } : { found: false });
  return tool;
}
