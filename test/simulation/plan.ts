/** What the runs of one simulated world do: drawn from its seed, the same with and without faults. */
import type { AssistantPart } from '../../src/kernel/messages.ts';
import type { ModelRequest } from '../../src/runtime/models/model.ts';

export const WRITES = ['put_keyed', 'put_probed', 'put_plain', 'post_outside'] as const;
type SimCall = { tool: 'look' | (typeof WRITES)[number] | 'agent_helper'; n: number };
export type SimPlan = { name: string; turns: SimCall[][]; wishes: ('note' | 'pause' | 'cancel')[] };

const KINDS = ['look', 'look', 'put_keyed', 'put_keyed', 'put_probed', 'put_plain', 'post_outside', 'agent_helper'] as const;

export function drawPlans(random: () => number, runs: number): SimPlan[] {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  return Array.from({ length: runs }, (_run, index) => {
    const turns = Array.from({ length: 1 + Math.floor(random() * 4) }, (_turn, turn) =>
      Array.from({ length: 1 + Math.floor(random() * 3) }, (_call, call) => ({ tool: pick(KINDS), n: turn * 10 + call })),
    );
    const wishes = (['note', 'pause', 'cancel'] as const).filter((wish) => random() < (wish === 'cancel' ? 0.1 : 0.3));
    return { name: `plan ${index}`, turns, wishes };
  });
}

/** The model of every run: what it says depends on the plan named in the input and on the turn, never on results. */
export function say(plans: readonly SimPlan[], { messages, turn }: Pick<ModelRequest, 'messages' | 'turn'>): AssistantPart[] {
  const input = JSON.stringify(messages[0]);
  const child = /child (\S+?) of (plan \d+)/.exec(input);
  if (child !== null) {
    return turn === 1 ? [call('put_keyed', { child: child[1] ?? '' }, 'c1')] : [{ type: 'text', text: `child ${child[1]} done` }];
  }
  const plan = plans.find(({ name }) => input.includes(`"${name}"`));
  const calls = plan?.turns[turn - 1];
  if (plan === undefined || calls === undefined) return [{ type: 'text', text: `${plan?.name} done` }];
  return calls.map(({ tool, n }) => call(tool, tool === 'agent_helper' ? { task: `child ${n} of ${plan.name}` } : { n }, `c${n}`));
}

function call(tool: string, args: Record<string, string | number>, callId: string): AssistantPart {
  return { type: 'tool_call', callId, tool, args };
}
