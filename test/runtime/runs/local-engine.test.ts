import { engineConformance } from '../../conformance/engine.ts';
import { databaseWorld } from '../../support/database-world.ts';
import { engineFixture, engineWorldOptions } from '../../support/engine-fixture.ts';
import { createRunWorld } from '../../support/run-world.ts';
import { until } from '../../support/until.ts';

engineConformance('local engine on the memory store', async () => {
  const world = createRunWorld(engineWorldOptions());
  const pass = async (holds: () => Promise<boolean> | boolean, mostMs: number): Promise<void> => {
    const endMs = world.clock.nowMs() + mostMs;
    while (!(await holds())) {
      if (world.clock.nowMs() > endMs) throw new Error(`Not within ${mostMs} ms.`);
      await world.clock.settle(world.clock.sleep(50));
    }
  };
  return engineFixture(world, { until: pass, leaseMs: 10_000, dispose: async () => undefined });
});

engineConformance('local engine on PostgreSQL', async () => {
  const world = await databaseWorld(engineWorldOptions());
  const wait = async (holds: () => Promise<boolean> | boolean, mostMs: number): Promise<void> =>
    void (await until('what was waited for', mostMs, holds));
  return engineFixture(world, { until: wait, leaseMs: 3_000, dispose: async () => world[Symbol.asyncDispose]() });
});
