/** `windlass budget`: what may be spent, what is left, who asked for more and who granted it. */
import { AppError } from '../../../kernel/errors.ts';
import { amountText, parseAmount, type Unit } from '../../../kernel/amount.ts';
import type { BudgetView, GrantView, NearEnds, RequestView } from '../../../platform/budgets/contract.ts';
import { BudgetPeriod, BudgetScope, budgetOperations } from '../../../platform/budgets/contract.ts';
import { SPEND_DAYS_MAX, SpendBy, spendOperations } from '../../../work/spend/contract.ts';
import { renderCount } from '../../../kernel/page.ts';
import type { Cli, Command, Input, Noun } from '../command.ts';
import { argument, given, numberOption, option } from '../command.ts';
import { count, relativeTime, timestamp } from '../format.ts';
import { spendDaysTable, spendTable } from '../spend-lines.ts';
import { fields, pageLines, table } from '../table.ts';
import type { Line } from '../terminal.ts';

type Shown = Pick<Cli, 'terminal' | 'clock'>;

export function budgetTable({ terminal, clock }: Shown, budgets: readonly BudgetView[]): Line[] {
  const nowMs = clock.nowMs();
  const rows = budgets.map((each): Line[] => [
    each.id,
    `${each.scope}${each.scope === 'org' || each.name === '' ? '' : ` ${each.name}`}`,
    `${amountText(each.unit, each.limit)}${each.granted === 0 ? '' : ` + ${amountText(each.unit, each.granted)}`}`,
    each.period.replace('_', ' '),
    amountText(each.unit, each.spent),
    amountText(each.unit, each.reserved),
    [[STYLES[each.state], amountText(each.unit, each.left)]],
    each.resetsAtMs === null ? 'never' : relativeTime(each.resetsAtMs, nowMs),
  ]);
  return table(['budget', 'of', 'limit', 'period', 'spent', 'reserved', 'left', 'resets'], rows, terminal.columns);
}

const STYLES = { open: 'green', warned: 'yellow', exhausted: 'red' } as const;

/** One line each for budgets that are used up or beyond 80%; none for none. */
export function nearEndLines({ items, shown, total }: NearEnds): Line[] {
  const lines = items.map(({ text, state }): Line => [[state === 'exhausted' ? 'red' : 'yellow', text]]);
  if (lines.length === 0) return [];
  return ['', ...lines, ...(renderCount(total) === String(shown) ? [] : [`${shown} of ${renderCount(total)} near their end.`])];
}

function requestTable({ terminal, clock }: Shown, requests: readonly RequestView[], unitOf: (budget: string) => Unit | null): Line[] {
  const rows = requests.map((each): Line[] => {
    const unit = unitOf(each.budget);
    return [
      each.id,
      each.budget,
      unit === null ? count(each.amount) : amountText(unit, each.amount),
      each.by.name,
      relativeTime(each.atMs, clock.nowMs()),
      each.state,
      each.reason,
    ];
  });
  return table(['request', 'budget', 'more', 'by', 'asked', 'state', 'why'], rows, terminal.columns);
}

const list: Command = {
  name: 'list',
  summary: 'Lists budgets: what is spent, reserved and left of each, and when it resets.',
  options: [
    ['--scope <scope>', `only of ${BudgetScope.options.join(', ')}`],
    ['--limit <n>', 'how many at most (50)'],
  ],
  examples: ['budget', 'budget list --scope agent'],
  async run(cli, input) {
    const wanted = given({ scope: oneOf(BudgetScope.options, option(input, 'scope'), 'scope'), limit: option(input, 'limit') });
    const page = await (await cli.connect()).call(budgetOperations.list, wanted);
    const nothing = 'There is no budget: nothing is capped. Set one: windlass budget set 10usd --period day';
    const lines = pageLines(page, { table: () => budgetTable(cli, page.items), nothing, more: '' });
    return { value: page, lines: [...lines, ...nearEndLines(page.nearEnd)] };
  },
};

const show: Command = {
  name: 'show',
  summary: 'Shows a budget with its grants and requests.',
  args: [['<budget>', 'id of the budget']],
  examples: ['budget show bud_01kaghv4000000000000abcdef'],
  async run(cli, input) {
    const budget = await (await cli.connect()).call(budgetOperations.get, { id: argument(input, 0) });
    const { unit } = budget;
    const lines = [
      ...budgetTable(cli, [budget]),
      '',
      ...budget.grants.map((grant): Line => grantLine(grant, unit)),
      ...(budget.requests.length === 0 ? [] : ['', ...requestTable(cli, budget.requests, () => unit)]),
    ];
    return { value: budget, lines };
  },
};

