/** How each protocol counts tokens, as ours: all input with what was cached within it, all output with reasoning within it. */
import type { Usage } from '../../../kernel/messages.ts';
import type { Protocol } from './protocol.ts';

/** Counts by the provider's own names, nested ones by their path. */
export type Counts = Readonly<Record<string, number>>;

/** Later counts stand above earlier ones of the same name; null says nothing. */
export function countOf(before: Counts | null, value: unknown): Counts | null {
  if (typeof value !== 'object' || value === null) return null;
  const counts: Record<string, number> = { ...before };
  for (const [name, member] of Object.entries(value)) {
    if (isCount(member)) counts[name] = member;
    else if (typeof member === 'object' && member !== null) {
      for (const [inner, count] of Object.entries(member as Record<string, unknown>)) if (isCount(count)) counts[`${name}.${inner}`] = count;
    }
  }
  return counts;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

type Tokens = Omit<Usage, 'estimated'>;

export function usageFrom(protocol: Protocol, counts: Counts): Tokens {
  const at = (...names: string[]): number => counts[names.find((name) => counts[name] !== undefined) ?? ''] ?? 0;
  switch (protocol) {
    case 'anthropic': {
      const cachedInputTokens = at('cache_read_input_tokens');
      const cacheWriteTokens = at('cache_creation_input_tokens');
      return {
        inputTokens: at('input_tokens') + cachedInputTokens + cacheWriteTokens,
        cachedInputTokens,
        cacheWriteTokens,
        outputTokens: at('output_tokens'),
        reasoningTokens: at('output_tokens_details.thinking_tokens'),
      };
    }
    case 'openai_chat':
    case 'openai_embeddings':
      return {
        inputTokens: at('prompt_tokens'),
        cachedInputTokens: at('prompt_tokens_details.cached_tokens', 'prompt_cache_hit_tokens'),
        cacheWriteTokens: at('prompt_tokens_details.cache_write_tokens'),
        outputTokens: at('completion_tokens'),
        reasoningTokens: at('completion_tokens_details.reasoning_tokens'),
      };
    case 'openai_responses':
      return {
        inputTokens: at('input_tokens'),
        cachedInputTokens: at('input_tokens_details.cached_tokens'),
        cacheWriteTokens: at('input_tokens_details.cache_write_tokens'),
        outputTokens: at('output_tokens'),
        reasoningTokens: at('output_tokens_details.reasoning_tokens'),
      };
    case 'google':
      return {
        inputTokens: at('promptTokenCount') + at('toolUsePromptTokenCount'),
        cachedInputTokens: at('cachedContentTokenCount'),
        cacheWriteTokens: 0,
        outputTokens: at('candidatesTokenCount') + at('thoughtsTokenCount'),
        reasoningTokens: at('thoughtsTokenCount'),
      };
  }
}
