/** What making a key takes, and what a caller may not make: shared by keys that people ask for and keys that sessions stand for. */
import { AppError } from '../../kernel/errors.ts';
import type { OrgId } from '../../kernel/ids.ts';
import type { Tx } from '../../storage/database.ts';
import type { ActorKind, KeyView, Role, Scope } from './contract.ts';
import { makeSecret } from './key.ts';
import { beyondMinter, looserThanMinter } from './permissions.ts';
import type { Principal } from './principal.ts';
import type { IdentityDeps } from './service.ts';
import * as store from './store.ts';

/** Inserts a fresh key; its secret exists only in the answer. */
export async function insertKey(
  deps: Pick<IdentityDeps, 'ids' | 'randomBytes'>,
  tx: Tx,
  key: Omit<store.NewKeyRow, 'id' | 'hash'> & { org: OrgId },
): Promise<{ key: KeyView; secret: string }> {
  const made = makeSecret(deps.randomBytes);
  const id = deps.ids.next('key');
  await store.insertKey(tx, key.org, { ...key, id, hash: made.hash });
  return { key: await existing(tx, key.org, id), secret: made.secret };
}

export function refuseBeyond(principal: Principal, wanted: { role: Role; scopes: readonly Scope[] }): void {
  const beyond = beyondMinter(principal, wanted);
  if (beyond !== null) throw new AppError('denied', `You may not give or take ${beyond}.`, { next: 'Ask somebody whose key has it.' });
}

/** @throws AppError `denied` for a key that could do at the gateway, or in other projects, what the caller's cannot */
export function refuseLooser(principal: Principal, wanted: Parameters<typeof looserThanMinter>[1]): void {
  const looser = looserThanMinter(principal, wanted);
  if (looser !== null) throw new AppError('denied', `You may not make ${looser}.`, { next: 'Ask somebody whose key is not bound.' });
}

/** No program becomes a person: else it could answer what only people answer (spec APR-1). */
export function refusePerson(principal: Principal, kind: ActorKind): void {
  if (kind === 'user' && principal.kind !== 'user')
    throw new AppError('denied', 'Only a person adds people or makes keys of theirs.', { next: "Use a person's key." });
}

export async function existing(tx: Tx, org: OrgId, id: string): Promise<KeyView> {
  const key = await store.getKey(tx, org, id);
  if (key === null) throw new AppError('internal', `Key ${id} vanished in its own transaction.`);
  return key;
}