function grantLine(grant: GrantView, unit: Unit): Line {
  const ends = grant.active ? `until ${timestamp(grant.untilMs)}` : `ended ${timestamp(grant.untilMs)}`;
  return `${amountText(unit, grant.amount)} granted by ${grant.by.name} at ${timestamp(grant.atMs)}, ${ends}${grant.reason === '' ? '' : `: ${grant.reason}`}`;
}

const set: Command = {
  name: 'set',
  summary: 'Sets a budget: makes it, or changes its limit.',
  args: [['<amount>', '5usd, 1M tokens (in quotes), 200calls or 20runs']],
  options: [
    ['--period <period>', `${BudgetPeriod.options.join(', ')} (month)`],
    ['--project <code>', 'of this project; of the organization when nothing is named'],
    ['--agent <name>', 'of this agent'],
    ['--key <id>', 'of this key'],
    ['--run <id>', 'of this run with all its sub-agents'],
  ],
  examples: [
    'budget set 50usd',
    'budget set 1Mtokens --period day --agent repo-digest',
    'budget set 0.20usd --period run',
    'budget set 20runs --period five_hours',
  ],
  async run(cli, input) {
    const { unit, amount } = amountArgument(input, 0);
    const subjects = (['project', 'agent', 'key', 'run'] as const).flatMap((scope) => {
      const subject = option(input, scope);
      return subject === undefined ? [] : [{ scope, subject }];
    });
    if (subjects.length > 1)
      throw new AppError('invalid_input', 'A budget is of one thing.', { next: 'Name one of --project, --agent, --key, --run.' });
    const named = subjects[0] ?? { scope: 'org' as const };
    const period = oneOf(BudgetPeriod.options, option(input, 'period'), 'period') ?? (named.scope === 'run' ? 'total' : 'month');
    const budget = await (await cli.connect()).call(budgetOperations.set, { ...named, unit, period, limit: amount });
    return { value: budget, lines: budgetTable(cli, [budget]) };
  },
};

const request: Command = {
  name: 'request',
  summary: 'Asks for more of a budget.',
  args: [
    ['<budget>', 'id of the budget'],
    ['<amount>', 'how much more: 5usd, 100ktokens'],
    ['[reason]', 'why'],
  ],
  examples: ['budget request bud_01kaghv4000000000000abcdef 5usd "The release needs one more review."'],
  async run(cli, input) {
    const { amount } = amountArgument(input, 1);
    const wanted = { id: argument(input, 0), amount, reason: input.args[2] ?? '' };
    const asked = await (await cli.connect()).call(budgetOperations.request, wanted);
    return {
      value: asked,
      lines: [
        `Asked as ${asked.id}. Who may raise budgets grants it: windlass budget grant ${asked.budget} ${argument(input, 1)} --request ${asked.id}`,
      ],
    };
  },
};

const requests: Command = {
  name: 'requests',
  summary: 'Lists who asked for more.',
  options: [['--all', 'also those that were answered']],
  examples: ['budget requests', 'budget requests --all'],
  async run(cli, input) {
    const connection = await cli.connect();
    const page = await connection.call(budgetOperations.requests, input.options['all'] === true ? {} : { state: 'open' as const });
    const units = new Map((await connection.call(budgetOperations.list, { limit: 200 })).items.map(({ id, unit }) => [id, unit]));
    const lines = pageLines(page, {
      table: () => requestTable(cli, page.items, (budget) => units.get(budget) ?? null),
      nothing: 'Nobody asks for more.',
      more: '',
    });
    return { value: page, lines };
  },
};

