/**
 * Models in memory for tests of what calls them: each call takes the next step, records its request, and answers at once. For
 * scripts of the product (`rehearsal/…`) use the real `createModels`.
 */
import { NO_USAGE, type AssistantPart, type Usage } from '../../src/kernel/messages.ts';
import type { ModelFacts } from '../../src/kernel/plan.ts';
import { modelFailure } from '../../src/runtime/models/failure.ts';
import type { ModelFailure, ModelFailureKind, ModelOutcome, ModelRequest, Models } from '../../src/runtime/models/model.ts';
import { estimateMessageTokens, estimateRequestTokens } from '../../src/runtime/models/tokens.ts';

/** What a step says: a text, parts, or parts with more of the reply. */
export type Said =
  | string
  | AssistantPart[]
  | { content: AssistantPart[]; finish?: 'stop' | 'length' | 'tool_calls' | 'refused' | 'other'; usage?: Partial<Usage> };

/** A reply or its maker; a failure; or a hang, which answers only when aborted or timed out by its caller. */
export type ScriptedStep =
  | Said
  | ((request: ModelRequest) => Said | Promise<Said>)
  | { fail: ModelFailureKind; more?: Partial<ModelFailure> }
  | { hang: true };

export type ScriptedModels = Models & {
  readonly requests: ModelRequest[];
  /** Steps not taken yet. */
  readonly left: () => number;
  /** Circuits by provider, for tests to open. */
  readonly open: Map<string, number>;
};

export const SCRIPTED_FACTS: ModelFacts = {
  windowTokens: 200_000,
  maxOutputTokens: 8_000,
  price: { input: 3_000_000, cachedInput: 300_000, cacheWrite: 3_750_000, output: 15_000_000, date: '2026-01-01' },
  rehearsed: false,
};

/** One tool call as a part. Ids count up, so that two calls of a test never share one. */
export function toolCall(tool: string, args: Record<string, string | number | boolean | null>, callId: string): AssistantPart {
  return { type: 'tool_call', callId, tool, args };
}

/** Steps in order; past the last, every call fails the test with a clear failure. */
export function scriptedModels(steps: readonly ScriptedStep[], options: { facts?: ModelFacts; repeatLast?: boolean } = {}): ScriptedModels {
  const requests: ModelRequest[] = [];
  const open = new Map<string, number>();
  const waiting = [...steps];
  const take = (): ScriptedStep | undefined => (options.repeatLast === true && waiting.length === 1 ? waiting[0] : waiting.shift());
  return {
    requests,
    open,
    left: () => waiting.length,
    async call(request, { signal, onDelta }) {
      requests.push(structuredClone(request));
      const step = take();
      await Promise.resolve();
      if (step === undefined) return failed('invalid_request', `The test has no step for call ${requests.length}.`, { sent: false });
      if (typeof step === 'object' && 'hang' in step) {
        await new Promise<void>((resolve) => {
          if (signal.aborted) resolve();
          else signal.addEventListener('abort', () => resolve(), { once: true });
        });
        return failed('aborted', 'The call was given up.', { sent: true });
      }
      if (typeof step === 'object' && 'fail' in step)
        return failed(step.fail, step.more?.message ?? `scripted ${step.fail}`, { sent: true, ...step.more });
      const said = typeof step === 'function' ? await step(request) : step;
      if (signal.aborted) return failed('aborted', 'The call was given up.', { sent: true });
      return replied(said, request, onDelta);
    },
    facts: () => options.facts ?? SCRIPTED_FACTS,
    openUntilMs: (model) => open.get(model.slice(0, model.indexOf('/'))) ?? null,
    available: () => [{ provider: 'scripted', configured: true, models: ['scripted/model'], why: 'a test' }],
  };
}

function failed(kind: ModelFailureKind, message: string, more: { sent: boolean } & Partial<ModelFailure>): ModelOutcome {
  return { ok: false, failure: modelFailure(kind, message, more) };
}

function replied(said: Said, request: ModelRequest, onDelta: ((text: string) => void) | undefined): ModelOutcome {
  const reply = typeof said === 'string' ? { content: [{ type: 'text' as const, text: said }] } : Array.isArray(said) ? { content: said } : said;
  for (const part of reply.content) if (part.type === 'text') onDelta?.(part.text);
  const usage = {
    ...NO_USAGE,
    inputTokens: estimateRequestTokens(request),
    outputTokens: estimateMessageTokens({ role: 'assistant', content: reply.content }),
    ...('usage' in reply ? reply.usage : {}),
  };
  const finish = ('finish' in reply ? reply.finish : undefined) ?? (reply.content.some((part) => part.type === 'tool_call') ? 'tool_calls' : 'stop');
  return { ok: true, reply: { content: reply.content, finish, usage, rehearsed: false } };
}
