/**
 * One simulated world: several workers over one store, people who answer and interfere, faults at every transition for a
 * while, then calm. Everything follows from the seed, so a failing one can be run again (`npm run simulate -- --seed N`).
 */
import assert from 'node:assert/strict';
import type { Entry, EventOf } from '../../src/kernel/events.ts';
import type { RunId } from '../../src/kernel/ids.ts';
import { countedTokens } from '../../src/platform/budgets/cost.ts';
import { isFinal } from '../../src/kernel/run-status.ts';
import type { Wakeups } from '../../src/runtime/runs/engine.ts';
import type { AppendResult } from '../../src/runtime/runs/store-port.ts';
import { verifyChain } from '../../src/storage/journal.ts';
import { startProcess, type Process } from '../support/process.ts';
import { FACTS } from '../support/drive-pure.ts';
import { createRunWorld, ORG, readTool, seeded, writeTool, type RunWorld } from '../support/run-world.ts';
import { createFaults, NO_FAULTS, type Faults, type Rates } from './faults.ts';
import { drawPlans, say, WRITES, type SimPlan } from './plan.ts';

const RUNS = 4;
const WORKERS = 3;
const FAULTY_MS = 90_000;
const LIVENESS_MS = 2 * 3_600_000;
/** Room for two calls at once or so; whoever waits for more is granted it. */
const BUDGET = { org: ORG, id: 'bud_1', scope: 'org', subject: ORG, unit: 'tokens', period: 'total', amount: 12_000 } as const;
const GRANT = 15_000;

export type Simulated = { seed: number; virtualMs: number; hits: Map<string, number>; outcomes: Outcome[] };
type Outcome = { plan: SimPlan; run: RunId; status: string; answer: string | null; replies: number; settled: Map<string, string>; entries: Entry[] };

/** Runs a seed with faults and without, and holds the one against the other. Throws where an invariant breaks. */
export async function simulate(seed: number, rates: Partial<Rates> = {}): Promise<Simulated> {
  const plain = await runWorld(seed, NO_FAULTS);
  const faulty = await runWorld(seed, { crash: 0.03, freeze: 0.008, commit: 0.06, model: 0.08, tool: 0.08, mostDelayMs: 800, ...rates });
  for (const [index, outcome] of faulty.outcomes.entries()) {
    const expected = plain.outcomes[index];
    assert.ok(expected);
    if (outcome.status === 'cancelled' && outcome.plan.wishes.includes('cancel')) continue;
    const name = `seed ${seed}, ${outcome.plan.name}`;
    assert.equal(outcome.status, expected.status, `${name}: status, ${endOf(outcome)}`);
    assert.equal(outcome.answer, expected.answer, `${name}: answer`);
    // a person's word after the final answer is worth one more turn
    if (!outcome.plan.wishes.includes('note')) assert.equal(outcome.replies, expected.replies, `${name}: replies`);
    assert.deepEqual([...outcome.settled.keys()].toSorted(), [...expected.settled.keys()].toSorted(), `${name}: calls`);
  }
  return { seed, virtualMs: faulty.virtualMs, hits: faulty.hits, outcomes: faulty.outcomes };
}

function endOf(outcome: Outcome): string {
  const event = outcome.entries.at(-1)?.event;
  return event?.type === 'run.ended' ? event.reason : String(event?.type);
}

