/**
 * Token estimates for budgeting context, for reservations, and for providers that report no usage. Not a tokenizer: a third of the UTF-8
 * bytes, since English and code take 3 to 4 bytes a token with today's tokenizers and CJK about 3; where it errs, it errs upward.
 */
import { canonicalJson } from '../../kernel/canonical-json.ts';
import type { Message } from '../../kernel/messages.ts';
import { unreachable } from '../../kernel/errors.ts';
import type { ToolDeclaration } from './model.ts';

const BYTES_PER_TOKEN = 3;
/** Role, separators and ids around each part of a message. */
const PART_OVERHEAD = 4;
/** The most that providers take for one image before they scale it down. */
export const IMAGE_TOKENS = 1_600;

/** Tokens of a text, rounded up; 0 for none. */
export function estimateTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text, 'utf8') / BYTES_PER_TOKEN);
}

export function estimateMessageTokens(message: Message): number {
  let sum = 0;
  for (const part of message.content) sum += PART_OVERHEAD + estimatePart(part);
  return sum;
}

function estimatePart(part: Message['content'][number]): number {
  switch (part.type) {
    case 'text':
    case 'reasoning':
      return estimateTokens(part.text);
    case 'image':
      return IMAGE_TOKENS;
    case 'tool_call':
      return estimateTokens(part.tool) + estimateTokens(part.invalid ?? canonicalJson(part.args));
    case 'tool_result':
      return estimateTokens(part.tool) + estimateTokens(part.text);
    default:
      return unreachable(part);
  }
}

export function estimateToolTokens(tools: readonly ToolDeclaration[]): number {
  let sum = 0;
  for (const tool of tools) {
    sum += PART_OVERHEAD + estimateTokens(tool.name) + estimateTokens(tool.description) + estimateTokens(canonicalJson(tool.inputSchema));
  }
  return sum;
}

/** All input of one call. */
export function estimateRequestTokens(request: { instructions: string; messages: readonly Message[]; tools: readonly ToolDeclaration[] }): number {
  let sum = estimateTokens(request.instructions) + estimateToolTokens(request.tools);
  for (const message of request.messages) sum += estimateMessageTokens(message);
  return sum;
}
