/** The run that the fault tests break: its model's script and its tools, the same in the killed process and in the one that goes on. */
import type { Clock } from '../../src/kernel/clock.ts';
import type { JsonObject } from '../../src/kernel/canonical-json.ts';
import type { ModelRequest } from '../../src/runtime/models/model.ts';
import type { Tool, ToolContext, ToolOutcome } from '../../src/runtime/tools/tool.ts';
import { calls, says, toolEntry } from '../support/drive-pure.ts';
import { readTool, type WorldOptions } from '../support/run-world.ts';

export const TOOLS = ['look', 'put_keyed', 'put_probed', 'put_plain'];
/** Six answers of the model and five calls between them, with the end twelve steps. */
const TWELVE = ['put_keyed', 'put_probed', 'look', 'put_keyed', 'put_probed'];
/** How long an effect may take; a successor waits for it before it probes. */
const TIMEOUT_MS = 2_000;

/** Input `twelve`, `plain` (one write that can be neither repeated nor probed) or `short` (one write with a key). */
export function jobOptions(receiver: string, clock: Clock): WorldOptions {
  const script = ({ messages, turn }: ModelRequest) => {
    const input = JSON.stringify(messages[0]);
    const steps = input.includes('"twelve"') ? TWELVE : input.includes('"plain"') ? ['put_plain'] : ['put_keyed'];
    const tool = steps[turn - 1];
    return tool === undefined ? says(`All ${steps.length} are done.`) : calls([tool, { step: turn }, `c${turn}`]);
  };
  return {
    script,
    tools: [
      readTool('look', async () => ({ ok: true, text: 'seen', labels: ['untrusted'] })),
      ...['put_keyed', 'put_probed', 'put_plain'].map((name) => putTool(name, receiver, clock)),
    ],
  };
}

function putTool(name: string, receiver: string, clock: Clock): Tool {
  const at = (context: ToolContext): string => `${receiver}?${new URLSearchParams({ tool: name, key: context.key }).toString()}`;
  const recovery = name === 'put_keyed' ? 'key' : name === 'put_probed' ? 'probe' : 'none';
  const tool: Tool = {
    spec: {
      ...toolEntry(name, { sideEffect: 'reversible', recovery, timeoutMs: TIMEOUT_MS, settleMs: recovery === 'probe' ? 200 : 0 }),
      realm: '',
      source: 'builtin',
    },
    async call(_args: JsonObject, context): Promise<ToolOutcome> {
      if (clock.nowMs() >= context.deadlineMs) return { ok: false, class: 'timeout', message: 'Too late to begin.', mayHaveHappened: true };
      try {
        await fetch(at(context), {
          method: 'POST',
          signal: AbortSignal.any([context.signal, AbortSignal.timeout(context.deadlineMs - clock.nowMs())]),
        });
        return { ok: true, text: `${name} done` };
      } catch (cause) {
        return { ok: false, class: 'timeout', message: String(cause), mayHaveHappened: true };
      }
    },
  };
  if (recovery === 'probe') {
    tool.probe = async (_args, context) =>
      (await fetch(at(context), { signal: context.signal })).ok ? { found: true, text: `${name} done` } : { found: false };
  }
  return tool;
}
