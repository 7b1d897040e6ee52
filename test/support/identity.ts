/** Identity for tests: real store, real randomness, real journal, and the administrative events in a list as well. */
import { randomBytes } from 'node:crypto';
import { systemClock } from '../../src/kernel/clock.ts';
import type { Ids, OrgId } from '../../src/kernel/ids.ts';
import { createIds } from '../../src/kernel/ids.ts';
import type { Caller } from '../../src/kernel/operation.ts';
import { createRecordAdmin } from '../../src/platform/identity/admin-event.ts';
import type { AdminEvent, RecordAdmin } from '../../src/platform/identity/admin-event.ts';
import type { ActorKind, Role, Scope } from '../../src/platform/identity/contract.ts';
import { NO_LIMITS } from '../../src/platform/identity/contract.ts';
import type { Principal } from '../../src/platform/identity/principal.ts';
import type { Identity, IdentityDeps } from '../../src/platform/identity/service.ts';
import { createIdentity } from '../../src/platform/identity/service.ts';
import { createOrganization } from '../../src/platform/identity/first-start.ts';
import type { Database } from '../../src/storage/database.ts';

export const testIds: Ids = createIds({ nowMs: () => systemClock.nowMs(), randomBytes });

/** What a key is bound to at the model gateway when nobody said so. */
export const UNBOUND = { project: null, spendAgent: null, models: null, limits: NO_LIMITS } as const;

export type TestIdentity = Identity & { deps: IdentityDeps; events: { org: OrgId; event: AdminEvent }[] };

export function testIdentity(db: Database): TestIdentity {
  const events: TestIdentity['events'] = [];
  const journal = createRecordAdmin({ randomBytes });
  const recordAdmin: RecordAdmin = async (tx, org, event) => {
    await journal(tx, org, event);
    events.push({ org, event });
  };
  const deps: IdentityDeps = { db, ids: testIds, randomBytes, recordAdmin };
  return { ...createIdentity(deps), deps, events };
}

/** An organization with its owner as caller. */
export async function testOwner(identity: TestIdentity, name = 'Test'): Promise<{ org: OrgId; secret: string; owner: Principal }> {
  const { org, ownerKey } = await createOrganization(identity.deps, name);
  const owner = await identity.authenticate(ownerKey);
  if (owner === null) throw new Error('the owner key of a new organization does not work');
  return { org, secret: ownerKey, owner };
}

/** A caller with another role, kind or scopes: an actor and key of its own, made by the owner. */
export async function testPrincipal(
  identity: TestIdentity,
  owner: Principal,
  wanted: { role: Role; scopes?: Scope[]; kind?: Exclude<ActorKind, 'agent'>; name?: string },
): Promise<Principal> {
  const actor = await identity.handlers.createActor(callerOf(owner), { kind: wanted.kind ?? 'user', name: wanted.name ?? `a ${wanted.role}` });
  const { secret } = await identity.handlers.createKey(callerOf(owner), { name: 'test', actor: actor.id, role: wanted.role, scopes: wanted.scopes });
  const principal = await identity.authenticate(secret);
  if (principal === null) throw new Error('a new key does not work');
  return principal;
}

export function callerOf(principal: Principal, surface: Caller<Principal>['surface'] = 'http'): Caller<Principal> {
  return { principal, correlation: testIds.next('cor'), surface };
}
