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

const LETTERS = 26;
/**
 * Pairs of letters that words are made of, the most frequent ones of English and of code. A word with others in it (a random string) is taken
 * apart into more tokens.
 */
const USUAL_PAIRS = pairTable(
  `
theranheesreinonitndatorteentsstsehaedntdeveneisasallemeticorotonoeaunariochkegewhnsliomrsouwiolhotangecotlarirussfoprofutowacmaceel
ctcaevpeurlsncloetsiagemraadamilmiooaiidnallbefitrsoryhidseydoopsartimirpaapulaycrpofausueexscplodovdlieppefeergabocldwnshosicsurcwe
moepwommvattckrnltdiaurkclmpbyniqudarrysrvbapuwablipxtptciswsrlyvijsnprdumakturmwreqogivtcfrtyskiggipijefftphtfeewduksbouigrnlcumccp
buojpsgsupmbluddrlkinfcygaokmsnuyagutlsqqlmluddgwsoeehytifjoftyoypdbpmnnafrfobeieonyknfudrnvhryetgtxdmavgoeuxphykoflubdycsuc
`.match(/[a-z]{2}/g),
);
/** By both letters, from `a`: 1 for a pair that is in the list. */
function pairTable(pairs: readonly string[] | null): Uint8Array {
  const table = new Uint8Array(LETTERS * LETTERS);
  for (const pair of pairs ?? []) table[pairIndex(pair.charCodeAt(0), pair.charCodeAt(1))] = 1;
  return table;
}
const PIECES = /[A-Z]?[a-z]+|[A-Z]+| ?[0-9]{1,3}|[^\p{ASCII}]+|\n+| +|[^A-Za-z0-9\s\P{ASCII}]+|[\s\S]/gu;

/**
 * Tokens that a text takes at most, in practice: what may never be exceeded is held by this. It walks over the pieces that tokenizers cut a
 * text into (words, up to three digits, punctuation): ids, digests and times take far more tokens than their length says. Beyond ASCII every
 * byte counts as one token, which no tokenizer over bytes exceeds. Held against two real tokenizers in its test.
 */
export function tokensAtMost(text: string): number {
  let sum = 0;
  for (const [piece] of text.matchAll(PIECES)) sum += pieceTokens(piece);
  return Math.ceil(sum);
}

function pieceTokens(piece: string): number {
  const first = piece.charCodeAt(0);
  if (first > 0x7f) return Buffer.byteLength(piece, 'utf8');
  const isLetter = (first >= 0x41 && first <= 0x5a) || (first >= 0x61 && first <= 0x7a);
  if (isLetter) {
    let unusual = 0;
    for (let i = 0; i + 1 < piece.length; i += 1) unusual += 1 - (USUAL_PAIRS[pairIndex(piece.charCodeAt(i), piece.charCodeAt(i + 1))] ?? 0);
    return Math.min(piece.length, Math.max(1, 0.45 + piece.length / 5 + unusual));
  }
  if (/[0-9\n]/.test(piece)) return piece.startsWith(' ') ? 2 : 1;
  // one space belongs to the word behind it, and to no number
  if (piece.startsWith(' ')) return piece.length === 1 ? 0.2 : 1;
  return Math.max(1, 0.75 * piece.length);
}

/** Of two ASCII letters, whatever their case. */
function pairIndex(first: number, second: number): number {
  return ((first | 0x20) - 0x61) * LETTERS + (second | 0x20) - 0x61;
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
