/**
 * What a run may call, from its plan: the allowlisted tools of its recorded manifest and its agents, or the fixed commands of a command
 * agent (spec AGT-7). A command is a tool whose arguments are the plan's own, so it passes the same policy, limits and recovery.
 */
import type { RunPlan, ToolManifestEntry } from '../../kernel/plan.ts';
import { isListed } from '../../platform/policy/policy.ts';
import { RESULT_READ } from './result-read.ts';
import { planOf } from './rules.ts';
import type { Call, RunState } from './state.ts';

/** A tool named so starts a run of the agent named by the rest. */
export const AGENT_TOOL_PREFIX = 'agent_';
/** A tool named so is a command of the plan; its arguments are `{argv}`. */
export const COMMAND_TOOL_PREFIX = 'command.';

type CommandPlan = Extract<RunPlan, { kind: 'command' }>;

/** Names a run may call: its tools, its agents and reading on in its own results, or its commands. */
export function allowlistOf(state: RunState): string[] {
  const plan = planOf(state);
  if (plan.kind === 'command') return plan.commands.map((command) => COMMAND_TOOL_PREFIX + command.name);
  return [...plan.tools, ...plan.agents.map((agent) => AGENT_TOOL_PREFIX + agent), RESULT_READ.name];
}

/** What the run may call, in the recorded order. */
export function manifestOf(state: RunState): ToolManifestEntry[] {
  const plan = planOf(state);
  if (plan.kind === 'command') return plan.commands.map(commandTool);
  const allowlist = allowlistOf(state);
  const tools = state.tools.filter((tool) => tool.name !== RESULT_READ.name && isListed(allowlist, tool.name));
  return tools.length === 0 ? [] : [...tools, RESULT_READ];
}

/** A command as a tool: whoever wrote the plan vouches for it, and says whether it may be repeated after a crash. */
function commandTool(command: CommandPlan['commands'][number]): ToolManifestEntry {
  return {
    name: COMMAND_TOOL_PREFIX + command.name,
    description: command.argv.join(' '),
    inputSchema: { type: 'object', properties: { argv: { type: 'array', items: { type: 'string' } } }, required: ['argv'] },
    kind: 'call',
    sideEffect: 'reversible',
    taints: ['untrusted'],
    recovery: command.repeatable ? 'key' : 'none',
    timeoutMs: command.timeoutMs,
    settleMs: 0,
    shownChars: 8_000,
  };
}

/** The calls of a command run: there from the start, in the plan's order. */
export function commandCalls(plan: CommandPlan): Call[] {
  return plan.commands.map((command, index) => ({
    callId: `command_${index + 1}`,
    tool: COMMAND_TOOL_PREFIX + command.name,
    args: { argv: command.argv },
    invalid: null,
    phase: 'asked',
    tries: 0,
    question: null,
    intent: null,
    child: null,
    result: null,
  }));
}
