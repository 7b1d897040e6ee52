/**
 * Runs as MCP tasks (SEP-2663): the run's id is the task's, its status is read from the run each time, and nothing is kept here. What a
 * run asks a person becomes the task's request for input when the caller's key may answer it and the client has forms.
 */
import type { InputRequest } from '@modelcontextprotocol/server';
import { isoTime } from '../../kernel/clock.ts';
import { isFinal } from '../../kernel/run-status.ts';
import { approvalOperations } from '../../platform/approvals/contract.ts';
import type { RunDetail } from '../../runtime/runs/contract.ts';
import { runOperations } from '../../runtime/runs/contract.ts';
import { renderRun } from './render.ts';
import { approvalForm, formAnswer, formKey } from './run-answer-tool.ts';
import type { McpCall, TaskState, Tasks } from './toolset.ts';
import { answer } from './toolset.ts';

const POLL_MS = 1_000;

export const RUN_TASKS: Tasks = {
  async get(taskId, call) {
    const run = await call.invoke(runOperations.get, { id: taskId });
    const base = taskBase(run);
    if (run.status === 'cancelled') return { ...base, status: 'cancelled' };
    if (isFinal(run.status)) {
      // A run that failed is a result that says so: `failed` is for protocol errors alone.
      return { ...base, status: 'completed', result: { ...answer(renderRun(run), run), isError: run.status !== 'succeeded' } };
    }
    const inputRequests = await formsOf(run, call);
    return Object.keys(inputRequests).length === 0 ? { ...base, status: 'working' } : { ...base, status: 'input_required', inputRequests };
  },
  async update(taskId, responses, call) {
    const run = await call.invoke(runOperations.get, { id: taskId });
    for (const { approvalId } of run.waitingOn) {
      const asked = await call.invoke(approvalOperations.get, { id: approvalId });
      const given = formAnswer(asked, responses);
      if (given !== null) await call.invoke(approvalOperations.answer, { id: asked.id, hash: asked.hash, ...given });
    }
  },
  async cancel(taskId, call) {
    const run = await call.invoke(runOperations.get, { id: taskId });
    if (!isFinal(run.status)) await call.invoke(runOperations.cancel, { id: taskId, reason: 'Its MCP task was cancelled.' });
  },
};

/** What `run_start` answers a client that follows tasks. The run is stored by now, so it can be asked for at once. */
export async function startedTask(id: string, call: McpCall): Promise<TaskState & { resultType: 'task' }> {
  return { ...taskBase(await call.invoke(runOperations.get, { id })), status: 'working', resultType: 'task' };
}

function taskBase(run: RunDetail): Omit<TaskState, 'status'> & { taskId: string } {
  const progress = run.percent === null ? '' : `${run.percent} %${run.phase === null ? '' : `, ${run.phase}`}`;
  const waits = run.waitingFor === null ? '' : `waits for ${run.waitingFor}`;
  const said = [run.status, waits, progress, run.reason].filter((part) => part !== '');
  return {
    taskId: run.id,
    statusMessage: said.join('; '),
    createdAt: isoTime(run.createdAtMs),
    lastUpdatedAt: isoTime(run.endedAtMs ?? run.startedAtMs ?? run.createdAtMs),
    ttlMs: null,
    pollIntervalMs: POLL_MS,
  };
}

async function formsOf(run: RunDetail, call: McpCall): Promise<Record<string, InputRequest>> {
  if (!call.canElicit) return {};
  const asked = await Promise.all(run.waitingOn.map(({ approvalId }) => call.invoke(approvalOperations.get, { id: approvalId })));
  const answerable = asked.filter((each) => each.state === 'open' && each.whyNotYou === null);
  return Object.fromEntries(answerable.map((each) => [formKey(each), approvalForm(each)]));
}