async function runWorld(seed: number, rates: Rates): Promise<Omit<Simulated, 'seed'>> {
  // the plain world is what would have come of it: nobody cancels there
  const plans = drawPlans(seeded(seed), RUNS).map((plan) =>
    rates === NO_FAULTS ? { ...plan, wishes: plan.wishes.filter((wish) => wish !== 'cancel') } : plan,
  );
  const random = seeded(seed ^ 0x5eed);
  const faults = { at: null as Faults | null };
  const latencyMs = (): number => Math.floor(random() * 300);
  const slow = (): number => (rates === NO_FAULTS ? latencyMs() : Math.floor(random() ** 3 * 14_000));
  const breaks = (): boolean => faults.at?.toolBreaks() === true;
  const world: RunWorld = createRunWorld({
    random: seeded(seed + 1),
    facts: { ...FACTS, rehearsed: false },
    script: async (request) => {
      await faults.at?.delay();
      if (faults.at?.modelFails() === true) {
        return { ok: false, failure: { kind: 'overloaded', message: 'busy', retryable: true, retryAfterMs: null, sent: true, usage: null } };
      }
      return say(plans, request);
    },
    tools: (at) => [
      readTool('look', async () => ({ ok: true, text: 'seen' })),
      writeTool('put_keyed', 'key', { ...at, latencyMs, breaks }),
      // may take longer than a lease: a successor must not look before its deadline
      writeTool('put_probed', 'probe', { ...at, latencyMs: slow, timeoutMs: 15_000, breaks }),
      writeTool('put_plain', 'none', { ...at, latencyMs, breaks }),
      outside(writeTool('post_outside', 'key', { ...at, latencyMs, breaks })),
    ],
  });
  world.store.budgets.set(BUDGET);
  const sim = createSimulation({ world, plans, random, rates });
  faults.at = sim.faults;
  world.store.setFate((kind) => sim.faults.fate(kind));
  return sim.run();
}

function outside(tool: ReturnType<typeof writeTool>): ReturnType<typeof writeTool> {
  return { ...tool, spec: { ...tool.spec, sideEffect: 'external' } };
}

type Sim = { world: RunWorld; plans: SimPlan[]; random: () => number; rates: Rates };

function createSimulation({ world, plans, random, rates }: Sim): { faults: Faults; run(): Promise<Omit<Simulated, 'seed'>> } {
  const { clock, store } = world;
  const sleep = (ms: number): Promise<void> => clock.sleep(ms);
  const faults = createFaults({ random, rates, sleep });
  const acknowledged: Entry[] = [];
  const promises: (() => Promise<void>)[] = [];
  const processes = new Map<number, Process>();
  const runs: RunId[] = [];
  const said = plans.map((): Said => ({ accepted: 0, tried: 0 }));
  let started = 0;
  let faulty = rates !== NO_FAULTS;

  const watched = {
    ...world.deps,
    store: {
      ...store,
      async append(requests: Parameters<typeof store.append>[0]): Promise<AppendResult[]> {
        const results = await store.append(requests);
        for (const result of results) if (result.ok === 'appended') acknowledged.push(...result.entries);
        return results;
      },
    },
  };

  const startWorker = (slot: number): void => {
    started += 1;
    const victim = {
      kill: () => {
        const dying = processes.get(slot);
        if (!faulty || dying === undefined || dying.isDead()) return;
        dying.kill();
        void sleep(Math.floor(random() * 20_000)).then(() => startWorker(slot));
      },
      freeze: () => {
        const frozen = processes.get(slot);
        if (!faulty || frozen === undefined) return;
        frozen.freeze();
        void sleep(1_000 + Math.floor(random() * 30_000)).then(() => frozen.thaw());
      },
    };
    processes.set(slot, startProcess({ deps: watched, name: `w${slot}_${started}`, wakeups: lossy(world, random), hook: faults.hook(victim) }));
  };

  /** What a person does goes on until it is acknowledged, so it may arrive more than once. */
  const insist = async (say: () => Promise<unknown>): Promise<void> => {
    for (;;) {
      try {
        await say();
        return;
      } catch {
        await sleep(500); // the store did not answer: a person tries again
      }
    }
  };

  const run = async (): Promise<Omit<Simulated, 'seed'>> => {
    for (let slot = 0; slot < WORKERS; slot += 1) startWorker(slot);
    for (const plan of plans) {
      await clock.settle(
        insist(async () => runs.push(await world.create({ plan: { tools: ['look', ...WRITES], agents: ['helper'] }, queued: { input: plan.name } }))),
      );
    }
    const firstMs = clock.nowMs();
    void grantMore(world, { insist, random });
    void answerQuestions(world, { insist, random, runs: () => store.runs().map((row) => row.id) });
    for (const [index, plan] of plans.entries())
      promises.push(...wish(world, plan, { run: runs.at(index) as RunId, said: said[index] as Said, insist, random }));
    for (const each of promises) void each();
    const allEnded = (): boolean => store.runs().every((row) => isFinal(row.status));
    await clock.until(() => (allEnded() && clock.nowMs() - firstMs > 30_000) || clock.nowMs() - firstMs > FAULTY_MS, FAULTY_MS * 2);
    faulty = false;
    faults.calm();
    await clock.until(allEnded, LIVENESS_MS);
    await checkAll(world, acknowledged);
    await checkBudget(world);
    const outcomes = await Promise.all(plans.map((plan, index) => outcomeOf(world, plan, { run: runs[index] as RunId, said: said[index] as Said })));
    return { virtualMs: clock.nowMs() - firstMs, hits: faults.hits, outcomes };
  };
  return { faults, run };
}

