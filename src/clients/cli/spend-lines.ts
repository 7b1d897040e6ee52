/** What was spent, as lines: the account of `windlass budget spend` and the few lines of it that `windlass status` shows. Pure. */
import { renderCount } from '../../kernel/page.ts';
import type { AccountView, Figures, Share, SpendDays } from '../../work/spend/contract.ts';
import type { Cli } from './command.ts';
import { count, money, plural, timestamp } from './format.ts';
import { fields, table } from './table.ts';
import type { Line } from './terminal.ts';

/** `$1.20 by 14 calls, 3 of them estimated`. */
export function figuresText(figures: Figures): string {
  const { microUsd, calls, rehearsedCalls, estimatedCalls, unpricedCalls } = figures;
  const parts = [
    `${money({ microUsd, known: unpricedCalls === 0 })} by ${plural(calls, 'call')}`,
    ...(estimatedCalls === 0 ? [] : [`${count(estimatedCalls)} of them estimated`]),
    ...(unpricedCalls === 0 ? [] : [`${count(unpricedCalls)} without a known price`]),
    ...(rehearsedCalls === 0 ? [] : [`${count(rehearsedCalls)} rehearsed beside them`]),
  ];
  return parts.join(', ');
}

export function forecastText({ forecast, month }: Pick<AccountView, 'forecast' | 'month'>): string {
  if (forecast.monthMicroUsd === null) return forecast.how;
  const known = month.unpricedCalls === 0;
  return `${known ? 'about ' : ''}${money({ microUsd: forecast.monthMicroUsd, known })} by its end, at this pace`;
}

export function spendTable(cli: Pick<Cli, 'terminal' | 'clock'>, account: AccountView): Line[] {
  const { today, month, forecast, topRuns, fixed } = account;
  return [
    ...fields([
      ['today', figuresText(today)],
      ['this month', figuresText(month)],
      ['forecast', forecastText(account)],
      ...(fixed.items.length === 0 ? [] : [['fixed', fixedText(fixed)] as const]),
      ['waiting', `${renderCount(account.runsWaiting)} runs for budget, ${renderCount(account.openRequests)} requests for more`],
    ]),
    ...forecast.runsOut.map(({ budget, atMs }): Line => [['yellow', `${budget} is used up at ${timestamp(atMs)} at its pace, before it resets.`]]),
    ...shareLines(cli, 'agent', account.agents),
    ...shareLines(cli, 'project', account.projects),
    ...shareLines(cli, 'key', account.keys),
    ...shareLines(cli, 'model', account.models),
    ...shareLines(cli, 'person', account.actors),
    ...(topRuns.shown === 0 ? [] : ['', ...topRunLines(cli, topRuns)]),
  ];
}

/** `$120.00 a month beside it: Claude Max $100.00, hosting $20.00`. */
function fixedText({ items, monthMicroUsd }: AccountView['fixed']): string {
  const usd = (microUsd: number): string => money({ microUsd, known: true });
  return `${usd(monthMicroUsd)} a month beside it: ${items.map((each) => `${each.name} ${usd(each.monthMicroUsd)}`).join(', ')}`;
}

function shareLines({ terminal }: Pick<Cli, 'terminal'>, what: string, shares: AccountView['agents']): Line[] {
  if (shares.shown === 0) return [];
  const rows = shares.items.map(({ name, today, month }: Share): Line[] => [
    name,
    money({ microUsd: today.microUsd, known: today.unpricedCalls === 0 }),
    money({ microUsd: month.microUsd, known: month.unpricedCalls === 0 }),
    count(month.calls + month.rehearsedCalls),
    count(month.inputTokens + month.outputTokens),
  ]);
  const of = renderCount(shares.total) === String(shares.shown) ? '' : ` (${shares.shown} of ${renderCount(shares.total)})`;
  return ['', ...table([`${what}${of}`, 'today', 'month', 'calls', 'tokens'], rows, terminal.columns)];
}

function topRunLines({ terminal }: Pick<Cli, 'terminal'>, { items, shown, total }: AccountView['topRuns']): Line[] {
  const rows = items.map(({ id, agent, status, microUsd, known }): Line[] => [id, agent, status, money({ microUsd, known })]);
  return table([`dearest run (${shown} of ${renderCount(total)})`, 'agent', 'status', 'cost'], rows, terminal.columns);
}

/** Days with what they cost, the newest first; then the parts over all of them. */
export function spendDaysTable({ terminal }: Pick<Cli, 'terminal'>, { by, days, sum, parts }: SpendDays): Line[] {
  const cells = (each: Figures): string[] => [
    money({ microUsd: each.microUsd, known: each.unpricedCalls === 0 }),
    count(each.calls + each.rehearsedCalls),
    count(each.inputTokens + each.outputTokens),
  ];
  const of = renderCount(parts.total) === String(parts.shown) ? '' : ` (${parts.shown} of ${renderCount(parts.total)})`;
  return [
    ...table(
      ['day (UTC)', 'cost', 'calls', 'tokens'],
      days.toReversed().map((each): Line[] => [each.day, ...cells(each)]),
      terminal.columns,
    ),
    '',
    ...table(
      [`${by}${of}`, 'cost', 'calls', 'tokens'],
      parts.items.map((each): Line[] => [each.name, ...cells(each.sum)]),
      terminal.columns,
    ),
    '',
    `${plural(days.length, 'day')}: ${figuresText(sum)}`,
  ];
}
