/** `windlass agent`: the list of agents, one in full, its versions. Changing one is in the file beside. */
import { stringify } from 'yaml';
import { agentOperations } from '../../../work/agents/contract.ts';
import type { AgentDetail, AgentView } from '../../../work/agents/contract.ts';
import { AppError } from '../../../kernel/errors.ts';
import type { Cli, Command, Noun } from '../command.ts';
import { argument, flag, given, option } from '../command.ts';
import { differenceLines } from '../differences.ts';
import { plural, relativeTime, timestamp } from '../format.ts';
import { fields, pageLines, table } from '../table.ts';
import type { Line, Style } from '../terminal.ts';
import { changeVerbs } from './agent-change.ts';
import { template } from './agent-template.ts';

const NAME_ARGUMENT = ['<name>', 'name of the agent'] as const;

const STATE_STYLES: Record<AgentView['state'], Style> = { active: 'green', paused: 'yellow', error: 'red', archived: 'dim' };

const list: Command = {
  name: 'list',
  summary: 'Lists agents by name.',
  options: [
    ['--archived', 'also archived ones'],
    ['--limit <n>', 'how many at most (50)'],
    ['--cursor <cursor>', 'next page of the list before'],
  ],
  examples: ['agent list', 'agent list --archived --json'],
  async run(cli, input) {
    const connection = await cli.connect();
    const wanted = { archived: flag(input, 'archived') ? 'true' : undefined, limit: option(input, 'limit'), cursor: option(input, 'cursor') };
    const page = await connection.call(agentOperations.list, given(wanted));
    return {
      value: page,
      lines: pageLines(page, {
        table: () => agentTable(cli, page.items),
        nothing: 'No agents. Describe one in agents/NAME.yaml, then: windlass apply',
        more: 'windlass agent list',
      }),
    };
  },
};

function agentTable({ terminal }: Pick<Cli, 'terminal'>, agents: readonly AgentView[]): Line[] {
  return table(
    ['name', 'state', 'version', 'tier', 'schedules', 'drift', 'description'],
    agents.map((agent) => [
      agent.name,
      [[STATE_STYLES[agent.state], agent.state]],
      String(agent.version),
      String(agent.tier),
      String(agent.schedules),
      agent.drifted === null ? 'no file' : agent.drifted ? [['yellow', 'drifted']] : '',
      agent.stateReason === '' ? agent.description : agent.stateReason,
    ]),
    terminal.columns,
  );
}

const show: Command = {
  name: 'show',
  summary: 'Shows one agent, or one of its versions, with its definition.',
  args: [NAME_ARGUMENT, ['[version]', 'a version; the newest when left out']],
  examples: ['agent show repo-digest', 'agent show repo-digest 3 --json'],
  async run(cli, input) {
    const connection = await cli.connect();
    const name = argument(input, 0);
    const version = input.args[1];
    if (version !== undefined) {
      const found = await connection.call(agentOperations.version, { name, version });
      const head = `${name} v${found.version}, by ${found.by.name} (${found.source}) at ${timestamp(found.atMs)}`;
      return { value: found, lines: [[['bold', head]], '', yamlOf(found.definition)] };
    }
    const agent = await connection.call(agentOperations.get, { name });
    return { value: agent, lines: [...agentLines(cli, agent), '', yamlOf(agent.definition)] };
  },
};

function agentLines({ clock }: Pick<Cli, 'clock'>, agent: AgentDetail): Line[] {
  const since = relativeTime(agent.stateAtMs, clock.nowMs());
  return fields([
    ['agent', `${agent.name} v${agent.version}, by ${agent.by.name} ${relativeTime(agent.updatedAtMs, clock.nowMs())}`],
    ['state', [[STATE_STYLES[agent.state], agent.state], ` since ${since}${agent.stateReason === '' ? '' : `: ${agent.stateReason}`}`]],
    ['failures', agent.failures === 0 ? null : `${plural(agent.failures, 'run')} in a row`],
    ['drift', agent.drifted === true ? 'changed since the last apply' : null],
  ]);
}

/** As a file would have it; what is empty is left out. */
function yamlOf(definition: object): string {
  const kept = Object.entries(definition).filter(([, value]) => value !== '' && !(Array.isArray(value) && value.length === 0));
  return stringify(Object.fromEntries(kept), { lineWidth: 0 }).trimEnd();
}

const versions: Command = {
  name: 'versions',
  summary: 'Lists the versions of an agent, newest first.',
  args: [NAME_ARGUMENT],
  options: [
    ['--limit <n>', 'how many at most (50)'],
    ['--cursor <cursor>', 'next page of the list before'],
  ],
  examples: ['agent versions repo-digest'],
  async run(cli, input) {
    const connection = await cli.connect();
    const name = argument(input, 0);
    const page = await connection.call(agentOperations.versions, {
      name,
      ...given({ limit: option(input, 'limit'), cursor: option(input, 'cursor') }),
    });
    const nowMs = cli.clock.nowMs();
    const rows = page.items.map((each) => [
      String(each.version),
      relativeTime(each.atMs, nowMs),
      each.by.name,
      each.source,
      each.digest.slice(0, 12),
    ]);
    const lines = pageLines(page, {
      table: () => table(['version', 'made', 'by', 'through', 'digest'], rows, cli.terminal.columns),
      nothing: `${name} has no versions.`,
      more: `windlass agent versions ${name}`,
    });
    return { value: page, lines };
  },
};

const diff: Command = {
  name: 'diff',
  summary: 'Compares two versions of an agent, field by field.',
  args: [NAME_ARGUMENT, ['[from]', 'a version; the one before the newest when left out'], ['[to]', 'a version; the newest when left out']],
  examples: ['agent diff repo-digest', 'agent diff repo-digest 2', 'agent diff repo-digest 2 5 --json'],
  async run(cli, input) {
    const connection = await cli.connect();
    const name = argument(input, 0);
    const to = input.args[2] ?? (await connection.call(agentOperations.get, { name })).version;
    const from = input.args[1] ?? Number(to) - 1;
    if (from === 0) throw new AppError('invalid_input', `${name} has only one version, so there is nothing to compare.`);
    const found = await connection.call(agentOperations.compare, { name, from, to });
    const same = found.differences.length === 0;
    return {
      value: found,
      lines: [[['bold', `${name} v${found.from} → v${found.to}`]], ...(same ? ['No differences.'] : differenceLines(found.differences, '  '))],
    };
  },
};

export const agent: Noun = { verbs: [list, show, versions, diff, ...changeVerbs, template], usual: 'list' };
