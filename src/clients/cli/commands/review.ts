/** `windlass review`: has personas review a change and waits for what they find; lists and shows reviews, findings, figures. */
import { AppError } from '../../../kernel/errors.ts';
import { isId } from '../../../kernel/ids.ts';
import type { Format, JobDetail, PanelView } from '../../../work/reviews/contract.ts';
import { panelOperations, reviewOperations } from '../../../work/reviews/contract.ts';
import type { Answer, Cli, Command, Input, Noun } from '../command.ts';
import { argument, flag, given, numberOption, option } from '../command.ts';
import type { Connection } from '../connection.ts';
import { EXIT_INTERRUPTED } from '../failure.ts';
import { relativeTime, shortId, statusStyle } from '../format.ts';
import { reviewTarget } from '../review-target.ts';
import { pageLines, table } from '../table.ts';
import type { Line } from '../terminal.ts';
import { approve, dismiss, findings, personas, stats } from './review-more.ts';

const SEVERITIES = ['critical', 'high', 'medium', 'low', 'info'];
const FORMATS = ['markdown', 'json', 'sarif'];
const WAIT_SECONDS = 2;

const run: Command = {
  name: 'run',
  summary: 'Reviews a range of commits, files, standard input (-), or without any what is not committed; waits for the findings.',
  args: [['[what...]', 'RANGE as in main..HEAD, PATH, or - for standard input']],
  options: [
    ['--persona <names>', 'who reviews, separated by commas (code-reviewer)'],
    ['--panel', 'the seven core personas side by side, merged and graded'],
    ['--model <models>', 'provider/model, several separated by commas: each persona on each'],
    ['--pr <number>', 'a pull request, read by gh'],
    ['--question <text>', 'what to look at, or what the change is for'],
    ['--project <project>', 'project by code or id (that of the current folder)'],
    ['--name <name>', 'what standard input is called, as in src/app.ts'],
    ['--priority <priority>', 'low, normal or high (normal)'],
    ['--format <format>', 'markdown, json or sarif (markdown)'],
    ['--fail-on <severity>', 'exit 1 when a finding is as bad as this or worse'],
    ['--no-wait', 'start it and answer its id'],
  ],
  examples: [
    'review',
    'review main..HEAD --panel',
    'review --persona security,sre src/server',
    'review - --name app.ts < app.ts',
    'review --panel --format sarif --fail-on high',
  ],
  async run(cli, input) {
    const format = oneOf(option(input, 'format') ?? 'markdown', FORMATS, '--format') as Format;
    const failOn = option(input, 'failOn');
    if (failOn !== undefined) oneOf(failOn, SEVERITIES, '--fail-on');
    const connection = await cli.connect();
    const started = await start(cli, connection, input);
    const show = shortId(cli.terminal, started.id);
    if (input.options['wait'] === false) return { value: started, lines: [`Started. Look at it: windlass review show ${show}`] };
    const ended = await waitFor(cli, connection, started);
    if (ended === null) return { value: started, exit: EXIT_INTERRUPTED, lines: [`It goes on. Look at it: windlass review show ${show}`] };
    const { text } = await report(connection, ended.id, format);
    const asked = failOn === undefined ? -1 : SEVERITIES.indexOf(failOn);
    const bad = ended.findings.some(({ severity }) => SEVERITIES.indexOf(severity) <= asked);
    return {
      value: format === 'markdown' || format === 'json' ? ended : (JSON.parse(text) as unknown),
      lines: [text],
      exit: bad || !answered(ended) ? 1 : 0,
    };
  },
};

type Either = JobDetail | PanelView;
const isPanel = (found: Either): found is PanelView => 'members' in found;
const answered = (found: Either): boolean => (isPanel(found) ? found.coverage.answered > 0 : found.status === 'succeeded');

async function start(cli: Cli, connection: Connection, input: Input): Promise<Either> {
  const words = option(input, 'persona')
    ?.split(',')
    .map((name) => name.trim());
  const models = option(input, 'model')
    ?.split(',')
    .map((name) => name.trim());
  const asked = { words: input.args, project: option(input, 'project'), pullRequest: numberOption(input, 'pr'), name: option(input, 'name') };
  const target = await reviewTarget(cli, connection, asked);
  const rest = given({ question: option(input, 'question'), priority: option(input, 'priority') as 'normal' | undefined });
  const [persona, ...others] = words ?? (flag(input, 'panel') ? [] : ['code-reviewer']);
  if (persona !== undefined && others.length === 0 && !flag(input, 'panel') && (models?.length ?? 0) < 2) {
    const job = await connection.call(reviewOperations.start, { ...target, ...rest, persona, ...given({ model: models?.[0] }) });
    return connection.call(reviewOperations.get, { id: job.id });
  }
  return connection.call(panelOperations.start, { ...target, ...rest, ...given({ personas: words, models }) });
}

/** Null when a person pressed Ctrl-C. */
async function waitFor(cli: Cli, connection: Connection, started: Either): Promise<Either | null> {
  const interrupt = cli.interrupt();
  let found = started;
  while (!found.ended) {
    if (interrupt.aborted) break;
    cli.terminal.redraw(progressLines(found));
    found = await look(connection, found.id, WAIT_SECONDS);
  }
  cli.terminal.redraw([]);
  return found.ended ? found : null;
}

const look = (connection: Connection, id: string, waitSeconds: number): Promise<Either> =>
  isId('pnl', id) ? connection.call(panelOperations.get, { id, waitSeconds }) : connection.call(reviewOperations.get, { id, waitSeconds });
