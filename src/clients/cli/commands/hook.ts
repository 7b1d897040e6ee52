/** `windlass hook`: what the hooks of coding CLIs call. Reads the CLI's JSON from standard input and answers in its form. */
import { AppError } from '../../../kernel/errors.ts';
import { cliNamed } from '../../launcher/clis.ts';
import type { HookEvent } from '../../launcher/coding-cli.ts';
import { HOOK_EVENTS } from '../../launcher/coding-cli.ts';
import { writeHookAnswer } from '../../launcher/hook-input.ts';
import { runHook } from '../../launcher/hook.ts';
import { probeOf, reportLines } from '../../launcher/probe-report.ts';
import type { Command } from '../command.ts';
import { argument, option } from '../command.ts';

export const hook: Command = {
  name: 'hook',
  summary: 'Answers a hook of a coding CLI; `windlass launch` installs them and `windlass launch --remove` takes them out.',
  args: [['<event>', 'start, tool, compact or stop']],
  options: [['--cli <name>', 'claude, codex or gemini']],
  examples: ['hook start --cli claude   # reads what Claude Code tells its hooks from standard input'],
  async run(cli, input) {
    const event = argument(input, 0);
    const probe = event === 'probe' ? probeOf(cli.env) : null;
    if (probe !== null) return { value: { lines: reportLines(probe, cli.env) }, lines: reportLines(probe, cli.env) };
    if (!isEvent(event))
      throw new AppError('invalid_input', `There is no hook "${event.slice(0, 40)}".`, { next: `One of ${HOOK_EVENTS.join(', ')}.` });
    const { name } = cliNamed(option(input, 'cli') ?? '');
    const { answer, input: told } = await runHook(cli, { event, name, text: await cli.readStdin() });
    return { value: { answer }, lines: [writeHookAnswer(name, event, { answer, name: told?.hook_event_name })] };
  },
};

function isEvent(text: string): text is HookEvent {
  return HOOK_EVENTS.some((event) => event === text);
}
