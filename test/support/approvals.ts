/** Approvals for tests: real rows, real runs and their inbox; nothing drives the runs. */
import { randomBytes } from 'node:crypto';
import { systemClock } from '../../src/kernel/clock.ts';
import type { EventOf } from '../../src/kernel/events.ts';
import type { ApprovalId, OrgId, RunId } from '../../src/kernel/ids.ts';
import type { Approvals } from '../../src/platform/approvals/service.ts';
import { createApprovals } from '../../src/platform/approvals/service.ts';
import type { Principal } from '../../src/platform/identity/principal.ts';
import type { RunStore } from '../../src/runtime/runs/store-port.ts';
import { createRunStore } from '../../src/runtime/runs/store.ts';
import { createDatabaseClock } from '../../src/storage/database-clock.ts';
import type { TestAgents } from './agents.ts';
import { definition, testAgents } from './agents.ts';
import type { TestDatabase } from './database.ts';
import { testDatabase } from './database.ts';
import type { TestIdentity } from './identity.ts';
import { callerOf, testIdentity, testIds, testOwner } from './identity.ts';

export type ApprovalWorld = {
  db: TestDatabase;
  identity: TestIdentity;
  agents: TestAgents;
  approvals: Approvals;
  runs: RunStore;
  woken: RunId[];
  owner: Principal;
  org: OrgId;
  /** A run started by that person, over that surface, of an agent of that tier. */
  start(options?: { by?: Principal; surface?: 'http' | 'mcp'; tier?: 1 | 2 | 3 }): Promise<RunId>;
  /** What a worker does when a call needs a person. */
  ask(run: RunId, question?: Partial<EventOf<'approval.asked'>>): Promise<EventOf<'approval.asked'> & { approvalId: ApprovalId }>;
  inbox(run: RunId): Promise<EventOf<'approval.answered' | 'approval.expired' | 'note'>[]>;
  [Symbol.asyncDispose](): Promise<void>;
};

export async function approvalWorld(): Promise<ApprovalWorld> {
  const db = await testDatabase();
  const identity = testIdentity(db);
  const { owner, org } = await testOwner(identity);
  const runs = createRunStore({ db, clock: createDatabaseClock({ db, clock: systemClock }), randomBytes, onAppended: () => {} });
  const agents = testAgents(db, identity, { runs });
  const woken: RunId[] = [];
  const retry = async (): Promise<{ id: string }> => ({ id: 'run_retried' });
  const port = {
    putInbox: runs.putInbox.bind(runs),
    readEntries: runs.readEntries.bind(runs),
    wake: (_org: OrgId, run: RunId) => void woken.push(run),
    retry,
  };
  const approvals = createApprovals({ db, runs: port });
  const start: ApprovalWorld['start'] = async ({ by = owner, surface = 'http', tier = 3 } = {}) => {
    await agents.ensure(owner, [definition({ name: `tier-${tier}`, tier })]);
    const { id } = await agents.handlers.run(callerOf(by, surface), { name: `tier-${tier}`, input: {}, priority: 'normal' });
    return id as RunId;
  };
  const ask: ApprovalWorld['ask'] = async (run, question = {}) => {
    const row = await runs.getRun(org, run);
    if (row === null) throw new Error(`no run ${run}`);
    const asked = { ...someQuestion(), ...question, approvalId: testIds.next('apr') };
    await db.asWorker((tx) =>
      approvals.ask(tx, { org, run, root: row.root, agent: row.agent, agentName: row.agentName, afterSeq: row.headSeq, asked }),
    );
    return asked;
  };
  return {
    db,
    identity,
    agents,
    approvals,
    runs,
    woken,
    owner,
    org,
    start,
    ask,
    inbox: async (run) => (await runs.readInbox(org, run)).map((item) => item.event as never),
    [Symbol.asyncDispose]: () => db[Symbol.asyncDispose](),
  };
}

function someQuestion(): Omit<EventOf<'approval.asked'>, 'approvalId'> {
  return {
    type: 'approval.asked',
    callId: 'call_1',
    kind: 'approval',
    tool: 'github.create_issue',
    args: { repo: 'acme/app', title: 'Broken build' },
    hash: 'a'.repeat(64),
    question: 'May github.create_issue be carried out?',
    choices: ['approve', 'edit', 'deny'],
    decision: { answer: 'confirm', rules: ['external_confirmed'], reason: 'github.create_issue acts outside this machine' },
    deadlineMs: systemClock.nowMs() + 24 * 60 * 60_000,
    onExpiry: 'deny',
  };
}
