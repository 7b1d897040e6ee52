/** The other verbs of `windlass review`: findings and what becomes of them, personas, figures; and `windlass metrics`. */
import { isId } from '../../../kernel/ids.ts';
import { personaOperations } from '../../../work/personas/contract.ts';
import { findingOperations, reviewOperations } from '../../../work/reviews/contract.ts';
import { standardOperations } from '../../../work/standards/contract.ts';
import type { Command } from '../command.ts';
import { argument, given, option } from '../command.ts';
import type { Connection } from '../connection.ts';
import { pickId } from '../find-run.ts';
import { bytes, duration, shortId } from '../format.ts';
import { projectHere } from '../here.ts';
import { fields, pageLines, table } from '../table.ts';
import type { Line } from '../terminal.ts';

export const findings: Command = {
  name: 'findings',
  summary: 'Lists findings with what became of them.',
  options: [
    ['--state <state>', 'open, issue, dismissed or resolved'],
    ['--of <id>', 'only of this panel or review'],
    ['--limit <n>', 'how many at most (50)'],
    ['--cursor <cursor>', 'next page of the list before'],
  ],
  examples: ['review findings --state open', 'review findings --json'],
  async run(cli, input) {
    const wanted = given({
      state: option(input, 'state') as 'open' | undefined,
      source: option(input, 'of'),
      limit: option(input, 'limit'),
      cursor: option(input, 'cursor'),
    });
    const page = await (await cli.connect()).call(findingOperations.list, wanted);
    const rows = page.items.map((each) => [
      shortId(cli.terminal, each.id),
      each.state,
      each.severity,
      `${each.file}${each.line === null ? '' : `:${each.line}`}`,
      each.issue ?? '',
      each.problem,
    ]);
    const head = ['finding', 'state', 'severity', 'place', 'issue', 'problem'];
    return {
      value: page,
      lines: pageLines(page, { table: () => table(head, rows, cli.terminal.columns), nothing: 'No findings.', more: 'windlass review findings' }),
    };
  },
};

async function findFinding(connection: Connection, text: string): Promise<string> {
  if (isId('fnd', text)) return text;
  const { items } = await connection.call(findingOperations.list, { limit: 200 });
  return pickId(text, {
    prefix: 'fnd',
    ids: items.map(({ id }) => id),
    among: `the newest ${items.length} findings`,
    list: '`windlass review findings`',
  });
}

export const approve: Command = {
  name: 'approve',
  summary: 'Makes an issue of a finding: in the tracker by gh where it is there, else here.',
  args: [['<finding>', 'id of the finding, or the end of one']],
  options: [['--tags <tags>', 'more labels, separated by commas']],
  examples: ['review approve 4t9kz1ab --tags backend'],
  async run(cli, input) {
    const connection = await cli.connect();
    const tags = option(input, 'tags')
      ?.split(',')
      .map((tag) => tag.trim());
    const found = await connection.call(findingOperations.approve, { id: await findFinding(connection, argument(input, 0)), ...given({ tags }) });
    return {
      value: found,
      lines: [
        `${found.file}: an issue now${found.issue === null ? ', kept here' : `, ${found.issue}`}. The next review of it checks whether it is resolved.`,
      ],
    };
  },
};

export const dismiss: Command = {
  name: 'dismiss',
  summary: 'Dismisses a finding for a reason; the same one does not come up again.',
  args: [
    ['<finding>', 'id of the finding, or the end of one'],
    ['<reason>', 'why'],
  ],
  examples: ['review dismiss 4t9kz1ab "Only used in tests."'],
  async run(cli, input) {
    const connection = await cli.connect();
    const found = await connection.call(findingOperations.dismiss, {
      id: await findFinding(connection, argument(input, 0)),
      reason: argument(input, 1),
    });
    return { value: found, lines: [`${found.file}: dismissed.`] };
  },
};

export const personas: Command = {
  name: 'personas',
  summary: 'Lists who can review, and persona files that cannot be used.',
  options: [['--project <project>', 'with those of its repository (that of the current folder)']],
  examples: ['review personas'],
  async run(cli, input) {
    const connection = await cli.connect();
    const project = option(input, 'project') ?? (await projectHere(cli, connection));
    const found = await connection.call(personaOperations.list, given({ project }));
    const rows = found.items.map(({ name, kind, from, dimensions, description }) => [name, kind, from, dimensions.join(', '), description]);
    const faults = found.faults.map(({ path, line, message }): Line => [['red', `${path}:${line ?? 1}`], ` ${message}`]);
    return {
      value: found,
      lines: [...table(['persona', 'kind', 'from', 'looks at', 'for'], rows, cli.terminal.columns), ...faults],
      exit: faults.length === 0 ? 0 : 1,
    };
  },
};

export const stats: Command = {
  name: 'stats',
  summary: 'Figures of reviews: by persona, how right the estimates were, room taken.',
  examples: ['review stats', 'review stats --json'],
  async run(cli) {
    const found = await (await cli.connect()).call(reviewOperations.stats, {});
    const rows = found.personas.map((each) => [
      each.persona,
      String(each.invocations),
      String(each.failed),
      String(each.findings),
      String(each.dropped),
      each.medianMs === null ? '-' : duration(each.medianMs),
      each.estimates.of === 0 ? '-' : `${each.estimates.within50Percent} of ${each.estimates.of}`,
    ]);
    const head = ['persona', 'reviews', 'failed', 'findings', 'dropped', 'takes', 'estimates within half'];
    const facts = fields([
      ['reviews', `${found.stored} stored: ${found.queued} queued, ${found.running} running, ${found.ended} ended`],
      ['workers', String(found.workers)],
      ['room', `${bytes(found.bytes)} of ${bytes(found.maxBytes)}, kept ${found.keepDays} days`],
      [
        'findings',
        `${found.findings.open} open, ${found.findings.issue} issues, ${found.findings.dismissed} dismissed, ${found.findings.resolved} resolved`,
      ],
    ]);
    return { value: found, lines: [...facts, '', ...(rows.length === 0 ? ['No reviews yet.'] : table(head, rows, cli.terminal.columns))] };
  },
};

export const metrics: Command = {
  name: 'metrics',
  summary: 'Figures of reviews and standards, for scripts with --json.',
  examples: ['metrics --json'],
  async run(cli) {
    const connection = await cli.connect();
    const [reviews, standards] = await Promise.all([connection.call(reviewOperations.stats, {}), connection.call(standardOperations.metrics, {})]);
    const { proposed, open, accepted, refused, queries, hits } = standards;
    const invocations = reviews.personas.reduce((sum, each) => sum + each.invocations, 0);
    const lines = fields([
      ['reviews', `${invocations} invocations, ${reviews.failed} failed`],
      [
        'findings',
        `${reviews.findings.open} open, ${reviews.findings.issue} issues, ${reviews.findings.dismissed} dismissed, ${reviews.findings.resolved} resolved`,
      ],
      ['standards', `${standards.standards}; ${proposed} proposed, ${accepted} accepted, ${refused} refused, ${open} open`],
      ['searches', `${queries}, ${hits} with a hit`],
    ]);
    return { value: { reviews: { ...reviews, invocations }, standards }, lines };
  },
};
