/** `windlass agent` where an agent is changed. A folder of files is better changed by `windlass apply`. */
import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { agentOperations } from '../../../work/agents/contract.ts';
import type { AgentDetail } from '../../../work/agents/contract.ts';
import { stopOperations } from '../../../work/stop/contract.ts';
import { AppError } from '../../../kernel/errors.ts';
import type { Answer, Cli, Command } from '../command.ts';
import { argument, given, numberOption, option } from '../command.ts';
import { readText } from '../read-text.ts';
import type { Line } from '../terminal.ts';

const NAME_ARGUMENT = ['<name>', 'name of the agent'] as const;
const FILE_ARGUMENT = ['<file>', 'the definition as YAML or JSON; - for standard input'] as const;

type Definition = z.input<typeof agentOperations.create.input>;

/** What the file holds, unchecked: the server names every fault of it. @throws AppError `invalid_input` */
async function readDefinition(cli: Cli, file: string): Promise<Definition> {
  const text = await readText(cli, file === '-' ? '-' : `@${file}`);
  const document = parseDocument(text, { prettyErrors: true, stringKeys: true });
  if (document.errors.length > 0) {
    const faults = document.errors.map((error) => ({
      path: file,
      message: error.message.split('\n')[0] ?? '',
      ...given({ line: error.linePos?.[0].line }),
    }));
    throw new AppError('invalid_input', `${file} is no YAML.`, { faults });
  }
  const value: unknown = document.toJS();
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AppError('invalid_input', `${file} holds no agent: it must be a mapping that begins with \`name:\`.`);
  }
  return value as Definition;
}

function changed(agent: AgentDetail, what: string): Answer {
  return { value: agent, lines: [`${agent.name} ${what}.`] };
}

const create: Command = {
  name: 'create',
  summary: 'Creates an agent from a file.',
  args: [FILE_ARGUMENT],
  examples: ['agent create digest.yaml', 'agent create - < digest.yaml'],
  async run(cli, input) {
    const definition = await readDefinition(cli, argument(input, 0));
    return changed(await (await cli.connect()).call(agentOperations.create, definition), 'is created, version 1');
  },
};

const update: Command = {
  name: 'update',
  summary: 'Replaces the definition of an agent by that of a file, as a new version.',
  args: [NAME_ARGUMENT, FILE_ARGUMENT],
  options: [['--base <version>', 'the version you changed; refused when it is no longer the newest']],
  examples: ['agent update repo-digest digest.yaml', 'agent update repo-digest - --base 3 < digest.yaml'],
  async run(cli, input) {
    const definition = await readDefinition(cli, argument(input, 1));
    const wanted = { ...definition, name: argument(input, 0), ...given({ baseVersion: numberOption(input, 'base') }) };
    const agent = await (await cli.connect()).call(agentOperations.update, wanted);
    return changed(agent, `is now version ${agent.version}`);
  },
};

const pause: Command = {
  name: 'pause',
  summary: 'Stops an agent from taking runs; its live runs go on.',
  args: [NAME_ARGUMENT],
  options: [['--reason <text>', 'why, for the record']],
  examples: ['agent pause repo-digest --reason "the repository moves"'],
  async run(cli, input) {
    const connection = await cli.connect();
    return changed(
      await connection.call(agentOperations.pause, { name: argument(input, 0), ...given({ reason: option(input, 'reason') }) }),
      'is paused',
    );
  },
};

const resume: Command = {
  name: 'resume',
  summary: 'Lets a paused or failed agent take runs again.',
  args: [NAME_ARGUMENT],
  examples: ['agent resume repo-digest'],
  async run(cli, input) {
    return changed(await (await cli.connect()).call(agentOperations.resume, { name: argument(input, 0) }), 'takes runs again');
  },
};

const archive: Command = {
  name: 'archive',
  summary: 'Archives an agent; its versions and runs stay.',
  args: [NAME_ARGUMENT],
  examples: ['agent archive old-digest'],
  async run(cli, input) {
    return changed(await (await cli.connect()).call(agentOperations.archive, { name: argument(input, 0) }), 'is archived');
  },
};

const restore: Command = {
  name: 'restore',
  summary: 'Makes an earlier version the newest again, as a new version.',
  args: [NAME_ARGUMENT, ['<version>', 'the version to have back']],
  examples: ['agent restore repo-digest 3'],
  async run(cli, input) {
    const version = argument(input, 1);
    const agent = await (await cli.connect()).call(agentOperations.restore, { name: argument(input, 0), version });
    return changed(agent, `has version ${version} back, as version ${agent.version}`);
  },
};

const stopAll: Command = {
  name: 'stop-all',
  summary: 'Stops everything: all agents take no new runs, and every live run is cancelled.',
  options: [['--reason <text>', 'why, for the record']],
  examples: ['agent stop-all --reason "the forge is under attack"'],
  async run(cli, input) {
    const stopped = await (await cli.connect()).call(stopOperations.all, given({ reason: option(input, 'reason') }));
    const { agents, runs, failed } = stopped;
    return {
      value: stopped,
      lines: [
        `${agents.length === 1 ? '1 agent takes' : `${agents.length} agents take`} no new runs: ${agents.join(', ') || 'none was active'}.`,
        `${runs === 1 ? '1 live run was' : `${runs} live runs were`} cancelled.`,
        ...failed.map(({ what, why }): Line => [['red', `${what}: `], why]),
        [['dim', 'One goes on with `windlass agent resume NAME`.']],
      ],
      exit: failed.length === 0 ? 0 : 1,
    };
  },
};

export const changeVerbs: readonly Command[] = [create, update, pause, resume, archive, restore, stopAll];
