/**
 * Commands to a run go down as inbox rows, in a transaction with nothing else, and are journalled by its holder. Saying the
 * same twice does no harm; saying it to a run that has ended is refused with how it ended.
 */
import { AppError } from '../../kernel/errors.ts';
import type { By, RunEvent } from '../../kernel/events.ts';
import type { ActorId, OrgId, RunId } from '../../kernel/ids.ts';
import { isFinal, RUN_STATUSES } from '../../kernel/run-status.ts';
import { existingRun } from './continue-run.ts';
import type { InboxKind, RunRow, RunStore } from './store-port.ts';

export type SignalDeps = { store: Pick<RunStore, 'transaction' | 'putInbox' | 'getRun'>; wake(org: OrgId, run: RunId): void };

type To = { org: OrgId; run: RunId; by: By; actor: ActorId };
export type Signalled = { id: RunId; status: RunRow['status']; message: string };

const SAID = { cancel: 'It is being cancelled.', pause: 'It pauses after the step it is in.', resume: 'It goes on.' } as const;

/** @throws AppError `not_found`; `conflict` for a run that has ended. */
export async function signalRun(
  deps: SignalDeps,
  to: To,
  { signal, reason }: { signal: 'cancel' | 'pause' | 'resume'; reason: string },
): Promise<Signalled> {
  const row = await put(deps, to, { kind: signal, event: { type: 'run.signalled', signal, reason, by: to.by } });
  return { id: to.run, status: row.status, message: SAID[signal] };
}

/** A person's words: the agent reads them at its next step. @throws as `signalRun`. */
export async function noteOnRun(deps: SignalDeps, to: To, text: string): Promise<Signalled> {
  const row = await put(deps, to, { kind: 'note', event: { type: 'note', text, by: to.by } });
  return { id: to.run, status: row.status, message: 'The agent reads it at its next step.' };
}

async function put(deps: SignalDeps, { org, run, actor }: To, { kind, event }: { kind: InboxKind; event: RunEvent }): Promise<RunRow> {
  const before = await existingRun(deps.store, { org, run });
  const accepted = !isFinal(before.status) && (await deps.store.transaction(org, (tx) => deps.store.putInbox(tx, { org, run, kind, event, actor })));
  const row = accepted ? before : await existingRun(deps.store, { org, run });
  if (!accepted) {
    throw new AppError('conflict', `Run ${run} has already ended as ${row.status}${row.reason === '' ? '.' : `: ${row.reason}`}`, {
      next: `It can be brought on by: ${RUN_STATUSES[row.status].resumedBy}.`,
    });
  }
  deps.wake(org, run);
  return row;
}
