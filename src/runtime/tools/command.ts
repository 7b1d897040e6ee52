/**
 * One command of an agent that has no model (spec AGT-7): arguments without a shell, an environment of exactly what is named, ended
 * with everything it started at its deadline or with its run. Not a sandbox: it runs as the user Windlass runs as.
 */
import { cutText } from './call.ts';
import type { ChildRecords } from './child-records.ts';
import type { ProcessResult, RunProcess } from './child-process.ts';
import { TOOL_LIMITS } from './limits.ts';
import { UNKNOWN_TOOL } from './registry.ts';
import type { Tool, ToolContext, ToolOutcome } from './tool.ts';

export type CommandRequest = {
  name: string;
  argv: readonly string[];
  /** Beside PATH. Values are put in place by the caller; they are scrubbed from the output as all known secrets are. */
  env: Readonly<Record<string, string>>;
  timeoutMs: number;
};

/** The outcome is ok only for exit code 0. Its evidence is the exit code itself: `observed` (spec RUN-11). */
export type RunCommand = (request: CommandRequest, context: ToolContext) => Promise<ToolOutcome>;

export type CommandDeps = {
  run: RunProcess;
  records: ChildRecords;
  nowMs: () => number;
  /** Where programs are looked for. */
  path: string;
  scrub: (text: string) => string;
};

export function createCommandRunner(deps: CommandDeps): RunCommand {
  return async (request, context) => {
    const [program, ...args] = request.argv;
    if (program === undefined) return { ok: false, class: 'invalid_input', message: `The command "${request.name}" has no program to run.` };
    if (context.checkout === null) {
      return { ok: false, class: 'invalid_input', message: `The command "${request.name}" needs a checkout to run in, and this run has none.` };
    }
    // of this attempt alone: a successor may be at the same call while this one's leavings are reaped
    const mark = `${context.run}/${context.callId}/${deps.nowMs()}`;
    const result = await deps.run({
      argv: [program, ...args],
      cwd: context.checkout,
      env: { PATH: deps.path, LANG: 'C.UTF-8', ...request.env },
      deadlineMs: Math.min(context.deadlineMs, deps.nowMs() + request.timeoutMs),
      signal: context.signal,
      maxBytes: TOOL_LIMITS.resultChars,
      mark,
      onStarted: (pid) => deps.records.add({ pid, mark, what: request.name }),
    });
    return outcomeOf(request, result, deps.scrub);
  };
}

/** A command of a plan as the harness calls it: with `{argv}`. What it is taken for is in the plan's manifest, not here. */
export function createCommandTool(
  run: RunCommand,
): (command: { name: string; argv: readonly string[]; timeoutMs: number; repeatable: boolean }) => Tool {
  return (command) => ({
    spec: {
      ...UNKNOWN_TOOL,
      taints: [...UNKNOWN_TOOL.taints],
      name: command.name,
      description: command.argv.join(' '),
      inputSchema: { type: 'object' },
      recovery: command.repeatable ? 'key' : 'none',
      timeoutMs: command.timeoutMs,
      realm: '',
      source: 'command',
    },
    call: (_args, context) => run({ name: command.name, argv: command.argv, env: {}, timeoutMs: command.timeoutMs }, context),
  });
}

function outcomeOf(request: CommandRequest, result: ProcessResult, scrub: (text: string) => string): ToolOutcome {
  const stdout = scrub(result.stdout.toString('utf8'));
  const stderr = scrub(result.stderr.toString('utf8'));
  const note = result.cut ? `\n[output beyond ${TOOL_LIMITS.resultChars} bytes was dropped]` : '';
  const text = cutText(stdout + (stderr === '' ? '' : `\n[stderr]\n${stderr}`) + note, TOOL_LIMITS.resultChars);
  const command = `"${request.name}" (${request.argv[0] ?? ''})`;
  switch (result.ended) {
    case 'exit':
      if (result.exitCode === 0) {
        return {
          ok: true,
          text,
          structured: { exitCode: 0, cut: result.cut },
          evidence: { level: 'observed', what: `${command} exited with code 0` },
        };
      }
      return { ok: false, class: 'tool_error', message: `${command} exited with code ${result.exitCode ?? 'none'}.\n${text}` };
    case 'signal':
      return { ok: false, class: 'tool_error', message: `${command} was ended by ${result.detail}.\n${text}` };
    case 'deadline':
      // it is gone, and nobody else will finish it: a failure like an exit code, not an unknown outcome
      return { ok: false, class: 'timeout', message: `${command} did not end within ${request.timeoutMs} ms and was stopped.\n${text}` };
    case 'aborted':
      return { ok: false, class: 'timeout', message: `${command} was stopped with its run.\n${text}`, mayHaveHappened: true };
    case 'unstarted':
      return {
        ok: false,
        class: 'tool_error',
        message: `${command} could not be started: ${result.detail}. Check that the program is installed and on the PATH.`,
      };
  }
}
