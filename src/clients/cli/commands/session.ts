/** `windlass session`: working sessions of coding CLIs, as others see them. Starting and ending them is the coding CLI's own call. */
import { sessionOperations } from '../../../work/sessions/contract.ts';
import type { Command, Noun } from '../command.ts';
import { argument, given, option } from '../command.ts';
import { relativeTime, timestamp } from '../format.ts';
import { fields, pageLines, table } from '../table.ts';

const list: Command = {
  name: 'list',
  summary: 'Lists live sessions, newest first, with what they work on and hold.',
  options: [
    ['--project <code>', 'only of this project'],
    ['--limit <n>', 'how many at most (50)'],
    ['--cursor <cursor>', 'next page of the list before'],
  ],
  examples: ['session list', 'session list --project app --json'],
  async run(cli, input) {
    const connection = await cli.connect();
    const wanted = given({ project: option(input, 'project'), limit: option(input, 'limit'), cursor: option(input, 'cursor') });
    const page = await connection.call(sessionOperations.list, wanted);
    const nowMs = cli.clock.nowMs();
    const rows = page.items.map((each) => [
      ...[each.id, each.project, `${each.agent} on ${each.machine}`, relativeTime(each.heartbeatAtMs, nowMs), each.branch ?? ''],
      [each.issue === null ? '' : `#${each.issue}`, each.workingOn, ...each.claims.map(({ kind, name }) => `${kind} ${name}`)]
        .filter(Boolean)
        .join('; '),
    ]);
    const lines = pageLines(page, {
      table: () => table(['session', 'project', 'who', 'heard of', 'branch', 'works on'], rows, cli.terminal.columns),
      nothing: 'No live sessions.',
      more: 'windlass session list',
    });
    return { value: page, lines };
  },
};

const show: Command = {
  name: 'show',
  summary: 'Shows one session.',
  args: [['<id>', 'id of the session']],
  examples: ['session show sess_01jd2m7x9c4qf8w3v5k6t1z0ab'],
  async run(cli, input) {
    const session = await (await cli.connect()).call(sessionOperations.get, { id: argument(input, 0) });
    const lines = fields([
      ['session', `${session.id} (${session.state}${session.endReason === null ? '' : `, ${session.endReason}`})`],
      ['who', `${session.agent} on ${session.machine}, by ${session.actor}`],
      ['project', session.project],
      ['branch', session.branch],
      ['works on', session.workingOn],
      ['issue', session.issue],
      ['holds', session.claims.map(({ kind, name }) => `${kind} ${name}`).join(', ')],
      ['started', timestamp(session.startedAtMs)],
      ['handoff', session.handoff],
    ]);
    return { value: session, lines };
  },
};

export const session: Noun = { verbs: [list, show], usual: 'list' };
