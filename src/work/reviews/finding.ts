/** What a reviewer says (spec PER-5): findings in one form, whoever made them. Whether one stands is `evidence.ts`; pure. */
import { z } from 'zod';
import type { JsonObject } from '../../kernel/canonical-json.ts';

/** Worst first. */
export const Severity = z.enum(['critical', 'high', 'medium', 'low', 'info']);
export type Severity = z.infer<typeof Severity>;

/** Spec REV-1. */
export const Dimension = z.enum(['architecture', 'security', 'quality', 'testing', 'dependencies', 'documentation', 'standards']);
export type Dimension = z.infer<typeof Dimension>;

export const FINDING_LIMITS = {
  findings: 100,
  pathChars: 500,
  evidenceChars: 2_000,
  problemChars: 1_000,
  summaryChars: 4_000,
  specialists: 8,
} as const;

export const Place = z.object({
  file: z.string().min(1).max(FINDING_LIMITS.pathChars),
  /** 1-based in the file as it is after the change; null for what concerns the file as a whole. */
  line: z.int().positive().nullable(),
  /** Quoted from the source. */
  evidence: z.string().min(1).max(FINDING_LIMITS.evidenceChars),
});
export type Place = z.infer<typeof Place>;

export const Finding = z.object({
  severity: Severity,
  dimension: Dimension,
  /** A short tag that thresholds count by, as in `any-type`; null for what has none. */
  rule: z.string().max(60).nullable(),
  ...Place.shape,
  problem: z.string().min(1).max(FINDING_LIMITS.problemChars),
  fix: z.string().max(FINDING_LIMITS.problemChars),
  /** Path of the standard it follows from, where there is one. */
  standard: z.string().max(FINDING_LIMITS.pathChars).nullable(),
});
export type Finding = z.infer<typeof Finding>;

/** What a finding counts for in one dimension: reviewers who mean the same may see it from several sides. */
export const Mark = z.object({ dimension: Dimension, severity: Severity, rule: z.string().max(60).nullable() });
export type Mark = z.infer<typeof Mark>;

/** A reviewer's whole answer. One finding that is not valid is dropped by itself, so findings are looked at one by one. */
export const ReviewAnswer = z.object({
  summary: z.string(),
  findings: z.array(z.unknown()),
  specialists: z.array(z.string()).default([]),
  proposals: z.array(z.unknown()).default([]),
});

const text = (description: string) => ({ type: 'string', description });
const textOrNull = (description: string) => ({ type: ['string', 'null'], description });
const listOf = (properties: JsonObject, description: string) => ({
  type: 'array',
  description,
  items: { type: 'object', additionalProperties: false, required: Object.keys(properties), properties },
});
const PLACE = {
  file: text('Path exactly as shown.'),
  line: { type: ['integer', 'null'], description: 'Line number as shown.' },
  evidence: text('The line or lines, quoted exactly.'),
};

/** What a reviewer's final answer must look like: the output schema of its agent. */
export const ANSWER_SCHEMA: JsonObject = {
  type: 'object',
  additionalProperties: false,
  required: ['summary', 'findings', 'specialists', 'proposals'],
  properties: {
    summary: text('Two to five sentences: the state of what you reviewed, worst first.'),
    findings: listOf(
      {
        severity: { type: 'string', enum: [...Severity.options] },
        dimension: { type: 'string', enum: [...Dimension.options] },
        rule: textOrNull('Short tag in kebab-case, such as any-type; null when none fits.'),
        ...PLACE,
        problem: text('What is wrong and what follows from it.'),
        fix: text('What to do instead.'),
        standard: textOrNull('Path of the standard it follows from, or null.'),
      },
      'Worst first; empty for none.',
    ),
    specialists: { type: 'array', items: { type: 'string' }, description: 'Specialist reviewers worth asking next; empty for none.' },
    proposals: listOf(
      {
        domain: text('What it is about, in kebab-case, such as error-handling.'),
        topic: text('Its name, in kebab-case, such as retry-with-backoff.'),
        title: text('Its title.'),
        tags: { type: 'array', items: { type: 'string' } },
        context: text('Where it applies, and why it came up.'),
        pattern: text('What to do.'),
        examples: text('Where it is done well.'),
        antiPatterns: text('What to avoid, and what it cost.'),
        whenToRevisit: text('What would change our mind.'),
        why: text('What it costs that it is not written down.'),
        places: listOf(PLACE, 'Two or more places where you saw the pattern.'),
      },
      'At most one standard that you propose; nearly always empty.',
    ),
  },
};
