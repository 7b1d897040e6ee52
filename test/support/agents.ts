/** The agents domain for tests: real store; created runs, schedules and limits are kept in lists. */
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
  limits: Map<string, number | null>;
};

export function testAgents(db: Database, identity: TestIdentity, options: { runs?: AgentsDeps['runs'] } = {}): TestAgents {
  const runs: NewRun[] = [];
  const woken: TestAgents['woken'] = [];
  const schedules: TestAgents['schedules'] = new Map();
  const limits: TestAgents['limits'] = new Map();
  const deps: AgentsDeps = {
    db,
    ids: identity.deps.ids,
    clock: systemClock,
    check: createValidator(),
    recordAdmin: identity.deps.recordAdmin,
    runs: options.runs ?? { createRun: async (_tx, run) => void runs.push(run) },
    wake: async (org, run) => void woken.push({ org, run }),
    defaultModel: () => 'rehearsal/default',
    project: async () => null,
    ports: {
      syncSchedules: async (_tx, _org, agent) => void schedules.set(agent.name, agent.schedules.length),
      setConcurrency: async (_tx, _org, limit) => void limits.set(limit.agent, limit.max),
    },
  };
  return { ...createAgents(deps), deps, runs, woken, schedules, limits };
}

/** A definition with what a test does not care about filled in. */
export function definition(fields: { name: string } & Record<string, unknown>): AgentDefinition {
  return AgentDefinition.parse({ instructions: 'Do the work.', ...fields });
}
