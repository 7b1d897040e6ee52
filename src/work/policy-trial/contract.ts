/** What surfaces can ask of the policy: its rules in words, and what it would decide of a call that nobody makes. */
import { z } from 'zod';
import { Decision } from '../../kernel/events.ts';
import { Label } from '../../kernel/labels.ts';
import { operation } from '../../kernel/operation.ts';
import { SideEffect } from '../../kernel/plan.ts';

const Answer = Decision.shape.answer;

export const PolicyRule = z.object({ id: z.string(), answer: Answer, says: z.string() });
export type PolicyRule = z.infer<typeof PolicyRule>;

export const PolicyTrial = z.object({
  agent: z.object({ name: z.string(), version: z.int() }),
  /** The run whose state was taken; null for a run that would begin now. */
  run: z.string().nullable(),
  tool: z.string(),
  /** `invalid`: the arguments do not fit, so that the model would be told and nothing decided. */
  answer: z.enum([...Answer.options, 'invalid']),
  /** Ids of the rules that decide. */
  rules: z.array(z.string()),
  reason: z.string(),
  faults: z.array(z.string()),
  /** What was decided by. */
  tier: z.int(),
  labels: z.array(Label),
  /** What the tool is taken for; null for one that the agent does not have. */
  sideEffect: SideEffect.nullable(),
  taints: z.array(Label),
  /** Labels of the run once it had read the result. */
  labelsAfter: z.array(Label),
  /** Tools that the agent may name. */
  tools: z.array(z.string()),
});
export type PolicyTrial = z.infer<typeof PolicyTrial>;

export const policyOperations = {
  rules: operation({
    name: 'policy.rules',
    permission: 'agents.read',
    method: 'GET',
    path: '/policy/rules',
    summary: 'Lists the rules by which every call of a tool or model is allowed, refused or put to a person.',
    input: z.object({}),
    output: z.object({ items: z.array(PolicyRule) }),
  }),
  try: operation({
    name: 'policy.try',
    permission: 'agents.read',
    method: 'POST',
    path: '/policy/try',
    summary: 'Shows what would be decided of a call, and by which rules; nothing is carried out.',
    input: z.object({
      agent: z.string().trim().min(1).max(200).optional().meta({ description: 'Name of the agent, as it is now.' }),
      run: z.string().optional().meta({ description: 'A run, as it stands now with its tools and labels; in place of the agent.' }),
      tool: z.string().trim().min(1).max(200).meta({ description: 'Name of the tool.' }),
      args: z
        .record(z.string(), z.json())
        .optional()
        .meta({ description: 'Arguments of the call; whether they fit is not looked at when left out.' }),
      labels: z.array(Label).max(2).default([]).meta({
        description: 'What the run would have read by then: untrusted for words from outside, private for private data.',
      }),
    }),
    output: PolicyTrial,
    effect: 'read',
  }),
};
