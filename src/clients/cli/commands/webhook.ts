/** `windlass webhook`: who may send signed events here. */
import { webhookOperations } from '../../../work/webhooks/contract.ts';
import type { SourceView } from '../../../work/webhooks/contract.ts';
import type { Cli, Command, Noun } from '../command.ts';
import { argument, flag, given, option } from '../command.ts';
import { relativeTime } from '../format.ts';
import { pageLines, table } from '../table.ts';
import type { Line } from '../terminal.ts';

const list: Command = {
  name: 'list',
  summary: 'Lists who may send events here, and when something last came.',
  options: [
    ['--all', 'also those that are revoked'],
    ['--limit <n>', 'how many at most (50)'],
  ],
  examples: ['webhook', 'webhook list --all --json'],
  async run(cli, input) {
    const wanted = given({ all: flag(input, 'all') ? 'true' : undefined, limit: option(input, 'limit') });
    const page = await (await cli.connect()).call(webhookOperations.list, wanted);
    return {
      value: page,
      lines: pageLines(page, { table: () => sourceTable(cli, page.items), nothing: 'No webhook sources: windlass webhook create.', more: '' }),
    };
  },
};

function sourceTable({ terminal, clock }: Pick<Cli, 'terminal' | 'clock'>, sources: readonly SourceView[]): Line[] {
  const nowMs = clock.nowMs();
  const when = (atMs: number | null): string => (atMs === null ? 'never' : relativeTime(atMs, nowMs));
  const rows = sources.map((each) => [
    each.id,
    each.kind,
    each.name,
    each.project ?? 'by repository',
    each.state,
    when(each.lastDeliveryAtMs),
    when(each.lastRedAtMs),
    when(each.lastGreenAtMs),
  ]);
  return table(['source', 'kind', 'name', 'project', 'state', 'last event', 'last red', 'last green'], rows, terminal.columns);
}

const create: Command = {
  name: 'create',
  summary: 'Lets a sender in and shows its secret once. It takes the owner key: set WINDLASS_KEY.',
  args: [
    ['<kind>', 'github or generic'],
    ['<name>', 'what it is, for people'],
  ],
  options: [
    ['--project <code>', 'everything from it belongs to this project; by repository when left out'],
    ['--owner <id>', 'actor who answers for its security alerts; yourself when left out'],
  ],
  examples: ['webhook create github "acme on GitHub"', 'webhook create generic "the deploy job" --project windmill'],
  async run(cli, input) {
    const connection = await cli.connect();
    const made = await connection.call(webhookOperations.create, {
      kind: argument(input, 0) as SourceView['kind'],
      name: argument(input, 1),
      ...given({ project: option(input, 'project'), owner: option(input, 'owner') }),
    });
    return { value: made, lines: [made.secret, '', made.message, `It sends to ${made.source.path}, below the address that reaches this server.`] };
  },
};

const revoke: Command = {
  name: 'revoke',
  summary: 'Takes nothing more from a source; its alerts stay.',
  args: [['<source>', 'id of the source']],
  examples: ['webhook revoke whs_01kaghv4000000000000abcdef'],
  async run(cli, input) {
    const source = await (await cli.connect()).call(webhookOperations.revoke, { id: argument(input, 0) });
    return { value: source, lines: [`"${source.name}" may send nothing more.`] };
  },
};

export const webhook: Noun = { verbs: [list, create, revoke], usual: 'list' };
