/** `windlass runs` where something is done to a run, or another is made from it. */
import { AppError } from '../../../kernel/errors.ts';
import { runOperations } from '../../../runtime/runs/contract.ts';
import type { Answer, Cli, Command, Input } from '../command.ts';
import { argument, given, numberOption, option } from '../command.ts';
import { findRun } from '../find-run.ts';
import { shortId } from '../format.ts';
import { readText } from '../read-text.ts';

const RUN_ARGUMENT = [['<run>', 'id of the run, the end of one, or latest']] as const;
const REASON = [['--reason <text>', 'why, for the record']] as const;

/** Cancel, pause and resume differ in nothing but their name. */
function signal(name: 'cancel' | 'pause' | 'resume', summary: string): Command {
  return {
    name,
    summary,
    args: RUN_ARGUMENT,
    options: REASON,
    examples: [`runs ${name} latest`, `runs ${name} 4t9kz1ab --reason "waits for the release"`],
    async run(cli, input) {
      const connection = await cli.connect();
      const id = await findRun(connection, argument(input, 0));
      const answer = await connection.call(runOperations[name], { id, ...given({ reason: option(input, 'reason') }) });
      return { value: answer, lines: [answer.message] };
    },
  };
}

const note: Command = {
  name: 'note',
  summary: 'Adds your words to a live run; the agent reads them at its next step.',
  args: [...RUN_ARGUMENT, ['<text>', 'the words, @FILE, or - for standard input']],
  examples: ['runs note latest "Leave the tests alone."', 'runs note latest @hints.md'],
  async run(cli, input) {
    const connection = await cli.connect();
    const id = await findRun(connection, argument(input, 0));
    const answer = await connection.call(runOperations.note, { id, text: await readText(cli, argument(input, 1)) });
    return { value: answer, lines: [answer.message] };
  },
};

function made(cli: Cli, answer: { id: string; message: string }): Answer {
  return { value: answer, lines: [answer.message, [['dim', `windlass watch ${shortId(cli.terminal, answer.id)}`]]] };
}

function again(name: 'retry' | 'rerun', summary: string): Command {
  return {
    name,
    summary,
    args: RUN_ARGUMENT,
    examples: [`runs ${name} latest`, `runs ${name} 4t9kz1ab --json`],
    async run(cli, input) {
      const connection = await cli.connect();
      return made(cli, await connection.call(runOperations[name], { id: await findRun(connection, argument(input, 0)) }));
    },
  };
}

const fork: Command = {
  name: 'fork',
  summary: 'Starts a new run from any step of another, with changed instructions, model or tool result.',
  args: RUN_ARGUMENT,
  options: [
    ['--at <seq>', 'the last entry to keep (see `windlass runs events`)'],
    ['--instructions <text>', 'other instructions: text, @FILE, or -'],
    ['--model <model>', 'another model'],
    ['--call <id>', 'the tool call whose result is replaced by --result'],
    ['--result <text>', 'what the tool shall have answered: text, @FILE, or -'],
  ],
  examples: ['runs fork latest --at 12 --model anthropic/claude-opus-4-5', 'runs fork latest --at 9 --call call_1 --result "no such file"'],
  async run(cli, input) {
    const seq = numberOption(input, 'at');
    if (seq === undefined)
      throw new AppError('invalid_input', 'Where to fork is missing.', {
        next: 'Give --at SEQ: the last entry to keep; `windlass runs events <run>` lists them.',
      });
    const connection = await cli.connect();
    const id = await findRun(connection, argument(input, 0));
    const instructions = option(input, 'instructions');
    const change = {
      instructions: instructions === undefined ? undefined : await readText(cli, instructions),
      model: option(input, 'model'),
      result: await editedResult(cli, input),
    };
    return made(cli, await connection.call(runOperations.fork, { id, seq, ...given(change) }));
  },
};

async function editedResult(cli: Cli, input: Input): Promise<{ callId: string; text: string } | undefined> {
  const [callId, result] = [option(input, 'call'), option(input, 'result')];
  if (callId === undefined && result === undefined) return undefined;
  if (callId === undefined || result === undefined)
    throw new AppError('invalid_input', '--call and --result belong together.', { next: 'Give both, or none.' });
  return { callId, text: await readText(cli, result) };
}

export const steerVerbs: readonly Command[] = [
  signal('cancel', 'Stops a run within a second.'),
  signal('pause', 'Pauses a run after the step it is in.'),
  signal('resume', 'Lets a paused run go on.'),
  again('retry', 'Continues an ended run as a new one: what was done stays done.'),
  again('rerun', 'Starts afresh with the same agent version and input.'),
  fork,
  note,
];
