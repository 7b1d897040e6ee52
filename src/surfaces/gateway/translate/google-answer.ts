/** Gemini, the way out: a `GenerateContentResponse`, whole or in pieces. */
import type { LanguageModelV4GenerateResult } from '@ai-sdk/provider';
import type { JsonObject } from '../../../kernel/canonical-json.ts';
import type { Usage } from '../../../kernel/messages.ts';
import { answerOf, sse, type Finish } from './answer.ts';
import type { Block, BlockEvent } from './blocks.ts';
import { wrap } from './carrier.ts';
import { errorBody } from './errors.ts';
import type { AnswerContext, StreamWriter } from './protocol.ts';
import { streamWriterOf } from './stream-writer.ts';

const FINISHES: Readonly<Record<Finish, string>> = { stop: 'STOP', length: 'MAX_TOKENS', tools: 'STOP', refused: 'SAFETY', failed: 'OTHER' };

export function writeGoogle(context: AnswerContext, result: LanguageModelV4GenerateResult): JsonObject {
  const { blocks, finish, usage } = answerOf(result);
  return response(context, { parts: blocks.flatMap((block) => wholePart(block)), finish, usage });
}

function response({ id, model }: AnswerContext, said: { parts: JsonObject[]; finish?: Finish; usage?: Usage }): JsonObject {
  const { parts, finish, usage } = said;
  return {
    candidates: [{ content: { role: 'model', parts }, ...(finish === undefined ? {} : { finishReason: FINISHES[finish] }), index: 0 }],
    ...(usage === undefined ? {} : { usageMetadata: usageJson(usage) }),
    modelVersion: model,
    responseId: id,
  };
}

/** Gemini counts thoughts beside the candidates, not within them. */
function usageJson(usage: Usage): JsonObject {
  return {
    promptTokenCount: usage.inputTokens,
    candidatesTokenCount: Math.max(0, usage.outputTokens - usage.reasoningTokens),
    totalTokenCount: usage.inputTokens + usage.outputTokens,
    ...(usage.cachedInputTokens > 0 ? { cachedContentTokenCount: usage.cachedInputTokens } : {}),
    ...(usage.reasoningTokens > 0 ? { thoughtsTokenCount: usage.reasoningTokens } : {}),
  };
}

function wholePart(block: Block): JsonObject[] {
  if (block.kind === 'tool') return [{ functionCall: { id: block.id, name: block.tool, args: argsOf(block.text) }, ...signatureOf(block) }];
  if (block.text === '' && block.carried === null) return [];
  return [{ text: block.text, ...(block.kind === 'reasoning' ? { thought: true } : {}), ...signatureOf(block) }];
}

function signatureOf({ carried }: Block): JsonObject {
  return carried === null ? {} : { thoughtSignature: carried.google?.thoughtSignature ?? wrap(carried) };
}

function argsOf(text: string): JsonObject {
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  } catch {
    // Half a call: told below.
  }
  return { _invalid_json: text };
}

export function streamGoogle(context: AnswerContext): StreamWriter {
  const parts = (...said: JsonObject[]): string => sse(response(context, { parts: said }));

  function block(said: BlockEvent): string {
    const { block: of } = said;
    if (of.kind === 'tool') return said.type === 'close' ? parts(...wholePart(of)) : '';
    const thought = of.kind === 'reasoning' ? { thought: true } : {};
    if (said.type === 'delta') return parts({ text: said.text, ...thought });
    return said.type === 'close' && of.carried !== null ? parts({ text: '', ...thought, ...signatureOf(of) }) : '';
  }

  return streamWriterOf({
    start: () => '',
    block,
    finish: ({ finish, usage }) => sse(response(context, { parts: [{ text: '' }], finish, usage })),
    fail: (error) => sse(errorBody('google', error)),
  });
}
