/** What surfaces can ask of reviews (spec PER-2). A job is the public name of a review's run, and its id is the run's. */
import { z } from 'zod';
import { operation } from '../../kernel/operation.ts';
import { PageInput, pageOf } from '../../kernel/page.ts';
import { RunStatus } from '../../kernel/run-status.ts';
import { storableText } from '../../kernel/text.ts';
import { PersonaName } from '../personas/contract.ts';
import { Finding, Mark } from './finding.ts';
import { Grade, Scorecard, Trend } from './grade.ts';
import { Phase } from './progress.ts';

export const REVIEW_LIMITS = { textBytes: 2_000_000, questionBytes: 4_000, files: 100, members: 20, models: 5, waitSeconds: 55 } as const;

const Path = z.string().min(1).max(500);
/** Exactly one of the first five. */
export const Target = z.object({
  text: storableText(REVIEW_LIMITS.textBytes).optional().meta({ description: 'A text or a diff.' }),
  files: z.array(Path).min(1).max(REVIEW_LIMITS.files).optional().meta({ description: "Files or folders of the project's checkout." }),
  range: z.string().min(1).max(500).optional().meta({ description: 'Commits, as in main..HEAD; one revision means from it to HEAD.' }),
  worktree: z.boolean().optional().meta({ description: 'What is not committed yet.' }),
  pullRequest: z.int().positive().optional().meta({ description: 'Number of a pull request, read by gh.' }),
  name: storableText(300).optional().meta({ description: 'What a text is called, as in src/app.ts.' }),
});
export type Target = z.infer<typeof Target>;

const Asking = Target.extend({
  question: storableText(REVIEW_LIMITS.questionBytes).optional().meta({ description: 'What to look at, or what the change is for.' }),
  project: z.string().max(100).nullable().optional().meta({ description: 'Project id or code; the first one when left out, none when null.' }),
  priority: z.enum(['low', 'normal', 'high']).default('normal'),
});
const Model = z.string().min(1).max(200);
const Id = z.string().max(60);
const Ms = z.int().nonnegative();

export const JobView = z.object({
  id: z.string(),
  persona: z.string(),
  model: z.string(),
  title: z.string(),
  status: RunStatus,
  phase: Phase,
  percent: z.int().min(0).max(100),
  /** What it is doing, or why it ended as it did. */
  message: z.string(),
  toolCalls: z.int(),
  /** Milliseconds to go; null when it takes longer than was thought. */
  etaMs: Ms.nullable(),
  estimateMs: Ms,
  rehearsed: z.boolean(),
  panel: z.string().nullable(),
  project: z.string().nullable(),
  /** What was not shown to the reviewer; empty when all was. */
  leftOut: z.string(),
  createdAtMs: Ms,
  startedAtMs: Ms.nullable(),
  endedAtMs: Ms.nullable(),
});
export type JobView = z.infer<typeof JobView>;

export const Dropped = z.object({ invalid: z.int(), file: z.int(), evidence: z.int() });
export type Dropped = z.infer<typeof Dropped>;

/** Id of the proposal, and where the standard would stand. */
export const Proposal = z.object({ id: z.string(), path: z.string() });

export const JobDetail = JobView.extend({
  ended: z.boolean(),
  summary: z.string(),
  findings: z.array(Finding),
  /** Findings thrown away: not of the form, of a file that was not seen, quoting what is not there. */
  dropped: Dropped,
  droppedSaid: z.array(z.string()),
  specialists: z.array(z.string()),
  /** The standard that it proposed, for people to answer; or why its proposal was not taken. */
  proposal: Proposal.nullable(),
  proposalRefused: z.string().nullable(),
  tookMs: Ms.nullable(),
  estimateErrorPercent: z.int().nullable(),
});
export type JobDetail = z.infer<typeof JobDetail>;

export const MergedFinding = Finding.extend({
  /** How sure, from 0 to 1; more than one reviewer makes it surer. */
  confidence: z.number(),
  votes: z.array(z.object({ reviewer: z.string(), confidence: z.number() })),
  /** What it counts for in each dimension that a reviewer saw it in; the worst of each. */
  marks: z.array(Mark).default([]),
});

