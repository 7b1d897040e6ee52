/** `windlass runs`: the list of runs and one run in full. Steering and looking into them are in the files beside. */
import { runOperations } from '../../../runtime/runs/contract.ts';
import type { RunDetail, RunSummary } from '../../../runtime/runs/contract.ts';
import type { Cli, Command, Noun } from '../command.ts';
import { argument, flag, given, option } from '../command.ts';
import { findRun } from '../find-run.ts';
import { compactJson, count, duration, plural, relativeTime, shortId, statusText, timestamp } from '../format.ts';
import { howToAnswer } from '../live-view.ts';
import { answerLines, costText, escalationLines } from '../outcome.ts';
import { fields, pageLines, table } from '../table.ts';
import type { Line } from '../terminal.ts';
import { inspectVerbs } from './runs-inspect.ts';
import { steerVerbs } from './runs-steer.ts';

const INPUT_CHARS = 500;

const list: Command = {
  name: 'list',
  summary: 'Lists runs, newest first.',
  options: [
    ['--agent <name>', 'only runs of this agent'],
    ['--status <status>', 'only this status: queued, running, waiting, succeeded, failed, …'],
    ['--live', 'only runs that have not ended'],
    ['--parent <run>', 'only sub-agent runs of this run'],
    ['--limit <n>', 'how many at most (50)'],
    ['--cursor <cursor>', 'next page of the list before'],
  ],
  examples: ['runs', 'runs --live', 'runs list --agent repo-digest --status failed', 'runs --limit 200 --json'],
  async run(cli, input) {
    const connection = await cli.connect();
    const parent = option(input, 'parent');
    const page = await connection.call(
      runOperations.list,
      given({
        agent: option(input, 'agent'),
        status: option(input, 'status') as RunSummary['status'] | undefined,
        live: flag(input, 'live') ? 'true' : undefined,
        parent: parent === undefined ? undefined : await findRun(connection, parent),
        limit: option(input, 'limit'),
        cursor: option(input, 'cursor'),
      }),
    );
    return {
      value: page,
      lines: pageLines(page, {
        table: () => runTable(cli, page.items),
        nothing: 'No runs. Start one: windlass run <agent>',
        more: 'windlass runs',
      }),
    };
  },
};

/** A terminal narrower than this is not told how long runs took: why they ended matters more. */
const ROOMY_COLUMNS = 100;

export function runTable({ terminal, clock }: Pick<Cli, 'terminal' | 'clock'>, runs: readonly RunSummary[]): Line[] {
  const nowMs = clock.nowMs();
  const roomy = terminal.columns >= ROOMY_COLUMNS;
  return table(
    ['run', 'agent', 'status', 'created', ...(roomy ? ['took'] : []), 'cost', 'why'],
    runs.map((run): Line[] => [
      shortId(terminal, run.id),
      run.agent,
      [statusText(run)],
      relativeTime(run.createdAtMs, nowMs),
      ...(roomy ? [run.startedAtMs === null ? '' : duration((run.endedAtMs ?? nowMs) - run.startedAtMs)] : []),
      run.rehearsed && run.cost.microUsd === 0 ? 'rehearsed' : costText(run).replace('at least ', '≥ '),
      run.reason,
    ]),
    terminal.columns,
  );
}

const show: Command = {
  name: 'show',
  summary: 'Shows one run: status, why, cost, what it waits for, its answer.',
  args: [['<run>', 'id of the run, the end of one, or latest']],
  examples: ['runs show latest', 'runs show 4t9kz1ab --json'],
  async run(cli, input) {
    const connection = await cli.connect();
    const run = await connection.call(runOperations.get, { id: await findRun(connection, argument(input, 0)) });
    return { value: run, lines: [...detailLines(cli, run), ...waitLines(run), ...escalationLines(run), ...answerLines(run, cli.terminal.columns)] };
  },
};

function detailLines({ terminal, clock }: Cli, run: RunDetail): Line[] {
  const nowMs = clock.nowMs();
  const when = (ms: number | null): string | null => (ms === null ? null : `${timestamp(ms)} (${relativeTime(ms, nowMs)})`);
  return fields([
    ['run', run.id],
    ['agent', `${run.agent} v${run.version}`],
    ['status', [statusText(run)]],
    ['why', run.reason],
    ['failure', run.failure],
    ['started by', `${run.by.name}, ${run.trigger}${run.purpose === 'live' ? '' : `, ${run.purpose}`}`],
    ['parent', run.parent],
    ['origin', run.origin === null ? null : `${run.origin.how} of ${run.origin.run} from entry ${run.origin.seq}`],
    ['project', run.project],
    ['created', when(run.createdAtMs)],
    ['started', when(run.startedAtMs)],
    ['ended', when(run.endedAtMs)],
    ['phase', run.phase === null ? null : `${run.phase}${run.percent === null ? '' : ` ${Math.round(run.percent)}%`}`],
    ['to go', run.etaMs === null || run.endedAtMs !== null ? null : `about ${duration(run.etaMs)}`],
    ['work', `${plural(run.turns, 'turn')}, ${plural(run.toolCalls, 'tool call')}`],
    ['tokens', `${count(run.usage.inputTokens)} in, ${count(run.usage.outputTokens)} out${run.usage.estimated ? ', estimated' : ''}`],
    ['cost', costText(run)],
    ['labels', run.labels.join(', ')],
    ['evidence', run.evidence.map((each) => `${each.level}: ${each.what}`).join('\n')],
    ['input', compactJson(run.input, terminal.live ? INPUT_CHARS : Number.POSITIVE_INFINITY)],
    ['correlation', run.correlationId],
  ]);
}

function waitLines(run: RunDetail): Line[] {
  return run.waitingOn.flatMap((each): Line[] => [
    '',
    [['yellow', `? ${each.question}`], each.tool === '' ? '' : `  (${each.tool})`],
    ...howToAnswer(each).map((line): Line => [['dim', `  ${line}`]]),
  ]);
}

export const runs: Noun = { verbs: [list, show, ...inspectVerbs, ...steerVerbs], usual: 'list' };
