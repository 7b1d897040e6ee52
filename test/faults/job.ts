/** The runs that the fault tests break: their model's script and their tools, the same in the killed process and in the one that goes on. */
import type { Clock } from '../../src/kernel/clock.ts';
import type { Message } from '../../src/kernel/messages.ts';
import { modelFailure } from '../../src/runtime/models/failure.ts';
import { boundTool } from '../../src/runtime/tools/call.ts';
import type { Tool, ToolContext, ToolOutcome } from '../../src/runtime/tools/tool.ts';
import { createValidator } from '../../src/runtime/tools/validate.ts';
import { calls, FACTS, says, toolEntry, type ScriptedCall } from '../support/drive-pure.ts';
import type { Script } from '../support/scripted-model.ts';
import { readTool, type WorldOptions } from '../support/run-world.ts';

export const TOOLS = ['look', 'put_keyed', 'put_probed', 'put_plain', 'send'];

/** A job is the run's input; each of its steps is one turn of the model, with these calls. */
const JOBS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  twelve: [
    ['put_keyed'],
    ['look', 'look'],
    ['put_probed'],
    ['put_plain'],
    ['look'],
    ['put_keyed'],
    ['put_plain'],
    ['put_keyed', 'look'],
    ['put_probed'],
    ['look'],
    ['put_keyed'],
  ],
  keyed: [['put_keyed']],
  probed: [['put_probed']],
  plain: [['put_plain']],
  two: [['put_keyed'], ['put_keyed']],
  four: [['look'], ['put_keyed'], ['look'], ['put_keyed']],
  send: [['send']],
  answer: [],
};

/** How long an effect may take; a successor waits for it before it probes. */
export const TIMEOUT_MS = 2_000;
/** Of an effect with a key, which is only made again: long enough for a receiver that shares a busy machine with all its workers. */
const KEYED_TIMEOUT_MS = 20_000;

/**
 * Twelve steps for `twelve`, its final answer among them. `hang` never answers, `later` is told to come back after a minute, `parent` has a
 * child that hangs. A failed call is made again, as a model would.
 */
export const script: Script = ({ messages }) => {
  const job = jobOf(messages);
  if (job === 'hang') return new Promise(() => undefined);
  if (job === 'later') return { ok: false, failure: modelFailure('rate_limited', 'Come back later.', { retryAfterMs: 60_000, sent: false }) };
  if (job === 'parent') return calls(['agent_helper', { task: 'hang' }]);
  const steps = JOBS[job] ?? [];
  const results = messages.flatMap((message) => (message.role === 'tool' ? [message.content] : []));
  const done = results.filter((parts) => parts.every((part) => !part.failed)).length;
  const step = steps[done];
  if (step !== undefined)
    return calls(...step.map((tool, at): ScriptedCall => [tool, { step: `${done + 1}.${at}` }, `c${results.length + 1}_${at}`]));
  const read = results.flat().flatMap((part) => (part.tool === 'look' && !part.failed ? [part.text] : []));
  return says(`All ${steps.length} steps are done. ${read.join(' ')}`);
};

function jobOf(messages: readonly Message[]): string {
  const input = JSON.stringify(messages[0]);
  if (input.includes('task')) return 'hang';
  return /(?:"|job )(hang|later|parent|twelve|keyed|probed|plain|two|four|send|answer)\b/.exec(input)?.[1] ?? '';
}

export function jobTools(receiver: string, clock: Clock): Tool[] {
  const bounds = { clock, check: createValidator(), scrub: { text: (text: string) => text, json: <T>(value: T) => value }, onFault: () => undefined };
  const look = readTool('look', async ({ step }) => ({ ok: true, text: `${JSON.stringify(step)} seen.`, labels: ['untrusted'] }));
  return [look, ...['put_keyed', 'put_probed', 'put_plain', 'send'].map((name) => putTool(name, receiver))].map((tool) => boundTool(tool, bounds));
}

const stepOf = (step: unknown): string => (typeof step === 'string' ? step : '');

/** Knows nothing of time: that it is bounded by its deadline is `boundTool`'s, as for every tool. */
function putTool(name: string, receiver: string): Tool {
  const recovery = name === 'put_keyed' ? 'key' : name === 'put_probed' ? 'probe' : 'none';
  const at = ({ run, key }: ToolContext, step: unknown): string =>
    `${receiver}?${new URLSearchParams({ tool: name, run, key, step: stepOf(step) }).toString()}`;
  const tool: Tool = {
    spec: {
      ...toolEntry(name, {
        sideEffect: name === 'send' ? 'external' : 'reversible',
        recovery,
        timeoutMs: recovery === 'key' ? KEYED_TIMEOUT_MS : TIMEOUT_MS,
        settleMs: recovery === 'probe' ? 200 : 0,
      }),
      realm: '',
      source: 'builtin',
    },
    async call({ step }, context): Promise<ToolOutcome> {
      try {
        await fetch(at(context, step), { method: 'POST', signal: context.signal });
        return { ok: true, text: `${name} done` };
      } catch (cause) {
        return { ok: false, class: 'timeout', message: String(cause), mayHaveHappened: true };
      }
    },
  };
  if (recovery === 'probe') {
    tool.probe = async ({ step }, context) =>
      (await fetch(at(context, step), { signal: context.signal })).ok ? { found: true, text: `${name} done` } : { found: false };
  }
  return tool;
}

export function jobOptions(receiver: string, clock: Clock): WorldOptions {
  return { script, tools: jobTools(receiver, clock), facts: { ...FACTS, rehearsed: false } };
}
