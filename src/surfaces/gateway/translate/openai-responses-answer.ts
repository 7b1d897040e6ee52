/** OpenAI Responses, the way out: a response as JSON. Its events are in `openai-responses-stream.ts`. */
import type { LanguageModelV4GenerateResult } from '@ai-sdk/provider';
import type { Json, JsonObject } from '../../../kernel/canonical-json.ts';
import type { Usage } from '../../../kernel/messages.ts';
import { answerOf, type Finish } from './answer.ts';
import type { Block } from './blocks.ts';
import { wrap } from './carrier.ts';
import { namedTool } from './openai-responses-tools.ts';
import type { AnswerContext } from './protocol.ts';

export function writeOpenaiResponses(context: AnswerContext, result: LanguageModelV4GenerateResult): JsonObject {
  const { blocks, finish, usage } = answerOf(result);
  return responseJson(context, { output: blocks.flatMap((block) => itemsOf(context, block)), finish, usage });
}

/** What the answer repeats of the request, with the defaults that OpenAI documents. */
const REPEATED: Readonly<Record<string, Json>> = {
  instructions: null,
  max_output_tokens: null,
  metadata: {},
  parallel_tool_calls: true,
  reasoning: { effort: null, summary: null },
  temperature: 1,
  text: { format: { type: 'text' } },
  tool_choice: 'auto',
  tools: [],
  top_p: 1,
  truncation: 'disabled',
  user: null,
};

export type Said = { output: readonly JsonObject[]; finish: Finish | null; usage: Usage | null; error?: JsonObject };

export function responseJson({ id, model, nowMs, request }: AnswerContext, { output, finish, usage, error }: Said): JsonObject {
  const cut = finish === 'length' ? 'max_output_tokens' : finish === 'refused' ? 'content_filter' : null;
  const status = error !== undefined ? 'failed' : finish === null ? 'in_progress' : cut === null ? 'completed' : 'incomplete';
  const repeated = Object.fromEntries(Object.entries(REPEATED).map(([name, otherwise]) => [name, request.body[name] ?? otherwise]));
  return {
    id: `resp_${id}`,
    object: 'response',
    created_at: Math.floor(nowMs / 1_000),
    status,
    background: false,
    error: error ?? null,
    incomplete_details: cut === null ? null : { reason: cut },
    model,
    output,
    previous_response_id: null,
    store: false,
    ...repeated,
    usage: usage === null ? null : usageJson(usage),
  };
}

function usageJson(usage: Usage): JsonObject {
  return {
    input_tokens: usage.inputTokens,
    input_tokens_details: { cached_tokens: usage.cachedInputTokens, cache_write_tokens: usage.cacheWriteTokens },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: usage.inputTokens + usage.outputTokens,
  };
}

export type ItemStatus = 'in_progress' | 'completed' | 'incomplete';

/** A block as an output item; while it is open it says nothing yet. */
export function itemOf({ id, request }: AnswerContext, block: Block, status: ItemStatus): JsonObject {
  const open = status === 'in_progress';
  switch (block.kind) {
    case 'text':
      return { type: 'message', id: `msg_${id}_${block.index}`, status, role: 'assistant', content: open ? [] : [textPart(block.text)] };
    case 'reasoning':
      return {
        type: 'reasoning',
        id: block.itemId ?? `rs_${id}_${block.index}`,
        summary: open || block.text === '' ? [] : [{ type: 'summary_text', text: block.text }],
        encrypted_content: open ? null : encryptedOf(block),
      };
    case 'tool':
      return {
        type: 'function_call',
        id: `fc_${id}_${block.index}`,
        call_id: block.id,
        ...namedTool(request.body, block.tool),
        arguments: open ? '' : block.text,
        status,
      };
  }
}

/** A call's own signature (Gemini's) has no place at the call, so an item of reasoning before it carries it. */
export function signatureItem({ id }: AnswerContext, block: Block): JsonObject | null {
  if (block.kind !== 'tool' || block.carried === null) return null;
  return { type: 'reasoning', id: `rs_${id}_${block.index}_call`, summary: [], encrypted_content: wrap(block.carried, block.id) };
}

function itemsOf(context: AnswerContext, block: Block): JsonObject[] {
  if (block.kind === 'text' && block.text === '') return [];
  const before = signatureItem(context, block);
  return [...(before === null ? [] : [before]), itemOf(context, block, 'completed')];
}

export function textPart(text: string): JsonObject {
  return { type: 'output_text', text, annotations: [], logprobs: [] };
}

function encryptedOf({ carried }: Block): string | null {
  if (carried === null) return null;
  return carried.openai?.reasoningEncryptedContent ?? wrap(carried);
}
