/** All SQL of agents. Versions are only ever inserted. */
import { canonicalJson, digestOf } from '../../kernel/canonical-json.ts';
import type { ActorId, AgentId, OrgId } from '../../kernel/ids.ts';
import { storedId } from '../../kernel/ids.ts';
import type { Sql, Tx } from '../../storage/database.ts';
import type { AgentState, Health } from './agent.ts';
import type { VersionView } from './contract.ts';
import { AgentDefinition } from './definition.ts';

export type AgentRow = {
  id: AgentId;
  name: string;
  actor: ActorId;
  state: AgentState;
  stateReason: string;
  stateAtMs: number;
  failures: number;
  version: number;
  appliedVersion: number | null;
  createdAtMs: number;
  updatedAtMs: number;
  definition: AgentDefinition;
  by: { actor: string; name: string };
};
export type Source = VersionView['source'];
export type NewVersion = { agent: AgentId; version: number; definition: AgentDefinition; source: Source; by: { actor: string; name: string } };

type Row = {
  id: string;
  name: string;
  actor_id: string;
  state: AgentState;
  state_reason: string;
  state_at: number;
  failures: number;
  version: number;
  applied_version: number | null;
  created_at: number;
  updated_at: number;
  definition: string;
  author_id: string;
  author_name: string;
};

const AGENTS = `select a.id, a.name, a.actor_id, a.state, a.state_reason, a.state_at, a.failures, a.version, a.applied_version, a.created_at, a.updated_at,
  v.definition, v.author_id, v.author_name
  from agent a join agent_version v on v.org_id = a.org_id and v.agent_id = a.id and v.version = a.version`;

export async function getByName(tx: Sql, org: OrgId, name: string): Promise<AgentRow | null> {
  const [row] = await tx.query<Row>(`${AGENTS} where a.org_id = $1 and a.name = $2`, [org, name]);
  return row === undefined ? null : rowOf(row);
}

export async function getById(tx: Sql, org: OrgId, id: AgentId): Promise<AgentRow | null> {
  const [row] = await tx.query<Row>(`${AGENTS} where a.org_id = $1 and a.id = $2`, [org, id]);
  return row === undefined ? null : rowOf(row);
}

/** The agent whose service account this is; null for anybody else. */
export async function getByActor(tx: Sql, org: OrgId, actor: string): Promise<AgentRow | null> {
  const [row] = await tx.query<Row>(`${AGENTS} join actor c on c.org_id = a.org_id and c.agent_id = a.id where c.org_id = $1 and c.id = $2`, [
    org,
    actor,
  ]);
  return row === undefined ? null : rowOf(row);
}

export async function getNamed(tx: Sql, org: OrgId, names: readonly string[]): Promise<AgentRow[]> {
  return (await tx.query<Row>(`${AGENTS} where a.org_id = $1 and a.name = any ($2) order by a.name`, [org, names])).map(rowOf);
}

/** Held to the end of the transaction by whoever creates or changes agents: definitions are changed one at a time. */
export async function lockDefinitions(tx: Tx, org: OrgId): Promise<void> {
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`agents ${org}`]);
}

export async function listAgents(
  tx: Sql,
  org: OrgId,
  page: { after: string | null; limit: number; archived: boolean },
): Promise<{ rows: AgentRow[]; total: number }> {
  const rows = tx.query<Row>(
    `${AGENTS} where a.org_id = $1 and ($2 or a.state <> 'archived') and ($3::text is null or a.name > $3) order by a.name limit $4`,
    [org, page.archived, page.after, page.limit],
  );
  const [count] = await tx.query<{ total: number }>("select count(*) as total from agent where org_id = $1 and ($2 or state <> 'archived')", [
    org,
    page.archived,
  ]);
  return { rows: (await rows).map(rowOf), total: count?.total ?? 0 };
}

/** Every agent, archived ones too, with what the last apply left of each. */
export async function allAgents(tx: Sql, org: OrgId): Promise<{ agent: AgentRow; applied: AgentDefinition | null }[]> {
  const rows = await tx.query<Row & { applied: string | null }>(
    `select a.id, a.name, a.actor_id, a.state, a.state_reason, a.state_at, a.failures, a.version, a.applied_version, a.created_at, a.updated_at,
       v.definition, v.author_id, v.author_name, p.definition as applied
     from agent a
     join agent_version v on v.org_id = a.org_id and v.agent_id = a.id and v.version = a.version
     left join agent_version p on p.org_id = a.org_id and p.agent_id = a.id and p.version = a.applied_version
     where a.org_id = $1 order by a.name`,
    [org],
  );
  return rows.map((row) => ({ agent: rowOf(row), applied: row.applied === null ? null : definitionOf(row.applied) }));
}

