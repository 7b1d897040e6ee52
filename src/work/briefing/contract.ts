/** What surfaces can ask of the briefing: all that is needed to begin, in one call (spec BRF-1). */
import { z } from 'zod';
import { operation } from '../../kernel/operation.ts';
import { Count } from '../../kernel/page.ts';

export const BRIEFING_LIMITS = {
  budgetTokens: 3_000,
  /** Less does not hold what is never left out: where you are, its boundary, the stop rules. */
  budgetTokensMin: 2_400,
  budgetTokensMax: 20_000,
  /** Of executive notes together, as they are shown (spec BRF-2). */
  noteBytes: 12 * 1024,
  /** Of one note, handoff part and document within a briefing. */
  excerptBytes: 1_500,
  /** A briefing beyond it is a fault of ours (spec BRF-2). */
  guardBytes: 50 * 1024,
  /** Of `view: full`, which is for a file: what does not fit is named. */
  fullBytes: 2 * 1024 * 1024,
  /** Rows that a source gives at most. */
  rows: 50,
  /** Beyond it a count reads "at least". */
  countMax: 10_000,
  /** How long one source may take. */
  sourceMs: 2_000,
} as const;

const oneLine = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .refine((text) => text.isWellFormed() && !/\p{Cc}/u.test(text), 'must be one line of plain text');

export const BriefingInput = z.object({
  project: oneLine(100).optional().meta({ description: 'Code or id.' }),
  repository: oneLine(2_000).optional().meta({ description: 'URL of the git remote, to find the project by.' }),
  session: oneLine(60)
    .optional()
    .meta({ description: 'Session that asks: its project, branch and track are taken from it, and it is not shown as another one.' }),
  branch: oneLine(300).optional(),
  environment: oneLine(100).default('production').meta({ description: 'The environment that the work is for.' }),
  budgetTokens: z.coerce
    .number()
    .int()
    .min(BRIEFING_LIMITS.budgetTokensMin)
    .max(BRIEFING_LIMITS.budgetTokensMax)
    .default(BRIEFING_LIMITS.budgetTokens)
    .meta({ description: 'Tokens that the Markdown takes at most.' }),
  view: z.enum(['brief', 'full']).default('brief').meta({ description: 'full: nothing is cut and contents are included, for a file.' }),
});
export type BriefingInput = z.output<typeof BriefingInput>;

export const PartView = z.object({
  key: z.string(),
  title: z.string(),
  items: z.array(z.record(z.string(), z.json())),
  shown: z.int(),
  total: Count,
  /** There is more than is shown. */
  cut: z.boolean(),
  /** How to get the whole. */
  fetch: z.string(),
  /** Why the source told nothing; then its total is unknown. */
  fault: z.string().nullable(),
});
export type PartView = z.infer<typeof PartView>;

export const SourceView = z.object({
  name: z.string(),
  /** `silent`: it answers, and nothing has come from outside for longer than usual; `doubtful`: `why` says what is wrong with it. */
  state: z.enum(['ok', 'failed', 'silent', 'doubtful']),
  /** When this process last read it; null when it never could. */
  lastSuccessAtMs: z.int().nullable(),
  /** When something last came from outside, and how long ago that is; null for what comes from nowhere but here. */
  newestAtMs: z.int().nullable(),
  lagMs: z.int().nullable(),
  why: z.string(),
});
export type SourceView = z.infer<typeof SourceView>;

export const BriefingView = z.object({
  project: z.object({ id: z.string(), code: z.string(), name: z.string() }),
  session: z.string().nullable(),
  atMs: z.int(),
  view: z.enum(['brief', 'full']),
  /** For an agent to read. */
  markdown: z.string(),
  /** An upper bound. */
  tokens: z.int(),
  bytes: z.int(),
  budgetTokens: z.int(),
  parts: z.array(PartView),
  sources: z.array(SourceView),
  /** What is wrong with the briefing itself. */
  faults: z.array(z.string()),
});
export type BriefingView = z.infer<typeof BriefingView>;

export const briefingOperations = {
  read: operation({
    name: 'briefing.read',
    permission: 'context.read',
    method: 'GET',
    path: '/briefing',
    summary: 'Briefs whoever begins to work on a project: where they are, what was left, what is urgent and due, and who else is at work.',
    input: BriefingInput,
    output: BriefingView,
  }),
};
