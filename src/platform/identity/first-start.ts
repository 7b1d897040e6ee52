/**
 * What a first start makes: an organization nobody has to ask for, its owner with a key that is shown once, and the key of
 * local programs in the home folder. Every step is repeated safely, by two processes at once as well.
 */
import { chmod, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../kernel/errors.ts';
import type { OrgId } from '../../kernel/ids.ts';
import type { Tx } from '../../storage/database.ts';
import { LOCAL_ROLE, LOCAL_SCOPES, OWNER_SCOPES, hashOfSecret } from './key.ts';
import { NO_LIMITS } from './contract.ts';
import type { IdentityDeps } from './service.ts';
import { insertKey } from './mint.ts';
import * as store from './store.ts';

export const LOCAL_KEY_FILE = 'local.key';
const SOLO_ORG_NAME = 'Home';
const OWNER_NAME = 'owner';
const LOCAL_ACTOR = { kind: 'cli', name: 'local' } as const;
/** A key of people and programs of this machine is bound to nothing at the gateway. */
const UNBOUND = { project: null, spendAgent: null, models: null, limits: NO_LIMITS } as const;
export const SYSTEM = { actor: 'system', name: 'Windlass' } as const;

/**
 * The only organization, with an owner. `ownerKey` is the secret when this call made it, to be printed once; else null.
 * @throws AppError `configuration` when the database holds several organizations.
 */
export async function ensureSoloOrg(deps: IdentityDeps): Promise<{ org: OrgId; ownerKey: string | null }> {
  const org = await soloOrg(deps);
  return { org, ownerKey: await ensureOwner(deps, org) };
}

/** The only organization, made when there is none. @throws AppError `configuration` when there are several. */
export async function soloOrg(deps: Pick<IdentityDeps, 'db' | 'ids'>): Promise<OrgId> {
  const org = await store.findOrMakeSoloOrg(deps.db, { id: deps.ids.next('org'), name: SOLO_ORG_NAME });
  if (org !== null) return org;
  throw new AppError('configuration', 'The database holds several organizations, so none is the obvious one.', {
    next: 'Name the organization to start for.',
  });
}

/** Another organization with an owner of its own. */
export async function createOrganization(deps: IdentityDeps, name: string): Promise<{ org: OrgId; ownerKey: string }> {
  const org = deps.ids.next('org');
  await store.insertOrg(deps.db, { id: org, name });
  const ownerKey = await ensureOwner(deps, org);
  if (ownerKey === null) throw new AppError('internal', 'A new organization has an owner already.');
  return { org, ownerKey };
}

/**
 * A new owner key for who can reach the database itself, when the printed one was lost. The lost one is not ended by this.
 */
export function recoverOwnerKey(deps: IdentityDeps, org: OrgId): Promise<string> {
  return deps.db.asOrg(org, (tx) => mintOwnerKey(deps, tx, org));
}

function ensureOwner(deps: IdentityDeps, org: OrgId): Promise<string | null> {
  return deps.db.asOrg(org, async (tx) => ((await store.hasOwner(tx, org)) ? null : mintOwnerKey(deps, tx, org)));
}

async function mintOwnerKey(deps: IdentityDeps, tx: Tx, org: OrgId): Promise<string> {
  const found = await store.findFirstUser(tx, org);
  const actor = found ?? deps.ids.next('act');
  if (found === null) await store.insertActor(tx, org, { id: actor, kind: 'user', name: OWNER_NAME, agent: null });
  const { key, secret } = await insertKey(deps, tx, {
    ...UNBOUND,
    org,
    actor,
    name: 'owner key',
    role: 'owner',
    scopes: OWNER_SCOPES,
    createdBy: actor,
    expiresAtMs: null,
  });
  await deps.recordAdmin(tx, org, {
    type: 'key.created',
    subject: key.id,
    by: SYSTEM,
    detail: { fingerprint: key.fingerprint, actor, role: 'owner' },
  });
  return secret;
}

/**
 * Sees to `local.key` in the home folder (mode 600): keeps it while it is live and private, else revokes what was there and
 * makes another. `place` names this home among others on the same database (host and path). Answers the file's path.
 */
export async function ensureLocalKey(
  deps: IdentityDeps,
  options: { org: OrgId; home: string; place: string },
): Promise<{ path: string; made: boolean }> {
  const { org, home } = options;
  const path = join(home, LOCAL_KEY_FILE);
  const hash = await readPrivate(path);
  const name = `${LOCAL_KEY_FILE} (${options.place})`.slice(0, 300);
  const secret = await deps.db.asOrg(org, async (tx) => {
    if (hash !== null && (await store.findKeyByHash(tx, org, hash))?.state === 'active') return null;
    const actor =
      (await store.findActorNamed(tx, org, LOCAL_ACTOR)) ??
      (await store.insertActor(tx, org, { ...LOCAL_ACTOR, id: deps.ids.next('act'), agent: null })).id;
    const owner = { actor: actor as ReturnType<typeof deps.ids.next<'act'>>, name };
    const revoked = await store.revokeNamed(tx, org, owner);
    const made = await insertKey(deps, tx, {
      ...UNBOUND,
      org,
      ...owner,
      role: LOCAL_ROLE,
      scopes: LOCAL_SCOPES,
      createdBy: owner.actor,
      expiresAtMs: null,
    });
    await deps.recordAdmin(tx, org, {
      type: 'key.created',
      subject: made.key.id,
      by: SYSTEM,
      detail: { fingerprint: made.key.fingerprint, actor, role: LOCAL_ROLE, revoked },
    });
    return made.secret;
  });
  if (secret === null) return { path, made: false };
  // beside and renamed: nobody reads half a key, and the mode is right before the content is there
  const unfinished = `${path}.${deps.ids.next('key')}`;
  await writeFile(unfinished, `${secret}\n`, { mode: 0o600, flag: 'wx' });
  await chmod(unfinished, 0o600);
  await rename(unfinished, path);
  return { path, made: true };
}

/** The digest of the key in the file; null when there is none, or when others could have read it. */
async function readPrivate(path: string): Promise<string | null> {
  try {
    const open = process.platform !== 'win32' && ((await stat(path)).mode & 0o077) !== 0;
    return open ? null : hashOfSecret((await readFile(path, 'utf8')).trim());
  } catch {
    return null; // no file, or one that cannot be read: it is made anew
  }
}
