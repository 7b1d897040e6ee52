/** All SQL of identity. A key is looked up without an organization, as windlass_identity; everything else within one. */
import { isoTime } from '../../kernel/clock.ts';
import type { ActorId, AgentId, KeyId, OrgId, ProjectId } from '../../kernel/ids.ts';
import { storedId } from '../../kernel/ids.ts';
import type { Database, Tx } from '../../storage/database.ts';
import { PREPARED } from '../../storage/database.ts';
import type { ActorKind, ActorView, KeyLimits, KeyView, Role, Scope } from './contract.ts';
import { stateOfKey } from './key.ts';
import type { Principal } from './principal.ts';

/** Held by who makes the first owner of an organization, so that two starts at once make one. */
const FIRST_OWNER_LOCK = 'windlass first owner';
const SOLO_ORG_LOCK = 'windlass solo organization';
const USE_WRITTEN_EVERY = '1 minute';

export type NewActor = { id: ActorId; kind: ActorKind; name: string; agent: AgentId | null };
export type NewKeyRow = {
  id: KeyId;
  actor: ActorId;
  name: string;
  role: Role;
  scopes: readonly Scope[];
  hash: string;
  createdBy: ActorId;
  expiresAtMs: number | null;
} & KeyBinding;

/** What the model gateway knows of a key. */
export type KeyBinding = { project: ProjectId | null; spendAgent: AgentId | null; models: readonly string[] | null; limits: KeyLimits };

type BindingRow = {
  project_id: string | null;
  spend_agent_id: string | null;
  models: string[] | null;
  requests_per_minute: number | null;
  tokens_per_minute: number | null;
  cache_seconds: number | null;
};
type KeyRow = BindingRow & {
  id: string;
  name: string;
  fingerprint: string;
  actor_id: string;
  actor_kind: ActorKind;
  actor_name: string;
  role: Role;
  scopes: Scope[];
  created_at: number;
  expires_at: number | null;
  revoked_at: number | null;
  replaced_by: string | null;
  last_used_at: number | null;
  project_code: string | null;
  agent_name: string | null;
  now: number;
};

const BINDING = 'k.project_id, k.spend_agent_id, k.models, k.requests_per_minute, k.tokens_per_minute, k.cache_seconds';
const KEY_COLUMNS = `k.id, k.name, k.fingerprint, k.actor_id, a.kind as actor_kind, a.name as actor_name, k.role, k.scopes,
  k.created_at, k.expires_at, k.revoked_at, k.replaced_by, k.last_used_at, ${BINDING},
  (select p.code from project p where p.org_id = k.org_id and p.id = k.project_id) as project_code,
  (select g.name from agent g where g.org_id = k.org_id and g.id = k.spend_agent_id) as agent_name, clock_now() as now`;
const KEYS = 'api_key k join actor a on a.org_id = k.org_id and a.id = k.actor_id';
const ACTIVE = 'k.revoked_at is null and (k.expires_at is null or k.expires_at > clock_now())';

/** Resolves a live key; marks its use at most once a minute. */
export function findByHash(db: Database, hash: string): Promise<Principal | null> {
  type Row = BindingRow & {
    org_id: string;
    id: string;
    fingerprint: string;
    role: Role;
    scopes: Scope[];
    actor_id: string;
    kind: ActorKind;
    name: string;
    agent_id: string | null;
    mark: boolean;
  };
  return db.asIdentity(async (tx) => {
    const [row] = await tx.query<Row>(
      `select k.org_id, k.id, k.fingerprint, k.role, k.scopes, a.id as actor_id, a.kind, a.name, a.agent_id, ${BINDING},
              k.last_used_at is null or k.last_used_at <= clock_now() - interval '${USE_WRITTEN_EVERY}' as mark
         from ${KEYS} where k.hash = $1 and ${ACTIVE}`,
      [hash],
      PREPARED,
    );
    if (row === undefined) return null;
    if (row.mark) {
      // a row that somebody is marking just now needs no second mark
      await tx.query(
        `update api_key set last_used_at = clock_now() where org_id = $1 and id = (select id from api_key where org_id = $1 and id = $2 for no key update skip locked)`,
        [row.org_id, row.id],
      );
    }
    return {
      org: storedId('org', row.org_id),
      actor: storedId('act', row.actor_id),
      kind: row.kind,
      name: row.name,
      agent: row.agent_id === null ? null : storedId('agt', row.agent_id),
      key: storedId('key', row.id),
      fingerprint: row.fingerprint,
      role: row.role,
      scopes: row.scopes,
      ...bindingOf(row),
    };
  });
}

/** The only organization there is, made when there is none; null when there are several. */
export function findOrMakeSoloOrg(db: Database, wanted: { id: OrgId; name: string }): Promise<OrgId | null> {
  return db.asIdentity(async (tx) => {
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [SOLO_ORG_LOCK]);
    const rows = await tx.query<{ id: string }>('select id from org order by created_at, id limit 2');
    if (rows.length > 1) return null;
    if (rows[0] !== undefined) return storedId('org', rows[0].id);
    await tx.query('insert into org (id, name) values ($1, $2)', [wanted.id, wanted.name]);
    return wanted.id;
  });
}

