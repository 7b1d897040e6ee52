/**
 * What passes between the harness and a model: plain JSON, stored verbatim in the journal. Not a provider's format:
 * `runtime/models` translates. `meta` is a provider's own data (thinking signatures) that must return to it unchanged.
 */
import { z } from 'zod';

const Meta = z.record(z.string(), z.json()).optional();

export const TextPart = z.object({ type: z.literal('text'), text: z.string(), meta: Meta });
export const ReasoningPart = z.object({ type: z.literal('reasoning'), text: z.string(), meta: Meta });
export const ImagePart = z.object({ type: z.literal('image'), mediaType: z.string(), base64: z.string() });
/** `args` is what the model wrote, parsed; `invalid` holds the raw text when it was no JSON object. */
export const ToolCallPart = z.object({
  type: z.literal('tool_call'),
  callId: z.string(),
  tool: z.string(),
  args: z.record(z.string(), z.json()),
  invalid: z.string().optional(),
  meta: Meta,
});
export const ToolResultPart = z.object({
  type: z.literal('tool_result'),
  callId: z.string(),
  tool: z.string(),
  text: z.string(),
  failed: z.boolean(),
  /** The result as data, where the tool gave any: for scripted models, never sent to a provider. */
  structured: z.json().optional(),
});

export const AssistantPart = z.discriminatedUnion('type', [TextPart, ReasoningPart, ToolCallPart]);
export const UserPart = z.discriminatedUnion('type', [TextPart, ImagePart]);

export const Message = z.discriminatedUnion('role', [
  z.object({ role: z.literal('user'), content: z.array(UserPart) }),
  z.object({ role: z.literal('assistant'), content: z.array(AssistantPart) }),
  z.object({ role: z.literal('tool'), content: z.array(ToolResultPart) }),
]);

export type ToolCallPart = z.infer<typeof ToolCallPart>;
export type ToolResultPart = z.infer<typeof ToolResultPart>;
export type AssistantPart = z.infer<typeof AssistantPart>;
export type UserPart = z.infer<typeof UserPart>;
export type Message = z.infer<typeof Message>;

/**
 * Tokens of one model call. `inputTokens` is all input, of which `cachedInputTokens` came from the provider's cache and
 * `cacheWriteTokens` were written to it; `reasoningTokens` are part of `outputTokens`.
 */
export const Usage = z.object({
  inputTokens: z.int().nonnegative(),
  cachedInputTokens: z.int().nonnegative(),
  cacheWriteTokens: z.int().nonnegative(),
  outputTokens: z.int().nonnegative(),
  reasoningTokens: z.int().nonnegative(),
  /** True where the provider did not say and we counted. */
  estimated: z.boolean(),
});
export type Usage = z.infer<typeof Usage>;

export const NO_USAGE: Usage = { inputTokens: 0, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0, estimated: false };

export function addUsage(a: Usage, b: Usage): Usage {
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    cachedInputTokens: a.cachedInputTokens + b.cachedInputTokens,
    cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    reasoningTokens: a.reasoningTokens + b.reasoningTokens,
    estimated: a.estimated || b.estimated,
  };
}
