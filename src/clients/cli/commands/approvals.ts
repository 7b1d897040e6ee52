/** `windlass approvals`: what runs ask people. Answering is in `answer.ts`. */
import { approvalOperations } from '../../../platform/approvals/contract.ts';
import type { ApprovalDetail, ApprovalView } from '../../../platform/approvals/contract.ts';
import { isId } from '../../../kernel/ids.ts';
import { PAGE_SIZE_MAX } from '../../../kernel/page.ts';
import type { Api } from '../../api.ts';
import type { Cli, Command, Noun } from '../command.ts';
import { argument, given, option } from '../command.ts';
import { findRun, pickId } from '../find-run.ts';
import { compactJson, relativeTime, shortId, timestamp } from '../format.ts';
import { waysToAnswer } from '../live-view.ts';
import { fields, pageLines, table } from '../table.ts';
import type { Line } from '../terminal.ts';

/** The question that is meant: a whole id, or the end of an open one's. */
export async function findApproval(api: Api, text: string): Promise<string> {
  if (isId('apr', text)) return text;
  const page = await api.call(approvalOperations.list, { limit: PAGE_SIZE_MAX });
  return pickId(text, { prefix: 'apr', ids: page.items.map((each) => each.id), among: `${page.shown} open questions`, list: '`windlass approvals`' });
}

const list: Command = {
  name: 'list',
  summary: 'Lists what runs ask people, oldest first.',
  options: [
    ['--state <state>', 'open, answered, expired or withdrawn (open)'],
    ['--run <run>', 'only of this run'],
    ['--limit <n>', 'how many at most (50)'],
    ['--cursor <cursor>', 'next page of the list before'],
  ],
  examples: ['approvals', 'approvals --state expired', 'approvals --json'],
  async run(cli, input) {
    const connection = await cli.connect();
    const run = option(input, 'run');
    const wanted = {
      state: option(input, 'state') as ApprovalView['state'] | undefined,
      run: run === undefined ? undefined : await findRun(connection, run),
      limit: option(input, 'limit'),
      cursor: option(input, 'cursor'),
    };
    const page = await connection.call(approvalOperations.list, given(wanted));
    return {
      value: page,
      lines: pageLines(page, { table: () => approvalTable(cli, page.items), nothing: 'No questions.', more: 'windlass approvals' }),
    };
  },
};

export function approvalTable({ terminal, clock }: Pick<Cli, 'terminal' | 'clock'>, approvals: readonly ApprovalView[]): Line[] {
  const nowMs = clock.nowMs();
  return table(
    ['question', 'kind', 'agent', 'asked', 'until', 'what'],
    approvals.map((each) => [
      shortId(terminal, each.id),
      each.kind,
      each.agent,
      relativeTime(each.askedAtMs, nowMs),
      each.answer === null ? relativeTime(each.deadlineMs, nowMs) : `${each.answer.answer} by ${each.answer.by.name}`,
      each.kind === 'approval' ? `${each.tool} ${JSON.stringify(each.args)}` : each.question,
    ]),
    terminal.columns,
  );
}

const show: Command = {
  name: 'show',
  summary: 'Shows one question: the exact action, its arguments, why it is asked, and what led there.',
  args: [['<question>', 'id of the question, or the end of one']],
  examples: ['approvals show 4t9kz1ab'],
  async run(cli, input) {
    const connection = await cli.connect();
    const found = await connection.call(approvalOperations.get, { id: await findApproval(connection, argument(input, 0)) });
    const open = found.state === 'open';
    const who: Line[] = found.whyNotYou === null || !open ? [] : ['', [['yellow', `You may not answer it: ${found.whyNotYou}.`]]];
    const how: Line[] = open ? ['', ...waysToAnswer({ approvalId: found.id, kind: found.kind }).map((way): Line => [['dim', `  ${way}`]])] : [];
    return { value: found, lines: [...approvalLines(cli, found), ...who, ...how] };
  },
};

/** All that the answer binds to, whole: what is not shown here is not approved. */
export function approvalLines({ clock }: Pick<Cli, 'clock'>, approval: ApprovalDetail): Line[] {
  const nowMs = clock.nowMs();
  const story: Line[] =
    approval.story.length === 0 ? [] : ['', [['bold', 'What led there']], ...approval.story.map((each) => `  ${each.seq}  ${each.what}`)];
  return [
    [['bold', approval.question]],
    ...fields([
      ['question', approval.id],
      ['run', `${approval.run} of ${approval.agent} (tier ${approval.tier}), ${approval.trigger} by ${approval.startedBy.name}`],
      ['action', approval.kind === 'input' ? null : approval.tool],
      ['arguments', approval.kind === 'input' ? null : JSON.stringify(approval.args, null, 2)],
      ['choices', approval.choices.join(', ')],
      ['why', approval.reason],
      ['rules', approval.rules.join(', ')],
      ['state', answerText(approval)],
      ['asked', `${timestamp(approval.askedAtMs)} (${relativeTime(approval.askedAtMs, nowMs)})`],
      ['until', `${timestamp(approval.deadlineMs)} (${relativeTime(approval.deadlineMs, nowMs)}), then ${approval.onExpiry}`],
      ['binds to', approval.hash],
    ]),
    ...story,
  ];
}

function answerText({ state, answer }: ApprovalView): string {
  if (answer === null) return state;
  const args = answer.args === undefined ? '' : `, with ${compactJson(answer.args, Number.POSITIVE_INFINITY)}`;
  return `${state}: ${answer.answer} by ${answer.by.name} at ${timestamp(answer.atMs)}${answer.text === '' ? '' : `: ${answer.text}`}${args}`;
}

const askAgain: Command = {
  name: 'ask-again',
  summary: 'Has an expired question asked again: a live run is told to, an ended one is retried.',
  args: [['<question>', 'whole id of the question']],
  examples: ['approvals ask-again apr_01kaghv4000000000000abcdef'],
  async run(cli, input) {
    const answer = await (await cli.connect()).call(approvalOperations.askAgain, { id: argument(input, 0) });
    return { value: answer, lines: [answer.message, [['dim', `windlass watch ${shortId(cli.terminal, answer.run)}`]]] };
  },
};

export const approvals: Noun = { verbs: [list, show, askAgain], usual: 'list' };
