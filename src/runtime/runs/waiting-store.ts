/** Tells runs that wait for a budget to look again: a row in the inbox of each, in the transaction of what may have made room. */
import { canonicalJson } from '../../kernel/canonical-json.ts';
import type { By, EventOf } from '../../kernel/events.ts';
import type { OrgId, RunId } from '../../kernel/ids.ts';
import type { Tx } from '../../storage/database.ts';

/** Runs whose reason names the budget (every refusal does), or all that wait for one. Each looks for itself and waits on when it still does not fit. */
export async function grantToWaiting(tx: Tx, org: OrgId, word: { budget: string | null; by: By; actor: string; reason: string }): Promise<RunId[]> {
  const event: EventOf<'run.signalled'> = { type: 'run.signalled', signal: 'grant', reason: word.reason, by: word.by };
  const rows = await tx.query<{ run: RunId }>(
    `insert into run_inbox (org_id, run_id, kind, event, actor_id)
     select org_id, id, 'grant', $3, $4 from run
     where org_id = $1 and status = 'waiting' and waiting_for = 'budget' and ($2::text is null or strpos(reason, $2) > 0)
     returning run_id as run`,
    [org, word.budget, canonicalJson(event), word.actor],
  );
  return rows.map(({ run }) => run);
}