export async function insertOrg(db: Database, org: { id: OrgId; name: string }): Promise<void> {
  await db.asIdentity((tx) => tx.query('insert into org (id, name) values ($1, $2)', [org.id, org.name]));
}

/** Waits for whoever else is making the first owner; then tells whether there is one. */
export async function hasOwner(tx: Tx, org: OrgId): Promise<boolean> {
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`${FIRST_OWNER_LOCK} ${org}`]);
  return (await tx.query("select 1 from api_key where org_id = $1 and role = 'owner' limit 1", [org])).length > 0;
}

export async function findFirstUser(tx: Tx, org: OrgId): Promise<ActorId | null> {
  const [row] = await tx.query<{ id: string }>("select id from actor where org_id = $1 and kind = 'user' order by created_at, id limit 1", [org]);
  return row === undefined ? null : storedId('act', row.id);
}

export async function findActorNamed(tx: Tx, org: OrgId, wanted: { kind: ActorKind; name: string }): Promise<ActorId | null> {
  const [row] = await tx.query<{ id: string }>('select id from actor where org_id = $1 and kind = $2 and name = $3 order by created_at, id limit 1', [
    org,
    wanted.kind,
    wanted.name,
  ]);
  return row === undefined ? null : storedId('act', row.id);
}

export async function insertActor(tx: Tx, org: OrgId, actor: NewActor): Promise<ActorView> {
  const [row] = await tx.query<{ created_at: number }>(
    'insert into actor (org_id, id, kind, name, agent_id) values ($1, $2, $3, $4, $5) returning created_at',
    [org, actor.id, actor.kind, actor.name, actor.agent],
  );
  return { ...actor, createdAtMs: row?.created_at ?? 0, signIn: null };
}

export async function getActor(tx: Tx, org: OrgId, id: string): Promise<ActorView | null> {
  const [row] = await tx.query<ActorRow>(`select ${ACTOR_COLUMNS} from actor where org_id = $1 and id = $2`, [org, id]);
  return row === undefined ? null : actorOf(row);
}

type ActorRow = {
  id: string;
  kind: ActorKind;
  name: string;
  agent_id: string | null;
  created_at: number;
  email: string | null;
  sign_in_role: Role | null;
};
const ACTOR_COLUMNS = 'id, kind, name, agent_id, created_at, email, sign_in_role';
const actorOf = (row: ActorRow): ActorView => ({
  id: row.id,
  kind: row.kind,
  name: row.name,
  agent: row.agent_id,
  createdAtMs: row.created_at,
  signIn: row.email === null || row.sign_in_role === null ? null : { email: row.email, role: row.sign_in_role },
});

/** Newest first; `before` is an id: ids sort by time. */
export async function listActors(tx: Tx, org: OrgId, page: { before: string | null; limit: number }): Promise<{ rows: ActorView[]; total: number }> {
  const rows = tx.query<ActorRow>(
    `select ${ACTOR_COLUMNS} from actor where org_id = $1 and ($2::text is null or id < $2) order by id desc limit $3`,
    [org, page.before, page.limit],
  );
  const [count] = await tx.query<{ total: number }>('select count(*) as total from actor where org_id = $1', [org]);
  return { rows: (await rows).map(actorOf), total: count?.total ?? 0 };
}

