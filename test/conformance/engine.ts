/**
 * What every engine must do (spec ENG-2), whatever drives it: it is handed `wake` and due times, and every run must get to its
 * end exactly once. The suite knows no clock, no store and no engine; a fixture brings them, so that another engine can be
 * put under it as it is.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunEvent } from '../../src/kernel/events.ts';
import type { RunId } from '../../src/kernel/ids.ts';
import type { Driver } from '../../src/runtime/runs/advance.ts';
import type { Engine } from '../../src/runtime/runs/engine.ts';
import type { RunRow } from '../../src/runtime/runs/store-port.ts';

/** What a run of the suite does, by its input; the fixture's scripted model plays it. */
export type EngineScript = 'answer' | 'write' | 'slow_write' | 'wait' | 'hang' | 'parent';

export type EngineFixture = {
  /** A process that drives runs. `kill` is kill -9: it does nothing more and tells nobody. */
  start(name: string): { engine: Engine; driver: Driver; kill(): void };
  create(script: EngineScript, over?: { notBeforeInMs?: number }): Promise<RunId>;
  cancel(run: RunId): Promise<void>;
  getRun(run: RunId): Promise<RunRow>;
  events(run: RunId): Promise<RunEvent[]>;
  /** Effects that reached the receiver. */
  effects(run: RunId): number;
  modelCalls(): number;
  /** From now on no wake-up arrives. */
  loseWakeups(): void;
  /** Lets time pass until it holds. Fails after `mostMs`. */
  until(holds: () => Promise<boolean> | boolean, mostMs: number): Promise<void>;
  nowMs(): number;
  leaseMs: number;
  [Symbol.asyncDispose](): Promise<void>;
};

