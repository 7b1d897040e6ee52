/** What the writers of all protocols share: tokens and the reason an answer ended, in our words. */
import type { LanguageModelV4FinishReason, LanguageModelV4GenerateResult, LanguageModelV4Usage } from '@ai-sdk/provider';
import { NO_USAGE, type Usage } from '../../../kernel/messages.ts';
import { blocksOf, type Block } from './blocks.ts';

export type Finish = 'stop' | 'length' | 'tools' | 'refused' | 'failed';
/** An answer that is whole. */
export type Answer = { blocks: Block[]; finish: Finish; raw: string | null; usage: Usage };

/** Tokens as the provider counted them; what it did not say is zero and the whole is marked estimated. */
export function usageOf({ inputTokens: input, outputTokens: output }: LanguageModelV4Usage): Usage {
  return {
    ...NO_USAGE,
    inputTokens: input.total ?? (input.noCache ?? 0) + (input.cacheRead ?? 0) + (input.cacheWrite ?? 0),
    cachedInputTokens: input.cacheRead ?? 0,
    cacheWriteTokens: input.cacheWrite ?? 0,
    outputTokens: output.total ?? (output.text ?? 0) + (output.reasoning ?? 0),
    reasoningTokens: output.reasoning ?? 0,
    estimated: input.total === undefined || output.total === undefined,
  };
}

/** Some servers say `stop` although they call a tool. */
export function finishOf(reason: LanguageModelV4FinishReason, calls: boolean): Finish {
  switch (reason.unified) {
    case 'length':
      return 'length';
    case 'content-filter':
      return 'refused';
    case 'error':
    case 'interrupted':
      return 'failed';
    case 'stop':
    case 'tool-calls':
    case 'other':
      return calls ? 'tools' : 'stop';
  }
}

export function answerOf(result: LanguageModelV4GenerateResult): Answer {
  const blocks = blocksOf(result.content);
  const finish = finishOf(
    result.finishReason,
    blocks.some(({ kind }) => kind === 'tool'),
  );
  return { blocks, finish, raw: result.finishReason.raw ?? null, usage: usageOf(result.usage) };
}

/** One server-sent event. */
export function sse(data: unknown, event?: string): string {
  return `${event === undefined ? '' : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`;
}
