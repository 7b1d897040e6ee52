/**
 * Text that a model is writing just now, for whoever watches: whole so far, replaced in place, gone on reply.
 */
import type { OrgId, RunId } from '../../kernel/ids.ts';
import type { Database } from '../../storage/database.ts';
import type { DrivePorts } from './drive-deps.ts';
import type { Preview } from './watch.ts';

export type PreviewStore = DrivePorts['previews'] & { read(org: OrgId, run: RunId): Promise<Preview | null> };

export function createPreviewStore(db: Database): PreviewStore {
  return {
    async show(org, run, preview) {
      // no column takes a NUL or half a surrogate pair, and text cut while it comes may end in one
      const text = preview.text.replaceAll('\0', '\uFFFD').toWellFormed();
      await db.asWorker((tx) =>
        tx.last(
          `insert into preview (org_id, run_id, turn, text, at) values ($1, $2, $3, $4, clock_now())
          on conflict (org_id, run_id) do update set turn = excluded.turn, text = excluded.text, at = excluded.at`,
          [org, run, preview.turn, text],
        ),
      );
    },
    async clear(org, run) {
      await db.asWorker((tx) => tx.last('delete from preview where org_id = $1 and run_id = $2', [org, run]));
    },
    async read(org, run) {
      const [preview] = await db.asOrg(org, (tx) => tx.last<Preview>('select turn, text from preview where org_id = $1 and run_id = $2', [org, run]));
      return preview ?? null;
    },
  };
}
