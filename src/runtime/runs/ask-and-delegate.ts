/** Hands a call over to somebody else: a question to a person, a child run to another agent. The run then waits without a worker. */
import type { Action } from './action.ts';
import type { DriveDeps } from './drive-deps.ts';
import { commit, write, type HeldRun } from './held-run.ts';

/** The question and its row commit together, so that nobody can answer what the journal does not know. */
export async function ask(deps: DriveDeps, held: HeldRun, action: Extract<Action, { do: 'ask' }>): Promise<void> {
  const asked = { ...action.asked, approvalId: deps.ids.next('apr') };
  const row = { ...held.row, headSeq: held.hold.lease.headSeq };
  await commit(deps, held, { events: [asked], companion: (tx) => deps.approvals.ask(tx, { row, asked }) });
}

/** The child's run and the parent's `child.started` commit together: no orphan, no child without its run. */
export async function startChild(deps: DriveDeps, held: HeldRun, action: Extract<Action, { do: 'start_child' }>): Promise<void> {
  const { callId, agent, input, allotment, depth } = action;
  const id = deps.ids.next('run');
  const by = held.state.queued?.by ?? { actor: held.row.actor, name: held.row.agentName };
  const prepared = await deps.children.prepare({ id, parent: held.row, by, callId, agent, input, allotment, depth, labels: held.state.labels });
  if (!prepared.ok) {
    await write(deps, held, [
      { type: 'tool.failed', callId, tool: toolOf(held, callId), class: prepared.class, message: prepared.message, labels: [], ms: 0 },
    ]);
    return;
  }
  await commit(deps, held, {
    events: [{ type: 'child.started', callId, run: id, agent, allotment }],
    companion: (tx) => deps.store.createRun(tx, prepared.run),
  });
}

function toolOf(held: HeldRun, callId: string): string {
  return held.state.calls.find((call) => call.callId === callId)?.tool ?? '';
}
