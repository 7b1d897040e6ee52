/** OpenAI Responses as events, in the order and with the numbers that its clients count on. */
import type { JsonObject } from '../../../kernel/canonical-json.ts';
import type { Usage } from '../../../kernel/messages.ts';
import { sse, type Finish } from './answer.ts';
import type { Block, BlockEvent } from './blocks.ts';
import { errorBody } from './errors.ts';
import { itemOf, responseJson, signatureItem, textPart } from './openai-responses-answer.ts';
import type { AnswerContext, ClientError, StreamWriter } from './protocol.ts';
import { streamWriterOf } from './stream-writer.ts';

export function streamOpenaiResponses(context: AnswerContext): StreamWriter {
  const output: JsonObject[] = [];
  let number = -1;
  const event = (type: string, data: JsonObject): string => sse({ type, sequence_number: (number += 1), ...data }, type);
  const response = (type: string, said: { finish: Finish | null; usage: Usage | null; error?: JsonObject }): string =>
    event(`response.${type}`, { response: responseJson(context, { output, ...said }) });

  const added = (item: JsonObject): string => event('response.output_item.added', { output_index: output.length, item });
  const done = (item: JsonObject): string => {
    output.push(item);
    return event('response.output_item.done', { output_index: output.length - 1, item });
  };
  const placeOf = (block: Block): JsonObject => ({ item_id: itemOf(context, block, 'in_progress')['id'], output_index: output.length });

  function block(said: BlockEvent): string {
    switch (said.type) {
      case 'open': {
        const before = signatureItem(context, said.block);
        const carrier = before === null ? '' : added({ ...before, encrypted_content: null }) + done(before);
        return carrier + added(itemOf(context, said.block, 'in_progress')) + firstPart(said.block, event, placeOf(said.block));
      }
      case 'delta':
        return event(DELTAS[said.block.kind], {
          ...placeOf(said.block),
          ...PARTS[said.block.kind],
          delta: said.text,
          ...(said.block.kind === 'text' ? { logprobs: [] } : {}),
        });
      case 'close':
        return lastPart(said.block, event, placeOf(said.block)) + done(itemOf(context, said.block, 'completed'));
    }
  }

  return streamWriterOf({
    start: () => response('created', { finish: null, usage: null }) + response('in_progress', { finish: null, usage: null }),
    block,
    finish: ({ finish, usage }) => response(finish === 'length' || finish === 'refused' ? 'incomplete' : 'completed', { finish, usage }),
    fail: (error) => response('failed', { finish: null, usage: null, error: failureOf(error) }),
  });
}

const DELTAS: Readonly<Record<Block['kind'], string>> = {
  text: 'response.output_text.delta',
  reasoning: 'response.reasoning_summary_text.delta',
  tool: 'response.function_call_arguments.delta',
};
/** Where a delta stands within its item: every item here has one part. */
const PARTS: Readonly<Record<Block['kind'], JsonObject>> = { text: { content_index: 0 }, reasoning: { summary_index: 0 }, tool: {} };

type Emit = (type: string, data: JsonObject) => string;

function firstPart(block: Block, event: Emit, place: JsonObject): string {
  if (block.kind === 'tool') return '';
  const part = block.kind === 'text' ? textPart('') : { type: 'summary_text', text: '' };
  return event(block.kind === 'text' ? 'response.content_part.added' : 'response.reasoning_summary_part.added', {
    ...place,
    ...PARTS[block.kind],
    part,
  });
}

function lastPart(block: Block, event: Emit, place: JsonObject): string {
  const where = { ...place, ...PARTS[block.kind] };
  switch (block.kind) {
    case 'text':
      return (
        event('response.output_text.done', { ...where, text: block.text, logprobs: [] }) +
        event('response.content_part.done', { ...where, part: textPart(block.text) })
      );
    case 'reasoning':
      return (
        event('response.reasoning_summary_text.done', { ...where, text: block.text }) +
        event('response.reasoning_summary_part.done', { ...where, part: { type: 'summary_text', text: block.text } })
      );
    case 'tool':
      return event('response.function_call_arguments.done', { ...where, arguments: block.text });
  }
}

/** OpenAI names few codes here; its clients retry or stop by them. */
function failureOf(error: ClientError): JsonObject {
  const { message, code } = (errorBody('openai_responses', error)['error'] ?? {}) as JsonObject;
  return { code: code ?? 'server_error', message };
}
