/** `windlass tool`: what agents could be allowed to call, and which tool servers do not answer. */
import { toolOperations } from '../../../runtime/tools/contract.ts';
import type { Command, Noun } from '../command.ts';
import { argument, given, option } from '../command.ts';
import { duration } from '../format.ts';
import { fields, pageLines, table } from '../table.ts';
import type { Line, Style } from '../terminal.ts';

const EFFECT_STYLES: Record<'read' | 'reversible' | 'irreversible' | 'external', Style> = {
  read: 'green',
  reversible: 'cyan',
  irreversible: 'yellow',
  external: 'yellow',
};

const list: Command = {
  name: 'list',
  summary: 'Lists all tools there are, and what tool servers failed at.',
  options: [['--source <source>', 'only of this source: builtin, or mcp:SERVER']],
  examples: ['tool list', 'tool list --source builtin --json'],
  async run(cli, input) {
    const page = await (await cli.connect()).call(toolOperations.list, given({ source: option(input, 'source') }));
    const rows = page.items.map((tool): Line[] => [
      tool.name,
      [[EFFECT_STYLES[tool.sideEffect], tool.sideEffect]],
      tool.taints.join(' '),
      tool.source,
      tool.description.split('\n', 1)[0] ?? '',
    ]);
    const lines = pageLines(page, {
      table: () => table(['tool', 'effect', 'taints', 'source', 'description'], rows, cli.terminal.columns),
      nothing: 'No tools.',
      more: 'windlass tool list',
    });
    const faults = page.faults.map(({ tool, why }): Line => [['red', `${tool}: `], why]);
    return { value: page, lines: [...lines, ...(faults.length === 0 ? [] : ['', ...faults])] };
  },
};

const show: Command = {
  name: 'show',
  summary: 'Shows one tool with the schema of its input.',
  args: [['<name>', 'name of the tool']],
  examples: ['tool show file_read', 'tool show http_request --json'],
  async run(cli, input) {
    const tool = await (await cli.connect()).call(toolOperations.get, { name: argument(input, 0) });
    const lines = fields([
      ['tool', tool.name],
      ['source', tool.source],
      ['effect', [[EFFECT_STYLES[tool.sideEffect], tool.sideEffect]]],
      ['taints', tool.taints.join(', ')],
      ['recovery', tool.recovery],
      ['credential', tool.realm],
      ['time limit', duration(tool.timeoutMs)],
      ['input', JSON.stringify(tool.inputSchema, null, 2)],
    ]);
    return { value: tool, lines: [...lines, '', tool.description] };
  },
};

export const tool: Noun = { verbs: [list, show], usual: 'list' };
