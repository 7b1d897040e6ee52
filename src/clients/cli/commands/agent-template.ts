/** `windlass agent template`: the agents that ship with Windlass. */
import { templateOperations } from '../../../work/templates/contract.ts';
import type { Command } from '../command.ts';
import { table } from '../table.ts';

export const template: Command = {
  name: 'template',
  summary: 'Lists the agents that ship with Windlass, or makes an agent from one.',
  args: [['[name]', 'the template to make an agent from']],
  examples: ['agent template', 'agent template log-triage'],
  async run(cli, input) {
    const connection = await cli.connect();
    const [name] = input.args;
    if (name !== undefined) {
      const added = await connection.call(templateOperations.add, { name });
      return { value: added, lines: [added.message, [['dim', `windlass run ${added.name} --wait`]]] };
    }
    const found = await connection.call(templateOperations.list, {});
    const rows = found.items.map((each) => [each.name, each.added ? 'added' : '', each.rehearsed ? 'no' : 'yes', each.description]);
    return { value: found, lines: table(['template', 'added', 'needs a model', 'description'], rows, cli.terminal.columns) };
  },
};
