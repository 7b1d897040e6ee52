/** What is stored of a review and of a panel once they have ended: checked when it is read back. Pure. */
import { z } from 'zod';
import { Dimension, Finding } from './finding.ts';
import { Scorecard, Trend } from './grade.ts';
import { Dropped, MergedFinding, Proposal } from './contract.ts';

export const JobOutcome = z.object({
  summary: z.string(),
  findings: z.array(Finding),
  dropped: Dropped,
  droppedSaid: z.array(z.string()),
  specialists: z.array(z.string()),
  /** The standard that it proposed, or why its proposal was not taken; both null when it made none. */
  proposal: Proposal.nullable().default(null),
  proposalRefused: z.string().nullable().default(null),
  /** Why there is no answer; null when there is one. */
  failure: z.string().nullable(),
});
export type JobOutcome = z.infer<typeof JobOutcome>;

export const Member = z.object({
  reviewer: z.string(),
  persona: z.string(),
  model: z.string(),
  dimensions: z.array(Dimension),
  /** The run; null when none could be started, and then `failure` says why. */
  run: z.string().nullable(),
  failure: z.string().nullable(),
});
export type Member = z.infer<typeof Member>;
export const Members = z.array(Member);

export const PanelOutcome = z.object({
  findings: z.array(MergedFinding),
  dropped: Dropped,
  answered: z.int(),
  failed: z.array(z.object({ reviewer: z.string(), why: z.string() })),
  card: Scorecard,
  trend: Trend,
  resolved: z.array(z.string()),
  rehearsed: z.boolean(),
});
export type PanelOutcome = z.infer<typeof PanelOutcome>;

export const NOTHING_DROPPED: Dropped = { invalid: 0, file: 0, evidence: 0 };

export function addDropped(a: Dropped, b: Dropped): Dropped {
  return { invalid: a.invalid + b.invalid, file: a.file + b.file, evidence: a.evidence + b.evidence };
}

export function countDropped({ invalid, file, evidence }: Dropped): number {
  return invalid + file + evidence;
}
