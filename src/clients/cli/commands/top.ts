/** `windlass top`: the terminal screen. What it is made of is in `clients/tui`. */
import process from 'node:process';
import { AppError } from '../../../kernel/errors.ts';
import { runTop } from '../../tui/top.ts';
import type { Command } from '../command.ts';
import { locate } from '../connection.ts';

export const top: Command = {
  name: 'top',
  summary: 'A screen of runs as they go on, with questions to answer and commands; /help in it says more.',
  examples: ['top', 'top   # with WINDLASS_KEY set to your own key: approvals can be answered as well'],
  async run(cli) {
    if (!cli.terminal.live || !process.stdin.isTTY) {
      throw new AppError('invalid_input', 'The screen needs a terminal that can move its cursor, at both ends.', {
        next: '`windlass status` and `windlass runs` say the same in lines, and with --json.',
      });
    }
    const { url } = await locate(cli);
    await runTop(cli, { url, process });
    return { value: undefined, lines: [] };
  },
};