export async function insertAgent(tx: Tx, org: OrgId, agent: { id: AgentId; name: string; actor: ActorId }): Promise<void> {
  await tx.query("insert into agent (org_id, id, name, actor_id, state, version) values ($1, $2, $3, $4, 'active', 1)", [
    org,
    agent.id,
    agent.name,
    agent.actor,
  ]);
}

export async function insertVersion(tx: Tx, org: OrgId, version: NewVersion): Promise<void> {
  const { agent, definition, source, by } = version;
  await tx.query(
    'insert into agent_version (org_id, agent_id, version, digest, definition, source, author_id, author_name) values ($1, $2, $3, $4, $5, $6, $7, $8)',
    [org, agent, version.version, digestOf(definition), canonicalJson(definition), source, by.actor, by.name],
  );
}

export async function setVersion(tx: Tx, org: OrgId, change: { id: AgentId; version: number }): Promise<void> {
  await tx.query('update agent set version = $3, updated_at = clock_now() where org_id = $1 and id = $2', [org, change.id, change.version]);
}

/** What the store holds now is what the files say. */
export async function markApplied(tx: Tx, org: OrgId, ids: readonly AgentId[]): Promise<void> {
  await tx.query('update agent set applied_version = version where org_id = $1 and id = any ($2) and applied_version is distinct from version', [
    org,
    ids,
  ]);
}

/** Into `active` it comes with a clean count. */
export async function setState(tx: Tx, org: OrgId, change: { id: AgentId; state: AgentState; reason: string }): Promise<void> {
  await tx.query(
    `update agent set state = $3, state_reason = $4, state_at = clock_now(), failures = case when $3 = 'active' then 0 else failures end
      where org_id = $1 and id = $2`,
    [org, change.id, change.state, change.reason],
  );
}

/** A success touches no row unless there is something to reset: ends of healthy agents never wait for each other. */
export async function resetFailures(tx: Sql, org: OrgId, id: AgentId): Promise<void> {
  await tx.query('update agent set failures = 0 where org_id = $1 and id = $2 and failures > 0', [org, id]);
}

export async function lockHealth(tx: Sql, org: OrgId, id: AgentId): Promise<Health | null> {
  const [row] = await tx.query<Health>('select state, failures from agent where org_id = $1 and id = $2 for no key update', [org, id]);
  return row ?? null;
}

export async function setHealth(tx: Sql, org: OrgId, change: { id: AgentId; health: Health; reason: string }): Promise<void> {
  await tx.query(
    `update agent set failures = $3, state_reason = case when state <> $4 then $5 else state_reason end,
       state_at = case when state <> $4 then clock_now() else state_at end, state = $4
      where org_id = $1 and id = $2`,
    [org, change.id, change.health.failures, change.health.state, change.reason],
  );
}

type VersionRow = { version: number; digest: string; source: Source; author_id: string; author_name: string; created_at: number; definition: string };

export async function getVersion(
  tx: Sql,
  org: OrgId,
  at: { id: AgentId; version: number },
): Promise<(VersionView & { definition: AgentDefinition }) | null> {
  const [row] = await tx.query<VersionRow>(
    'select version, digest, source, author_id, author_name, created_at, definition from agent_version where org_id = $1 and agent_id = $2 and version = $3',
    [org, at.id, at.version],
  );
  return row === undefined ? null : { ...versionOf(row), definition: definitionOf(row.definition) };
}

/** Newest first, below `before`. */
export async function listVersions(tx: Sql, org: OrgId, page: { id: AgentId; before: number | null; limit: number }): Promise<VersionView[]> {
  const rows = await tx.query<VersionRow>(
    `select version, digest, source, author_id, author_name, created_at from agent_version
      where org_id = $1 and agent_id = $2 and ($3::integer is null or version < $3) order by version desc limit $4`,
    [org, page.id, page.before, page.limit],
  );
  return rows.map(versionOf);
}

function versionOf(row: Omit<VersionRow, 'definition'>): VersionView {
  return { version: row.version, digest: row.digest, source: row.source, by: { actor: row.author_id, name: row.author_name }, atMs: row.created_at };
}

function rowOf(row: Row): AgentRow {
  return {
    id: storedId('agt', row.id),
    name: row.name,
    actor: storedId('act', row.actor_id),
    state: row.state,
    stateReason: row.state_reason,
    stateAtMs: row.state_at,
    failures: row.failures,
    version: row.version,
    appliedVersion: row.applied_version,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
    definition: definitionOf(row.definition),
    by: { actor: row.author_id, name: row.author_name },
  };
}

/** Definitions of earlier releases are read with what has been added since filled in. */
function definitionOf(text: string): AgentDefinition {
  return AgentDefinition.parse(JSON.parse(text));
}
