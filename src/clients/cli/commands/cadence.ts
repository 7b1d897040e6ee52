/** `windlass cadence`: recurring duties, what is due, and who did it last. */
import { cadenceOperations } from '../../../work/cadence/contract.ts';
import type { DutyView } from '../../../work/cadence/contract.ts';
import { PAGE_SIZE_MAX } from '../../../kernel/page.ts';
import { calendarOf } from '../calendar.ts';
import type { Cli, Command, Noun } from '../command.ts';
import { argument, flag, given, option } from '../command.ts';
import { relativeTime } from '../format.ts';
import { pageLines, table } from '../table.ts';
import type { Line } from '../terminal.ts';

const list: Command = {
  name: 'list',
  summary: 'Lists recurring duties, the one due first at the top.',
  options: [
    ['--project <code>', 'only of this project'],
    ['--org', 'only what belongs to no project'],
    ['--overdue', 'only what should have been done by now'],
    ['--limit <n>', 'how many at most (50)'],
  ],
  examples: ['cadence', 'cadence list --overdue --project windmill'],
  async run(cli, input) {
    const scope = flag(input, 'org') ? ('org' as const) : ('all' as const);
    const due = flag(input, 'overdue') ? ('overdue' as const) : ('all' as const);
    const wanted = { scope, due, ...given({ project: option(input, 'project'), limit: option(input, 'limit') }) };
    const page = await (await cli.connect()).call(cadenceOperations.list, wanted);
    return { value: page, lines: pageLines(page, { table: () => dutyTable(cli, page.items), nothing: 'Nothing is due.', more: '' }) };
  },
};

function dutyTable({ terminal, clock }: Pick<Cli, 'terminal' | 'clock'>, duties: readonly DutyView[]): Line[] {
  const nowMs = clock.nowMs();
  const rows = duties.map((each): Line[] => [
    each.id,
    each.project ?? 'org-wide',
    [[each.overdue ? 'red' : 'green', relativeTime(each.dueAtMs, nowMs)]],
    each.last === null ? 'never' : `${relativeTime(each.last.atMs, nowMs)} by ${each.last.by.name}`,
    each.title,
  ]);
  return table(['duty', 'project', 'due', 'last done', 'what'], rows, terminal.columns);
}

const add: Command = {
  name: 'add',
  summary: 'Adds a duty that comes again every so many days, or an event that is planned for one time.',
  args: [
    ['<title>', 'what is to be done'],
    ['<when>', 'every so many days, or the time of an event as in 2026-12-24T09:00:00Z'],
  ],
  options: [
    ['--project <code>', 'of this project; org-wide when left out'],
    ['--link <url>', 'where it stands in a calendar'],
  ],
  examples: ['cadence add "Rotate keys" 90', 'cadence add "Read the error log" 7 --project windmill', 'cadence add "Release 2" 2026-12-24T09:00:00Z'],
  async run(cli, input) {
    const when = argument(input, 1);
    const timed = /^\d{1,4}$/.test(when) ? { intervalDays: Number(when) } : { at: when };
    const wanted = { title: argument(input, 0), ...timed, ...given({ project: option(input, 'project'), link: option(input, 'link') }) };
    const duty = await (await cli.connect()).call(cadenceOperations.add, wanted);
    return { value: duty, lines: dutyTable(cli, [duty]) };
  },
};

const done: Command = {
  name: 'done',
  summary: 'Records that a duty was done, and what came of it.',
  args: [
    ['<duty>', 'id of the duty'],
    ['<result>', 'what came of it'],
  ],
  examples: ['cadence done duty_01kaghv4000000000000abcdef "All keys are new."'],
  async run(cli, input) {
    const duty = await (await cli.connect()).call(cadenceOperations.done, { id: argument(input, 0), result: argument(input, 1) });
    return { value: duty, lines: dutyTable(cli, [duty]) };
  },
};

const retire: Command = {
  name: 'retire',
  summary: 'Ends a duty; what was done of it is kept.',
  args: [['<duty>', 'id of the duty']],
  examples: ['cadence retire duty_01kaghv4000000000000abcdef'],
  async run(cli, input) {
    const duty = await (await cli.connect()).call(cadenceOperations.retire, { id: argument(input, 0) });
    return { value: duty, lines: [`"${duty.title}" has ended.`] };
  },
};

const calendar: Command = {
  name: 'calendar',
  summary: 'Prints duties and events as a calendar file (iCalendar) that calendars can take in.',
  options: [['--project <code>', 'only of this project']],
  examples: ['cadence calendar > duties.ics'],
  async run(cli, input) {
    const wanted = given({ project: option(input, 'project') });
    const { items } = await (await cli.connect()).call(cadenceOperations.list, { ...wanted, limit: PAGE_SIZE_MAX });
    const text = calendarOf(items, cli.clock.nowMs());
    return { value: { calendar: text }, lines: text.trimEnd().split('\r\n') };
  },
};

export const cadence: Noun = { verbs: [list, add, done, retire, calendar], usual: 'list' };
