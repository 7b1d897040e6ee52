/** Anthropic Messages, the way out: a message as JSON, or its events. */
import type { LanguageModelV4GenerateResult } from '@ai-sdk/provider';
import type { JsonObject } from '../../../kernel/canonical-json.ts';
import { NO_USAGE, type Usage } from '../../../kernel/messages.ts';
import { answerOf, sse, type Finish } from './answer.ts';
import type { Block, BlockEvent } from './blocks.ts';
import { wrap } from './carrier.ts';
import { errorBody } from './errors.ts';
import type { AnswerContext, StreamWriter } from './protocol.ts';
import { streamWriterOf } from './stream-writer.ts';

const STOPS: Readonly<Record<Finish, string>> = { stop: 'end_turn', length: 'max_tokens', tools: 'tool_use', refused: 'refusal', failed: 'end_turn' };

export function writeAnthropic(context: AnswerContext, result: LanguageModelV4GenerateResult): JsonObject {
  const { blocks, finish, raw, usage } = answerOf(result);
  return message(context, { content: blocks.flatMap(contentOf), stop: stopOf(finish, raw), usage });
}

function message({ id, model }: AnswerContext, said: { content: JsonObject[]; stop: JsonObject; usage: Usage }): JsonObject {
  return { id: `msg_${id}`, type: 'message', role: 'assistant', model, content: said.content, ...said.stop, usage: usageJson(said.usage) };
}

/** Anthropic's own provider says which sequence it stopped at; nobody else does. */
function stopOf(finish: Finish, raw: string | null): JsonObject {
  const reason = finish === 'stop' && raw === 'stop_sequence' ? 'stop_sequence' : STOPS[finish];
  return { stop_reason: reason, stop_sequence: null };
}

/** Anthropic counts what came from and went to the cache beside the input, not within it. */
function usageJson(usage: Usage): JsonObject {
  return {
    input_tokens: Math.max(0, usage.inputTokens - usage.cachedInputTokens - usage.cacheWriteTokens),
    cache_creation_input_tokens: usage.cacheWriteTokens,
    cache_read_input_tokens: usage.cachedInputTokens,
    output_tokens: usage.outputTokens,
    ...(usage.reasoningTokens > 0 ? { output_tokens_details: { thinking_tokens: usage.reasoningTokens } } : {}),
  };
}

/** A call's own signature (Gemini's) has no place at the call, so an opaque block before it carries it. */
function contentOf(block: Block): JsonObject[] {
  switch (block.kind) {
    case 'text':
      return block.text === '' ? [] : [{ type: 'text', text: block.text, citations: null }];
    case 'reasoning': {
      const redacted = block.carried?.anthropic?.redactedData;
      if (redacted !== undefined) return [{ type: 'redacted_thinking', data: redacted }];
      return [{ type: 'thinking', thinking: block.text, signature: signatureOf(block) }];
    }
    case 'tool':
      return [...callSignature(block), { type: 'tool_use', id: block.id, name: block.tool, input: inputOf(block.text), caller: { type: 'direct' } }];
  }
}

function signatureOf(block: Block): string {
  if (block.carried === null) return '';
  return block.carried.anthropic?.signature ?? wrap(block.carried);
}

function callSignature(block: Block): JsonObject[] {
  return block.carried === null ? [] : [{ type: 'redacted_thinking', data: wrap(block.carried, block.id) }];
}

/** What a model wrote that is no object cannot stand in this protocol: its text is kept under a name. */
function inputOf(text: string): JsonObject {
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  } catch {
    // Half a call: told below.
  }
  return { _invalid_json: text };
}

export function streamAnthropic(context: AnswerContext): StreamWriter {
  const event = (data: JsonObject & { type: string }): string => sse(data, data.type);
  let next = 0;
  const whole = (content_block: JsonObject): string => {
    const index = (next += 1) - 1;
    return event({ type: 'content_block_start', index, content_block }) + event({ type: 'content_block_stop', index });
  };
  const delta = (delta: JsonObject): string => event({ type: 'content_block_delta', index: next - 1, delta });

  function block(said: BlockEvent): string {
    const { block: of } = said;
    const redacted = of.carried?.anthropic?.redactedData;
    if (redacted !== undefined) return said.type === 'open' ? whole({ type: 'redacted_thinking', data: redacted }) : '';
    switch (said.type) {
      case 'open': {
        const before = of.kind === 'tool' ? callSignature(of).map(whole).join('') : '';
        next += 1;
        return before + event({ type: 'content_block_start', index: next - 1, content_block: opening(of) });
      }
      case 'delta':
        if (of.kind === 'text') return delta({ type: 'text_delta', text: said.text });
        return delta(of.kind === 'tool' ? { type: 'input_json_delta', partial_json: said.text } : { type: 'thinking_delta', thinking: said.text });
      case 'close': {
        const signature = of.kind === 'reasoning' ? signatureOf(of) : '';
        return (signature === '' ? '' : delta({ type: 'signature_delta', signature })) + event({ type: 'content_block_stop', index: next - 1 });
      }
    }
  }

  return streamWriterOf({
    // What the input cost is known at the end only; the last event says it.
    start: () =>
      event({ type: 'message_start', message: message(context, { content: [], stop: { stop_reason: null, stop_sequence: null }, usage: NO_USAGE }) }),
    block,
    finish: ({ finish, raw, usage }) =>
      event({ type: 'message_delta', delta: stopOf(finish, raw), usage: usageJson(usage) }) + event({ type: 'message_stop' }),
    fail: (error) => sse(errorBody('anthropic', error), 'error'),
  });
}

function opening(block: Block): JsonObject {
  switch (block.kind) {
    case 'text':
      return { type: 'text', text: '', citations: null };
    case 'reasoning':
      return { type: 'thinking', thinking: '', signature: '' };
    case 'tool':
      return { type: 'tool_use', id: block.id, name: block.tool, input: {}, caller: { type: 'direct' } };
  }
}
