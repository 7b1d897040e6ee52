/**
 * Token estimates for budgeting context and for providers that report no usage. Not a tokenizer: each character weighs by its
 * class, which stays within about a quarter of the real count for prose, code and CJK, and errs upward.
 */
import { canonicalJson } from '../../kernel/canonical-json.ts';
import type { Message } from '../../kernel/messages.ts';
import { unreachable } from '../../kernel/errors.ts';
import type { ToolDeclaration } from './model.ts';

/** Weights in twelfths of a token, so that the sum is exact. */
const TWELFTHS = 12;
/** Letters and blanks of English: four to a token. */
const ASCII_LETTER = 3;
const ASCII_DIGIT = 4;
/** Code and JSON are full of these. */
const ASCII_PUNCTUATION = 6;
/** Latin with accents, Greek, Cyrillic, Hebrew, Arabic: two to a token. */
const ALPHABETIC = 6;
/** CJK, kana, hangul, half of an emoji's surrogate pair: one each. */
const OTHER = 12;
const LAST_ALPHABETIC = 0x07ff;

/** Role, separators and ids around each part of a message. */
const PART_OVERHEAD = 4;
/** The most that providers take for one image before they scale it down. */
const IMAGE_TOKENS = 1_600;

/** Tokens of a text, rounded up; 0 for none. */
export function estimateTokens(text: string): number {
  let sum = 0;
  for (let i = 0; i < text.length; i += 1) sum += weight(text.charCodeAt(i));
  return Math.ceil(sum / TWELFTHS);
}

function weight(code: number): number {
  if (code > LAST_ALPHABETIC) return OTHER;
  if (code > 0x7f) return ALPHABETIC;
  if (code >= 0x30 && code <= 0x39) return ASCII_DIGIT;
  if (code <= 0x20 || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a)) return ASCII_LETTER;
  return ASCII_PUNCTUATION;
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
