/** `windlass standard`: rules that reviewers propose and people approve; found by words, and by meaning where a model is configured. */
import { isId } from '../../../kernel/ids.ts';
import { PAGE_SIZE_MAX, renderCount } from '../../../kernel/page.ts';
import { standardOperations } from '../../../work/standards/contract.ts';
import type { ProposalView, StandardView } from '../../../work/standards/contract.ts';
import type { Api } from '../../api.ts';
import type { Command, Noun } from '../command.ts';
import { argument, given, option } from '../command.ts';
import { pickId } from '../find-run.ts';
import { ellipsis, relativeTime, shortId, timestamp } from '../format.ts';
import { readText } from '../read-text.ts';
import { fields, pageLines, table } from '../table.ts';
import type { Line } from '../terminal.ts';

const PROJECT = ['--project <code>', 'those of this project and of the whole organization'] as const;
const PASSAGE_CHARS = 400;

const list: Command = {
  name: 'list',
  summary: 'Lists standards by path.',
  options: [PROJECT, ['--limit <n>', 'how many at most (50)'], ['--cursor <cursor>', 'next page of the list before']],
  examples: ['standard list', 'standard list --project windmill --json'],
  async run(cli, input) {
    const page = await (
      await cli.connect()
    ).call(standardOperations.list, {
      ...given({ project: option(input, 'project'), limit: option(input, 'limit'), cursor: option(input, 'cursor') }),
    });
    const rows = page.items.map((each): Line[] => [
      shortId(cli.terminal, each.id),
      each.project ?? 'org-wide',
      each.path,
      each.title,
      each.faults.length === 0 ? '' : [['yellow', `${each.faults.length} faults`]],
    ]);
    const shown = {
      table: () => table(['standard', 'project', 'path', 'title', ''], rows, cli.terminal.columns),
      nothing: 'No standards.',
      more: 'windlass standard list',
    };
    return { value: page, lines: pageLines(page, shown) };
  },
};

const search: Command = {
  name: 'search',
  summary: 'Finds passages of standards, best first, each with its place.',
  args: [['<query>', 'what it is about']],
  options: [PROJECT, ['--limit <n>', 'how many at most (10)']],
  examples: ['standard search "retry a failed request"', 'standard search retries --json'],
  async run(cli, input) {
    const wanted = { query: argument(input, 0), ...given({ project: option(input, 'project'), limit: option(input, 'limit') }) };
    const found = await (await cli.connect()).call(standardOperations.search, wanted);
    const alike: Line[] =
      found.how === 'likeness' && found.shown > 0 ? [[['yellow', 'No standard has these words; these have names like them.']], ''] : [];
    const lines = found.items.flatMap((each): Line[] => [
      [['bold', `${each.path}:${each.line}`], `  ${each.heading}`],
      ellipsis(each.passage, PASSAGE_CHARS),
      '',
    ]);
    return { value: found, lines: found.shown === 0 ? ['No standard has these words.'] : [...alike, ...lines.slice(0, -1)] };
  },
};

const show: Command = {
  name: 'show',
  summary: 'Shows one standard, or one proposal with what became of it.',
  args: [['<id>', 'id of a standard or of a proposal']],
  examples: ['standard show std_01kaghv4000000000000abcdef'],
  async run(cli, input) {
    const api = await cli.connect();
    const id = argument(input, 0);
    if (isId('std', id)) {
      const standard = await api.call(standardOperations.get, { id });
      return { value: standard, lines: standardLines(standard) };
    }
    const proposal = await api.call(standardOperations.proposal, { id: await findProposal(api, id) });
    return { value: proposal, lines: [...proposalLines(proposal), '', proposal.content] };
  },
};

const proposals: Command = {
  name: 'proposals',
  summary: 'Lists proposals, the newest first.',
  options: [
    ['--state <state>', 'open, approved, refused or written'],
    ['--limit <n>', 'how many at most (20)'],
  ],
  examples: ['standard proposals --state open'],
  async run(cli, input) {
    const state = option(input, 'state') as ProposalView['state'] | undefined;
    const page = await (await cli.connect()).call(standardOperations.proposals, { ...given({ state, limit: option(input, 'limit') }) });
    const rows = page.items.map((each): Line[] => [
      shortId(cli.terminal, each.id),
      each.state,
      each.path,
      each.proposedBy.name,
      relativeTime(each.proposedAtMs, cli.clock.nowMs()),
    ]);
    const shown = {
      table: () => table(['proposal', 'state', 'path', 'by', 'when'], rows, cli.terminal.columns),
      nothing: 'No proposals.',
      more: 'windlass standard proposals',
    };
    return { value: page, lines: pageLines(page, shown) };
  },
};

