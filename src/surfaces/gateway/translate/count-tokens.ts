/** Token counts of a request before it is sent, by our estimate, in the forms of the protocols that have such a call. */
import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import type { JsonObject } from '../../../kernel/canonical-json.ts';
import { estimateTokens, IMAGE_TOKENS } from '../../../runtime/models/tokens.ts';
import { faulty } from './accept.ts';
import { readAnthropic } from './anthropic-request.ts';
import { readGoogleCount } from './google-request.ts';
import type { ChatProtocol, RequestPlace } from './protocol.ts';

/** Role, separators and ids around each part of a message. */
const PART_OVERHEAD = 4;

/** Tokens of a body of Anthropic's `count_tokens` or Gemini's `countTokens`, estimated. @throws AppError `invalid_input` */
export function countInputTokens(protocol: ChatProtocol, body: JsonObject, place: RequestPlace): number {
  if (protocol === 'anthropic') return estimateInputTokens(readAnthropic(body, true).options);
  if (protocol === 'google') return estimateInputTokens(readGoogleCount(body, place).options);
  throw faulty([{ path: '(body)', message: 'tokens are counted by the protocols of Anthropic and Gemini' }]);
}

/** Whoever reads `estimated` learns that no tokenizer was asked. */
export function writeCountTokens(protocol: 'anthropic' | 'google', tokens: number): JsonObject {
  return protocol === 'anthropic' ? { input_tokens: tokens, estimated: true } : { totalTokens: tokens, estimated: true };
}

export function estimateInputTokens({ prompt, tools = [], responseFormat }: LanguageModelV4CallOptions): number {
  const schema = responseFormat?.type === 'json' ? estimateTokens(JSON.stringify(responseFormat.schema ?? {})) : 0;
  let sum = schema;
  for (const tool of tools) sum += PART_OVERHEAD + estimateTokens(JSON.stringify(tool));
  for (const message of prompt) {
    if (message.role === 'system') sum += PART_OVERHEAD + estimateTokens(message.content);
    else for (const part of message.content) sum += PART_OVERHEAD + estimatePart(part);
  }
  return sum;
}

type Part = Exclude<LanguageModelV4CallOptions['prompt'][number], { role: 'system' }>['content'][number];

function estimatePart(part: Part): number {
  switch (part.type) {
    case 'text':
    case 'reasoning':
      return estimateTokens(part.text);
    case 'file':
      return estimateFile(part);
    case 'tool-call':
      return estimateTokens(part.toolName) + estimateTokens(JSON.stringify(part.input) ?? '');
    case 'tool-result': {
      const { output } = part;
      if (output.type === 'text' || output.type === 'error-text') return estimateTokens(output.value);
      if (output.type !== 'content') return 'value' in output ? estimateTokens(JSON.stringify(output.value)) : 0;
      return output.value.reduce(
        (sum, piece) => sum + (piece.type === 'text' ? estimateTokens(piece.text) : piece.type === 'file' ? estimateFile(piece) : 0),
        0,
      );
    }
    default:
      return 0;
  }
}

/** A document by its bytes, since nobody has counted its pages. */
function estimateFile({ mediaType, data }: { mediaType: string; data: { type: string; data?: unknown } }): number {
  if (mediaType.startsWith('image/') || data.type !== 'data') return IMAGE_TOKENS;
  return typeof data.data === 'string' ? estimateTokens(data.data) : IMAGE_TOKENS;
}
