/**
 * How the conformance suite of `RunStore` opens a store and says the usual things to it.
 */
import assert from 'node:assert/strict';
import type { OrgId, RunId, WorkerId } from '../../src/kernel/ids.ts';
import type { AppendRequest, AppendResult, ClaimRequest, Lease, NewRun, RunStore } from '../../src/runtime/runs/store-port.ts';
import type { SealedEntry } from '../../src/storage/journal.ts';
import type { ModelBudget } from '../support/budget-model.ts';
import { ACTOR, endedEvent, noteEvent } from '../support/run-fixtures.ts';

export type StoreUnderTest = {
  store: RunStore;
  /** Moves the store's clock to that many milliseconds after its start. */
  setTime(afterStartMs: number): Promise<void>;
  addOrg(org: OrgId): Promise<void>;
  setLimit(limit: { org: OrgId; scope: 'org' | 'agent'; id: string; max: number }): Promise<void>;
  setBudget(budget: ModelBudget): Promise<void>;
  /** What stands in a budget, or for one tree of runs in a budget for each. */
  counter(budget: string, root?: string): Promise<{ spent: number; reserved: number }>;
  sealed(org: OrgId, run: RunId): Promise<SealedEntry[]>;
  [Symbol.asyncDispose](): Promise<void>;
};
export type OpenStore = () => Promise<StoreUnderTest>;

export const START_MS = Date.UTC(2026, 5, 1);
export const LEASE_MS = 30_000;
export const A = 'org_a' as OrgId;
export const B = 'org_b' as OrgId;
export const W1 = 'wrk_1' as WorkerId;

export const run = (id: string): RunId => id as RunId;

export async function create(store: RunStore, ...runs: NewRun[]): Promise<void> {
  for (const each of runs) await store.transaction(each.org, (tx) => store.createRun(tx, each));
}

export async function claim(store: RunStore, over: Partial<ClaimRequest> = {}): Promise<Lease[]> {
  return store.claim({ worker: W1, leaseMs: LEASE_MS, limit: 10, pools: [], ...over });
}

export async function claimOne(store: RunStore, org: OrgId, id: string): Promise<Lease> {
  const [lease] = await claim(store, { only: { org, run: run(id) } });
  assert.ok(lease !== undefined, `${id} can be claimed`);
  return lease;
}

export function request(lease: Lease, over: Partial<AppendRequest> = {}): AppendRequest {
  return { lease, actor: ACTOR, events: [{ event: noteEvent('step'), effectId: null }], patch: {}, consumed: [], ...over };
}

export async function append(store: RunStore, one: AppendRequest): Promise<AppendResult> {
  const [result] = await store.append([one]);
  assert.ok(result !== undefined);
  return result;
}

export async function appended(store: RunStore, one: AppendRequest): Promise<Lease> {
  const result = await append(store, one);
  assert.equal(result.ok, 'appended', result.ok === 'refused' ? String(result.cause) : result.ok);
  return result.ok === 'appended' ? result.lease : one.lease;
}

export const ended = (lease: Lease): AppendRequest =>
  request(lease, { events: [{ event: endedEvent(), effectId: null }], patch: { status: 'succeeded', reason: 'It is over.' } });
export const ids = (leases: readonly Lease[]): string[] => leases.map((lease) => lease.run);

export async function opened(open: OpenStore, orgs: readonly OrgId[] = [A, B]): Promise<StoreUnderTest> {
  const under = await open();
  for (const org of orgs) await under.addOrg(org);
  return under;
}