export const PanelView = z.object({
  id: z.string(),
  title: z.string(),
  project: z.string().nullable(),
  ended: z.boolean(),
  percent: z.int(),
  createdAtMs: Ms,
  endedAtMs: Ms.nullable(),
  rehearsed: z.boolean(),
  leftOut: z.string(),
  members: z.array(
    z.object({
      reviewer: z.string(),
      persona: z.string(),
      model: z.string(),
      job: z.string().nullable(),
      status: z.union([RunStatus, z.literal('not_started')]),
      phase: Phase.nullable(),
      percent: z.int(),
      /** Why it gave no answer. */
      failure: z.string().nullable(),
      findings: z.int(),
      dropped: z.int(),
    }),
  ),
  /** Reviewers that answered, of all. */
  coverage: z.object({ answered: z.int(), of: z.int(), failed: z.array(z.string()) }),
  findings: z.array(MergedFinding),
  dropped: Dropped,
  card: Scorecard.nullable(),
  trend: Trend.nullable(),
  /** Of earlier findings that were looked at again. */
  resolved: z.array(z.string()),
  /** Standards that its reviewers proposed, for people to answer. */
  proposals: z.array(Proposal),
});
export type PanelView = z.infer<typeof PanelView>;
export const PanelSummary = PanelView.pick({ id: true, title: true, project: true, ended: true, createdAtMs: true, endedAtMs: true }).extend({
  overall: Grade.nullable(),
  findings: z.int(),
  answered: z.int(),
  of: z.int(),
});
export type PanelSummary = z.infer<typeof PanelSummary>;

export const FindingView = MergedFinding.extend({
  id: z.string(),
  project: z.string().nullable(),
  state: z.enum(['open', 'issue', 'dismissed', 'resolved']),
  issue: z.string().nullable(),
  /** The panel or job that found it first, and how often it was found since. */
  source: z.string(),
  seen: z.int(),
  reason: z.string(),
  createdAtMs: Ms,
  changedAtMs: Ms,
});
export type FindingView = z.infer<typeof FindingView>;

const Format = z.enum(['json', 'markdown', 'sarif']);
export type Format = z.infer<typeof Format>;
const Report = z.object({ format: Format, text: z.string() });
const Wait = z.coerce.number().min(0).max(REVIEW_LIMITS.waitSeconds).default(0).meta({ description: 'Waits so long for the end.' });
const Reason = storableText(1_000);

export const reviewOperations = {
  start: operation({
    name: 'reviews.start',
    permission: 'runs.create',
    method: 'POST',
    path: '/reviews',
    summary: 'Starts a review by one persona and answers at once with its id and an estimate.',
    input: Asking.extend({ persona: PersonaName, model: Model.optional() }),
    output: JobView,
    status: 201,
  }),
  get: operation({
    name: 'reviews.get',
    permission: 'runs.read',
    method: 'GET',
    path: '/reviews/{id}',
    summary: 'Shows a review: phase, percent, time to go, and once it has ended its findings.',
    input: z.object({ id: Id, waitSeconds: Wait }),
    output: JobDetail,
  }),
  list: operation({
    name: 'reviews.list',
    permission: 'runs.read',
    method: 'GET',
    path: '/reviews',
    summary: 'Lists reviews, newest first.',
    input: PageInput.extend({ persona: PersonaName.optional(), live: z.stringbool().optional().meta({ description: 'Only what has not ended.' }) }),
    output: pageOf(JobView),
  }),
  cancel: operation({
    name: 'reviews.cancel',
    permission: 'runs.create',
    method: 'POST',
    path: '/reviews/{id}/cancel',
    summary: 'Stops a review, and with it the call of its model.',
    input: z.object({ id: Id, reason: z.string().max(500).default('') }),
    output: JobView,
    status: 202,
    effect: 'destructive',
  }),
  report: operation({
    name: 'reviews.report',
    permission: 'runs.read',
    method: 'GET',
    path: '/reviews/{id}/report',
    summary: 'The findings of a review as SARIF 2.1.0, Markdown or JSON.',
    input: z.object({ id: Id, format: Format.default('markdown') }),
    output: Report,
  }),
  stats: operation({
    name: 'reviews.stats',
    permission: 'runs.read',
    method: 'GET',
    path: '/review-stats',
    summary: 'Counts of reviews: by state and persona, how right the estimates were, what was dropped, room taken.',
    input: z.object({}),
    output: z.object({
      stored: z.int(),
      queued: z.int(),
      running: z.int(),
      ended: z.int(),
      failed: z.int(),
      workers: z.int(),
      bytes: z.int(),
      maxBytes: z.int(),
      keepDays: z.int(),
      personas: z.array(
        z.object({
          persona: z.string(),
          invocations: z.int(),
          failed: z.int(),
          findings: z.int(),
          dropped: z.int(),
          medianMs: Ms.nullable(),
          /** Of the last reviews whose time was known before: how many were within half of it. */
          estimates: z.object({ within50Percent: z.int(), of: z.int() }),
        }),
      ),
      findings: z.object({ open: z.int(), issue: z.int(), dismissed: z.int(), resolved: z.int() }),
    }),
  }),
  reset: operation({
    name: 'reviews.reset',
    permission: 'engine.operate',
    method: 'POST',
    path: '/review-reset',
    summary: 'Removes ended reviews, all or of one persona, and with them what estimates are made from; live ones stay.',
    input: z.object({ persona: PersonaName.optional() }),
    output: z.object({ removed: z.int(), message: z.string() }),
    effect: 'destructive',
  }),
};

