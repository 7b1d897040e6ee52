/** What a worker of the fault tests is made of: the real store, approvals and process runner; scripted model, tools on the receiver. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import type { OrgId, RunId } from '../../src/kernel/ids.ts';
import { createApprovals, type Approvals } from '../../src/platform/approvals/service.ts';
import type { AdvanceDeps } from '../../src/runtime/runs/advance.ts';
import { createRunStore, databaseTx } from '../../src/runtime/runs/store.ts';
import type { RunStore } from '../../src/runtime/runs/store-port.ts';
import { createProcessRunner } from '../../src/runtime/tools/child-process.ts';
import { createCommandRunner, createCommandTool } from '../../src/runtime/tools/command.ts';
import type { DatabaseClock } from '../../src/storage/database-clock.ts';
import type { Database } from '../../src/storage/database.ts';
import { createWorldOn, type RunWorld } from '../support/run-world.ts';
import { jobOptions } from './job.ts';

export type WorkerParts = {
  store: RunStore;
  approvals: Approvals;
  world: RunWorld<RunStore, DatabaseClock>;
  deps: AdvanceDeps & { store: RunStore };
};

type Ground = { db: Database; clock: DatabaseClock; receiver: string; wake: (org: OrgId, run: RunId) => void };

export function workerParts({ db, clock, receiver, wake }: Ground): WorkerParts {
  const store = createRunStore({ db, clock, randomBytes, onAppended: () => undefined });
  const approvals = createApprovals({
    db,
    runs: {
      wake,
      putInbox: (tx, item) => store.putInbox(tx, item),
      readEntries: (org, run, range) => store.readEntries(org, run, range),
      retry: async () => ({ id: '' }),
    },
  });
  const world = createWorldOn({ store, clock }, jobOptions(receiver, clock));
  const runCommand = createCommandRunner({
    run: createProcessRunner({ spawn, clock }),
    records: { add: async () => async () => undefined, reap: async () => 0 },
    nowMs: () => clock.nowMs(),
    path: process.env['PATH'] ?? '',
    scrub: (text) => text,
  });
  const deps: WorkerParts['deps'] = {
    ...world.deps,
    command: createCommandTool(runCommand),
    surroundings: async () => ({ checkout: tmpdir(), networkAllow: [] }),
    onEnded: (tx, { row }) => approvals.withdraw(databaseTx(tx), row.org, row.id),
    approvals: {
      ask: (tx, { row, asked }) => {
        const { org, id, root, agent, agentName, headSeq } = row;
        return approvals.ask(databaseTx(tx), { org, run: id, root, agent, agentName, afterSeq: headSeq, asked });
      },
    },
  };
  return { store, approvals, world, deps };
}
