/** Journals what came into a run's inbox, each row once: its entry and its consumption share a commit. */
import type { DriveDeps } from './drive-deps.ts';
import { DRIVE_LIMITS } from './drive-limits.ts';
import { commit, follows, type HeldRun } from './held-run.ts';

/** Looks when nudged, and from time to time should a nudge get lost. */
export async function journalInbox(deps: DriveDeps, held: HeldRun): Promise<void> {
  const nowMs = deps.clock.nowMs();
  if (!held.hold.nudged && nowMs - held.inboxReadAtMs < DRIVE_LIMITS.inboxPollMs) return;
  held.hold.nudged = false;
  held.inboxReadAtMs = nowMs;
  const rows = (await deps.store.readInbox(held.row.org, held.row.id)).slice(0, DRIVE_LIMITS.inboxRows);
  if (rows.length === 0) return;
  const events = [];
  for (const { id, event } of rows) {
    if (follows(held, [...events, event])) events.push(event);
    // an answer to a question of an earlier life, say: it can never be journalled, so it must not stop the run either
    else deps.log('warn', 'An inbox row does not follow from the journal and is dropped.', { run: held.row.id, row: id, event: event.type });
  }
  await commit(deps, held, { events, consumed: rows.map(({ id }) => id) });
}
