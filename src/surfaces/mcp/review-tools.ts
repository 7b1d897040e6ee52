/** Tools of toolset `reviews`: a review is started at once, followed by its id, and never holds up the client (spec PER-2). */
import { z } from 'zod';
import { personaOperations, PersonaName } from '../../work/personas/contract.ts';
import type { FindingView, JobView } from '../../work/reviews/contract.ts';
import { findingOperations, panelOperations, REVIEW_LIMITS, reviewOperations, Target } from '../../work/reviews/contract.ts';
import { jobMarkdown, panelMarkdown } from '../../work/reviews/report.ts';
import { renderPage } from './render.ts';
import { startedReview } from './review-tasks.ts';
import type { McpCall, Tool, ToolAnswer } from './toolset.ts';
import { answer, operationTool, tool } from './toolset.ts';
import { Cursor, Limit, Reason } from './tool-inputs.ts';

const JobId = z.string().max(60).meta({ description: 'Job id, as in run_01jd….' });
const WaitSeconds = z.number().min(0).max(REVIEW_LIMITS.waitSeconds).default(0).meta({ description: 'Wait so long for the end before answering.' });
const Model = z.string().min(1).max(200).optional().meta({ description: 'provider/model instead of the default one.' });

export const AskInput = Target.extend({
  question: z.string().min(1).max(REVIEW_LIMITS.questionBytes).optional().meta({ description: 'What to look at, or what the change is for.' }),
  project: z.string().max(100).optional().meta({ description: 'Project id or code; the first one when left out.' }),
  priority: z.enum(['low', 'normal', 'high']).default('normal'),
});

/** What every way of asking one persona answers. */
export async function startReview(
  call: McpCall,
  asked: z.output<typeof AskInput> & { persona: string; model?: string | undefined },
): Promise<ToolAnswer> {
  const { model, ...rest } = asked;
  const job = await call.invoke(reviewOperations.start, { ...rest, ...(model === undefined ? {} : { model }) });
  const estimate = job.etaMs === null ? '' : `, about ${Math.ceil(job.etaMs / 1000)} s`;
  const left = job.leftOut === '' ? '' : `\n\n${job.leftOut}`;
  const said = answer(`Started \`${job.id}\`: ${job.persona} on ${job.title}${estimate}. It goes on by itself; job_get follows it.${left}`, job);
  return call.followsTasks ? { ...said, ...startedReview(job) } : said;
}

function jobLine(job: JobView): string {
  const eta = job.etaMs === null || job.phase === 'ended' ? '' : `, about ${Math.ceil(job.etaMs / 1000)} s to go`;
  return `\`${job.id}\` ${job.persona}${job.rehearsed ? ' (rehearsed)' : ''} on ${job.title}: **${job.status}**, ${job.phase}, ${job.percent} %${eta}`;
}

export const JOB_TOOLS: readonly Tool[] = [
  operationTool({
    name: 'job_get',
    title: 'Look at a review',
    description: 'Shows a review: phase, percent, time to go; once it has ended its findings. With waitSeconds it waits for the end.',
    input: z.strictObject({ id: JobId, waitSeconds: WaitSeconds }),
    use: reviewOperations.get,
    show: jobMarkdown,
  }),
  tool({
    name: 'job_list',
    title: 'List reviews',
    description: 'Lists reviews, newest first.',
    input: z.strictObject({
      limit: Limit,
      cursor: Cursor,
      persona: PersonaName.optional(),
      live: z.boolean().default(false).meta({ description: 'Only what has not ended.' }),
    }),
    uses: [reviewOperations.list],
    async run({ live, ...input }, { invoke }) {
      const page = await invoke(reviewOperations.list, { ...input, ...(live ? { live: 'true' } : {}) });
      return answer(renderPage('reviews', page, jobLine), page);
    },
  }),
  operationTool({
    name: 'job_cancel',
    title: 'Cancel a review',
    description: 'Stops a review, and with it the call of its model.',
    input: z.strictObject({ id: JobId, reason: Reason }),
    use: reviewOperations.cancel,
    idempotent: true,
    show: jobLine,
  }),
];