export function engineConformance(name: string, open: () => Promise<EngineFixture>): void {
  const ended = (fixture: EngineFixture, run: RunId) => async (): Promise<boolean> => (await fixture.getRun(run)).endedAtMs !== null;

  test(`${name}: a run created while an engine runs is driven to its end [ENG-2]`, async () => {
    await using fixture = await open();
    const { engine } = fixture.start('a');
    const run = await fixture.create('write');
    engine.wake((await fixture.getRun(run)).org, run);
    await fixture.until(ended(fixture, run), 5_000);
    assert.equal((await fixture.getRun(run)).status, 'succeeded');
    assert.equal(fixture.effects(run), 1);
    await engine.stop();
  });

  test(`${name}: woken again and again, advanced twice at once, a run happens once [ENG-2]`, async () => {
    await using fixture = await open();
    const [a, b] = [fixture.start('a'), fixture.start('b')];
    const run = await fixture.create('write');
    const { org } = await fixture.getRun(run);
    for (let i = 0; i < 5; i += 1) for (const each of [a, b]) each.engine.wake(org, run);
    const twice = Promise.all([a.driver.advance(org, run), b.driver.advance(org, run)]);
    await fixture.until(ended(fixture, run), 5_000);
    await twice;
    const types = (await fixture.events(run)).map(({ type }) => type);
    assert.equal(types.filter((type) => type === 'run.started').length, 1);
    assert.equal(types.filter((type) => type === 'run.ended').length, 1);
    assert.equal(fixture.effects(run), 1);
    await Promise.all([a.engine.stop(), b.engine.stop()]);
  });

  test(`${name}: with every wake-up lost a run is still found [ENG-2]`, async () => {
    await using fixture = await open();
    const { engine } = fixture.start('a');
    fixture.loseWakeups();
    const run = await fixture.create('answer');
    await fixture.until(ended(fixture, run), 10_000);
    await engine.stop();
  });

  test(`${name}: a due time is kept without a wake-up, and not before [ENG-2]`, async () => {
    await using fixture = await open();
    const { engine } = fixture.start('a');
    const dueMs = fixture.nowMs() + 1_500;
    const run = await fixture.create('answer', { notBeforeInMs: 1_500 });
    await fixture.until(ended(fixture, run), 10_000);
    const row = await fixture.getRun(run);
    assert.ok((row.startedAtMs ?? 0) >= dueMs - 250, `started ${dueMs - (row.startedAtMs ?? 0)} ms early`);
    await engine.stop();
  });

  test(`${name}: another process takes over from a dead one within its lease and a second [ENG-3]`, async () => {
    await using fixture = await open();
    const first = fixture.start('a');
    const run = await fixture.create('hang');
    await fixture.until(() => fixture.modelCalls() === 1, 5_000);
    first.kill();
    const killedMs = fixture.nowMs();
    const second = fixture.start('b');
    await fixture.until(() => fixture.modelCalls() === 2, fixture.leaseMs + 5_000);
    const tookMs = fixture.nowMs() - killedMs;
    assert.ok(tookMs <= fixture.leaseMs + 1_000, `took ${tookMs} ms with a lease of ${fixture.leaseMs} ms`);
    await fixture.until(ended(fixture, run), 10_000);
    assert.equal((await fixture.getRun(run)).status, 'succeeded');
    await second.engine.stop();
  });

  test(`${name}: a write cut off by its worker's death is not done twice [ENG-3, RUN-4]`, async () => {
    await using fixture = await open();
    const first = fixture.start('a');
    const run = await fixture.create('slow_write');
    await fixture.until(async () => (await fixture.events(run)).some(({ type }) => type === 'tool.intended'), 5_000);
    first.kill();
    const second = fixture.start('b');
    await fixture.until(ended(fixture, run), fixture.leaseMs + 20_000);
    assert.equal(fixture.effects(run), 1);
    await second.engine.stop();
  });

  test(`${name}: a stop gives back what it cannot finish, and another process goes on at once [ENG-3]`, async () => {
    await using fixture = await open();
    const first = fixture.start('a');
    const run = await fixture.create('hang');
    await fixture.until(() => fixture.modelCalls() === 1, 5_000);
    const stoppedMs = fixture.nowMs();
    let stopped = false;
    void first.engine.stop().then(() => (stopped = true));
    await fixture.until(() => stopped, 11_000);
    assert.ok(fixture.nowMs() - stoppedMs <= 10_000, `the stop took ${fixture.nowMs() - stoppedMs} ms`);
    const second = fixture.start('b');
    await fixture.until(ended(fixture, run), 5_000);
    await second.engine.stop();
  });

  test(`${name}: cancel ends the call in flight within a second, wake-up or not [RUN-5]`, async () => {
    await using fixture = await open();
    const { engine } = fixture.start('a');
    const run = await fixture.create('hang');
    await fixture.until(() => fixture.modelCalls() === 1, 5_000);
    fixture.loseWakeups();
    const cancelledMs = fixture.nowMs();
    await fixture.cancel(run);
    await fixture.until(ended(fixture, run), 5_000);
    assert.ok(fixture.nowMs() - cancelledMs <= 1_100, `took ${fixture.nowMs() - cancelledMs} ms`);
    assert.equal((await fixture.getRun(run)).status, 'cancelled');
    await engine.stop();
  });

  test(`${name}: a parent waits without a worker and goes on when its child ends [ENG-2, RUN-8]`, async () => {
    await using fixture = await open();
    const { engine } = fixture.start('a');
    const run = await fixture.create('parent');
    await fixture.until(ended(fixture, run), 10_000);
    assert.ok((await fixture.events(run)).some(({ type }) => type === 'child.ended'));
    await engine.stop();
  });

  test(`${name}: twenty runs over two processes all end, each once [ENG-2, ENG-3]`, async () => {
    await using fixture = await open();
    const processes = [fixture.start('a'), fixture.start('b')];
    const runs: RunId[] = [];
    for (let i = 0; i < 20; i += 1) runs.push(await fixture.create('write'));
    await fixture.until(async () => (await Promise.all(runs.map((run) => fixture.getRun(run)))).every(({ endedAtMs }) => endedAtMs !== null), 30_000);
    for (const run of runs) assert.equal(fixture.effects(run), 1);
    await Promise.all(processes.map(({ engine }) => engine.stop()));
  });
}
