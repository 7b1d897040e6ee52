/** The SQL of webhook sources and deliveries. A source is looked up without an organization, as windlass_identity; all else within one. */
import type { OrgId } from '../../kernel/ids.ts';
import { storedId } from '../../kernel/ids.ts';
import type { Database, Tx } from '../../storage/database.ts';
import type { SourceKind, SourceView } from './contract.ts';

export type Source = { org: OrgId; id: string; kind: SourceKind; name: string; projectId: string | null; owner: string; signingKey: string };

/** A source that is not revoked. */
export function findSource(db: Database, id: string): Promise<Source | null> {
  return db.asIdentity(async (tx) => {
    const [row] = await tx.query<Omit<Source, 'org'> & { org: string }>(
      `select org_id as org, id, kind, name, project_id as "projectId", owner_id as owner, signing_key as "signingKey" from webhook_source
       where id = $1 and revoked_at is null`,
      [id],
    );
    return row === undefined ? null : { ...row, org: storedId('org', row.org) };
  });
}

type Row = Omit<SourceView, 'owner' | 'path' | 'state'> & { ownerId: string; ownerName: string };
const VIEW = `w.id, w.kind, w.name, (select code from project p where p.org_id = w.org_id and p.id = w.project_id) as project, w.owner_id as "ownerId",
  o.name as "ownerName", w.created_at as "createdAtMs", w.revoked_at as "revokedAtMs", w.last_delivery_at as "lastDeliveryAtMs",
  w.last_red_at as "lastRedAtMs", w.last_green_at as "lastGreenAtMs"`;
const FROM = 'webhook_source w join actor o on o.org_id = w.org_id and o.id = w.owner_id';

function viewOf({ ownerId, ownerName, ...row }: Row): SourceView {
  const path = `/webhooks/${row.kind}?source=${row.id}`;
  return { ...row, path, owner: { actor: ownerId, name: ownerName }, state: row.revokedAtMs === null ? 'active' : 'revoked' };
}

export async function listSources(tx: Tx, org: OrgId, wanted: { all: boolean; limit: number }): Promise<{ rows: SourceView[]; total: number }> {
  const where = 'w.org_id = $1 and ($2 or w.revoked_at is null)';
  const rows = tx.query<Row>(`select ${VIEW} from ${FROM} where ${where} order by w.id desc limit $3`, [org, wanted.all, wanted.limit]);
  const [count] = await tx.query<{ total: number }>(`select count(*) as total from webhook_source w where ${where}`, [org, wanted.all]);
  return { rows: (await rows).map(viewOf), total: count?.total ?? 0 };
}

export async function getSource(tx: Tx, org: OrgId, id: string): Promise<SourceView | null> {
  const [row] = await tx.query<Row>(`select ${VIEW} from ${FROM} where w.org_id = $1 and w.id = $2`, [org, id]);
  return row === undefined ? null : viewOf(row);
}

export type NewSource = { id: string; kind: SourceKind; name: string; project: string | null; owner: string; signingKey: string };

export async function insertSource(tx: Tx, org: OrgId, made: NewSource): Promise<void> {
  await tx.query('insert into webhook_source (org_id, id, kind, name, project_id, owner_id, signing_key) values ($1, $2, $3, $4, $5, $6, $7)', [
    ...[org, made.id, made.kind, made.name, made.project, made.owner, made.signingKey],
  ]);
}

export async function revokeSource(tx: Tx, org: OrgId, id: string): Promise<boolean> {
  const rows = await tx.query('update webhook_source set revoked_at = clock_now() where org_id = $1 and id = $2 and revoked_at is null returning 1', [
    org,
    id,
  ]);
  return rows.length > 0;
}

export type Delivery = { source: string; delivery: string; sha256: string; event: string };

/** False when this delivery, or one with this content, was taken before; one that is being taken at this moment is waited for. */
export async function takeDelivery(tx: Tx, org: OrgId, given: Delivery): Promise<boolean> {
  const rows = await tx.query(
    `insert into webhook_delivery (org_id, source_id, delivery, sha256, event, outcome, detail) values ($1, $2, $3, $4, $5, 'accepted', '')
     on conflict do nothing returning 1`,
    [org, given.source, given.delivery, given.sha256, given.event],
  );
  return rows.length > 0;
}

export type Settled = { source: string; delivery: string; outcome: 'accepted' | 'ignored'; detail: string; red: boolean; green: boolean };

/** The source's row is written last and held for the shortest time. */
export async function settleDelivery(tx: Tx, org: OrgId, done: Settled): Promise<void> {
  await tx.query('update webhook_delivery set outcome = $4, detail = $5 where org_id = $1 and source_id = $2 and delivery = $3', [
    ...[org, done.source, done.delivery, done.outcome, done.detail],
  ]);
  await tx.query(
    `update webhook_source set last_delivery_at = clock_now(), last_red_at = case when $3 then clock_now() else last_red_at end,
       last_green_at = case when $4 then clock_now() else last_green_at end where org_id = $1 and id = $2`,
    [org, done.source, done.red, done.green],
  );
}

/** Deletes what is older than the time within which the same could come again. */
export async function forgetDeliveries(tx: Tx, org: OrgId, given: { source: string; keptDays: number; limit: number }): Promise<void> {
  await tx.query(
    `delete from webhook_delivery d using (select source_id, delivery from webhook_delivery where org_id = $1 and source_id = $2
       and at < clock_now() - make_interval(days => $3) order by at limit $4) old
     where d.org_id = $1 and d.source_id = old.source_id and d.delivery = old.delivery`,
    [org, given.source, given.keptDays, given.limit],
  );
}
