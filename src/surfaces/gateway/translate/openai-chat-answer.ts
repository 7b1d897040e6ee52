/** OpenAI Chat Completions, the way out: a completion as JSON, or its chunks. */
import type { LanguageModelV4GenerateResult } from '@ai-sdk/provider';
import type { Json, JsonObject } from '../../../kernel/canonical-json.ts';
import type { Usage } from '../../../kernel/messages.ts';
import { answerOf, sse, type Finish } from './answer.ts';
import type { Block, BlockEvent } from './blocks.ts';
import { wrap, type Carried } from './carrier.ts';
import { errorBody } from './errors.ts';
import type { AnswerContext, StreamWriter } from './protocol.ts';
import { streamWriterOf } from './stream-writer.ts';

const FINISHES: Readonly<Record<Finish, string>> = { stop: 'stop', length: 'length', tools: 'tool_calls', refused: 'content_filter', failed: 'stop' };

export function writeOpenaiChat(context: AnswerContext, result: LanguageModelV4GenerateResult): JsonObject {
  const { blocks, finish, usage } = answerOf(result);
  const textOf = (kind: Block['kind']): string => blocks.flatMap((block) => (block.kind === kind ? [block.text] : [])).join('');
  const calls = blocks
    .filter(({ kind }) => kind === 'tool')
    .map((block) => ({ ...opening(block), function: { name: block.tool, arguments: block.text } }));
  const reasoning = textOf('reasoning');
  const content = textOf('text');
  const message = {
    role: 'assistant',
    content: content === '' && calls.length > 0 ? null : content,
    refusal: null,
    ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
  return {
    ...head(context, 'chat.completion'),
    choices: [{ index: 0, message, logprobs: null, finish_reason: FINISHES[finish] }],
    usage: usageJson(usage),
  };
}

function head({ id, model, nowMs }: AnswerContext, object: string): JsonObject {
  return { id: `chatcmpl-${id}`, object, created: Math.floor(nowMs / 1_000), model };
}

function usageJson(usage: Usage): JsonObject {
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    prompt_tokens_details: {
      cached_tokens: usage.cachedInputTokens,
      ...(usage.cacheWriteTokens > 0 ? { cache_write_tokens: usage.cacheWriteTokens } : {}),
    },
    completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
  };
}

/** A call with its signature where Google's own compatible endpoint puts it; clients that send the message back send it too. */
function opening(block: Block): JsonObject {
  const { carried } = block;
  return { id: block.id, type: 'function', ...(carried === null ? {} : { extra_content: { google: { thought_signature: signatureOf(carried) } } }) };
}

function signatureOf(carried: Carried): string {
  return carried.google?.thoughtSignature ?? wrap(carried);
}

export function streamOpenaiChat(context: AnswerContext): StreamWriter {
  const wanted = context.request.body['stream_options'] as JsonObject | null | undefined;
  const usageWanted = wanted?.['include_usage'] === true;
  let calls = -1;
  const chunk = (choices: Json, usage: Json = null): string =>
    sse({ ...head(context, 'chat.completion.chunk'), choices, ...(usageWanted ? { usage } : {}) });
  const delta = (delta: JsonObject, finish_reason: string | null = null): string => chunk([{ index: 0, delta, logprobs: null, finish_reason }]);

  function block(said: BlockEvent): string {
    const { block: of } = said;
    if (of.kind === 'tool') {
      if (said.type === 'open') return delta({ tool_calls: [{ index: (calls += 1), ...opening(of), function: { name: of.tool, arguments: '' } }] });
      return said.type === 'delta' ? delta({ tool_calls: [{ index: calls, function: { arguments: said.text } }] }) : '';
    }
    if (said.type !== 'delta') return '';
    return delta(of.kind === 'text' ? { content: said.text } : { reasoning_content: said.text });
  }

  return streamWriterOf({
    start: () => delta({ role: 'assistant', content: '', refusal: null }),
    block,
    finish: ({ finish, usage }) => delta({}, FINISHES[finish]) + (usageWanted ? chunk([], usageJson(usage)) : '') + 'data: [DONE]\n\n',
    fail: (error) => sse(errorBody('openai_chat', error)) + 'data: [DONE]\n\n',
  });
}
