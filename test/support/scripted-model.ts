/**
 * Models in memory for tests of what calls them: a function answers each request, and requests are recorded. For scripts of the
 * product (`rehearsal/…`) use the real `createModels`.
 */
import { NO_USAGE, type AssistantPart } from '../../src/kernel/messages.ts';
import type { ModelFacts } from '../../src/kernel/plan.ts';
import { modelFailure } from '../../src/runtime/models/failure.ts';
import type { ModelOutcome, ModelRequest, Models } from '../../src/runtime/models/model.ts';

/** Parts are a whole reply; an outcome is given as it is; a promise that never settles is a model that hangs until it is given up. */
export type Script = (request: ModelRequest) => AssistantPart[] | ModelOutcome | Promise<AssistantPart[] | ModelOutcome>;

export type ScriptedModels = Models & { readonly requests: ModelRequest[] };

export function scriptedModels(script: Script, facts: ModelFacts): ScriptedModels {
  const requests: ModelRequest[] = [];
  return {
    requests,
    async call(request, { signal }) {
      requests.push(request);
      const answer = await Promise.race([Promise.resolve(script(request)), aborted(signal)]);
      if (!Array.isArray(answer)) return answer;
      const finish = answer.some((part) => part.type === 'tool_call') ? 'tool_calls' : 'stop';
      return { ok: true, reply: { content: answer, finish, usage: { ...NO_USAGE, inputTokens: 100, outputTokens: 10 }, rehearsed: true } };
    },
    facts: () => facts,
    openUntilMs: () => null,
    available: () => [],
  };
}

function aborted(signal: AbortSignal): Promise<ModelOutcome> {
  const outcome: ModelOutcome = { ok: false, failure: modelFailure('aborted', 'The call was stopped.', { sent: true }) };
  return new Promise((resolve) => {
    if (signal.aborted) resolve(outcome);
    signal.addEventListener('abort', () => resolve(outcome), { once: true });
  });
}
