/** `windlass alert`: what failed and was told by webhook, who answers for it, and resolving it by hand. */
import { isId } from '../../../kernel/ids.ts';
import { PAGE_SIZE_MAX, renderCount } from '../../../kernel/page.ts';
import { alertOperations } from '../../../work/alerts/contract.ts';
import type { AlertView } from '../../../work/alerts/contract.ts';
import type { Api } from '../../api.ts';
import type { Cli, Command, Noun } from '../command.ts';
import { argument, flag, given, option } from '../command.ts';
import { pickId } from '../find-run.ts';
import { relativeTime, shortId } from '../format.ts';
import { pageLines, table } from '../table.ts';
import type { Line, Style } from '../terminal.ts';

const STYLES: Readonly<Record<AlertView['severity'], Style>> = { low: 'dim', medium: 'yellow', high: 'red', critical: 'red' };

async function findAlert(api: Api, text: string): Promise<string> {
  if (isId('alert', text)) return text;
  const page = await api.call(alertOperations.list, { state: 'all', limit: PAGE_SIZE_MAX });
  const among = `the first ${page.shown} of ${renderCount(page.total)} alerts`;
  return pickId(text, { prefix: 'alert', ids: page.items.map((each) => each.id), among, list: '`windlass alert list`' });
}

const list: Command = {
  name: 'list',
  summary: 'Lists open alerts, the worst first.',
  options: [
    ['--project <code>', 'only of this project'],
    ['--org', 'only what belongs to no project'],
    ['--kind <kind>', 'ci, deployment, security or other'],
    ['--escalated', 'only security alerts that are older than they may be'],
    ['--state <state>', 'open, resolved or all (open)'],
    ['--limit <n>', 'how many at most (50)'],
    ['--cursor <cursor>', 'next page of the list before'],
  ],
  examples: ['alert', 'alert list --kind security --escalated', 'alert list --project windmill --state all --json'],
  async run(cli, input) {
    const wanted = {
      scope: flag(input, 'org') ? ('org' as const) : ('all' as const),
      ...given({
        project: option(input, 'project'),
        kind: option(input, 'kind') as AlertView['kind'] | undefined,
        state: option(input, 'state') as 'open' | undefined,
        escalated: flag(input, 'escalated') ? 'true' : undefined,
        limit: option(input, 'limit'),
        cursor: option(input, 'cursor'),
      }),
    };
    const page = await (await cli.connect()).call(alertOperations.list, wanted);
    return {
      value: page,
      lines: pageLines(page, { table: () => alertTable(cli, page.items), nothing: 'No alerts.', more: 'windlass alert list' }),
    };
  },
};

function alertTable({ terminal, clock }: Pick<Cli, 'terminal' | 'clock'>, alerts: readonly AlertView[]): Line[] {
  const nowMs = clock.nowMs();
  const rows = alerts.map((each): Line[] => [
    shortId(terminal, each.id),
    each.project ?? each.repository ?? 'org-wide',
    [[STYLES[each.severity], each.severity]],
    each.state === 'resolved' ? 'resolved' : each.escalation === 'none' ? 'open' : [['red', `escalated, ${each.ageDays} d`]],
    each.owner?.name ?? 'nobody',
    `${relativeTime(each.lastAtMs, nowMs)}${each.count > 1 ? `, ${each.count} times` : ''}`,
    each.title,
  ]);
  return table(['alert', 'where', 'severity', 'state', 'owner', 'last', 'what'], rows, terminal.columns);
}

const assign: Command = {
  name: 'assign',
  summary: 'Gives an alert an owner.',
  args: [
    ['<alert>', 'id of the alert, or the end of one'],
    ['[owner]', 'id of an actor; yourself when left out'],
  ],
  examples: ['alert assign 4t9kz1ab', 'alert assign 4t9kz1ab act_01kaghv4000000000000abcdef'],
  async run(cli, input) {
    const api = await cli.connect();
    const alert = await api.call(alertOperations.assign, { id: await findAlert(api, argument(input, 0)), ...given({ owner: input.args[1] }) });
    return { value: alert, lines: [`${alert.owner?.name ?? 'Nobody'} answers for "${alert.title}".`] };
  },
};

const resolve: Command = {
  name: 'resolve',
  summary: 'Resolves an alert by hand; one of security takes the key of a person.',
  args: [
    ['<alert>', 'id of the alert, or the end of one'],
    ['<reason>', 'why it is over'],
  ],
  examples: ['alert resolve 4t9kz1ab "The job was removed."'],
  async run(cli, input) {
    const api = await cli.connect();
    const alert = await api.call(alertOperations.resolve, { id: await findAlert(api, argument(input, 0)), reason: argument(input, 1) });
    return { value: alert, lines: [`"${alert.title}" is resolved: ${alert.resolved?.reason ?? ''}`] };
  },
};

export const alert: Noun = { verbs: [list, assign, resolve], usual: 'list' };