const STATS_TOOLS: readonly Tool[] = [
  operationTool({
    name: 'job_stats',
    title: 'Figures of reviews',
    description: 'Counts of reviews by state and persona, how right the estimates were, what was dropped, room taken.',
    input: z.strictObject({}),
    use: reviewOperations.stats,
    show(stats) {
      const personas = stats.personas.map(
        (each) =>
          `- ${each.persona}: ${each.invocations} reviews, ${each.failed} without an answer, ${each.findings} findings, ${each.dropped} dropped, ${each.estimates.within50Percent} of ${each.estimates.of} estimates within half`,
      );
      const head = `${stats.stored} stored: ${stats.queued} queued, ${stats.running} running, ${stats.ended} ended, ${stats.failed} failed; ${stats.workers} workers.`;
      return [head, ...personas].join('\n');
    },
  }),
  operationTool({
    name: 'job_reset',
    title: 'Remove ended reviews',
    description: 'Removes ended reviews, all or of one persona, and what estimates are made from. Live ones go on. Only when a person asks for it.',
    input: z.strictObject({ persona: PersonaName.optional() }),
    use: reviewOperations.reset,
    idempotent: true,
    show: (done) => done.message,
  }),
];

export const REVIEW_TOOLS: readonly Tool[] = [
  operationTool({
    name: 'persona_list',
    title: 'List reviewers',
    description: 'Lists the personas that can review, and the faults of persona files that cannot be used.',
    input: z.strictObject({ project: z.string().max(100).optional().meta({ description: 'Project id or code.' }) }),
    use: personaOperations.list,
    show(found) {
      const lines = found.items.map(({ name, kind, description }) => `- **${name}** (${kind}): ${description}`);
      const faults = found.faults.map(({ path, line, message }) => `- ${path}:${line ?? 1}: ${message}`);
      return [...lines, ...(faults.length === 0 ? [] : ['', 'Not usable:', ...faults])].join('\n');
    },
  }),
  tool({
    name: 'persona_review',
    title: 'Have a persona review',
    description:
      'Starts a review by one persona and answers at once with its id and an estimate; job_get follows it. Give exactly one of text, files, range, worktree, pullRequest. Clients that know tasks get it as one.',
    input: z.strictObject({ persona: PersonaName, model: Model, ...AskInput.shape }),
    uses: [reviewOperations.start],
    openWorld: true,
    run: (input, call) => startReview(call, input),
  }),
  ...JOB_TOOLS,
  ...STATS_TOOLS,
  operationTool({
    name: 'panel_review',
    title: 'Have a panel review',
    description:
      'Starts several personas (the seven core ones unless named), on several models if named, on one input. panel_get shows the merged findings and grades A to F.',
    input: z.strictObject({
      ...AskInput.shape,
      personas: z.array(PersonaName).min(1).max(REVIEW_LIMITS.members).optional(),
      models: z.array(z.string().min(1).max(200)).min(1).max(REVIEW_LIMITS.models).optional(),
    }),
    use: panelOperations.start,
    openWorld: true,
    show: ({ id, members, title }) => `Started panel \`${id}\` of ${members.length} on ${title}. panel_get follows it.`,
  }),
  operationTool({
    name: 'panel_get',
    title: 'Look at a panel',
    description: 'Shows a panel: who has answered; once all have ended the merged findings, grades and trend.',
    input: z.strictObject({ id: z.string().max(60).meta({ description: 'Panel id, as in pnl_01jd….' }), waitSeconds: WaitSeconds }),
    use: panelOperations.get,
    show: panelMarkdown,
  }),
  operationTool({
    name: 'finding_list',
    title: 'List findings',
    description: 'Lists findings of reviews with what became of them: open, made an issue, dismissed, resolved. Only people decide on them.',
    input: z.strictObject({ limit: Limit, cursor: Cursor, state: z.enum(['open', 'issue', 'dismissed', 'resolved']).optional() }),
    use: findingOperations.list,
    show: (page) => renderPage('findings', page, findingLine),
  }),
];

function findingLine({ id, state, severity, file, line, problem }: FindingView): string {
  return `\`${id}\` **${state}** ${severity} ${file}${line === null ? '' : `:${line}`}: ${problem}`;
}
