/** `windlass schedule`: when agents are due, and what came of each due time. Schedules are changed in their agent's definition. */
import { scheduleOperations } from '../../../runtime/schedules/contract.ts';
import type { FiringView, ScheduleView } from '../../../runtime/schedules/contract.ts';
import { AppError } from '../../../kernel/errors.ts';
import { isId } from '../../../kernel/ids.ts';
import type { Cli, Command, Noun } from '../command.ts';
import { argument, given, option } from '../command.ts';
import type { Connection } from '../connection.ts';
import { pickId } from '../find-run.ts';
import { relativeTime, shortId, timestamp } from '../format.ts';
import { fields, pageLines, table } from '../table.ts';
import type { Line, Segment } from '../terminal.ts';

const SCHEDULE_ARGUMENT = ['<schedule>', 'id of the schedule or the end of one; the name of an agent that has a single one'] as const;

async function findSchedule(connection: Connection, text: string): Promise<ScheduleView> {
  const { items, shown } = await connection.call(scheduleOperations.list, {});
  const [ofAgent, ...others] = items.filter((each) => each.agent === text);
  if (ofAgent !== undefined && others.length === 0) return ofAgent;
  if (ofAgent !== undefined) {
    throw new AppError('invalid_input', `${text} has ${others.length + 1} schedules.`, {
      next: `Name one by its id: windlass schedule list --agent ${text}`,
    });
  }
  const among = { prefix: 'sch', ids: items.map((each) => each.id), among: `${shown} schedules`, list: '`windlass schedule list`' };
  const id = isId('sch', text) ? text : pickId(text, among);
  const found = items.find((each) => each.id === id);
  if (found === undefined) throw new AppError('not_found', `There is no schedule ${id}.`, { next: '`windlass schedule list` lists what there is.' });
  return found;
}

const list: Command = {
  name: 'list',
  summary: 'Lists schedules with their next due time and what came of the last.',
  options: [['--agent <name>', 'only of this agent']],
  examples: ['schedule list', 'schedule list --agent repo-digest --json'],
  async run(cli, input) {
    const page = await (await cli.connect()).call(scheduleOperations.list, given({ agent: option(input, 'agent') }));
    const lines = pageLines(page, { table: () => scheduleTable(cli, page.items), nothing: 'No schedules.', more: 'windlass schedule list' });
    return { value: page, lines };
  },
};

function scheduleTable({ terminal, clock }: Pick<Cli, 'terminal' | 'clock'>, schedules: readonly ScheduleView[]): Line[] {
  const nowMs = clock.nowMs();
  return table(
    ['schedule', 'agent', 'when', 'zone', 'next', 'last'],
    schedules.map((each) => [
      shortId(terminal, each.id),
      each.agent,
      each.when,
      each.timezone,
      [nextText(each, nowMs)],
      each.last === null ? 'never' : [outcomeText(each.last), ` ${relativeTime(each.last.slotMs, nowMs)}`],
    ]),
    terminal.columns,
  );
}

function nextText({ nextSlotMs, overdue }: ScheduleView, nowMs: number): Segment {
  if (nextSlotMs === null) return ['dim', 'no more'];
  return overdue ? ['red', `overdue since ${relativeTime(nextSlotMs, nowMs)}`] : relativeTime(nextSlotMs, nowMs);
}

function outcomeText({ outcome, alert }: FiringView): Segment {
  return [alert ? 'red' : outcome === 'ran' ? 'green' : 'yellow', outcome];
}

const show: Command = {
  name: 'show',
  summary: 'Shows one schedule.',
  args: [SCHEDULE_ARGUMENT],
  examples: ['schedule show repo-digest', 'schedule show 4t9kz1ab --json'],
  async run(cli, input) {
    const found = await findSchedule(await cli.connect(), argument(input, 0));
    const nowMs = cli.clock.nowMs();
    const next = found.nextSlotMs === null ? 'no more' : `${timestamp(found.nextSlotMs)} (${relativeTime(found.nextSlotMs, nowMs)})`;
    const lines = fields([
      ['schedule', found.id],
      ['agent', found.agent],
      ['when', `${found.when} in ${found.timezone}`],
      ['overlap', found.overlap],
      ['next', found.overdue ? [['red', `${next}: overdue, no server fires schedules`]] : next],
      ['last', found.last === null ? 'never' : [outcomeText(found.last), ` for ${timestamp(found.last.slotMs)} ${found.last.reason}`]],
    ]);
    return { value: found, lines };
  },
};

const firings: Command = {
  name: 'firings',
  summary: 'Lists what came of the due times of a schedule, newest first: ran, late, skipped or missed, and why.',
  args: [SCHEDULE_ARGUMENT],
  options: [['--limit <n>', 'how many at most (50)']],
  examples: ['schedule firings repo-digest', 'schedule firings 4t9kz1ab --limit 200 --json'],
  async run(cli, input) {
    const connection = await cli.connect();
    const { id } = await findSchedule(connection, argument(input, 0));
    const page = await connection.call(scheduleOperations.firings, { id, ...given({ limit: option(input, 'limit') }) });
    const rows = page.items.map((each) => [
      timestamp(each.slotMs),
      [outcomeText(each)],
      each.run === null ? '' : shortId(cli.terminal, each.run),
      each.reason,
    ]);
    const lines = pageLines(page, {
      table: () => table(['due', 'outcome', 'run', 'why'], rows, cli.terminal.columns),
      nothing: 'It has not been due yet.',
      more: `windlass schedule firings ${id}`,
    });
    return { value: page, lines };
  },
};

export const schedule: Noun = { verbs: [list, show, firings], usual: 'list' };
