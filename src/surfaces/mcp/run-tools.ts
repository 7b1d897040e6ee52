/** Tools of toolset `agents` that concern runs: started, looked at, steered, ended. Following and answering one have files of their own. */
import { z } from 'zod';
import { RunStatus } from '../../kernel/run-status.ts';
import { approvalOperations } from '../../platform/approvals/contract.ts';
import { runOperations } from '../../runtime/runs/contract.ts';
import { agentOperations } from '../../work/agents/contract.ts';
import { AgentName } from '../../work/agents/definition.ts';
import { renderPage, renderRun, renderStats, runLine } from './render.ts';
import { startedTask } from './run-tasks.ts';
import type { Tool } from './toolset.ts';
import { answer, tool } from './toolset.ts';
import { Cursor, Limit, Reason, RunIdArgument } from './tool-inputs.ts';

export const RUN_TOOLS: readonly Tool[] = [
  tool({
    name: 'run_start',
    title: 'Start a run',
    description:
      'Starts a run of an agent and answers at once with its id; the run goes on by itself, over restarts too. Follow it with run_watch. Clients that know tasks get it as one.',
    input: z.strictObject({
      agent: AgentName,
      input: z.unknown().optional().meta({ description: 'What to work on: text or JSON, as the input schema of the agent says.' }),
      priority: z.enum(['low', 'normal', 'high']).default('normal'),
      lane: z.string().min(1).max(200).optional().meta({ description: 'Runs of one lane go one after the other.' }),
      project: z.string().max(100).optional().meta({ description: 'Project id or code.' }),
      deadlineMinutes: z.number().positive().max(525_600).optional().meta({ description: 'Ended when not done by then.' }),
    }),
    uses: [agentOperations.run],
    openWorld: true,
    async run({ agent, input, ...rest }, call) {
      const started = await call.invoke(agentOperations.run, { name: agent, input: (input ?? {}) as z.core.util.JSONType, ...rest });
      const said = answer(
        `Started \`${started.id}\` of ${started.agent}, version ${started.version}: ${started.message}\n\nrun_watch follows it.`,
        started,
      );
      return call.followsTasks ? { ...said, ...(await startedTask(started.id, call)) } : said;
    },
  }),
  tool({
    name: 'run_list',
    title: 'List runs',
    description: 'Lists runs, newest first: status, what each waits for, how it ended.',
    input: z.strictObject({
      limit: Limit,
      cursor: Cursor,
      agent: z.string().max(100).optional().meta({ description: 'Only this agent, by name.' }),
      status: z.array(RunStatus).optional(),
      live: z.boolean().default(false).meta({ description: 'Only runs that have not ended.' }),
    }),
    uses: [runOperations.list],
    async run({ live, ...input }, { invoke }) {
      const page = await invoke(runOperations.list, { ...input, ...(live ? { live: 'true' } : {}) });
      return answer(renderPage('runs', page, runLine), page);
    },
  }),
  tool({
    name: 'run_show',
    title: 'Show a run',
    description: 'Shows one run: status, answer, cost, what it asks a person, sub-agents. The resource windlass://runs/{id} is its whole transcript.',
    input: z.strictObject({ id: RunIdArgument }),
    uses: [runOperations.get],
    async run({ id }, { invoke }) {
      const run = await invoke(runOperations.get, { id });
      return answer(renderRun(run), run);
    },
  }),
  tool({
    name: 'run_cancel',
    title: 'Cancel a run',
    description: 'Ends a run and its sub-agents within a second. What it did outside stays done; a retry can go on from there.',
    input: z.strictObject({ id: RunIdArgument, reason: Reason }),
    uses: [runOperations.cancel],
    idempotent: true,
    async run(input, { invoke }) {
      const signalled = await invoke(runOperations.cancel, input);
      return answer(signalled.message, signalled);
    },
  }),
  tool({
    name: 'run_steer',
    title: 'Pause, resume or advise a run',
    description: 'Pauses a live run after its step, lets it go on, or gives its agent a note that it reads at its next step.',
    input: z.strictObject({
      id: RunIdArgument,
      action: z.enum(['pause', 'resume', 'note']),
      text: z.string().max(8_000).default('').meta({ description: 'The note; otherwise why, for the record.' }),
    }),
    uses: [runOperations.pause, runOperations.resume, runOperations.note],
    async run({ id, action, text }, { invoke }) {
      const signalled =
        action === 'note' ? await invoke(runOperations.note, { id, text }) : await invoke(runOperations[action], { id, reason: text });
      return answer(signalled.message, signalled);
    },
  }),
  tool({
    name: 'status',
    title: 'What goes on',
    description: 'What goes on now: queue, workers, failures of the last hour, live runs, and what waits for a person.',
    input: z.strictObject({}),
    uses: [runOperations.stats, runOperations.list, approvalOperations.list],
    async run(_args, { invoke }) {
      const [stats, live, asked] = await Promise.all([
        invoke(runOperations.stats, {}),
        invoke(runOperations.list, { live: 'true', limit: STATUS_ITEMS }),
        invoke(approvalOperations.list, { state: 'open', limit: STATUS_ITEMS }),
      ]);
      const questions = renderPage('questions to people', asked, (each) => `\`${each.id}\` ${each.agent}, ${each.tool}: ${each.question}`);
      return answer(`${renderStats(stats)}\n\n${renderPage('live runs', live, runLine)}\n\n${questions}`, { stats, live, asked });
    },
  }),
];

const STATUS_ITEMS = 10;