/** Wake-ups of which half get lost. */
function lossy(world: RunWorld, random: () => number): Wakeups {
  return {
    listen(on) {
      const over = new AbortController();
      void (async () => {
        while (!over.signal.aborted) {
          await world.clock.sleep(500 + Math.floor(random() * 1_500), over.signal);
          const rows = world.store.runs();
          const row = rows[Math.floor(random() * rows.length)];
          if (row !== undefined && random() < 0.5) on({ org: row.org, run: row.id });
        }
      })();
      return () => over.abort();
    },
  };
}

/** Notes a person tried to leave, and those that were acknowledged. */
type Said = { accepted: number; tried: number };
type People = { insist: (say: () => Promise<unknown>) => Promise<void>; random: () => number };

/** Answers every question, after a look at the receiver when it is about an unknown outcome. */
async function answerQuestions(world: RunWorld, { insist, random, runs }: People & { runs: () => RunId[] }): Promise<void> {
  const done = new Set<string>();
  const by = { actor: 'act_2', name: 'Grace' };
  for (;;) {
    await world.clock.sleep(8_000 + Math.floor(random() * 10_000));
    for (const run of runs()) {
      for (const event of await world.events(run)) {
        if (event.type !== 'approval.asked' || done.has(event.approvalId)) continue;
        if (event.kind === 'outcome' && random() < 0.5) continue; // looks again later
        done.add(event.approvalId);
        const { approvalId, callId, hash } = event;
        const there = world.effects.some((effect) => effect.key === `${run}/${callId}`);
        const answer = event.kind === 'outcome' ? (there ? 'done' : 'not_done') : 'approve';
        await insist(() => world.put(run, 'answer', { type: 'approval.answered', approvalId, callId, hash, answer, text: '', by }));
      }
    }
  }
}

/** Grants more, now and then, while a run waits for it; the word may reach a run twice, or come too late. */
async function grantMore(world: RunWorld, { insist, random }: People): Promise<void> {
  const by = { actor: 'act_1', name: 'Ada' };
  for (;;) {
    await world.clock.sleep(4_000 + Math.floor(random() * 8_000));
    const waiting = world.store.runs().filter(({ waitingFor }) => waitingFor === 'budget');
    if (waiting.length === 0) continue;
    world.store.budgets.grant({ budget: BUDGET.id, amount: GRANT, untilMs: Number.MAX_SAFE_INTEGER });
    for (const { id } of waiting) await insist(() => world.put(id, 'grant', { type: 'run.signalled', signal: 'grant', reason: '', by }));
  }
}

/** Nothing stays reserved, and the budget says what the journals say, whatever crashed, froze or was written twice. */
async function checkBudget(world: RunWorld): Promise<void> {
  let used = 0;
  for (const { id } of world.store.runs()) {
    for (const event of await world.events(id))
      if (event.type === 'model.replied' || event.type === 'model.failed') used += countedTokens(event.usage);
  }
  assert.deepEqual(world.store.budgets.counter(BUDGET.id), { spent: used, reserved: 0 });
}

