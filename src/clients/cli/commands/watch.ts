/** `windlass watch`: follows a run until it ends. */
import type { Command } from '../command.ts';
import { argument } from '../command.ts';
import { findRun } from '../find-run.ts';
import { followToOutcome } from '../outcome.ts';

export const watch: Command = {
  name: 'watch',
  summary: 'Follows a run until it ends: turns, tool calls, waits, cost. Ctrl-C stops watching, not the run.',
  args: [['<run>', 'id of the run, the end of one, or latest']],
  examples: ['watch latest', 'watch 4t9kz1ab', 'watch latest --json | jq .answer'],
  async run(cli, input) {
    const connection = await cli.connect();
    return followToOutcome(cli, connection, { run: await findRun(connection, argument(input, 0)), after: 0 });
  },
};
