/** Reviews as MCP tasks (SEP-2663): the job's id is the task's, its result are the findings. Nothing is kept here. */
import { isoTime } from '../../kernel/clock.ts';
import type { JobDetail, JobView } from '../../work/reviews/contract.ts';
import { reviewOperations } from '../../work/reviews/contract.ts';
import { jobMarkdown } from '../../work/reviews/report.ts';
import type { TaskState, Tasks } from './toolset.ts';
import { answer } from './toolset.ts';

const POLL_MS = 1_000;

export const REVIEW_TASKS: Tasks = {
  async get(taskId, call) {
    const job = await call.invoke(reviewOperations.get, { id: taskId });
    const base = baseOf(job);
    if (job.status === 'cancelled') return { ...base, status: 'cancelled' };
    if (!job.ended) return { ...base, status: 'working' };
    // a review without an answer is a result that says so: `failed` is for protocol errors alone
    return { ...base, status: 'completed', result: { ...answer(jobMarkdown(job), job), isError: job.status !== 'succeeded' } };
  },
  async update(taskId, _responses, call) {
    // reviewers ask nobody, so there is nothing to answer; an id that is none of ours is still refused
    await call.invoke(reviewOperations.get, { id: taskId });
  },
  async cancel(taskId, call) {
    await call.invoke(reviewOperations.cancel, { id: taskId, reason: 'Its MCP task was cancelled.' });
  },
};

/** What a client that follows tasks is answered. The run is stored by now, so it can be asked for at once. */
export function startedReview(job: JobView): TaskState & { resultType: 'task' } {
  return { ...baseOf(job), status: 'working', resultType: 'task' };
}

function baseOf(job: JobView | JobDetail): Omit<TaskState, 'status'> & { taskId: string } {
  return {
    taskId: job.id,
    statusMessage: `${job.phase}, ${job.percent} %: ${job.message}`,
    createdAt: isoTime(job.createdAtMs),
    lastUpdatedAt: isoTime(job.endedAtMs ?? job.startedAtMs ?? job.createdAtMs),
    ttlMs: null,
    pollIntervalMs: POLL_MS,
  };
}
