/** `windlass run`: starts a run, and with --wait follows it to its end. */
import { agentOperations } from '../../../work/agents/contract.ts';
import type { Cli, Command, Input } from '../command.ts';
import { argument, flag, given, numberOption, option } from '../command.ts';
import { shortId } from '../format.ts';
import { projectHere } from '../here.ts';
import { followToOutcome } from '../outcome.ts';
import { jsonOrText, readText } from '../read-text.ts';

export const run: Command = {
  name: 'run',
  summary: 'Starts a run of an agent; with --wait it ends with the status and answer of the run.',
  args: [['<agent>', 'name of the agent']],
  options: [
    ['--input <input>', 'what to work on: text or JSON, @FILE, or - for standard input'],
    ['--wait', 'follow the run; exit 0 only when it succeeded. Ctrl-C leaves it going'],
    ['--priority <priority>', 'low, normal or high (normal)'],
    ['--project <project>', 'project it works in, by code or id (that of the current folder, else the first)'],
    ['--lane <lane>', 'runs of one lane go one after the other'],
    ['--deadline-minutes <minutes>', 'ended when not done by then'],
  ],
  examples: [
    'run repo-digest --wait',
    'run code-review --input \'{"range": "HEAD~3..HEAD"}\' --wait --json',
    'run log-triage --input @app.log',
    'run code-review --input - --wait < changes.diff',
  ],
  async run(cli, input) {
    const work = await runInput(cli, input);
    const connection = await cli.connect();
    const wanted = {
      input: work,
      priority: option(input, 'priority') as 'normal' | undefined,
      project: option(input, 'project') ?? (await projectHere(cli, connection)),
      lane: option(input, 'lane'),
      deadlineMinutes: numberOption(input, 'deadlineMinutes'),
    };
    const started = await connection.call(agentOperations.run, { name: argument(input, 0), ...given(wanted) });
    if (flag(input, 'wait')) return followToOutcome(cli, connection, { run: started.id, after: 0 });
    return { value: started, lines: [started.message, [['dim', `windlass watch ${shortId(cli.terminal, started.id)}`]]] };
  },
};

async function runInput(cli: Cli, input: Input): Promise<ReturnType<typeof jsonOrText> | undefined> {
  const text = option(input, 'input');
  return text === undefined ? undefined : jsonOrText(await readText(cli, text));
}
