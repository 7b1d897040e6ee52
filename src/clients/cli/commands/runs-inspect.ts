/** `windlass runs` on one run's record: entries, transcript, prompt, chain, replay, cassette. Reads only. */
import { runOperations } from '../../../runtime/runs/contract.ts';
import type { Command, Input } from '../command.ts';
import { argument, given, numberOption, option } from '../command.ts';
import type { Connection } from '../connection.ts';
import { describeEvent, plainEntry } from '../describe-event.ts';
import { findRun } from '../find-run.ts';
import { count, plural, timestamp } from '../format.ts';
import { table } from '../table.ts';
import type { Line } from '../terminal.ts';

const RUN_ARGUMENT = [['<run>', 'id of the run, the end of one, or latest']] as const;

export const runOf = (connection: Connection, input: Input): Promise<string> => findRun(connection, argument(input, 0));

const events: Command = {
  name: 'events',
  summary: 'Lists the entries of a run by cursor.',
  args: RUN_ARGUMENT,
  options: [
    ['--after <seq>', 'entries after this sequence number (0)'],
    ['--limit <n>', 'how many at most (200)'],
  ],
  examples: ['runs events latest', 'runs events latest --after 200', 'runs events latest --json | jq ".items[].event.type"'],
  async run(cli, input) {
    const connection = await cli.connect();
    const id = await runOf(connection, input);
    const page = await connection.call(runOperations.events, { id, ...given({ after: option(input, 'after'), limit: option(input, 'limit') }) });
    const last = page.items.at(-1);
    const more: Line[] = page.next === null || last === undefined ? [] : ['', [['dim', `More: windlass runs events ${id} --after ${last.seq}`]]];
    if (!cli.terminal.live) return { value: page, lines: page.items.map(plainEntry) };
    const rows = page.items.map(({ seq, atMs, event }) => [
      String(seq),
      timestamp(atMs),
      event?.type ?? 'deleted',
      event === null ? '' : describeEvent(event),
    ]);
    return { value: page, lines: [...table(['seq', 'time', 'event', 'what'], rows, cli.terminal.columns), ...more] };
  },
};

const transcript: Command = {
  name: 'transcript',
  summary: 'Prints a run as readable Markdown.',
  args: RUN_ARGUMENT,
  examples: ['runs transcript latest', 'runs transcript 4t9kz1ab > run.md'],
  async run(cli, input) {
    const connection = await cli.connect();
    const answer = await connection.call(runOperations.transcript, { id: await runOf(connection, input) });
    return { value: answer, lines: [answer.markdown.trimEnd()] };
  },
};

const prompt: Command = {
  name: 'prompt',
  summary: 'Shows the prompt of one turn, rebuilt from the journal and checked against its hash.',
  args: RUN_ARGUMENT,
  options: [['--turn <n>', 'which turn (1)']],
  examples: ['runs prompt latest', 'runs prompt latest --turn 3'],
  async run(cli, input) {
    const connection = await cli.connect();
    const found = await connection.call(runOperations.prompt, { id: await runOf(connection, input), turn: numberOption(input, 'turn') ?? 1 });
    return {
      value: found,
      exit: found.verified ? 0 : 1,
      lines: [
        [
          ['bold', `turn ${found.turn}`],
          ['dim', `  about ${plural(found.tokens, 'token')}  ${found.hash.slice(0, 16)}  `],
          found.verified ? ['green', 'matches its hash'] : ['red', 'does not match its hash'],
        ],
        ...found.parts.flatMap((part): Line[] => [
          '',
          [
            ['cyan', `── ${part.name} `],
            ['dim', `${count(part.tokens)} tokens`],
          ],
          part.text,
        ]),
      ],
    };
  },
};

const verify: Command = {
  name: 'verify',
  summary: 'Checks the hash chain of a run and names the first bad entry.',
  args: RUN_ARGUMENT,
  examples: ['runs verify latest'],
  async run(cli, input) {
    const connection = await cli.connect();
    const found = await connection.call(runOperations.verify, { id: await runOf(connection, input) });
    const line: Line = found.ok
      ? [['green', 'ok'], `: ${plural(found.entries, 'entry').replace(/entrys$/, 'entries')}, every hash follows from the one before.`]
      : [['red', `entry ${found.firstBad ?? '?'} is bad`], `: ${found.why}`];
    return { value: found, exit: found.ok ? 0 : 1, lines: [line] };
  },
};

const replay: Command = {
  name: 'replay',
  summary: 'Replays a run over its recorded results: writes nothing, costs nothing, reports the first divergence.',
  args: RUN_ARGUMENT,
  examples: ['runs replay latest', 'runs replay latest --json'],
  async run(cli, input) {
    const connection = await cli.connect();
    const found = await connection.call(runOperations.replay, { id: await runOf(connection, input) });
    const { diverged } = found;
    const where: Line[] =
      diverged === null ? [] : [`  at entry ${diverged.seq}`, `  recorded: ${diverged.found}`, `  expected: ${diverged.expected}`];
    return { value: found, exit: diverged === null ? 0 : 1, lines: [[[diverged === null ? 'green' : 'red', found.message]], ...where] };
  },
};

const cassette: Command = {
  name: 'cassette',
  summary: "Prints a run's model answers as a script that rehearsal can play.",
  args: RUN_ARGUMENT,
  examples: ['runs cassette latest > cassette.json'],
  async run(cli, input) {
    const connection = await cli.connect();
    const { script } = await connection.call(runOperations.cassette, { id: await runOf(connection, input) });
    return { value: script, lines: [JSON.stringify(script, null, 2)] };
  },
};

export const inspectVerbs: readonly Command[] = [events, transcript, prompt, verify, replay, cassette];
