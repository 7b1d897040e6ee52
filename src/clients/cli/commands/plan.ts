/** `windlass plan` and `windlass apply`: agents as code. Reads a folder of YAML files; the server compares and changes (spec AGT-8). */
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AppError } from '../../../kernel/errors.ts';
import { agentOperations } from '../../../work/agents/contract.ts';
import type { PlanView } from '../../../work/agents/contract.ts';
import type { Cli, Command, Input } from '../command.ts';
import { flag } from '../command.ts';
import { isChange, planLines } from '../differences.ts';

const DEFAULT_FOLDER = 'agents';
const FOLDER_ARGUMENT = [['[folder]', `folder of agent files (${DEFAULT_FOLDER})`]] as const;
const PRUNE = ['--prune', 'archive agents that no file describes'] as const;

type File = { path: string; text: string };

/** The YAML files of the folder itself, by name. @throws AppError `not_found` without the folder or a file in it. */
export async function readAgentFiles(cwd: string, folder: string): Promise<File[]> {
  const place = resolve(cwd, folder);
  let names: string[];
  try {
    names = await readdir(place);
  } catch (error) {
    throw new AppError('not_found', `The folder ${place} cannot be read: ${error instanceof Error ? error.message : String(error)}.`, {
      next: 'Name the folder that holds the agent files: windlass plan FOLDER',
      cause: error,
    });
  }
  const files = names.filter((name) => /\.ya?ml$/.test(name)).toSorted();
  if (files.length === 0) {
    throw new AppError('not_found', `${place} holds no agent files.`, { next: 'An agent is described in a file named after it: agents/NAME.yaml' });
  }
  return Promise.all(files.map(async (name) => ({ path: join(folder, name), text: await readFile(join(place, name), 'utf8') })));
}

async function filesOf(cli: Cli, input: Input): Promise<{ files: File[]; prune: boolean }> {
  return { files: await readAgentFiles(cli.cwd, input.args[0] ?? DEFAULT_FOLDER), prune: flag(input, 'prune') };
}

function changes(plan: PlanView): boolean {
  return plan.changes.some(isChange);
}

export const plan: Command = {
  name: 'plan',
  summary: 'Shows what applying a folder of agent files would change; changes nothing.',
  args: FOLDER_ARGUMENT,
  options: [PRUNE, ['--exit-code', 'exit 1 when there are changes']],
  examples: ['plan', 'plan ops/agents --prune', 'plan --exit-code --json'],
  async run(cli, input) {
    const files = await filesOf(cli, input);
    const found = await (await cli.connect()).call(agentOperations.plan, files);
    return { value: found, lines: planLines(found), exit: flag(input, 'exitCode') && changes(found) ? 1 : 0 };
  },
};

export const apply: Command = {
  name: 'apply',
  summary: 'Makes the agents match a folder of files, all of it or nothing; shows the plan and asks first.',
  args: FOLDER_ARGUMENT,
  options: [PRUNE, ['--yes', 'do not ask; for scripts']],
  examples: ['apply', 'apply ops/agents --prune', 'apply --yes --json'],
  async run(cli, input) {
    const files = await filesOf(cli, input);
    const connection = await cli.connect();
    const planned = await connection.call(agentOperations.plan, files);
    if (!changes(planned)) return { value: planned, lines: planLines(planned) };
    const yes = flag(input, 'yes');
    if (!yes) {
      if (!cli.terminal.json) for (const line of planLines(planned)) cli.terminal.err(line);
      const answer = cli.terminal.json ? null : await cli.confirm('Apply this?');
      if (answer === null)
        throw new AppError('invalid_input', 'Nobody can be asked here, so nothing was applied.', { next: 'Give --yes in a script.' });
      if (!answer) throw new AppError('conflict', 'Nothing was applied.');
    }
    const applied = await connection.call(agentOperations.apply, { ...files, digest: planned.digest });
    return { value: applied, lines: yes ? planLines(applied) : [applied.message] };
  },
};