const propose: Command = {
  name: 'propose',
  summary: 'Proposes a standard; a person approves exactly this text before it is written.',
  args: [
    ['<path>', 'domain/topic, as in errors/retry-with-backoff'],
    ['<content>', 'Markdown with its five sections, @FILE, or - for standard input'],
  ],
  options: [
    ['--why <text>', 'where the pattern was seen'],
    ['--project <code>', 'of this project; org-wide when left out'],
    ['--tags <tags>', 'separated by commas'],
  ],
  examples: ['standard propose errors/retry-with-backoff @retry.md --why "Seen in three services." --tags http,errors'],
  async run(cli, input) {
    const [domain = '', ...topic] = argument(input, 0).replace(/\.md$/, '').split('/');
    const content = await readText(cli, argument(input, 1));
    const tags = option(input, 'tags')
      ?.split(',')
      .map((tag) => tag.trim());
    const why = option(input, 'why') ?? 'Proposed by hand.';
    const wanted = { domain, topic: topic.join('/'), content, why, ...given({ project: option(input, 'project'), tags }) };
    const proposal = await (await cli.connect()).call(standardOperations.propose, wanted);
    return { value: proposal, lines: [...proposalLines(proposal), '', `A person approves it: windlass standard approve ${proposal.id}`] };
  },
};

const approve: Command = {
  name: 'approve',
  summary: 'Approves a proposal, as it is or edited, and writes it.',
  args: [['<proposal>', 'id of the proposal, or the end of one']],
  options: [
    ['--edit <content>', 'the whole text to approve instead: Markdown, @FILE or -'],
    ['--no-write', 'only record the approval; `standards.create` writes it later'],
    ['--text <text>', 'a word to go with it'],
  ],
  examples: ['standard approve 4t9kz1ab', 'standard approve 4t9kz1ab --edit @retry.md'],
  async run(cli, input) {
    const api = await cli.connect();
    const { id, hash } = await api.call(standardOperations.proposal, { id: await findProposal(api, argument(input, 0)) });
    const edit = option(input, 'edit');
    const answered = edit === undefined ? { answer: 'approve' as const } : { answer: 'edit' as const, content: await readText(cli, edit) };
    const wanted = { id, hash, ...answered, write: input.options['write'] !== false, ...given({ text: option(input, 'text') }) };
    const proposal = await api.call(standardOperations.answer, wanted);
    return { value: proposal, lines: proposalLines(proposal) };
  },
};

const refuse: Command = {
  name: 'refuse',
  summary: 'Refuses a proposal, with the reason.',
  args: [
    ['<proposal>', 'id of the proposal, or the end of one'],
    ['<reason>', 'why'],
  ],
  examples: ['standard refuse 4t9kz1ab "We do not retry writes."'],
  async run(cli, input) {
    const api = await cli.connect();
    const { id, hash } = await api.call(standardOperations.proposal, { id: await findProposal(api, argument(input, 0)) });
    const proposal = await api.call(standardOperations.answer, { id, hash, answer: 'refuse', text: argument(input, 1) });
    return { value: proposal, lines: proposalLines(proposal) };
  },
};

const metrics: Command = {
  name: 'metrics',
  summary: 'Counts proposals by what became of them, and searches that found something.',
  options: [],
  examples: ['standard metrics --json'],
  async run(cli) {
    const counted = await (await cli.connect()).call(standardOperations.metrics, {});
    return { value: counted, lines: fields(Object.entries(counted).map(([name, value]) => [name, String(value)])) };
  },
};

async function findProposal(api: Api, text: string): Promise<string> {
  if (isId('stp', text)) return text;
  const page = await api.call(standardOperations.proposals, { limit: Math.min(PAGE_SIZE_MAX, 50) });
  const among = `the ${page.shown} newest of ${renderCount(page.total)} proposals`;
  return pickId(text, { prefix: 'stp', ids: page.items.map((each) => each.id), among, list: '`windlass standard proposals`' });
}

function standardLines(standard: StandardView): Line[] {
  return [
    ...fields([
      ['standard', standard.id],
      ['place', `${standard.project ?? 'org-wide'} ${standard.path} (${standard.place})`],
      ...standard.faults.map(({ message, line }): [string, string] => ['fault', line === undefined ? message : `line ${line}: ${message}`]),
    ]),
    '',
    standard.text,
  ];
}

function proposalLines(proposal: ProposalView): Line[] {
  const { answer } = proposal;
  return fields([
    ['proposal', proposal.id],
    ['path', `${proposal.project ?? 'org-wide'} ${proposal.path}`],
    [
      'state',
      answer === null ? proposal.state : `${proposal.state}, by ${answer.by.name} at ${timestamp(answer.atMs)}${answer.edited ? ', edited' : ''}`,
    ],
    ...(answer === null || answer.text === '' ? [] : [['said', answer.text] as [string, string]]),
    ['why', proposal.why],
    ['by', `${proposal.proposedBy.name} at ${timestamp(proposal.proposedAtMs)}`],
    ...(proposal.approval === null ? [] : [['approval', proposal.approval] as [string, string]]),
    ...(proposal.standard === null ? [] : [['standard', proposal.standard] as [string, string]]),
  ]);
}

export const standard: Noun = { verbs: [list, search, show, proposals, propose, approve, refuse, metrics], usual: 'list' };
