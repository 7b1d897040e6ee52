/** `windlass handoff`: what one session leaves to the next or to another project; a person who writes one here has confirmed it. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AppError } from '../../../kernel/errors.ts';
import { renderCount } from '../../../kernel/page.ts';
import type { HandoffView, Proposal } from '../../../work/handoffs/contract.ts';
import { HandoffParts, handoffOperations } from '../../../work/handoffs/contract.ts';
import type { Command, Noun } from '../command.ts';
import { argument, flag, given, option } from '../command.ts';
import { relativeTime } from '../format.ts';
import { parseJson, readText } from '../read-text.ts';
import { pageLines, table } from '../table.ts';
import type { Line } from '../terminal.ts';

const list: Command = {
  name: 'list',
  summary: 'Lists handoffs, newest first; with --queue those that wait in the queue of a project.',
  options: [
    ['--project <code>', 'only to this project'],
    ['--queue', 'only what other projects left and nobody took'],
    ['--limit <n>', 'how many at most (50)'],
    ['--cursor <cursor>', 'next page of the list before'],
  ],
  examples: ['handoff list', 'handoff list --project app --queue'],
  async run(cli, input) {
    const connection = await cli.connect();
    const wanted = given({ project: option(input, 'project'), limit: option(input, 'limit'), cursor: option(input, 'cursor') });
    const page = await connection.call(handoffOperations.list, { ...wanted, view: flag(input, 'queue') ? 'queue' : 'all' });
    const rows = page.items.map((each) => [
      ...[each.id, each.from === each.to ? each.to : `${each.from} to ${each.to}`, each.status.replace('_', ' '), each.priority],
      ...[each.queue ?? '', relativeTime(each.createdAtMs, cli.clock.nowMs()), each.summary],
    ]);
    const head = ['handoff', 'project', 'status', 'priority', 'queue', 'written', 'summary'];
    return {
      value: page,
      lines: pageLines(page, { table: () => table(head, rows, cli.terminal.columns), nothing: 'No handoffs.', more: 'windlass handoff list' }),
    };
  },
};

const show: Command = {
  name: 'show',
  summary: 'Shows one handoff whole.',
  args: [['<id>', 'id of the handoff']],
  examples: ['handoff show ho_01jd2m7x9c4qf8w3v5k6t1z0ab'],
  async run(cli, input) {
    const found = await (await cli.connect()).call(handoffOperations.get, { id: argument(input, 0) });
    return { value: found, lines: found.markdown.trimEnd().split('\n') };
  },
};

const propose: Command = {
  name: 'propose',
  summary: 'Proposes a handoff of a session from what happened; writes nothing.',
  args: [['<session>', 'id of the session']],
  examples: ['handoff propose sess_01jd2m7x9c4qf8w3v5k6t1z0ab --json > handoff.json'],
  async run(cli, input) {
    const proposal = await (await cli.connect()).call(handoffOperations.propose, { id: argument(input, 0) });
    return { value: cli.terminal.json ? proposal.draft : proposal, lines: proposalLines(proposal) };
  },
};

function proposalLines({ commits, pulls, runs, notes, issues, draft }: Proposal): Line[] {
  const told = [
    ...Object.entries({ commits, 'pull requests': pulls, runs, notes }).map(([what, { total }]) => `${what}: ${renderCount(total)}`),
    `issues: ${issues.map((issue) => `#${issue}`).join(', ') || 'none named'}`,
  ];
  return [...told, '', ...JSON.stringify(draft, null, 2).split('\n')];
}

const write: Command = {
  name: 'write',
  summary: 'Leaves a handoff, which ends the session; without content the proposal, once you have confirmed it.',
  args: [
    ['<session>', 'id of the session'],
    ['[content]', 'the handoff as JSON, @FILE, or - for standard input'],
  ],
  options: [
    ['--to <code>', 'to the queue of another project; the session goes on'],
    ['--copy <folder>', 'write a Markdown copy into this folder of the repository'],
    ['--yes', 'write the proposal as it is, without asking'],
  ],
  examples: ['handoff write sess_01jd2m7x9c4qf8w3v5k6t1z0ab', 'handoff write sess_01jd2m7x9c4qf8w3v5k6t1z0ab @handoff.json --copy docs/handoffs'],
  async run(cli, input) {
    const connection = await cli.connect();
    const session = argument(input, 0);
    const content = input.args[1];
    const parts = content === undefined ? (await connection.call(handoffOperations.propose, { id: session })).draft : await partsOf(cli, content);
    const asked =
      content !== undefined || flag(input, 'yes')
        ? null
        : await cli.confirm(`${JSON.stringify(parts, null, 2)}\n\nWrite this handoff and end the session?`);
    if (asked === false) return { value: { written: false }, lines: ['Nothing was written; the session goes on.'], exit: 1 };
    if (asked === null && content === undefined && !flag(input, 'yes')) {
      throw new AppError('invalid_input', 'Nobody can be asked here whether the proposal is right.', { next: 'Give the handoff as JSON, or --yes.' });
    }
    const confirmed = asked === true ? { confirmed: true } : {};
    const written = await connection.call(handoffOperations.write, { ...parts, ...confirmed, session, ...given({ to: option(input, 'to') }) });
    const folder = option(input, 'copy');
    const copy =
      folder === undefined ? null : await copyTo(resolve(cli.cwd, folder), await connection.call(handoffOperations.get, { id: written.handoff.id }));
    return { value: written, lines: [writtenLine(written), ...(copy === null ? [] : [`Copied to ${copy}.`])] };
  },
};

async function partsOf(cli: Parameters<typeof readText>[0], content: string): Promise<HandoffParts> {
  const parsed = HandoffParts.safeParse(parseJson(await readText(cli, content), 'The handoff'));
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => ({ path: issue.path.join('.') || '(top)', message: issue.message }));
  throw new AppError('invalid_input', 'The handoff has not the parts that it must have.', {
    faults,
    next: '`windlass handoff propose` shows the form.',
  });
}

async function copyTo(folder: string, { fileName, markdown }: { fileName: string; markdown: string }): Promise<string> {
  const path = join(folder, fileName);
  await mkdir(folder, { recursive: true });
  await writeFile(path, markdown);
  return path;
}

function writtenLine({ handoff, created, session }: { handoff: HandoffView; created: boolean; session: { id: string; state: string } }): string {
  const where = handoff.from === handoff.to ? `session ${session.id} is ${session.state}` : `it waits in the queue of ${handoff.to}`;
  return `${created ? 'Left' : 'It was left before'}: ${handoff.id}; ${where}.`;
}

const take: Command = {
  name: 'take',
  summary: 'Takes a handoff out of the queue, to work on it.',
  args: [['<id>', 'id of the handoff']],
  examples: ['handoff take ho_01jd2m7x9c4qf8w3v5k6t1z0ab'],
  async run(cli, input) {
    const taken = await (await cli.connect()).call(handoffOperations.take, { id: argument(input, 0) });
    return { value: taken, lines: [`Taken: ${taken.id}, ${taken.summary}`] };
  },
};

const dismiss: Command = {
  name: 'dismiss',
  summary: 'Dismisses a handoff from the queue, with the reason.',
  args: [
    ['<id>', 'id of the handoff'],
    ['<reason>', 'why nothing comes of it'],
  ],
  examples: ['handoff dismiss ho_01jd2m7x9c4qf8w3v5k6t1z0ab "Done already."'],
  async run(cli, input) {
    const dismissed = await (await cli.connect()).call(handoffOperations.dismiss, { id: argument(input, 0), reason: argument(input, 1) });
    return { value: dismissed, lines: [`Dismissed: ${dismissed.id}.`] };
  },
};

export const handoff: Noun = { verbs: [list, show, propose, write, take, dismiss], usual: 'list' };
