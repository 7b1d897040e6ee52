/** `windlass session`: working sessions of coding CLIs and people: started, kept alive, ended, what they hold; and as others see them. */
import { hostname } from 'node:os';
import type { SessionView } from '../../../work/sessions/contract.ts';
import { ClaimKind, EndReason, sessionOperations } from '../../../work/sessions/contract.ts';
import { AppError } from '../../../kernel/errors.ts';
import { checkoutHere } from '../checkout.ts';
import type { Command, Input, Noun } from '../command.ts';
import { argument, given, numberOption, option } from '../command.ts';
import { renderCount } from '../../../kernel/page.ts';
import { relativeTime, timestamp } from '../format.ts';
import { projectHere } from '../here.ts';
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
      ['used', usedWords(session.metadata)],
    ]);
    return { value: session, lines };
  },
};

/** As the hooks of its coding CLI tell it, from that CLI's own record; what went through the gateway is in `windlass spend`. */
function usedWords(metadata: SessionView['metadata']): string | null {
  const { inputTokens, cachedInputTokens, outputTokens, model } = metadata;
  if (typeof inputTokens !== 'number' || typeof outputTokens !== 'number') return null;
  const cached = typeof cachedInputTokens === 'number' ? ` (${cachedInputTokens} cached)` : '';
  return `${inputTokens} input tokens${cached}, ${outputTokens} output tokens${typeof model === 'string' ? ` of ${model}` : ''}, by its own record`;
}

const start: Command = {
  name: 'start',
  summary: 'Starts a session where you are, or resumes the one that is active there.',
  options: [
    ['--project <code>', "the repository's project when left out"],
    ['--agent <name>', 'which coding CLI, or person'],
    ['--machine <name>', 'name of the computer; its own when left out'],
    ['--client-session <id>', "the coding CLI's own id of its session"],
    ['--track <n>', 'track of parallel work; 0 plans'],
    ['--issue <issue>', 'what it is about'],
    ['--working-on <text>', 'what other sessions are shown'],
  ],
  examples: ['session start', 'session start --agent codex --issue 12 --track 2'],
  async run(cli, input) {
    const connection = await cli.connect();
    const here = await checkoutHere(cli);
    const named = option(input, 'project') ?? cli.env['WINDLASS_PROJECT'];
    const project = named ?? (here.repository === undefined ? await projectHere(cli, connection) : undefined);
    const started = await connection.call(sessionOperations.start, {
      ...here,
      ...given({ project, clientSession: option(input, 'clientSession'), track: numberOption(input, 'track') }),
      ...given({ issue: option(input, 'issue'), workingOn: option(input, 'workingOn') }),
      agent: option(input, 'agent') ?? cli.env['WINDLASS_AGENT'] ?? 'person',
      machine: option(input, 'machine') ?? hostname(),
    });
    const lines = [
      `${started.session.id} ${started.outcome} in ${started.session.project}; branches begin with ${started.branchPrefix}`,
      ...started.closed.map(({ id, reason }) => `ended by it: ${id}, ${reason}`),
      ...started.warnings.map((warning) => [['yellow', warning]] as const),
      `at work there beside it: ${renderCount(started.othersTotal)}`,
      `next heartbeat by ${timestamp(started.nextHeartbeatAtMs)}`,
    ];
    return { value: started, lines };
  },
};

const heartbeat: Command = {
  name: 'heartbeat',
  summary: 'Says that a session lives, and when to say so again.',
  args: [['<id>', 'id of the session']],
  examples: ['session heartbeat sess_01jd2m7x9c4qf8w3v5k6t1z0ab'],
  async run(cli, input) {
    const next = await (await cli.connect()).call(sessionOperations.heartbeat, { id: argument(input, 0) });
    return { value: next, lines: [`next heartbeat by ${timestamp(next.nextHeartbeatAtMs)}`] };
  },
};

const end: Command = {
  name: 'end',
  summary: 'Ends a session without a handoff; `windlass handoff write` ends it with one.',
  args: [['<id>', 'id of the session']],
  options: [['--reason <reason>', 'manual (the usual one) or error']],
  examples: ['session end sess_01jd2m7x9c4qf8w3v5k6t1z0ab'],
  async run(cli, input) {
    const reason = oneOf(EndReason.extract(['manual', 'error']).options, option(input, 'reason') ?? 'manual', '--reason');
    const ended = await (await cli.connect()).call(sessionOperations.end, { id: argument(input, 0), reason });
    const how = ended.changed ? 'ended' : `was ${ended.session.state} already`;
    return {
      value: ended,
      lines: [`${ended.session.id} ${how}${ended.session.handoff === null ? '' : `; its handoff is ${ended.session.handoff}`}`],
    };
  },
};

const CLAIMED = [
  ['<id>', 'id of the session'],
  ['<kind>', 'issue, file or track'],
  ['<name>', 'number of the issue or track, path of the file'],
] as const;

function claimed(input: Input) {
  return { id: argument(input, 0), kind: oneOf(ClaimKind.options, argument(input, 1), 'the kind of a claim'), name: argument(input, 2) };
}

function oneOf<const T extends string>(choices: readonly T[], given: string, what: string): T {
  const found = choices.find((choice) => choice === given);
  if (found !== undefined) return found;
  throw new AppError('invalid_input', `${what} is one of ${choices.join(', ')}, not "${given.slice(0, 60)}".`);
}

const claim: Command = {
  name: 'claim',
  summary: 'Claims an issue, file or track for a session; exits 1 when another one holds it.',
  args: CLAIMED,
  options: [['--take', 'take it over from whoever holds it']],
  examples: ['session claim sess_01jd2m7x9c4qf8w3v5k6t1z0ab issue 12'],
  async run(cli, input) {
    const onHeld = input.options['take'] === true ? ('take' as const) : ('warn' as const);
    const found = await (await cli.connect()).call(sessionOperations.claim, { ...claimed(input), onHeld });
    const { kind, name, fence } = found.claim;
    const lines = [
      ...(found.granted ? [`${kind} ${name} is yours with fencing number ${fence}`] : []),
      ...found.warnings.map((each) => [['yellow', each]] as const),
    ];
    return { value: found, lines, exit: found.granted ? 0 : 1 };
  },
};

const release: Command = {
  name: 'release',
  summary: 'Gives a claim back.',
  args: CLAIMED,
  examples: ['session release sess_01jd2m7x9c4qf8w3v5k6t1z0ab issue 12'],
  async run(cli, input) {
    const found = await (await cli.connect()).call(sessionOperations.release, claimed(input));
    return { value: found, lines: [found.released ? 'Released.' : 'It was not held.'] };
  },
};

export const session: Noun = { verbs: [list, show, start, heartbeat, end, claim, release], usual: 'list' };
