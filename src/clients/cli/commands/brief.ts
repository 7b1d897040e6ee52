/** `windlass brief`: the briefing of a project, for a terminal, a file, or an agent that calls no tools. */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { AppError } from '../../../kernel/errors.ts';
import { briefingOperations } from '../../../work/briefing/contract.ts';
import { checkoutHere } from '../checkout.ts';
import { briefingCopy, orCopy } from '../copies.ts';
import type { Answer, Cli, Command, Input } from '../command.ts';
import { flag, given, numberOption, option } from '../command.ts';
import { bytes } from '../format.ts';
import { projectHere } from '../here.ts';

export const brief: Command = {
  name: 'brief',
  summary: 'Briefs whoever begins to work: where you are, what was left, what is urgent and due.',
  options: [
    ['--project <code>', "the repository's project when left out"],
    ['--session <id>', 'as the session sees it'],
    ['--environment <name>', 'the environment that the work is for (production)'],
    ['--budget <tokens>', 'how long it may be (3000)'],
    ['--full', 'everything with its contents, for agents that cannot fetch them'],
    ['-o, --output <file>', 'write it there'],
  ],
  examples: ['brief', 'brief --full -o BRIEFING.md', 'brief --project app --json'],
  run: (cli, input) =>
    orCopy(
      () => read(cli, input),
      () => (flag(input, 'full') || option(input, 'output') !== undefined ? Promise.resolve(null) : briefingCopy(cli, option(input, 'project'))),
    ),
};

async function read(cli: Cli, input: Input): Promise<Answer> {
  const connection = await cli.connect();
  const project = option(input, 'project') ?? cli.env['WINDLASS_PROJECT'];
  const session = option(input, 'session');
  const { repository, branch } = await checkoutHere(cli);
  const here = async () => (repository === undefined ? { project: await projectHere(cli, connection) } : { repository });
  const where = project === undefined && session === undefined ? await here() : { project, session };
  const view = await connection.call(briefingOperations.read, {
    ...given({ ...where, branch, environment: option(input, 'environment'), budgetTokens: numberOption(input, 'budget') }),
    view: flag(input, 'full') ? 'full' : 'brief',
  });
  for (const fault of view.faults) cli.terminal.err([['yellow', fault]]);
  const output = option(input, 'output');
  if (output === undefined) return { value: view, lines: view.markdown.trimEnd().split('\n') };
  const path = resolve(cli.cwd, output);
  try {
    await writeFile(path, view.markdown);
  } catch (error) {
    throw new AppError('invalid_input', `${path} cannot be written: ${error instanceof Error ? error.message : String(error)}.`, { cause: error });
  }
  return { value: view, lines: [`Wrote ${path}, ${bytes(view.bytes)}, at most ${view.tokens} tokens.`] };
}
