/** Use cases of identity: whose key is this, and making, rotating and ending keys. First start is in `first-start.ts`. */
import type { Json } from '../../kernel/canonical-json.ts';
import { AppError } from '../../kernel/errors.ts';
import type { AgentId, Ids, KeyId, OrgId, ProjectId, RandomBytes } from '../../kernel/ids.ts';
import { parseId, storedId } from '../../kernel/ids.ts';
import type { Handlers } from '../../kernel/operation.ts';
import type { Page } from '../../kernel/page.ts';
import { decodeCursor, encodeCursor } from '../../kernel/page.ts';
import type { Database, Tx } from '../../storage/database.ts';
import type { RecordAdmin } from './admin-event.ts';
import type { KeyLimits, KeyView, Role, Scope, identityOperations } from './contract.ts';
import { hashOfSecret } from './key.ts';
import { existing, insertKey, refuseBeyond, refuseLooser, refusePerson } from './mint.ts';
import { allowSignIn, endSignIn } from './person.ts';
import { permissionsOf, usefulScopes } from './permissions.ts';
import type { Principal } from './principal.ts';
import { byOf } from './principal.ts';
import * as store from './store.ts';

const DAY_MS = 24 * 60 * 60_000;
const HOUR_MS = 60 * 60_000;

export type IdentityDeps = { db: Database; ids: Ids; randomBytes: RandomBytes; recordAdmin: RecordAdmin };

export type Identity = {
  /** Null for a key that is unknown, expired or revoked: the caller learns no more than that. @throws AppError `unavailable` */
  authenticate: (secret: string) => Promise<Principal | null>;
  /** The same by the digest a key is stored under: for what stands for a key. */
  authenticateHash: (hash: string) => Promise<Principal | null>;
  handlers: Handlers<Principal, typeof identityOperations>;
  /** Told in this process of every key that ended or may end sooner, once that is committed. */
  onKeyEnded: (listener: (key: KeyId) => void) => void;
};

export function createIdentity(deps: IdentityDeps): Identity {
  const { db } = deps;
  const listeners: ((key: KeyId) => void)[] = [];
  const ended = async <T>(id: string, change: Promise<T>): Promise<T> => {
    const changed = await change;
    for (const tell of listeners) tell(storedId('key', id));
    return changed;
  };
  return {
    onKeyEnded: (listener) => void listeners.push(listener),
    async authenticate(secret) {
      const hash = hashOfSecret(secret);
      return hash === null ? null : store.findByHash(db, hash);
    },
    authenticateHash: (hash) => store.findByHash(db, hash),
    handlers: {
      whoami: async ({ principal }) => ({
        actor: { id: principal.actor, kind: principal.kind, name: principal.name },
        key: { id: principal.key, fingerprint: principal.fingerprint },
        role: principal.role,
        scopes: [...principal.scopes],
        permissions: permissionsOf(principal),
      }),
      listKeys: ({ principal }, input) =>
        db.asOrg(principal.org, async (tx) => {
          const found = await store.listKeys(tx, principal.org, { before: cursorId(input.cursor), limit: input.limit + 1, all: input.all ?? false });
          return pageOfRows(found, input.limit);
        }),
      createKey: ({ principal }, input) =>
        mintKey(deps, principal, {
          name: input.name,
          actor: input.actor,
          role: input.role,
          scopes: input.scopes ?? usefulScopes(input.role).filter((scope) => principal.scopes.includes(scope)),
          lifetimeMs: input.expiresInDays === undefined ? null : Math.round(input.expiresInDays * DAY_MS),
          place: { project: input.project ?? null, agent: input.agent ?? null },
          models: input.models ?? null,
          limits: {
            requestsPerMinute: input.requestsPerMinute ?? null,
            tokensPerMinute: input.tokensPerMinute ?? null,
            cacheSeconds: input.cacheSeconds ?? null,
          },
        }),
      rotateKey: ({ principal }, input) =>
        ended(input.id, rotateKey(deps, principal, { id: input.id, overlapMs: Math.round(input.overlapHours * HOUR_MS) })),
      revokeKey: ({ principal }, input) => ended(input.id, revokeKey(deps, principal, input.id)),
      listActors: ({ principal }, input) =>
        db.asOrg(principal.org, async (tx) => {
          const found = await store.listActors(tx, principal.org, { before: cursorId(input.cursor), limit: input.limit + 1 });
          return pageOfRows(found, input.limit);
        }),
      createActor: ({ principal }, input) =>
        db.asOrg(principal.org, async (tx) => {
          refusePerson(principal, input.kind);
          const actor = await store.insertActor(tx, principal.org, { id: deps.ids.next('act'), kind: input.kind, name: input.name, agent: null });
          await deps.recordAdmin(tx, principal.org, {
            type: 'actor.created',
            subject: actor.id,
            by: byOf(principal),
            detail: { kind: input.kind, name: input.name },
          });
          return actor;
        }),
      allowSignIn: ({ principal }, input) => allowSignIn(deps, principal, input),
      endSignIn: ({ principal }, input) => endSignIn(deps, principal, input.id),
    },
  };
}

