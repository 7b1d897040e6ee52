/** What the screen asks of the server, one call each, and what came of it in a sentence. */
import { toAppError } from '../../kernel/errors.ts';
import { approvalOperations } from '../../platform/approvals/contract.ts';
import { runOperations } from '../../runtime/runs/contract.ts';
import { agentOperations } from '../../work/agents/contract.ts';
import type { Cli } from '../cli/command.ts';
import type { Connection } from '../cli/connection.ts';
import { given } from '../cli/command.ts';
import { projectHere } from '../cli/here.ts';
import { jsonOrText } from '../cli/read-text.ts';
import { short } from './slash.ts';
import type { Call, Event } from './state.ts';

type Answered = Extract<Event, { type: 'answered' }>;

const ANSWERED: Readonly<Record<Extract<Call, { kind: 'answer' }>['answer'], string>> = {
  approve: 'Approved',
  deny: 'Denied',
  answer: 'Answered',
  done: 'Noted as done',
  not_done: 'Noted as not done',
};

/** Never rejects: a failure is what came of it. */
export async function carryOutCall(cli: Pick<Cli, 'cwd'>, connect: () => Promise<Connection>, call: Call): Promise<Answered> {
  const approval = call.kind === 'answer' ? call.approval : null;
  try {
    return { type: 'answered', ok: true, text: await ask(cli, await connect(), call), approval };
  } catch (error) {
    return { type: 'answered', ok: false, text: failureText(error), approval };
  }
}

export function failureText(error: unknown): string {
  const { message, next } = toAppError(error);
  return next === undefined ? message : `${message} Next: ${next}`;
}

async function ask(cli: Pick<Cli, 'cwd'>, api: Connection, call: Call): Promise<string> {
  switch (call.kind) {
    case 'pause':
    case 'resume':
    case 'cancel':
      return (await api.call(runOperations[call.kind], { id: call.run, reason: call.reason })).message;
    case 'answer': {
      const { approval: id, hash, answer, text } = call;
      const answered = await api.call(approvalOperations.answer, { id, hash, answer, text });
      return `${ANSWERED[answer]}: ${answered.agent} ${short(answered.run)} goes on.`;
    }
    case 'run': {
      const wanted = { input: call.input === '' ? undefined : jsonOrText(call.input), project: await projectHere(cli, api) };
      return (await api.call(agentOperations.run, { name: call.agent, ...given(wanted) })).message;
    }
  }
}