export const panelOperations = {
  start: operation({
    name: 'panels.start',
    permission: 'runs.create',
    method: 'POST',
    path: '/panels',
    summary: 'Starts several reviewers side by side on one input: the seven core personas unless named, each on every model named.',
    input: Asking.extend({
      personas: z.array(PersonaName).min(1).max(REVIEW_LIMITS.members).optional(),
      models: z.array(Model).min(1).max(REVIEW_LIMITS.models).optional(),
    }),
    output: PanelView,
    status: 201,
  }),
  get: operation({
    name: 'panels.get',
    permission: 'runs.read',
    method: 'GET',
    path: '/panels/{id}',
    summary: 'Shows a panel: who has answered, and once all have ended the merged findings and grades.',
    input: z.object({ id: Id, waitSeconds: Wait }),
    output: PanelView,
  }),
  list: operation({
    name: 'panels.list',
    permission: 'runs.read',
    method: 'GET',
    path: '/panels',
    summary: 'Lists panels, newest first.',
    input: PageInput.extend({ project: z.string().max(100).optional().meta({ description: 'Only of this project, by id or code.' }) }),
    output: pageOf(PanelSummary),
  }),
  report: operation({
    name: 'panels.report',
    permission: 'runs.read',
    method: 'GET',
    path: '/panels/{id}/report',
    summary: 'A panel as SARIF 2.1.0, Markdown or JSON.',
    input: z.object({ id: Id, format: Format.default('markdown') }),
    output: Report,
  }),
};

export const findingOperations = {
  list: operation({
    name: 'findings.list',
    permission: 'runs.read',
    method: 'GET',
    path: '/findings',
    summary: 'Lists findings of reviews with what became of them, newest first.',
    input: PageInput.extend({
      state: z.enum(['open', 'issue', 'dismissed', 'resolved']).optional(),
      source: Id.optional().meta({ description: 'Only of this panel or job.' }),
    }),
    output: pageOf(FindingView),
  }),
  approve: operation({
    name: 'findings.approve',
    permission: 'approvals.answer',
    method: 'POST',
    path: '/findings/{id}/approve',
    summary:
      'Makes an issue of a finding: in the tracker of the project where gh is there, else here. The next review checks whether it is resolved.',
    input: z.object({ id: Id, tags: z.array(storableText(50)).max(10).default([]) }),
    output: FindingView,
  }),
  dismiss: operation({
    name: 'findings.dismiss',
    permission: 'approvals.answer',
    method: 'POST',
    path: '/findings/{id}/dismiss',
    summary: 'Dismisses a finding for a reason; the same one does not come up again.',
    input: z.object({ id: Id, reason: Reason }),
    output: FindingView,
  }),
};
