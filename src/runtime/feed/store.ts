/** All SQL of the feed: positions of the journal, without payloads. */
import type { OrgId } from '../../kernel/ids.ts';
import type { Database } from '../../storage/database.ts';
import type { FeedItem } from './contract.ts';

/** Position of the newest entry, 0 in an empty journal. */
export function headPosition(db: Database, org: OrgId): Promise<number> {
  return db.asOrg(org, async (tx) => {
    const [row] = await tx.last<{ position: number }>(
      'select position from journal where org_id = $1 and position is not null order by position desc limit 1',
      [org],
    );
    return row?.position ?? 0;
  });
}

type Row = { position: number; at: number; kind: FeedItem['kind']; stream: string; seq: number; type: string };

export function itemsAfter(db: Database, org: OrgId, { after, limit }: { after: number; limit: number }): Promise<FeedItem[]> {
  return db.asOrg(org, async (tx) => {
    const rows = await tx.last<Row>(
      `select j.position, j.at, s.kind, j.stream, j.seq, j.type from journal j join stream s on s.org_id = j.org_id and s.id = j.stream
       where j.org_id = $1 and j.position > $2 order by j.position limit $3`,
      [org, after, limit],
    );
    return rows.map(({ at, ...row }) => ({ ...row, atMs: at }));
  });
}
