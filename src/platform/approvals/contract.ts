/** What surfaces can ask of approvals: questions of runs to people, and their answers. */
import { z } from 'zod';
import { By } from '../../kernel/events.ts';
import { operation } from '../../kernel/operation.ts';
import { PageInput, pageOf } from '../../kernel/page.ts';

const Args = z.record(z.string(), z.json());
export const AnswerName = z.enum(['approve', 'edit', 'deny', 'answer', 'done', 'not_done']);
export const ApprovalStateName = z.enum(['open', 'answered', 'expired', 'withdrawn']);

export const ApprovalView = z.object({
  id: z.string(),
  run: z.string(),
  agent: z.string(),
  kind: z.enum(['approval', 'input', 'outcome']),
  tool: z.string(),
  /** Exactly what is carried out when approved. */
  args: Args,
  question: z.string(),
  choices: z.array(z.string()),
  /** Why a person is asked: what makes it risky, and the rules that say so. */
  reason: z.string(),
  rules: z.array(z.string()),
  /** What an answer binds to: tool, arguments, target and rules. The answer carries it back. */
  hash: z.string(),
  state: ApprovalStateName,
  askedAtMs: z.int(),
  deadlineMs: z.int(),
  onExpiry: z.enum(['deny', 'halt']),
  answer: z.object({ answer: AnswerName, text: z.string(), args: Args.optional(), by: By, atMs: z.int() }).nullable(),
});
export type ApprovalView = z.infer<typeof ApprovalView>;

export const ApprovalDetail = ApprovalView.extend({
  tier: z.int(),
  startedBy: By,
  trigger: z.string(),
  /** What led there, latest last. */
  story: z.array(z.object({ seq: z.int(), what: z.string() })),
  /** Null when you may answer it, else why not. */
  whyNotYou: z.string().nullable(),
});
export type ApprovalDetail = z.infer<typeof ApprovalDetail>;

const IdInput = z.object({ id: z.string().meta({ description: 'Approval id, as in apr_01jd…' }) });

export const approvalOperations = {
  list: operation({
    name: 'approvals.list',
    permission: 'approvals.read',
    method: 'GET',
    path: '/approvals',
    summary: 'Lists what runs ask people, oldest first.',
    input: PageInput.extend({
      state: ApprovalStateName.default('open'),
      run: z.string().optional().meta({ description: 'Only of this run.' }),
    }),
    output: pageOf(ApprovalView),
  }),
  get: operation({
    name: 'approvals.get',
    permission: 'approvals.read',
    method: 'GET',
    path: '/approvals/{id}',
    summary: 'Shows one question: the exact action, its arguments, why it is asked, and what led there.',
    input: IdInput,
    output: ApprovalDetail,
  }),
  answer: operation({
    name: 'approvals.answer',
    permission: 'approvals.answer',
    method: 'POST',
    path: '/approvals/{id}/answer',
    summary: 'Answers a question, once; the run goes on.',
    input: IdInput.extend({
      answer: AnswerName.meta({
        description: 'approve, edit or deny an action; answer a question; say whether an action of unknown outcome was done or not_done.',
      }),
      hash: z.string().max(200).meta({ description: 'The hash you were shown; another one is refused.' }),
      text: z.string().max(20_000).default('').meta({ description: 'Reason of a refusal, or the answer itself.' }),
      args: Args.optional().meta({ description: 'With edit: the arguments to carry out instead, whole.' }),
    }),
    output: ApprovalView,
    effect: 'destructive',
  }),
  askAgain: operation({
    name: 'approvals.ask_again',
    permission: 'runs.create',
    method: 'POST',
    path: '/approvals/{id}/ask-again',
    summary: 'Has an expired question asked again: a live run is told to, an ended one is retried.',
    input: IdInput,
    output: z.object({ run: z.string().meta({ description: 'The run that will ask.' }), message: z.string() }),
    status: 202,
  }),
};