export async function insertKey(tx: Tx, org: OrgId, key: NewKeyRow): Promise<void> {
  await tx.query(
    `insert into api_key (org_id, id, actor_id, name, role, scopes, hash, created_by, expires_at,
       project_id, spend_agent_id, models, requests_per_minute, tokens_per_minute, cache_seconds)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
    [
      ...[
        org,
        key.id,
        key.actor,
        key.name,
        key.role,
        key.scopes,
        key.hash,
        key.createdBy,
        key.expiresAtMs === null ? null : isoTime(key.expiresAtMs),
      ],
      ...[key.project, key.spendAgent, key.models, key.limits.requestsPerMinute, key.limits.tokensPerMinute, key.limits.cacheSeconds],
    ],
  );
}

/** Ids of a project by code or id and of an agent by name or id; null for what is not there. */
export async function findPlaces(
  tx: Tx,
  org: OrgId,
  wanted: { project: string | null; agent: string | null },
): Promise<{ project: ProjectId | null; agent: AgentId | null }> {
  const [row] = await tx.query<{ project: string | null; agent: string | null }>(
    `select (select id from project where org_id = $1 and (id = $2 or code = $2)) as project,
            (select id from agent where org_id = $1 and (id = $3 or name = $3)) as agent`,
    [org, wanted.project, wanted.agent],
  );
  const [project, agent] = [row?.project ?? null, row?.agent ?? null];
  return { project: project === null ? null : storedId('prj', project), agent: agent === null ? null : storedId('agt', agent) };
}

/** Locks the row until the end of the transaction. */
export async function lockKey(tx: Tx, org: OrgId, id: string): Promise<KeyView | null> {
  const [row] = await tx.query<KeyRow>(`select ${KEY_COLUMNS} from ${KEYS} where k.org_id = $1 and k.id = $2 for no key update of k`, [org, id]);
  return row === undefined ? null : viewOf(row);
}

export async function getKey(tx: Tx, org: OrgId, id: string): Promise<KeyView | null> {
  const [row] = await tx.query<KeyRow>(`select ${KEY_COLUMNS} from ${KEYS} where k.org_id = $1 and k.id = $2`, [org, id]);
  return row === undefined ? null : viewOf(row);
}

export async function findKeyByHash(tx: Tx, org: OrgId, hash: string): Promise<KeyView | null> {
  const [row] = await tx.query<KeyRow>(`select ${KEY_COLUMNS} from ${KEYS} where k.org_id = $1 and k.hash = $2`, [org, hash]);
  return row === undefined ? null : viewOf(row);
}

/** Locks every live owner key of the organization; answers their ids. */
export async function lockOwnerKeys(tx: Tx, org: OrgId): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(
    `select k.id from api_key k where k.org_id = $1 and k.role = 'owner' and k.revoked_at is null and k.expires_at is null order by k.id for no key update`,
    [org],
  );
  return rows.map((row) => row.id);
}

export async function listKeys(
  tx: Tx,
  org: OrgId,
  page: { before: string | null; limit: number; all: boolean },
): Promise<{ rows: KeyView[]; total: number }> {
  const filter = `k.org_id = $1 and ($2 or (${ACTIVE}))`;
  const rows = tx.query<KeyRow>(
    `select ${KEY_COLUMNS} from ${KEYS} where ${filter} and ($3::text is null or k.id < $3) order by k.id desc limit $4`,
    [org, page.all, page.before, page.limit],
  );
  const [count] = await tx.query<{ total: number }>(`select count(*) as total from api_key k where ${filter}`, [org, page.all]);
  return { rows: (await rows).map(viewOf), total: count?.total ?? 0 };
}

export async function revokeKey(tx: Tx, org: OrgId, id: string): Promise<void> {
  await tx.query('update api_key set revoked_at = clock_now() where org_id = $1 and id = $2 and revoked_at is null', [org, id]);
}

/** Answers the ids of the keys it revoked. */
export async function revokeNamed(tx: Tx, org: OrgId, key: { actor: ActorId; name: string }): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(
    'update api_key set revoked_at = clock_now() where org_id = $1 and actor_id = $2 and name = $3 and revoked_at is null returning id',
    [org, key.actor, key.name],
  );
  return rows.map((row) => row.id);
}

/** Lets the old key end after the overlap, or earlier where it would anyway. */
export async function replaceKey(tx: Tx, org: OrgId, change: { id: string; by: KeyId; overlapMs: number }): Promise<void> {
  await tx.query(
    `update api_key set replaced_by = $3, expires_at = least(expires_at, clock_now() + make_interval(secs => $4 / 1000.0)) where org_id = $1 and id = $2`,
    [org, change.id, change.by, change.overlapMs],
  );
}

export async function nowMs(tx: Tx): Promise<number> {
  const [row] = await tx.query<{ now: number }>('select clock_now() as now');
  return row?.now ?? 0;
}

function viewOf(row: KeyRow): KeyView {
  return {
    id: row.id,
    name: row.name,
    fingerprint: row.fingerprint,
    actor: { id: row.actor_id, kind: row.actor_kind, name: row.actor_name },
    role: row.role,
    scopes: row.scopes,
    state: stateOfKey({ expiresAtMs: row.expires_at, revokedAtMs: row.revoked_at }, row.now),
    createdAtMs: row.created_at,
    expiresAtMs: row.expires_at,
    revokedAtMs: row.revoked_at,
    replacedBy: row.replaced_by,
    lastUsedAtMs: row.last_used_at,
    project: row.project_id,
    agent: row.spend_agent_id,
    projectCode: row.project_code,
    agentName: row.agent_name,
    models: row.models,
    limits: bindingOf(row).limits,
  };
}

function bindingOf(row: BindingRow): KeyBinding {
  return {
    project: row.project_id === null ? null : storedId('prj', row.project_id),
    spendAgent: row.spend_agent_id === null ? null : storedId('agt', row.spend_agent_id),
    models: row.models,
    limits: { requestsPerMinute: row.requests_per_minute, tokensPerMinute: row.tokens_per_minute, cacheSeconds: row.cache_seconds },
  };
}

/** All of them; the transaction is a worker's. */
export async function listOrgs(tx: Tx): Promise<OrgId[]> {
  return (await tx.query<{ id: OrgId }>('select id from org order by id')).map(({ id }) => id);
}
