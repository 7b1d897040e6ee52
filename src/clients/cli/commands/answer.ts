/** `windlass approve`, `deny`, `answer`: a person's answers to what runs ask. The action is shown whole before it is approved. */
import { AppError } from '../../../kernel/errors.ts';
import { approvalOperations } from '../../../platform/approvals/contract.ts';
import type { ApprovalDetail } from '../../../platform/approvals/contract.ts';
import type { Answer, Cli, Command, Input } from '../command.ts';
import { argument, flag, option } from '../command.ts';
import type { Connection } from '../connection.ts';
import { waysToAnswer } from '../live-view.ts';
import { parseJson, readText } from '../read-text.ts';
import { approvalLines, findApproval } from './approvals.ts';

const QUESTION = ['<question>', 'id of the question, or the end of one'] as const;

type Asked = { connection: Connection; approval: ApprovalDetail };
type Args = ApprovalDetail['args'];
type Wanted = { answer: 'approve' | 'edit' | 'deny' | 'answer' | 'done' | 'not_done'; text?: string; args?: Args };

/** @throws AppError `denied` when this key may not answer it, `conflict` when it is no longer open. */
async function open(cli: Cli, input: Input): Promise<Asked> {
  const connection = await cli.connect();
  const approval = await connection.call(approvalOperations.get, { id: await findApproval(connection, argument(input, 0)) });
  if (approval.state !== 'open') {
    const next =
      approval.state === 'expired'
        ? `Have it asked again: windlass approvals ask-again ${approval.id}`
        : `\`windlass approvals show ${approval.id}\` says more.`;
    throw new AppError('conflict', `This question is no longer open: it is ${approval.state}.`, { next });
  }
  if (approval.whyNotYou !== null) {
    throw new AppError('denied', `This question is not answered with this key: ${approval.whyNotYou}.`, {
      next: "Set WINDLASS_KEY to a person's own key; the key of this machine cannot answer.",
    });
  }
  return { connection, approval };
}

function unfit(approval: ApprovalDetail, command: string): AppError {
  const ways = waysToAnswer({ approvalId: approval.id, kind: approval.kind });
  return new AppError('invalid_input', `\`${command}\` does not answer this question, which is of kind ${approval.kind}.`, {
    next: `Answer with: ${ways.join('   or   ')}`,
  });
}

async function send({ connection, approval }: Asked, wanted: Wanted): Promise<Answer> {
  const answered = await connection.call(approvalOperations.answer, { id: approval.id, hash: approval.hash, ...wanted });
  const words = {
    approve: 'Approved',
    edit: 'Approved with other arguments',
    deny: 'Denied',
    answer: 'Answered',
    done: 'Noted as done',
    not_done: 'Noted as not done',
  };
  return { value: answered, lines: [`${words[wanted.answer]}. The run goes on: windlass watch ${approval.run}`] };
}

export const approve: Command = {
  name: 'approve',
  summary: 'Approves an action of a run, once, exactly as shown; --args approves other arguments instead.',
  args: [QUESTION],
  options: [
    ['--args <json>', 'the arguments to carry out instead, whole: JSON, @FILE, or -'],
    ['--yes', 'do not ask; for scripts that have shown it to somebody'],
  ],
  examples: ['approve 4t9kz1ab', 'approve 4t9kz1ab --args \'{"to": "team@example.com"}\'', 'approve apr_01kaghv4000000000000abcdef --yes --json'],
  async run(cli, input) {
    const given = option(input, 'args');
    const args = given === undefined ? null : parseJson(await readText(cli, given), '--args');
    if (args !== null && (typeof args !== 'object' || Array.isArray(args))) throw new AppError('invalid_input', '--args must be a JSON object.');
    const asked = await open(cli, input);
    if (asked.approval.kind !== 'approval') throw unfit(asked.approval, 'approve');
    if (!flag(input, 'yes')) await askPerson(cli, asked.approval, args);
    return send(asked, args === null ? { answer: 'approve' } : { answer: 'edit', args });
  },
};

async function askPerson(cli: Cli, approval: ApprovalDetail, args: Args | null): Promise<void> {
  if (!cli.terminal.json) {
    for (const line of approvalLines(cli, approval)) cli.terminal.err(line);
    if (args !== null) cli.terminal.err([['yellow', `Instead with these arguments: ${JSON.stringify(args, null, 2)}`]]);
  }
  const answer = cli.terminal.json ? null : await cli.confirm('Approve exactly this?');
  if (answer === null) throw new AppError('invalid_input', 'Nobody can be asked here, so nothing was approved.', { next: 'Give --yes in a script.' });
  if (!answer)
    throw new AppError('conflict', 'Nothing was approved; the run still waits.', {
      next: `Refuse it with: windlass deny ${approval.id} --reason "…"`,
    });
}

export const deny: Command = {
  name: 'deny',
  summary: 'Refuses an action or a question of a run; the agent is told the reason.',
  args: [QUESTION],
  options: [['--reason <text>', 'why: the agent reads it']],
  examples: ['deny 4t9kz1ab --reason "not before the release"'],
  async run(cli, input) {
    const text = option(input, 'reason') ?? '';
    if (text.trim() === '') throw new AppError('invalid_input', 'The reason is missing: the agent is told it.', { next: 'Give --reason "…".' });
    const asked = await open(cli, input);
    if (asked.approval.kind === 'outcome') throw unfit(asked.approval, 'deny');
    return send(asked, { answer: 'deny', text });
  },
};

export const answer: Command = {
  name: 'answer',
  summary: 'Answers a question of a run; for an action of unknown outcome: done or not_done.',
  args: [QUESTION, ['<text>', 'the answer, @FILE, or - for standard input']],
  examples: ['answer 4t9kz1ab "Use the staging database."', 'answer 4t9kz1ab done'],
  async run(cli, input) {
    const text = (await readText(cli, argument(input, 1))).trim();
    const asked = await open(cli, input);
    if (asked.approval.kind === 'input') return send(asked, { answer: 'answer', text });
    if (asked.approval.kind === 'outcome' && (text === 'done' || text === 'not_done')) return send(asked, { answer: text });
    throw unfit(asked.approval, 'answer');
  },
};
