/**
 * People whom an identity provider lets in: whom an admin lets in by their email, and which key the sessions of an account stand for.
 * What a provider says, and whether it is to be believed, is `platform/sign-in`.
 */
import { AppError } from '../../kernel/errors.ts';
import type { ActorId, OrgId } from '../../kernel/ids.ts';
import { parseId } from '../../kernel/ids.ts';
import type { Tx } from '../../storage/database.ts';
import type { ActorView, Role } from './contract.ts';
import { NO_LIMITS } from './contract.ts';
import { hashOfSecret } from './key.ts';
import { usefulScopes } from './permissions.ts';
import * as people from './person-store.ts';
import type { Principal } from './principal.ts';
import { byOf } from './principal.ts';
import type { IdentityDeps } from './service.ts';
import { insertKey, refuseBeyond, refusePerson } from './mint.ts';
import * as store from './store.ts';

/** Who changed something is the provider where nobody else did. */
const PROVIDER = { actor: 'system', name: 'identity provider' } as const;
const NAME_CHARS = 200;

export function allowSignIn(deps: IdentityDeps, principal: Principal, wanted: { id: string; email: string; role: Role }): Promise<ActorView> {
  const { email, role } = wanted;
  return changePerson(deps, { principal, id: wanted.id }, async (tx, person) => {
    refuseBeyond(principal, { role, scopes: usefulScopes(role) });
    const other = await people.findByEmail(tx, principal.org, email);
    if (other !== null && other.actor !== person.id)
      throw new AppError('conflict', `${email} lets in ${other.name} already.`, { next: 'Take it away there first, or use another address.' });
    return { email, role };
  });
}

export function endSignIn(deps: IdentityDeps, principal: Principal, id: string): Promise<ActorView> {
  return changePerson(deps, { principal, id }, async () => null);
}

/** Nobody changes how somebody above their own role is let in. Who was signed in by the old word is signed out. */
async function changePerson(
  deps: IdentityDeps,
  { principal, id }: { principal: Principal; id: string },
  decide: (tx: Tx, person: ActorView) => Promise<ActorView['signIn']>,
): Promise<ActorView> {
  const { org } = principal;
  const actor = parseId('act', id);
  return deps.db.asOrg(org, async (tx) => {
    await people.lockPeople(tx, org);
    const person = await store.getActor(tx, org, actor);
    if (person === null) throw new AppError('not_found', `There is no actor ${id}.`, { next: 'List them with GET /api/v1/actors.' });
    if (person.kind !== 'user')
      throw new AppError('invalid_input', `${person.name} is no person, and signs in nowhere.`, { next: 'Make it a key instead.' });
    refusePerson(principal, person.kind);
    if (person.signIn !== null) refuseBeyond(principal, { role: person.signIn.role, scopes: [] });
    const signIn = await decide(tx, person);
    if (signIn?.email === person.signIn?.email && signIn?.role === person.signIn?.role) return person;
    await people.dropAccounts(tx, org, actor);
    await people.setSignIn(tx, org, { actor, signIn });
    const type = signIn === null ? ('actor.sign_in_ended' as const) : ('actor.sign_in_allowed' as const);
    await deps.recordAdmin(tx, org, { type, subject: actor, by: byOf(principal), detail: signIn ?? {} });
    return { ...person, signIn };
  });
}

/** What a provider says of who signs in, believed already. `role` is what it says that they are here; null when it says nothing of that. */
export type Provided = { issuer: string; subject: string; email: string; name: string; role: Role | null };
/** `newPeople` lets unknown people in, as that; null does not. `provider` names the key. */
export type Admission = { newPeople: Role | null; provider: string };
export type Admitted = { ok: true; keyHash: string } | { ok: false; why: 'unknown_person' | 'other_account' };

/** The digest of the key that the sessions of this account stand for: the one it has, or another when what the person may do has changed. */
export async function admitPerson(
  deps: IdentityDeps,
  org: OrgId,
  { provided, admission }: { provided: Provided; admission: Admission },
): Promise<Admitted> {
  const { issuer, subject, email } = provided;
  return deps.db.asOrg(org, async (tx) => {
    await people.lockPeople(tx, org);
    const known = await people.findByEmail(tx, org, email);
    const accounts = await people.findAccounts(tx, org, { issuer, subject, actor: known?.actor ?? null });
    if (accounts.some((account) => account.subject !== subject || account.actor !== known?.actor)) return { ok: false, why: 'other_account' };
    const role = provided.role ?? known?.role ?? admission.newPeople;
    if (role === null || (known === null && admission.newPeople === null)) return { ok: false, why: 'unknown_person' };
    const actor = known?.actor ?? (await addPerson(deps, tx, { org, provided, role }));
    const [account] = accounts;
    const live = account?.key ?? null;
    if (live !== null && live.role === role) return { ok: true, keyHash: live.hash };
    if (live !== null) await store.revokeKey(tx, org, live.id);
    const name = `signs in with ${admission.provider}`.slice(0, NAME_CHARS);
    const { key, secret } = await insertKey(deps, tx, {
      ...{ project: null, spendAgent: null, models: null, limits: NO_LIMITS },
      ...{ org, actor, name, role, scopes: usefulScopes(role), createdBy: actor, expiresAtMs: null },
    });
    await people.keepAccount(tx, org, { issuer, subject, actor, key: parseId('key', key.id) });
    await deps.recordAdmin(tx, org, {
      type: 'key.created',
      subject: key.id,
      by: PROVIDER,
      detail: { fingerprint: key.fingerprint, actor, role, issuer },
    });
    return { ok: true, keyHash: hashOfSecret(secret) ?? '' };
  });
}

async function addPerson(deps: IdentityDeps, tx: Tx, { org, provided, role }: { org: OrgId; provided: Provided; role: Role }): Promise<ActorId> {
  const actor = deps.ids.next('act');
  await store.insertActor(tx, org, { id: actor, kind: 'user', name: provided.name.slice(0, NAME_CHARS), agent: null });
  await people.setSignIn(tx, org, { actor, signIn: { email: provided.email, role } });
  await deps.recordAdmin(tx, org, { type: 'actor.created', subject: actor, by: PROVIDER, detail: { kind: 'user', name: provided.name } });
  return actor;
}
