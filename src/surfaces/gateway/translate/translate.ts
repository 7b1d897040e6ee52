/** The way into protocol translation: a client's body to the AI SDK's call, and what a model answered to that client's protocol. */
import type { LanguageModelV4GenerateResult } from '@ai-sdk/provider';
import type { JsonObject } from '../../../kernel/canonical-json.ts';
import { streamAnthropic, writeAnthropic } from './anthropic-answer.ts';
import { readAnthropic } from './anthropic-request.ts';
import { streamGoogle, writeGoogle } from './google-answer.ts';
import { readGoogle } from './google-request.ts';
import { streamOpenaiChat, writeOpenaiChat } from './openai-chat-answer.ts';
import { readOpenaiChat } from './openai-chat-request.ts';
import { writeOpenaiResponses } from './openai-responses-answer.ts';
import { readOpenaiResponses } from './openai-responses-request.ts';
import { streamOpenaiResponses } from './openai-responses-stream.ts';
import type { AnswerContext, ChatProtocol, RequestPlace, StreamWriter, TranslatedRequest, Translation } from './protocol.ts';

const TRANSLATIONS: Readonly<Record<ChatProtocol, Translation>> = {
  anthropic: { readRequest: (body) => readAnthropic(body), writeResult: writeAnthropic, streamWriter: streamAnthropic },
  openai_chat: { readRequest: readOpenaiChat, writeResult: writeOpenaiChat, streamWriter: streamOpenaiChat },
  openai_responses: { readRequest: readOpenaiResponses, writeResult: writeOpenaiResponses, streamWriter: streamOpenaiResponses },
  google: { readRequest: readGoogle, writeResult: writeGoogle, streamWriter: streamGoogle },
};

/** @throws AppError `invalid_input` with every fault, each by the client's own name for it. */
export function readRequest(protocol: ChatProtocol, body: JsonObject, place: RequestPlace = { model: null, stream: null }): TranslatedRequest {
  return TRANSLATIONS[protocol].readRequest(body, place);
}

/** @throws AppError `unsupported` for an answer this protocol cannot carry. */
export function writeResult(context: AnswerContext, result: LanguageModelV4GenerateResult): JsonObject {
  return TRANSLATIONS[context.request.protocol].writeResult(context, result);
}

export function streamWriter(context: AnswerContext): StreamWriter {
  return TRANSLATIONS[context.request.protocol].streamWriter(context);
}
