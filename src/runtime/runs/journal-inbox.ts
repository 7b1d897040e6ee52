/** Journals what came into a run's inbox, each row once: its entry and its consumption share a commit. */
import type { DriveDeps } from './drive-deps.ts';
import { DRIVE_LIMITS } from './drive-limits.ts';
import { commit, follows, type HeldRun } from './held-run.ts';
import type { InboxItem } from './store-port.ts';

/** Looks when nudged, and from time to time should a nudge get lost. */
export async function journalInbox(deps: DriveDeps, held: HeldRun): Promise<void> {
  const nowMs = deps.clock.nowMs();
  if (!held.hold.nudged && nowMs - held.inboxReadAtMs < DRIVE_LIMITS.inboxPollMs) return;
  held.hold.nudged = false;
  held.inboxReadAtMs = nowMs;
  const rows = await readRows(deps, held);
  if (rows.length === 0) return;
  const events = [];
  for (const { id, event } of rows) {
    if (follows(held, [...events, event])) events.push(event);
    // an answer to a question of an earlier life, say: it can never be journalled, so it must not stop the run either
    else deps.log('warn', 'An inbox row does not follow from the journal and is dropped.', { run: held.row.id, row: id, event: event.type });
  }
  await commit(deps, held, { events, consumed: rows.map(({ id }) => id) });
}

async function readRows(deps: DriveDeps, held: HeldRun): Promise<InboxItem[]> {
  try {
    return (await deps.store.readInbox(held.row.org, held.row.id)).slice(0, DRIVE_LIMITS.inboxRows);
  } catch (cause) {
    // the store is away: what comes next waits for it, and the rows wait as well
    deps.log('warn', 'The inbox of a run could not be read.', { run: held.row.id, cause });
    return [];
  }
}
