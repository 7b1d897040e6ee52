/**
 * `ask_human` (spec TOL-16): only what a model is told of it. The harness puts the question, waits without a worker and hands back the
 * answer, since a tool cannot wait for days.
 */
import { z } from 'zod';
import { AppError } from '../../../kernel/errors.ts';
import type { Tool } from '../tool.ts';
import { defineTool } from './define.ts';

const CHOICES_MAX = 20;
const MINUTES_MAX = 60 * 24 * 30;

export function createAskHuman(): Tool {
  return defineTool({
    name: 'ask_human',
    description:
      'Asks a person and waits for the answer, for as long as it takes. Ask only what you cannot find out yourself; say what you have found and what each choice would mean.',
    kind: 'ask',
    input: z.strictObject({
      question: z.string().min(1).max(4_000),
      choices: z.array(z.string().min(1).max(500)).max(CHOICES_MAX).default([]).describe('Answers to choose from; leave empty for free words'),
      deadlineMinutes: z.int().min(1).max(MINUTES_MAX).optional().describe('How long an answer is of use'),
    }),
    run: async () => {
      throw new AppError('internal', 'Broken invariant: ask_human is carried out by the harness.');
    },
  });
}
