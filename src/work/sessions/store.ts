/** The SQL of sessions. A session without heartbeats is shown as abandoned whether or not anybody has written so yet. */
import type { OrgId } from '../../kernel/ids.ts';
import type { Sql, Tx } from '../../storage/database.ts';
import type { ClaimView, SessionView } from './contract.ts';
import type { Place, Reason, SessionId, State } from './session.ts';

/** `actorId` and `projectId` beside what is shown; `stored` is the state as written, `nowMs` the database's time. */
export type SessionRow = SessionView & { actorId: string; projectId: string; stored: State; nowMs: number };

type Row = Omit<SessionRow, 'metadata' | 'claims' | 'repository' | 'clientSession'> & {
  metadata: string;
  claims: ClaimView[];
  repository: string;
  clientSession: string;
};

/** Every statement below has the organization as $1 and the time after which a session is stale, in ms, as $2. */
const STALE = `(s.state = 'active' and s.heartbeat_at < clock_now() - make_interval(secs => $2::bigint / 1000.0))`;
const STATE = `case when ${STALE} then 'abandoned' else s.state end`;
const CLAIMS = `(select coalesce(json_agg(json_build_object('kind', c.kind, 'name', c.name, 'fence', c.fence,
    'expiresAtMs', floor(extract(epoch from c.expires_at) * 1000)) order by c.kind, c.name), '[]')
  from session_claim c where c.org_id = s.org_id and c.session_id = s.id and c.released_at is null and c.expires_at > clock_now())`;
const COLUMNS = `s.id, p.code as project, s.project_id as "projectId", s.actor_id as "actorId", s.actor_name as actor, s.agent, s.machine, s.repository,
  s.client_session as "clientSession", s.track, s.branch, s.start_commit as "startCommit", s.commit_id as commit, s.issue,
  s.working_on as "workingOn", s.metadata, ${STATE} as state, s.state as stored, case when ${STALE} then 'stale' else s.end_reason end as "endReason",
  s.started_at as "startedAtMs", s.heartbeat_at as "heartbeatAtMs",
  case when ${STALE} then s.heartbeat_at + make_interval(secs => $2::bigint / 1000.0) else s.ended_at end as "endedAtMs",
  s.handoff_id as handoff, clock_now() as "nowMs", ${CLAIMS} as claims`;
const TABLES = 'session s join project p on p.org_id = s.org_id and p.id = s.project_id';

export async function getSession(tx: Sql, org: OrgId, { id, staleMs }: { id: string; staleMs: number }): Promise<SessionRow | null> {
  const [row] = await tx.query<Row>(`select ${COLUMNS} from ${TABLES} where s.org_id = $1 and s.id = $3`, [org, staleMs, id]);
  return row === undefined ? null : rowOf(row);
}

/** Held until the end of the transaction: whatever else is written of this session waits. */
export async function lockSession(tx: Tx, org: OrgId, which: { id: string; staleMs: number }): Promise<SessionRow | null> {
  // The lock first: what a locking statement reads beside its row may be older than the row.
  const locked = await tx.query('select 1 from session where org_id = $1 and id = $2 for no key update', [org, which.id]);
  return locked.length === 0 ? null : getSession(tx, org, which);
}

/** The session that is active at a place, stale ones included, and locked. */
export async function lockAtPlace(tx: Tx, org: OrgId, { place, staleMs }: { place: Place; staleMs: number }): Promise<SessionRow | null> {
  const [found] = await tx.query<{ id: string }>(
    `select id from session where org_id = $1 and actor_id = $2 and agent = $3 and project_id = $4 and repository = $5
       and track is not distinct from $6::integer and machine = $7 and client_session = $8 and state = 'active' for no key update`,
    [org, ...placeValues(place)],
  );
  return found === undefined ? null : getSession(tx, org, { id: found.id, staleMs });
}

