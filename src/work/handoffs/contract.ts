/** What surfaces can ask of handoffs: what one session leaves to the next, or to another project. */
import { z } from 'zod';
import { operation } from '../../kernel/operation.ts';
import { Count, PageInput, pageOf } from '../../kernel/page.ts';
import { SessionView, UnderClaims } from '../sessions/contract.ts';

export const HANDOFF_LIMITS = {
  /** Of the canonical JSON (spec HND-1). */
  payloadBytes: 800 * 1024,
  summaryChars: 1_000,
  itemChars: 4_000,
  items: 200,
  /** Commits and runs that a proposal names. */
  proposedMax: 50,
} as const;

const storable = (text: string): boolean => text.isWellFormed() && !text.includes('\0');
const Items = z.array(z.string().trim().min(1).max(HANDOFF_LIMITS.itemChars)).max(HANDOFF_LIMITS.items).default([]);

export const HandoffStatus = z.enum(['in_progress', 'blocked', 'done']);
export const HandoffPriority = z.enum(['low', 'normal', 'high', 'urgent']);

/** The words of a handoff; version 1 of the schema. */
export const HandoffParts = z.object({
  status: HandoffStatus,
  summary: z
    .string()
    .trim()
    .min(1)
    .max(HANDOFF_LIMITS.summaryChars)
    .refine(storable, 'must be plain text')
    .meta({ description: 'What the next session must know, in a few sentences.' }),
  accomplished: Items,
  inProgress: Items,
  blocked: Items,
  next: Items,
  decisions: Items,
  issue: z
    .string()
    .trim()
    .min(1)
    .max(200)
    .refine(storable, 'must be plain text')
    .optional()
    .meta({ description: "The session's own when left out." }),
  priority: HandoffPriority.default('normal'),
  details: z.json().optional().meta({ description: 'Anything else, as JSON.' }),
  confirmed: z.boolean().optional().meta({ description: 'A person has read and confirmed it.' }),
});
export type HandoffParts = z.output<typeof HandoffParts>;

/** What is digested and kept. */
export const HandoffPayload = HandoffParts.extend({
  schema: z.literal(1),
  from: z.object({
    session: z.string(),
    project: z.string(),
    actor: z.string(),
    agent: z.string(),
    machine: z.string(),
    branch: z.string().nullable(),
    commit: z.string().nullable(),
  }),
  to: z.string().meta({ description: 'Code of the project.' }),
});
export type HandoffPayload = z.output<typeof HandoffPayload>;

export const HandoffView = z.object({
  id: z.string(),
  session: z.string(),
  from: z.string().meta({ description: 'Code of the project.' }),
  to: z.string().meta({ description: 'Code of the project.' }),
  status: HandoffStatus,
  priority: HandoffPriority,
  issue: z.string().nullable(),
  summary: z.string(),
  schemaVersion: z.int(),
  sha256: z.string(),
  bytes: z.int(),
  /** Of one to another project: whether it still waits there. */
  queue: z.enum(['open', 'taken', 'dismissed']).nullable(),
  settledBy: z.string().nullable(),
  settledAtMs: z.int().nullable(),
  settledReason: z.string(),
  createdAtMs: z.int(),
});
export type HandoffView = z.infer<typeof HandoffView>;

export const HandoffDetail = HandoffView.extend({
  payload: HandoffPayload,
  /** For a copy in the repository. */
  markdown: z.string(),
  fileName: z.string(),
});
export type HandoffDetail = z.infer<typeof HandoffDetail>;

/** What happened, as far as a source told; `fault` says why one told nothing. */
const Source = { total: Count, fault: z.string().nullable() };
export const Proposal = z.object({
  session: SessionView,
  commits: z.object({ items: z.array(z.object({ id: z.string(), subject: z.string(), atMs: z.int() })), ...Source }),
  runs: z.object({ items: z.array(z.object({ id: z.string(), agent: z.string(), status: z.string(), reason: z.string() })), ...Source }),
  /** Of the session's branch, when `gh` is there. */
  pulls: z.object({ items: z.array(z.object({ number: z.int(), title: z.string(), state: z.string() })), ...Source }),
  /** That whoever began the session wrote for its project. */
  notes: z.object({ items: z.array(z.object({ id: z.string(), title: z.string() })), ...Source }),
  /** The session's own, and those it holds. */
  issues: z.array(z.string()),
  /** To be read, mended and sent back as a handoff. */
  draft: HandoffParts,
});
export type Proposal = z.infer<typeof Proposal>;

const IdInput = z.object({ id: z.string().meta({ description: 'Handoff id, as in ho_01jd…' }) });

export const handoffOperations = {
  propose: operation({
    name: 'handoffs.propose',
    permission: 'context.read',
    method: 'GET',
    path: '/sessions/{id}/handoff-proposal',
    summary: 'Proposes a handoff from what really happened since the session began: commits, pull requests, issues, runs, notes.',
    input: z.object({ id: z.string().meta({ description: 'Session id.' }) }),
    output: Proposal,
  }),
  write: operation({
    name: 'handoffs.write',
    permission: 'context.write',
    method: 'POST',
    path: '/handoffs',
    summary: 'Leaves a handoff: to the own project, which ends the session, or to the queue of another one. Doing it again answers the first.',
    input: HandoffParts.extend({
      session: z.string().meta({ description: 'Id of the session that leaves it.' }),
      to: z.string().max(100).optional().meta({ description: 'Code or id of another project.' }),
      under: UnderClaims,
    }),
    output: z.object({ handoff: HandoffView, created: z.boolean(), session: SessionView }),
    status: 201,
  }),
  list: operation({
    name: 'handoffs.list',
    permission: 'context.read',
    method: 'GET',
    path: '/handoffs',
    summary: 'Lists handoffs to projects, newest first, or what waits in the queue of one.',
    input: PageInput.extend({
      project: z.string().max(100).optional().meta({ description: 'Code or id of the project they are for.' }),
      view: z.enum(['all', 'queue']).default('all').meta({ description: 'queue: only those of other projects, until taken or dismissed.' }),
    }),
    output: pageOf(HandoffView),
  }),
  get: operation({
    name: 'handoffs.get',
    permission: 'context.read',
    method: 'GET',
    path: '/handoffs/{id}',
    summary: 'Shows one handoff whole, with a Markdown copy for the repository.',
    input: IdInput,
    output: HandoffDetail,
  }),
  take: operation({
    name: 'handoffs.take',
    permission: 'context.write',
    method: 'POST',
    path: '/handoffs/{id}/take',
    summary: 'Takes a handoff out of the queue of its project, to work on it.',
    input: IdInput,
    output: HandoffView,
  }),
  dismiss: operation({
    name: 'handoffs.dismiss',
    permission: 'context.write',
    method: 'POST',
    path: '/handoffs/{id}/dismiss',
    summary: 'Dismisses a handoff from the queue of its project, with the reason.',
    input: IdInput.extend({ reason: z.string().trim().min(1).max(1_000).refine(storable, 'must be plain text') }),
    output: HandoffView,
  }),
};