type Wanted = {
  name: string;
  actor: string | undefined;
  role: Role;
  scopes: readonly Scope[];
  lifetimeMs: number | null;
  place: { project: string | null; agent: string | null };
  models: readonly string[] | null;
  limits: KeyLimits;
};
type Minted = { key: KeyView; secret: string; message: string };

async function mintKey(deps: IdentityDeps, principal: Principal, wanted: Wanted): Promise<Minted> {
  refuseBeyond(principal, wanted);
  const actor = wanted.actor === undefined ? principal.actor : parseId('act', wanted.actor);
  return deps.db.asOrg(principal.org, async (tx) => {
    const owner = await store.getActor(tx, principal.org, actor);
    if (owner === null) throw new AppError('not_found', `There is no actor ${actor}.`, { next: 'List them with GET /api/v1/actors.' });
    refusePerson(principal, owner.kind);
    const expiresAtMs = wanted.lifetimeMs === null ? null : (await store.nowMs(tx)) + wanted.lifetimeMs;
    const places = await placesOf(tx, principal.org, wanted.place);
    refuseLooser(principal, { ...places, models: wanted.models, limits: wanted.limits });
    const minted = await insertKey(deps, tx, {
      ...places,
      models: wanted.models,
      limits: wanted.limits,
      org: principal.org,
      actor,
      name: wanted.name,
      role: wanted.role,
      scopes: wanted.scopes,
      createdBy: principal.actor,
      expiresAtMs,
    });
    await deps.recordAdmin(tx, principal.org, {
      type: 'key.created',
      subject: minted.key.id,
      by: byOf(principal),
      detail: { fingerprint: minted.key.fingerprint, actor, role: wanted.role, scopes: [...wanted.scopes], expiresAtMs, ...bound(wanted, places) },
    });
    return { ...minted, message: 'Store it now: it is shown this once.' };
  });
}

/** What a key is bound to, for the journal; nothing for a key that is not. */
function bound({ models, limits }: Wanted, { project, spendAgent }: Awaited<ReturnType<typeof placesOf>>): { [name: string]: Json } {
  const all = { project, agent: spendAgent, models: models === null ? null : [...models], ...limits };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
}

async function placesOf(tx: Tx, org: OrgId, wanted: Wanted['place']): Promise<{ project: ProjectId | null; spendAgent: AgentId | null }> {
  if (wanted.project === null && wanted.agent === null) return { project: null, spendAgent: null };
  const { project, agent } = await store.findPlaces(tx, org, wanted);
  if (wanted.project !== null && project === null) {
    throw new AppError('not_found', `There is no project ${wanted.project}.`, { next: 'List them with `windlass project list`.' });
  }
  if (wanted.agent !== null && agent === null) {
    throw new AppError('not_found', `There is no agent ${wanted.agent}.`, { next: 'List them with `windlass agent list`.' });
  }
  return { project, spendAgent: agent };
}

