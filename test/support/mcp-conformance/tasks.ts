/** The task tools that the conformance suite asks for: work in the memory of the test, behind the same port as runs. */
import { randomUUID } from 'node:crypto';
import { MissingRequiredClientCapabilityError, acceptedContent, inputResponse, inputRequired } from '@modelcontextprotocol/server';
import type { CallToolResult, InputRequests } from '@modelcontextprotocol/server';
import { isoTime, systemClock } from '../../../src/kernel/clock.ts';
import { AppError } from '../../../src/kernel/errors.ts';
import { TASKS_EXTENSION } from '../../../src/surfaces/mcp/server.ts';
import type { McpCall, TaskState, Tasks, Tool } from '../../../src/surfaces/mcp/toolset.ts';
import { ask, fixture, text } from './tools.ts';

type Work = {
  createdAtMs: number;
  state: Pick<TaskState, 'status'> & Record<string, unknown>;
  pending: InputRequests;
  /** What it becomes when its time has come. */
  end: { atMs: number; state: () => Work['state'] };
};

const works = new Map<string, Work>();
const get = (taskId: string): Work => {
  const work = works.get(taskId);
  if (work === undefined) throw new AppError('not_found', `There is no task ${taskId}.`);
  if (work.state.status === 'working' && systemClock.nowMs() >= work.end.atMs) work.state = work.end.state();
  return work;
};

function view(taskId: string, work: Work): TaskState {
  const at = isoTime(work.createdAtMs);
  const asks = Object.keys(work.pending).length > 0 && work.state.status === 'working';
  const state = asks ? { status: 'input_required' as const, inputRequests: work.pending } : work.state;
  return { ...state, taskId, createdAt: at, lastUpdatedAt: at, ttlMs: null, pollIntervalMs: 200 };
}

function begin(options: { afterMs: number | null; pending?: InputRequests; end: () => Work['state'] }): CallToolResult {
  const taskId = randomUUID();
  const createdAtMs = systemClock.nowMs();
  const end = { atMs: options.afterMs === null ? Infinity : createdAtMs + options.afterMs, state: options.end };
  const work: Work = { createdAtMs, state: { status: 'working' }, pending: options.pending ?? {}, end };
  works.set(taskId, work);
  return { content: [], ...view(taskId, work), status: 'working', resultType: 'task' };
}

const confirmation = (message: string) =>
  inputRequired.elicit({ message, requestedSchema: { type: 'object', properties: { confirm: { type: 'boolean' } }, required: ['confirm'] } });
const onlyAsTask = ({ followsTasks }: McpCall): void => {
  if (!followsTasks) throw new MissingRequiredClientCapabilityError({ requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } } });
};

export const TASK_TOOLS: readonly Tool[] = [
  fixture('greet', async ({ name }) => text(`Hello, ${String(name)}!`)),
  fixture('slow_compute', async ({ seconds }, { followsTasks }) => {
    const result = text('computed');
    if (!followsTasks) return result;
    return begin({ afterMs: Number(seconds) * 1000, end: () => ({ status: 'completed', result }) });
  }),
  fixture('failing_job', async (_args, call) => {
    onlyAsTask(call);
    return begin({ afterMs: 300, end: () => ({ status: 'completed', result: { ...text('it failed'), isError: true } }) });
  }),
  fixture('protocol_error_job', async (_args, call) => {
    onlyAsTask(call);
    return begin({ afterMs: 300, end: () => ({ status: 'failed', error: { code: -32603, message: 'a protocol error' } }) });
  }),
  fixture('confirm_delete', async ({ filename }, call) => {
    onlyAsTask(call);
    return begin({ afterMs: null, pending: { [randomUUID()]: confirmation(`Delete ${String(filename)}?`) }, end: () => ({ status: 'working' }) });
  }),
  fixture('test_tool_with_task', async (_args, call) => {
    onlyAsTask(call);
    const name = acceptedContent<{ name: string }>(call.sdk.mcpReq.inputResponses, 'user_name')?.name;
    if (name === undefined) return inputRequired({ inputRequests: { user_name: ask('What is your name?', 'name') } });
    return begin({ afterMs: 100, end: () => ({ status: 'completed', result: text(`Hello, ${name}!`) }) });
  }),
  fixture('multi_input', async (_args, call) => {
    onlyAsTask(call);
    return begin({
      afterMs: null,
      pending: { [randomUUID()]: confirmation('First?'), [randomUUID()]: confirmation('Second?') },
      end: () => ({ status: 'working' }),
    });
  }),
];

export const MEMORY_TASKS: Tasks = {
  get: async (taskId) => view(taskId, get(taskId)),
  async update(taskId, responses) {
    const work = get(taskId);
    const open = Object.entries(work.pending);
    if (open.length === 0) return;
    work.pending = Object.fromEntries(open.filter(([key]) => inputResponse({ ...responses }, key).kind === 'missing'));
    if (Object.keys(work.pending).length === 0) work.state = { status: 'completed', result: text('done') };
  },
  async cancel(taskId) {
    const work = get(taskId);
    if (work.state.status === 'working') work.state = { status: 'cancelled' };
  },
};
