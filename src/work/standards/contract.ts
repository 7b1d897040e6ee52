/** What surfaces can ask of standards: proposed, approved by a person, written only then, found by words and meaning (spec STD-1..5). */
import { z } from 'zod';
import { operation } from '../../kernel/operation.ts';
import { Count, PageInput, pageOf } from '../../kernel/page.ts';
import { storableText } from '../../kernel/text.ts';
import { ProjectCode } from '../../kernel/project.ts';
import { SECTIONS, Slug, STANDARD_LIMITS } from './standard.ts';

const Tag = z
  .string()
  .max(STANDARD_LIMITS.tagChars)
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'must be lower-case letters, digits and single dashes');
const Domain = Slug.meta({ description: 'Folder: what it is about, as in `error-handling`.' });
const Topic = Slug.meta({ description: 'File name without `.md`, as in `retry-with-backoff`.' });
const Content = storableText(STANDARD_LIMITS.contentBytes).meta({
  description: `Markdown without front matter: \`# Title\`, then ${SECTIONS.map((each) => `\`## ${each}\``).join(', ')}.`,
});
const Id = z.string().max(60);
const Hash = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits')
  .meta({ description: 'Of the text that was read; another text is refused.' });
const Who = z.object({ actor: z.string(), name: z.string() });

export const ProposalState = z.enum(['open', 'approved', 'refused', 'written']);
export type ProposalState = z.infer<typeof ProposalState>;

const FaultView = z.object({ path: z.string(), message: z.string(), line: z.int().optional() });

export const ProposalView = z.object({
  id: z.string(),
  project: z.string().nullable(),
  path: z.string(),
  domain: z.string(),
  topic: z.string(),
  tags: z.array(z.string()),
  content: z.string(),
  /** Over domain, topic, tags and content: what an approval is bound to. */
  hash: z.string(),
  why: z.string(),
  state: ProposalState,
  proposedBy: Who,
  proposedAtMs: z.int(),
  answer: z.object({ by: Who, atMs: z.int(), text: z.string(), edited: z.boolean() }).nullable(),
  /** What `standards.create` takes once it is approved. */
  approval: z.string().nullable(),
  /** The standard it became. */
  standard: z.string().nullable(),
});
export type ProposalView = z.infer<typeof ProposalView>;

export const StandardSummary = z.object({
  id: z.string(),
  /** Code; null for the whole organization. */
  project: z.string().nullable(),
  path: z.string(),
  title: z.string(),
  tags: z.array(z.string()),
  /** `folder`: a file of the repository; `store`: kept here. */
  place: z.enum(['folder', 'store']),
  createdBy: z.string(),
  approvedBy: z.string(),
  /** Why the file does not keep the form; it is found all the same. */
  faults: z.array(FaultView),
  indexedAtMs: z.int(),
});
export type StandardSummary = z.infer<typeof StandardSummary>;

export const StandardView = StandardSummary.extend({ text: z.string(), hash: z.string() });
export type StandardView = z.infer<typeof StandardView>;

export const StandardMatch = z.object({
  id: z.string(),
  project: z.string().nullable(),
  path: z.string(),
  title: z.string(),
  heading: z.string(),
  /** Where the passage begins in the file, 1-based. */
  line: z.int(),
  passage: z.string(),
});
export type StandardMatch = z.infer<typeof StandardMatch>;

const ProjectFilter = ProjectCode.optional().meta({ description: 'Those of this project and of the whole organization.' });

export const standardOperations = {
  propose: operation({
    name: 'standards.propose',
    permission: 'context.write',
    method: 'POST',
    path: '/standards/proposals',
    summary: 'Proposes a standard; nothing is written before a person approves exactly this text.',
    input: z.object({
      domain: Domain,
      topic: Topic,
      tags: z.array(Tag).max(STANDARD_LIMITS.tags).default([]),
      content: Content,
      why: storableText(STANDARD_LIMITS.whyBytes).meta({ description: 'Where the pattern was seen, and what it costs that it is not written down.' }),
      project: ProjectCode.nullable().default(null).meta({ description: 'Whose standard it is; null: of the whole organization.' }),
    }),
    output: ProposalView,
    status: 201,
  }),
  proposals: operation({
    name: 'standards.proposals',
    permission: 'context.read',
    method: 'GET',
    path: '/standards/proposals',
    summary: 'Lists proposals, the newest first.',
    input: PageInput.extend({ state: ProposalState.optional(), limit: z.coerce.number().int().min(1).max(50).default(20) }),
    output: pageOf(ProposalView),
  }),
  proposal: operation({
    name: 'standards.proposal',
    permission: 'context.read',
    method: 'GET',
    path: '/standards/proposals/{id}',
    summary: 'Shows one proposal with its text and what became of it.',
    input: z.object({ id: Id }),
    output: ProposalView,
  }),
  answer: operation({
    name: 'standards.answer',
    permission: 'approvals.answer',
    method: 'POST',
    path: '/standards/proposals/{id}/answer',
    summary: 'Approves, edits or refuses a proposal; only a person who did not propose it may.',
    input: z.object({
      id: Id,
      hash: Hash,
      answer: z.enum(['approve', 'edit', 'refuse']),
      content: Content.optional().meta({ description: 'With `edit`: the whole text that is approved instead.' }),
      text: z.string().max(2_000).default('').meta({ description: 'Why; a refusal needs it.' }),
      write: z.boolean().default(false).meta({ description: 'Also write it at once.' }),
    }),
    output: ProposalView,
  }),
  create: operation({
    name: 'standards.create',
    permission: 'context.write',
    method: 'POST',
    path: '/standards',
    summary: 'Writes an approved standard into its place; refused without a recorded approval of that very text, and for a path that exists.',
    input: z.object({
      domain: Domain,
      topic: Topic,
      content: Content,
      approval: z.string().max(60).meta({ description: 'Id of the approval: `approval` of the proposal.' }),
    }),
    output: StandardView,
    status: 201,
  }),
  search: operation({
    name: 'standards.search',
    permission: 'context.read',
    method: 'GET',
    path: '/standards/search',
    summary: 'Finds passages of standards by words and, where embeddings are configured, by meaning; best first, each with its place.',
    input: z.object({
      query: z
        .string()
        .trim()
        .min(1)
        .max(STANDARD_LIMITS.queryChars)
        .refine((text) => !text.includes('\u0000') && text.isWellFormed(), 'must be valid text'),
      project: ProjectFilter,
      limit: z.coerce.number().int().min(1).max(50).default(10),
    }),
    output: z.object({
      /** `words`: by words alone; `words_and_meaning`: both, fused; `likeness`: titles like the query, because no passage has its words. */
      how: z.enum(['words', 'words_and_meaning', 'likeness']),
      items: z.array(StandardMatch),
      shown: z.int(),
      total: Count,
    }),
  }),
  metrics: operation({
    name: 'standards.metrics',
    permission: 'context.read',
    method: 'GET',
    path: '/standards/metrics',
    summary: 'Counts proposals by what became of them, standards, and searches with how many found something.',
    input: z.object({}),
    output: z.object({
      proposed: z.int(),
      open: z.int(),
      accepted: z.int(),
      refused: z.int(),
      standards: z.int(),
      queries: z.int(),
      hits: z.int(),
    }),
  }),
  list: operation({
    name: 'standards.list',
    permission: 'context.read',
    method: 'GET',
    path: '/standards',
    summary: 'Lists standards by path.',
    input: PageInput.extend({ project: ProjectFilter }),
    output: pageOf(StandardSummary),
  }),
  get: operation({
    name: 'standards.get',
    permission: 'context.read',
    method: 'GET',
    path: '/standards/{id}',
    summary: 'Shows one standard whole.',
    input: z.object({ id: Id }),
    output: StandardView,
  }),
};