function rotateKey(deps: IdentityDeps, principal: Principal, change: { id: string; overlapMs: number }): Promise<Minted> {
  const id = parseId('key', change.id);
  return deps.db.asOrg(principal.org, async (tx) => {
    const old = await lockedKey(tx, principal, id);
    refuseBeyond(principal, old); // its new secret goes to the caller
    refusePerson(principal, old.actor.kind);
    if (old.state !== 'active' || old.replacedBy !== null) {
      throw new AppError('conflict', `Key ${old.fingerprint} ${old.replacedBy === null ? `is ${old.state}` : 'was rotated already'}.`, {
        next: 'Make a new one with `windlass key create`.',
      });
    }
    const binding = {
      project: old.project === null ? null : storedId('prj', old.project),
      spendAgent: old.agent === null ? null : storedId('agt', old.agent),
      models: old.models,
      limits: old.limits,
    };
    refuseLooser(principal, binding);
    const minted = await insertKey(deps, tx, {
      ...binding,
      org: principal.org,
      actor: storedId('act', old.actor.id),
      name: old.name,
      role: old.role,
      scopes: old.scopes,
      createdBy: principal.actor,
      // the new key lives as long as the old one was given
      expiresAtMs: old.expiresAtMs === null ? null : (await store.nowMs(tx)) + (old.expiresAtMs - old.createdAtMs),
    });
    await store.replaceKey(tx, principal.org, { id, by: storedId('key', minted.key.id), overlapMs: change.overlapMs });
    await deps.recordAdmin(tx, principal.org, {
      type: 'key.rotated',
      subject: id,
      by: byOf(principal),
      detail: { fingerprint: old.fingerprint, replacedBy: minted.key.id, newFingerprint: minted.key.fingerprint, overlapMs: change.overlapMs },
    });
    return {
      ...minted,
      message: `Store it now: it is shown this once. The old key ${old.fingerprint} ${change.overlapMs === 0 ? 'has ended' : `works on for ${hours(change.overlapMs)}`}.`,
    };
  });
}

function revokeKey(deps: IdentityDeps, principal: Principal, wanted: string): Promise<KeyView> {
  const id = parseId('key', wanted);
  return deps.db.asOrg(principal.org, async (tx) => {
    // always in the same order, owners first, so that two revocations at once cannot leave nobody
    const owners = await store.lockOwnerKeys(tx, principal.org);
    const key = await lockedKey(tx, principal, id);
    if (key.revokedAtMs !== null) return key;
    if (owners.length === 1 && owners[0] === id) {
      throw new AppError('conflict', 'This is the last owner key that does not expire: without it nobody could make another.', {
        next: 'Rotate it, or make another owner key first.',
      });
    }
    await store.revokeKey(tx, principal.org, id);
    await deps.recordAdmin(tx, principal.org, { type: 'key.revoked', subject: id, by: byOf(principal), detail: { fingerprint: key.fingerprint } });
    return existing(tx, principal.org, id);
  });
}

/** Nobody touches a key above their own role: an admin cannot end an owner's. */
async function lockedKey(tx: Tx, principal: Principal, id: KeyId): Promise<KeyView> {
  const key = await store.lockKey(tx, principal.org, id);
  if (key === null) throw new AppError('not_found', `There is no key ${id}.`, { next: 'List them with `windlass key list`.' });
  refuseBeyond(principal, { role: key.role, scopes: [] });
  return key;
}

/** Ids sort by time, so the id of the last row is the cursor. @throws AppError `invalid_input` */
function cursorId(cursor: string | undefined): string | null {
  if (cursor === undefined) return null;
  const [id] = decodeCursor(cursor) ?? [];
  if (typeof id !== 'string')
    throw new AppError('invalid_input', 'This cursor is not one of ours.', { next: 'Use `next` of the page before, or none.' });
  return id;
}

function pageOfRows<T extends { id: string }>(found: { rows: T[]; total: number }, limit: number): Page<T> & { items: T[] } {
  const items = found.rows.slice(0, limit);
  const last = items.at(-1);
  const next = found.rows.length > limit && last !== undefined ? encodeCursor([last.id]) : null;
  return { items, shown: items.length, total: { kind: 'exact', value: found.total }, next };
}

function hours(ms: number): string {
  const value = ms / HOUR_MS;
  return value >= 48 ? `${Math.round(value / 24)} days` : `${Math.round(value * 10) / 10} hours`;
}
