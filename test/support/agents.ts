/** The agents domain for tests: real store; created runs and schedules are kept in lists unless the real ones are given. */
import { systemClock } from '../../src/kernel/clock.ts';
import type { OrgId, RunId } from '../../src/kernel/ids.ts';
import type { NewRun } from '../../src/runtime/runs/store-port.ts';
import { createValidator } from '../../src/runtime/tools/validate.ts';
import type { Database } from '../../src/storage/database.ts';
import type { AgentsDeps, Agents } from '../../src/work/agents/service.ts';
import { createAgents } from '../../src/work/agents/service.ts';
import { AgentDefinition } from '../../src/work/agents/definition.ts';
import type { TestIdentity } from './identity.ts';

export type TestAgents = Agents & {
  deps: AgentsDeps;
  runs: NewRun[];
  woken: { org: OrgId; run: RunId }[];
  schedules: Map<string, number>;
};

export function testAgents(db: Database, identity: TestIdentity, options: { runs?: AgentsDeps['runs'] } = {}): TestAgents {
  const runs: NewRun[] = [];
  const woken: TestAgents['woken'] = [];
  const schedules: TestAgents['schedules'] = new Map();
  const deps: AgentsDeps = {
    db,
    ids: identity.deps.ids,
    clock: systemClock,
    check: createValidator(),
    recordAdmin: identity.deps.recordAdmin,
    runs: options.runs ?? { createRun: async (_tx, run) => void runs.push(run) },
    wake: (org, run) => void woken.push({ org, run }),
    defaultModel: () => 'rehearsal/default',
    project: async () => null,
    ports: {
      syncSchedules: async (_tx, _org, agent) => void schedules.set(agent.name, agent.schedules.length),
    },
  };
  return { ...createAgents(deps), deps, runs, woken, schedules };
}

/** A definition with what a test does not care about filled in. */
export function definition(fields: { name: string } & Record<string, unknown>): AgentDefinition {
  return AgentDefinition.parse({ instructions: 'Do the work.', ...fields });
}
