/**
 * Ends a run: what is left open is named, the transcript is put away, and then outcome, usage, the agent's failure count, the
 * parent's news and the children's cancel commit together (design, "Conclude").
 */
import { toAppError } from '../../kernel/errors.ts';
import type { EventOf, RunEvent } from '../../kernel/events.ts';
import { storedId } from '../../kernel/ids.ts';
import type { DriveDeps } from './drive-deps.ts';
import { DRIVE_LIMITS } from './drive-limits.ts';
import { totalsOf } from './ending.ts';
import { commit, type HeldRun } from './held-run.ts';
import { readJournal } from './load-run.ts';
import type { StoreTx } from './store-port.ts';
import { renderTranscript } from './transcript.ts';

type Ended = EventOf<'run.ended'>;

export async function endRun(deps: DriveDeps, held: HeldRun, ended: Ended): Promise<void> {
  const events = [...openEffects(held), ...(await putTranscript(deps, held, ended)), ended];
  const companion = async (tx: StoreTx): Promise<void> => {
    await deps.onEnded(tx, { row: held.row, ended });
    await tellParent(deps, held, { tx, ended });
    await cancelChildren(deps, held, tx);
  };
  if (!(await commit(deps, held, { events, companion, release: { runnableAtMs: null } }))) return;
  held.over = { why: 'ended' };
  deps.leave(held.row).catch((error: unknown) => deps.log('warn', 'What a run left could not be tidied up.', { run: held.row.id, error }));
}

/** A write that was begun and cut off by a cancel: its outcome stays unknown, and the record says so. */
function openEffects({ state }: HeldRun): RunEvent[] {
  return state.calls.flatMap((call): RunEvent[] => {
    if (call.phase !== 'intended' || call.intent?.event.sideEffect === 'read') return [];
    return [{ type: 'tool.outcome_unknown', callId: call.callId, tool: call.tool, why: 'The run ended before the outcome was known.' }];
  });
}

/** Before the end, so that the journal can say when it failed; never fatal, never longer than its limit (spec RUN-9). */
async function putTranscript(deps: DriveDeps, held: HeldRun, ended: Ended): Promise<RunEvent[]> {
  const over = new AbortController();
  const put = async (): Promise<RunEvent[]> => {
    const { org, id } = held.row;
    const entries = await readJournal(deps.store, { org, run: id });
    await deps.artefacts.putTranscript(org, id, renderTranscript(entries, ended));
    return [];
  };
  const late = deps.clock
    .sleep(DRIVE_LIMITS.transcriptMs, over.signal)
    .then((): RunEvent[] => [{ type: 'artefact.failed', what: 'transcript', message: `It was not stored within ${DRIVE_LIMITS.transcriptMs} ms.` }]);
  const failed = (cause: unknown): RunEvent[] => [{ type: 'artefact.failed', what: 'transcript', message: toAppError(cause).message }];
  const events = await Promise.race([put().catch(failed), late]);
  over.abort();
  for (const event of events) deps.log('warn', 'A transcript could not be stored.', { run: held.row.id, event });
  return events;
}

async function tellParent(deps: DriveDeps, held: HeldRun, { tx, ended }: { tx: StoreTx; ended: Ended }): Promise<void> {
  const { row, state } = held;
  const parent = state.queued?.parent ?? null;
  if (parent === null || row.parent === null) return;
  const totals = totalsOf(state);
  await deps.store.putInbox(tx, {
    org: row.org,
    run: row.parent,
    kind: 'child_ended',
    actor: row.actor,
    event: {
      type: 'child.ended',
      callId: parent.callId,
      run: row.id,
      status: ended.status,
      text: ended.status === 'succeeded' ? (ended.answer ?? '') : ended.reason,
      labels: [...state.labels],
      usage: totals.usage,
      cost: { microUsd: totals.costMicroUsd, known: totals.costKnown },
      turns: totals.turns,
      toolCalls: totals.toolCalls,
      activeMs: totals.activeMs,
    },
  });
}

/** A parent that ends takes the children that still run with it: nobody would read their answers. */
async function cancelChildren(deps: DriveDeps, held: HeldRun, tx: StoreTx): Promise<void> {
  const { row, state } = held;
  for (const child of state.children) {
    if (child.ended) continue;
    const by = state.cancel?.by ?? { actor: row.actor, name: row.agentName };
    await deps.store.putInbox(tx, {
      org: row.org,
      run: storedId('run', child.run),
      kind: 'cancel',
      actor: row.actor,
      event: { type: 'run.signalled', signal: 'cancel', reason: 'its parent run ended', by },
    });
  }
}