const grant: Command = {
  name: 'grant',
  summary: 'Grants more of a budget until a time; runs that wait for it go on.',
  args: [
    ['<budget>', 'id of the budget'],
    ['<amount>', 'how much more: 5usd, 100ktokens'],
    ['[reason]', 'why'],
  ],
  options: [
    ['--until <time>', 'as in 2026-12-01T00:00:00Z; until it resets, or for 7 days, when left out'],
    ['--request <id>', 'the request that this answers'],
  ],
  examples: [
    'budget grant bud_01kaghv4000000000000abcdef 5usd',
    'budget grant bud_01kaghv4000000000000abcdef 5usd "for the release" --until 2026-12-01T00:00:00Z',
  ],
  async run(cli, input) {
    const until = option(input, 'until');
    const untilMs = until === undefined ? undefined : Date.parse(until);
    if (untilMs !== undefined && Number.isNaN(untilMs))
      throw new AppError('invalid_input', `"${until}" is no time.`, { next: 'Write it as in 2026-12-01T00:00:00Z.' });
    const { unit, amount } = amountArgument(input, 1);
    const wanted = { id: argument(input, 0), amount, reason: input.args[2] ?? '', ...given({ untilMs, request: option(input, 'request') }) };
    const made = await (await cli.connect()).call(budgetOperations.grant, wanted);
    return { value: made, lines: [grantLine(made, unit)] };
  },
};

const refuse: Command = {
  name: 'refuse',
  summary: 'Refuses a request for more.',
  args: [
    ['<request>', 'id of the request'],
    ['[reason]', 'why'],
  ],
  examples: ['budget refuse ask_01kaghv4000000000000abcdef "Not this month."'],
  async run(cli, input) {
    const refused = await (await cli.connect()).call(budgetOperations.refuse, { id: argument(input, 0), reason: input.args[1] ?? '' });
    return { value: refused, lines: [`The request of ${refused.by.name} is refused.`] };
  },
};

const remove: Command = {
  name: 'remove',
  summary: 'Removes a budget: nothing is capped by it any more.',
  args: [['<budget>', 'id of the budget']],
  examples: ['budget remove bud_01kaghv4000000000000abcdef'],
  async run(cli, input) {
    const gone = await (await cli.connect()).call(budgetOperations.remove, { id: argument(input, 0) });
    return { value: gone, lines: [`The budget of ${amountText(gone.unit, gone.limit)} is gone.`] };
  },
};

const spend: Command = {
  name: 'spend',
  summary: 'Shows what was spent today and this month, by whom, and where it goes.',
  options: [
    ['--days <n>', `by day instead, so many of them (at most ${SPEND_DAYS_MAX})`],
    ['--by <what>', `with --days: by ${SpendBy.options.join(', ')}`],
  ],
  examples: ['budget spend', 'budget spend --days 14 --by model', 'budget spend --json'],
  async run(cli, input) {
    const [days, by] = [numberOption(input, 'days'), oneOf(SpendBy.options, option(input, 'by'), 'part')];
    const connection = await cli.connect();
    if (days !== undefined || by !== undefined) {
      const found = await connection.call(spendOperations.days, given({ days, by }));
      return { value: found, lines: spendDaysTable(cli, found) };
    }
    const account = await connection.call(spendOperations.read, {});
    return { value: account, lines: spendTable(cli, account) };
  },
};

const plan: Command = {
  name: 'plan',
  summary: 'Shows whose key pays for models.',
  examples: ['budget plan'],
  async run(cli) {
    const found = await (await cli.connect()).call(budgetOperations.plan, {});
    const left = found.leftTokens === null ? [] : [['left today', amountText('tokens', found.leftTokens)] as const];
    const lines = [...fields([['plan', found.plan], ...left, ['keys of', found.providers.join(', ') || 'no provider']]), '', found.message];
    return { value: found, lines };
  },
};

/** @throws AppError `invalid_input` for what is no amount. */
function amountArgument(input: Input, index: number): { unit: Unit; amount: number } {
  const text = argument(input, index);
  const parsed = parseAmount(text);
  if (parsed !== null) return parsed;
  throw new AppError('invalid_input', `"${text}" is no amount.`, { next: 'Write it with its unit: 5usd, 100ktokens, 200calls, 20runs.' });
}

/** @throws AppError `invalid_input` for anything else. */
function oneOf<T extends string>(known: readonly T[], text: string | undefined, what: string): T | undefined {
  if (text === undefined) return undefined;
  const found = known.find((each) => each === text);
  if (found !== undefined) return found;
  throw new AppError('invalid_input', `"${text}" is no ${what} of a budget.`, { next: `Take one of ${known.join(', ')}.` });
}

export const budget: Noun = { verbs: [list, show, set, request, requests, grant, refuse, remove, spend, plan], usual: 'list' };
