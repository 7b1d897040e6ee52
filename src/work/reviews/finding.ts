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

export const Finding = z.object({
  severity: Severity,
  dimension: Dimension,
  /** A short tag that thresholds count by, as in `any-type`; null for what has none. */
  rule: z.string().max(60).nullable(),
  file: z.string().min(1).max(FINDING_LIMITS.pathChars),
  /** 1-based in the file as it is after the change; null for what concerns the file as a whole. */
  line: z.int().positive().nullable(),
  /** Quoted from the source. */
  evidence: z.string().min(1).max(FINDING_LIMITS.evidenceChars),
  problem: z.string().min(1).max(FINDING_LIMITS.problemChars),
  fix: z.string().max(FINDING_LIMITS.problemChars),
  /** Path of the standard it follows from, where there is one. */
  standard: z.string().max(FINDING_LIMITS.pathChars).nullable(),
});
export type Finding = z.infer<typeof Finding>;

/** A reviewer's whole answer. One finding that is not valid is dropped by itself, so findings are looked at one by one. */
export const ReviewAnswer = z.object({
  summary: z.string(),
  findings: z.array(z.unknown()),
  specialists: z.array(z.string()).default([]),
});

const text = (description: string) => ({ type: 'string', description });
const textOrNull = (description: string) => ({ type: ['string', 'null'], description });

/** What a reviewer's final answer must look like: the output schema of its agent. */
export const ANSWER_SCHEMA: JsonObject = {
  type: 'object',
  additionalProperties: false,
  required: ['summary', 'findings', 'specialists'],
  properties: {
    summary: text('Two to five sentences: the state of what you reviewed, worst first.'),
    findings: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['severity', 'dimension', 'rule', 'file', 'line', 'evidence', 'problem', 'fix', 'standard'],
        properties: {
          severity: { type: 'string', enum: [...Severity.options] },
          dimension: { type: 'string', enum: [...Dimension.options] },
          rule: textOrNull('Short tag in kebab-case, such as any-type; null when none fits.'),
          file: text('Path exactly as shown.'),
          line: { type: ['integer', 'null'], description: 'Line number as shown.' },
          evidence: text('The line or lines, quoted exactly.'),
          problem: text('What is wrong and what follows from it.'),
          fix: text('What to do instead.'),
          standard: textOrNull('Path of the standard it follows from, or null.'),
        },
      },
    },
    specialists: { type: 'array', items: { type: 'string' }, description: 'Specialist reviewers worth asking next; empty for none.' },
  },
};