export type NewSession = {
  id: SessionId;
  place: Place;
  actorName: string;
  branch: string | null;
  commit: string | null;
  issue: string | null;
  workingOn: string;
  /** Canonical JSON. */
  metadata: string;
};

/** False when somebody else has made the session of this place just before: waits for their commit, so that it is there to be read. */
export async function insertSession(tx: Tx, org: OrgId, made: NewSession): Promise<boolean> {
  const rows = await tx.query(
    `insert into session (org_id, actor_id, agent, project_id, repository, track, machine, client_session, id, actor_name, branch, start_commit,
       commit_id, issue, working_on, metadata)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $13, $14, $15) on conflict do nothing returning 1`,
    [org, ...placeValues(made.place), made.id, made.actorName, made.branch, made.commit, made.issue, made.workingOn, made.metadata],
  );
  return rows.length > 0;
}

function placeValues(place: Place): (string | number | null)[] {
  return [place.actor, place.agent, place.project, place.repository, place.track, place.machine, place.clientSession];
}

export type Written = {
  branch: string | null;
  startCommit: string | null;
  commit: string | null;
  issue: string | null;
  workingOn: string;
  metadata: string;
};

export async function writeChanges(tx: Tx, org: OrgId, { id, to }: { id: string; to: Written }): Promise<void> {
  await tx.query(
    'update session set branch = $3, start_commit = $4, commit_id = $5, issue = $6, working_on = $7, metadata = $8 where org_id = $1 and id = $2',
    [org, id, to.branch, to.startCommit, to.commit, to.issue, to.workingOn, to.metadata],
  );
}

export async function writeHeartbeat(tx: Tx, org: OrgId, id: string): Promise<void> {
  await tx.query("update session set heartbeat_at = clock_now() where org_id = $1 and id = $2 and state = 'active'", [org, id]);
}

export async function writeEnd(tx: Tx, org: OrgId, end: { id: string; state: State; reason: Reason }): Promise<void> {
  await tx.query("update session set state = $3, end_reason = $4, ended_at = clock_now() where org_id = $1 and id = $2 and state = 'active'", [
    org,
    end.id,
    end.state,
    end.reason,
  ]);
}

export async function writeHandoff(tx: Tx, org: OrgId, { id, handoff }: { id: string; handoff: string }): Promise<void> {
  await tx.query('update session set handoff_id = $3 where org_id = $1 and id = $2 and handoff_id is null', [org, id, handoff]);
}

export type SessionFilter = {
  project: string | null;
  repository: string | null;
  machine: string | null;
  state: State | null;
  except: string | null;
  staleMs: number;
};

const FILTER = `s.org_id = $1 and ($3::text is null or s.project_id = $3) and ($4::text is null or s.repository = $4)
  and ($5::text is null or s.machine = $5) and ($6::text is null or ${STATE} = $6) and ($7::text is null or s.id <> $7)`;

/** Newest first; ids sort by time. */
export async function listSessions(
  tx: Tx,
  org: OrgId,
  { filter, before, limit }: { filter: SessionFilter; before: string | null; limit: number },
): Promise<{ rows: SessionRow[]; total: number }> {
  const values = [org, filter.staleMs, filter.project, filter.repository, filter.machine, filter.state, filter.except];
  const rows = tx.query<Row>(`select ${COLUMNS} from ${TABLES} where ${FILTER} and ($8::text is null or s.id < $8) order by s.id desc limit $9`, [
    ...values,
    before,
    limit,
  ]);
  const [count] = await tx.query<{ total: number }>(`select count(*) as total from session s where ${FILTER}`, values);
  return { rows: (await rows).map(rowOf), total: count?.total ?? 0 };
}

function rowOf(row: Row): SessionRow {
  return {
    ...row,
    repository: row.repository === '' ? null : row.repository,
    clientSession: row.clientSession === '' ? null : row.clientSession,
    metadata: JSON.parse(row.metadata) as SessionView['metadata'],
  };
}
