/** `windlass week`: the weekly plan of the organization; `windlass queue`: open issues, the most urgent first. */
import { renderCount } from '../../../kernel/page.ts';
import { weeklyPlanOperations } from '../../../work/weekly-plan/contract.ts';
import type { WeeklyPlanView } from '../../../work/weekly-plan/contract.ts';
import { workQueueOperations } from '../../../work/work-queue/contract.ts';
import type { QueueView } from '../../../work/work-queue/contract.ts';
import type { Cli, Command, Noun } from '../command.ts';
import { argument, given, numberOption, option } from '../command.ts';
import { relativeTime } from '../format.ts';
import { table } from '../table.ts';
import type { Line } from '../terminal.ts';

const show: Command = {
  name: 'show',
  summary: 'Shows what the organization is after this week.',
  examples: ['week'],
  async run(cli) {
    const answer = await (await cli.connect()).call(weeklyPlanOperations.read, {});
    return { value: answer, lines: planLines(cli, answer.plan) };
  },
};

function planLines({ clock }: Pick<Cli, 'clock'>, plan: WeeklyPlanView | null): Line[] {
  if (plan === null) return ['There is no weekly plan: windlass week write "goal" "goal" --priority code'];
  const age = `${relativeTime(plan.atMs, clock.nowMs())} by ${plan.by.name}`;
  return [
    `Priority: ${plan.priorityProject ?? 'no project above the others'}`,
    ...plan.goals.map((goal) => `- ${goal}`),
    ...(plan.notes === '' ? [] : [plan.notes]),
    plan.stale ? [['yellow', `Stale: written ${age}.`]] : [['dim', `Written ${age}.`]],
  ];
}

const write: Command = {
  name: 'write',
  summary: 'Writes the weekly plan anew; what it was is kept.',
  args: [['<goals...>', 'one goal each']],
  options: [
    ['--priority <code>', 'the project that comes first'],
    ['--notes <text>', 'what else is to be known'],
  ],
  examples: ['week write "Ship the importer" "No red on main" --priority windmill'],
  async run(cli, input) {
    argument(input, 0);
    const wanted = { goals: [...input.args], ...given({ priorityProject: option(input, 'priority'), notes: option(input, 'notes') }) };
    const answer = await (await cli.connect()).call(weeklyPlanOperations.write, wanted);
    return { value: answer, lines: planLines(cli, answer.plan) };
  },
};

export const week: Noun = { verbs: [show, write], usual: 'show' };

export const queue: Command = {
  name: 'queue',
  summary: 'Lists open issues of the forge, the most urgent first.',
  options: [
    ['--project <code>', 'only of this project'],
    ['--limit <n>', 'how many at most (50)'],
  ],
  examples: ['queue', 'queue --project windmill --json'],
  async run(cli, input) {
    const wanted = given({ project: option(input, 'project'), limit: numberOption(input, 'limit') });
    const found = await (await cli.connect()).call(workQueueOperations.read, wanted);
    return { value: found, lines: queueLines(cli, found) };
  },
};

function queueLines({ terminal, clock }: Pick<Cli, 'terminal' | 'clock'>, found: QueueView): Line[] {
  const rows = found.items.map((each) => [
    `${each.project} #${each.number}`,
    each.priority,
    each.status.replace('_', ' '),
    each.assignees.join(' ') || 'nobody',
    relativeTime(each.updatedAtMs, clock.nowMs()),
    each.title,
  ]);
  const failures = found.sources.filter(({ state }) => state === 'failed');
  return [
    ...(rows.length === 0
      ? [found.total.kind === 'exact' ? 'No open issues.' : 'No issues could be read.']
      : table(['issue', 'priority', 'status', 'who', 'changed', 'what'], rows, terminal.columns)),
    [['dim', `${found.shown} of ${renderCount(found.total)} open`]],
    ...failures.map(({ project, reason }): Line => [['yellow', `${project} failed: ${reason}`]]),
  ];
}