function wish(world: RunWorld, plan: SimPlan, { run, said, insist, random }: People & { run: RunId; said: Said }): (() => Promise<void>)[] {
  const by = { actor: 'act_1', name: 'Ada' };
  const later = (mostMs: number): Promise<void> => world.clock.sleep(Math.floor(random() * mostMs));
  return plan.wishes.map((kind) => async () => {
    await later(20_000);
    if (kind === 'note') {
      return insist(async () => {
        said.tried += 1;
        if (await world.put(run, 'note', { type: 'note', text: `a word to ${plan.name}`, by })) said.accepted += 1;
      });
    }
    if (kind === 'cancel') return insist(() => world.signal(run, 'cancel'));
    await insist(() => world.signal(run, 'pause'));
    await later(30_000);
    await insist(() => world.signal(run, 'resume'));
  });
}

/** What must hold whatever went wrong. */
async function checkAll(world: RunWorld, acknowledged: readonly Entry[]): Promise<void> {
  for (const row of world.store.runs()) {
    const fault = verifyChain(world.store.sealed(row.org, row.id));
    assert.equal(fault, null, `${row.id}: chain broken: ${JSON.stringify(fault)}`);
    const entries = await world.journal(row.id);
    for (const entry of acknowledged.filter(({ stream }) => stream === row.id)) {
      assert.equal(entries[entry.seq - 1]?.hash, entry.hash, `${row.id}: acknowledged entry ${entry.seq} was lost`);
    }
    for (const [callId, outcome] of settledCalls(entries)) checkEffect(world, { run: row.id, callId, outcome });
  }
  for (const effect of world.effects) {
    assert.equal(world.effects.filter((other) => other.key === effect.key).length, 1, `${effect.key}: its effect happened twice`);
  }
}

function checkEffect(world: RunWorld, { run, callId, outcome }: { run: string; callId: string; outcome: string }): void {
  const [tool = '', what = ''] = outcome.split(' ');
  if (!WRITES.some((write) => write === tool)) return;
  const count = world.effects.filter(({ key }) => key === `${run}/${callId}`).length;
  if (what === 'tool.done') assert.equal(count, 1, `${run}/${callId}: journalled as done and is not there`);
  if (what === 'tool.failed' || what === 'tool.denied') assert.equal(count, 0, `${run}/${callId}: journalled as ${what} and is there`);
}

/** Call id to `tool outcome`. */
function settledCalls(entries: readonly Entry[]): Map<string, string> {
  const settled = new Map<string, string>();
  for (const { event } of entries) {
    if (event?.type === 'tool.done' || event?.type === 'tool.failed' || event?.type === 'tool.denied')
      settled.set(event.callId, `${event.tool} ${event.type}`);
    if (event?.type === 'child.ended') settled.set(event.callId, `agent_helper ${event.status}`);
  }
  return settled;
}

/** Each word that was acknowledged is in the journal once, or still in the inbox of a run that ended before it was read. */
function checkNotes(name: string, said: Said, found: { journalled: number; unread: number }): void {
  const there = found.journalled + found.unread;
  assert.ok(there >= said.accepted && there <= said.tried, `${name}: ${said.accepted} notes acknowledged, ${said.tried} tried, ${there} there`);
}

async function outcomeOf(world: RunWorld, plan: SimPlan, { run, said }: { run: RunId; said: Said }): Promise<Outcome> {
  const entries = await world.journal(run);
  const ended = entries.flatMap(({ event }) => (event?.type === 'run.ended' ? [event] : []));
  assert.equal(ended.length, 1, `${run}: ended ${ended.length} times`);
  const end = ended[0] as EventOf<'run.ended'>;
  const replies = entries.filter(({ event }) => event?.type === 'model.replied').length;
  const unread = (await world.store.readInbox(ORG, run)).filter(({ kind }) => kind === 'note').length;
  checkNotes(plan.name, said, { journalled: entries.filter(({ event }) => event?.type === 'note').length, unread });
  return { plan, run, status: end.status, answer: end.answer, replies, settled: settledCalls(entries), entries };
}
