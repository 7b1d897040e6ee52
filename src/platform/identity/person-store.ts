/** All SQL of people whom an identity provider lets in: their email, and the accounts of the provider that have signed in. */
import type { ActorId, KeyId, OrgId } from '../../kernel/ids.ts';
import { storedId } from '../../kernel/ids.ts';
import type { Tx } from '../../storage/database.ts';
import type { Role } from './contract.ts';

/** Held by whoever signs in or is let in, so that two at once make one person. */
const PEOPLE_LOCK = 'windlass people';

export async function lockPeople(tx: Tx, org: OrgId): Promise<void> {
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`${PEOPLE_LOCK} ${org}`]);
}

export type Person = { actor: ActorId; name: string; role: Role };

export async function findByEmail(tx: Tx, org: OrgId, email: string): Promise<Person | null> {
  const [row] = await tx.query<{ id: string; name: string; sign_in_role: Role }>(
    'select id, name, sign_in_role from actor where org_id = $1 and email = $2',
    [org, email],
  );
  return row === undefined ? null : { actor: storedId('act', row.id), name: row.name, role: row.sign_in_role };
}

/** `null` takes the email away. */
export async function setSignIn(tx: Tx, org: OrgId, person: { actor: ActorId; signIn: { email: string; role: Role } | null }): Promise<void> {
  await tx.query('update actor set email = $3, sign_in_role = $4 where org_id = $1 and id = $2', [
    org,
    person.actor,
    person.signIn?.email ?? null,
    person.signIn?.role ?? null,
  ]);
}

/** `key` is null when the key that its sessions stood for has ended. */
export type Account = { subject: string; actor: ActorId; key: { id: KeyId; hash: string; role: Role } | null };
type AccountRow = { subject: string; actor_id: string; key_id: string; hash: string; role: Role; live: boolean };

/** The account itself, and whatever account of that provider is this person's: at most two. */
export async function findAccounts(tx: Tx, org: OrgId, wanted: { issuer: string; subject: string; actor: ActorId | null }): Promise<Account[]> {
  const rows = await tx.query<AccountRow>(
    `select o.subject, o.actor_id, k.id as key_id, k.hash, k.role, k.revoked_at is null and k.replaced_by is null and k.expires_at is null as live
       from openid_account o join api_key k on k.org_id = o.org_id and k.id = o.key_id
      where o.org_id = $1 and o.issuer = $2 and (o.subject = $3 or o.actor_id = $4)`,
    [org, wanted.issuer, wanted.subject, wanted.actor],
  );
  return rows.map((row) => ({
    subject: row.subject,
    actor: storedId('act', row.actor_id),
    key: row.live ? { id: storedId('key', row.key_id), hash: row.hash, role: row.role } : null,
  }));
}

export async function keepAccount(tx: Tx, org: OrgId, account: { issuer: string; subject: string; actor: ActorId; key: KeyId }): Promise<void> {
  await tx.query(
    `insert into openid_account (org_id, issuer, subject, actor_id, key_id) values ($1, $2, $3, $4, $5)
     on conflict (org_id, issuer, subject) do update set key_id = excluded.key_id`,
    [org, account.issuer, account.subject, account.actor, account.key],
  );
}

/** Forgets a person's accounts and ends the keys that their sessions stood for. */
export async function dropAccounts(tx: Tx, org: OrgId, actor: ActorId): Promise<void> {
  await tx.query(
    `update api_key k set revoked_at = clock_now() from openid_account o
      where k.org_id = $1 and o.org_id = $1 and o.actor_id = $2 and k.id = o.key_id and k.revoked_at is null`,
    [org, actor],
  );
  await tx.query('delete from openid_account where org_id = $1 and actor_id = $2', [org, actor]);
}