const report = (connection: Connection, id: string, format: Format) =>
  isId('pnl', id) ? connection.call(panelOperations.report, { id, format }) : connection.call(reviewOperations.report, { id, format });

function progressLines(found: Either): Line[] {
  if (!isPanel(found)) {
    const eta = found.etaMs === null ? 'longer than was thought' : `about ${Math.ceil(found.etaMs / 1000)} s to go`;
    return [[['cyan', found.persona], ` ${found.phase}, ${found.percent} %, ${eta}`]];
  }
  return found.members.map(({ reviewer, phase, percent, failure, findings: count }) => {
    if (failure !== null) return [['red', reviewer], ` ${failure}`];
    return phase === 'ended' ? [['green', reviewer], ` ${count} findings`] : [['cyan', reviewer], ` ${phase ?? 'waits'}, ${percent} %`];
  });
}

const list: Command = {
  name: 'list',
  summary: 'Lists reviews, newest first; with --panels panels and their grades.',
  options: [
    ['--persona <name>', 'only by this persona'],
    ['--live', 'only what has not ended'],
    ['--panels', 'panels instead of single reviews'],
    ['--limit <n>', 'how many at most (50)'],
    ['--cursor <cursor>', 'next page of the list before'],
  ],
  examples: ['review list', 'review list --panels', 'review list --persona security --json'],
  async run(cli, input) {
    const connection = await cli.connect();
    const page = given({ limit: option(input, 'limit'), cursor: option(input, 'cursor') });
    const ago = (ms: number): string => relativeTime(ms, cli.clock.nowMs());
    if (flag(input, 'panels')) {
      const found = await connection.call(panelOperations.list, page);
      const rows = found.items.map((each) => [
        shortId(cli.terminal, each.id),
        each.overall ?? (each.ended ? '-' : 'goes on'),
        String(each.findings),
        `${each.answered} of ${each.of}`,
        ago(each.createdAtMs),
        each.title,
      ]);
      const head = ['panel', 'grade', 'findings', 'answered', 'asked', 'what'];
      return {
        value: found,
        lines: pageLines(found, {
          table: () => table(head, rows, cli.terminal.columns),
          nothing: 'No panels.',
          more: 'windlass review list --panels',
        }),
      };
    }
    const wanted = given({ persona: option(input, 'persona'), live: flag(input, 'live') ? 'true' : undefined });
    const found = await connection.call(reviewOperations.list, { ...page, ...wanted });
    const rows = found.items.map((each) => [
      shortId(cli.terminal, each.id),
      each.persona,
      [[statusStyle(each.status), each.rehearsed ? `${each.status} (rehearsed)` : each.status]] as const,
      each.phase === 'ended' ? '' : `${each.phase} ${each.percent} %`,
      ago(each.createdAtMs),
      each.title,
    ]);
    const head = ['review', 'persona', 'status', 'progress', 'asked', 'what'];
    return {
      value: found,
      lines: pageLines(found, { table: () => table(head, rows, cli.terminal.columns), nothing: 'No reviews.', more: 'windlass review list' }),
    };
  },
};

const show: Command = {
  name: 'show',
  summary: 'Shows a review or a panel: how it goes, or what was found.',
  args: [['<id>', 'id of a review or panel, or the end of one']],
  options: [['--format <format>', 'markdown, json or sarif (markdown)']],
  examples: ['review show 4t9kz1ab', 'review show 4t9kz1ab --format sarif'],
  async run(cli, input): Promise<Answer> {
    const format = oneOf(option(input, 'format') ?? 'markdown', FORMATS, '--format') as Format;
    const connection = await cli.connect();
    const id = await findReview(connection, argument(input, 0));
    const { text } = await report(connection, id, format);
    return { value: format === 'sarif' ? (JSON.parse(text) as unknown) : await look(connection, id, 0), lines: [text] };
  },
};

const cancel: Command = {
  name: 'cancel',
  summary: 'Stops a review.',
  args: [['<id>', 'id of the review, or the end of one']],
  examples: ['review cancel 4t9kz1ab'],
  async run(cli, input) {
    const connection = await cli.connect();
    const job = await connection.call(reviewOperations.cancel, { id: await findReview(connection, argument(input, 0)) });
    return { value: job, lines: [`${job.persona} on ${job.title}: ${job.status}`] };
  },
};

async function findReview(connection: Connection, text: string): Promise<string> {
  if (isId('run', text) || isId('pnl', text)) return text;
  const [jobs, panels] = await Promise.all([
    connection.call(reviewOperations.list, { limit: 200 }),
    connection.call(panelOperations.list, { limit: 200 }),
  ]);
  const found = [...jobs.items, ...panels.items].map(({ id }) => id).filter((id) => text.length >= 4 && id.endsWith(text.replace(/^…/, '')));
  const [id] = found;
  if (id !== undefined && found.length === 1) return id;
  const what = found.length === 0 ? 'is the end of no id among the newest reviews and panels' : `fits ${found.length} reviews and panels`;
  throw new AppError(found.length === 0 ? 'not_found' : 'invalid_input', `"${text}" ${what}.`, {
    next: '`windlass review list` lists what there is.',
  });
}

/** @throws AppError `invalid_input` */
function oneOf(value: string, known: readonly string[], name: string): string {
  if (known.includes(value)) return value;
  throw new AppError('invalid_input', `${name} takes ${known.join(', ')}, not "${value}".`);
}

export const review: Noun = { verbs: [run, list, show, cancel, findings, approve, dismiss, personas, stats], usual: 'run', usualTakesWords: true };
