/**
 * The tool that answers what a run asks a person. It shows exactly what would be carried out with its hash, and where the client can
 * put a form before a person, only that form answers: a model's word does not. Who may answer is decided in `platform/approvals`.
 */
import type { InputRequest, InputRequiredResult } from '@modelcontextprotocol/server';
import { inputRequired, inputResponse } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { AppError } from '../../kernel/errors.ts';
import type { ApprovalDetail, ApprovalView } from '../../platform/approvals/contract.ts';
import { AnswerName, approvalOperations } from '../../platform/approvals/contract.ts';
import { renderApproval } from './render.ts';
import type { McpCall, Tool } from './toolset.ts';
import { answer, tool } from './toolset.ts';

type Answer = z.output<typeof AnswerName>;
/** What a form can offer; edited arguments do not fit into one. */
const FORM_ANSWERS = { approval: ['approve', 'deny'], input: ['answer', 'deny'], outcome: ['done', 'not_done'] } as const;
const FormContent = z.object({ answer: AnswerName, text: z.string().max(20_000).default('') });

export const RUN_ANSWER_TOOL: Tool = tool({
  name: 'run_answer',
  title: 'Answer what a run asks',
  description:
    'Shows what a run asks a person: the exact action, its arguments, why, and the hash. Answers it when `answer` and `hash` are given and the person’s key may; a client with forms asks the person first.',
  input: z.strictObject({
    id: z.string().max(60).meta({ description: 'Approval id, as in apr_01jd…; run_show and status name it.' }),
    answer: AnswerName.optional().meta({ description: 'Only what the person decided. Left out: only shown.' }),
    hash: z.string().max(200).optional().meta({ description: 'The hash that the person was shown.' }),
    text: z.string().max(20_000).default('').meta({ description: 'Reason of a refusal, or the answer itself.' }),
    args: z.record(z.string(), z.json()).optional().meta({ description: 'With edit: the arguments to carry out instead, whole.' }),
  }),
  uses: [approvalOperations.get, approvalOperations.answer],
  async run({ id, answer: decided, hash, text, args }, call) {
    const asked = await call.invoke(approvalOperations.get, { id });
    const mayAnswer = asked.state === 'open' && asked.whyNotYou === null;
    if (decided !== undefined && hash === undefined) {
      throw new AppError('invalid_input', 'An answer needs the hash of what the person was shown.', {
        next: 'Call run_answer with the id alone, show it to the person, then answer with its hash.',
      });
    }
    if (mayAnswer && call.canElicit && decided !== 'edit') return byForm(asked, call);
    if (decided === undefined || hash === undefined) {
      const next = mayAnswer ? `\n\nOnce the person has decided: run_answer with the id, answer and this hash.` : '';
      return answer(renderApproval(asked) + next, asked);
    }
    return given(await call.invoke(approvalOperations.answer, { id, answer: decided, hash, text, ...(args === undefined ? {} : { args }) }));
  },
});

async function byForm(asked: ApprovalDetail, call: McpCall) {
  const key = formKey(asked);
  const response = inputResponse(call.sdk.mcpReq.inputResponses, key);
  if (response.kind === 'missing') return inputRequired({ inputRequests: { [key]: approvalForm(asked) } }) satisfies InputRequiredResult;
  if (response.kind !== 'elicit' || response.action !== 'accept') {
    // Declined and dismissed are no answers to the run's question: nothing is recorded, and asking again would loop.
    throw new AppError('denied', 'The person did not answer; the run still waits.', {
      next: 'Leave it to a person: the console or `windlass approve`.',
    });
  }
  const content = FormContent.safeParse(response.content);
  if (!content.success) throw new AppError('invalid_input', 'The form came back without an answer.', { next: 'Fill in "answer".' });
  return given(await call.invoke(approvalOperations.answer, { id: asked.id, hash: asked.hash, ...content.data }));
}

/** The hash is part of the key: an answer to a form that showed something else does not count. */
export function formKey(asked: Pick<ApprovalView, 'id' | 'hash'>): string {
  return `${asked.id}.${asked.hash}`;
}

export function approvalForm(asked: ApprovalDetail): InputRequest {
  const choices: readonly Answer[] = FORM_ANSWERS[asked.kind];
  return inputRequired.elicit({
    message: renderApproval(asked),
    requestedSchema: {
      type: 'object',
      properties: {
        answer: { type: 'string', title: 'Answer', enum: [...choices] },
        text: { type: 'string', title: asked.kind === 'input' ? 'Your answer' : 'Why', description: 'Kept with the decision.' },
      },
      required: asked.kind === 'input' ? ['answer', 'text'] : ['answer'],
    },
  });
}

/** The answer of a form that was shown for this question, for tasks. Null when there is none. */
export function formAnswer(
  asked: Pick<ApprovalView, 'id' | 'hash'>,
  responses: Readonly<Record<string, unknown>>,
): z.output<typeof FormContent> | null {
  const response = inputResponse({ ...responses }, formKey(asked));
  if (response.kind !== 'elicit' || response.action !== 'accept') return null;
  const content = FormContent.safeParse(response.content);
  return content.success ? content.data : null;
}

function given(approval: ApprovalView) {
  return answer(
    `Recorded: **${approval.answer?.answer ?? approval.state}** for \`${approval.tool}\`. The run \`${approval.run}\` goes on; run_watch follows it.`,
    approval,
  );
}
