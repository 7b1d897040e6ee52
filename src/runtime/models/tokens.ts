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

/**
 * Pairs of letters that words are made of, the most frequent ones of English and of code. A word with others in it (a random string) is taken
 * apart into more tokens.
 */
const USUAL_PAIRS = pairTable(`
theranheesreinonitndatorteentsstsehaedntdeveneisasallemeticorotonoeaunariochkegewhnsliomrsouwiolhotangecotlarirussfoprofutowacmaceel
ctcaevpeurlsncloetsiagemraadamilmiooaiidnallbefitrsoryhidseydoopsartimirpaapulaycrpofausueexscplodovdlieppefeergabocldwnshosicsurcwe
moepwommvattckrnltdiaurkclmpbyniqudarrysrvbapuwablipxtptciswsrlyvijsnprdumakturmwreqogivtcfrtyskiggipijefftphtfeewduksbouigrnlcumccp
buojpsgsupmbluddrlkinfcygaokmsnuyagutlsqqlmluddgwsoeehytifjoftyoypdbpmnnafrfobeieonyknfudrnvhryetgtxdmavgoeuxphykoflubdycsuc
`);

/** By two letters, each from 0: 1 where the pair is no usual one. */
function pairTable(pairs: string): Uint8Array {
  const unusual = new Uint8Array(26 * 26).fill(1);
  for (const pair of pairs.match(/[a-z]{2}/g) ?? []) unusual[(pair.charCodeAt(0) - 97) * 26 + pair.charCodeAt(1) - 97] = 0;
  return unusual;
}

const [BEYOND, LOWER, UPPER, DIGIT, SPACE, NEWLINE, MARK, OTHER] = [0, 1, 2, 3, 4, 5, 6, 7];

const CLASSES = Uint8Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte);
  if (byte > 0x7f) return BEYOND;
  if (/[a-z]/.test(char)) return LOWER;
  if (/[A-Z]/.test(char)) return UPPER;
  if (/[0-9]/.test(char)) return DIGIT;
  if (char === ' ') return SPACE;
  if (char === '\n') return NEWLINE;
  return /\s/.test(char) ? OTHER : MARK;
});

/** The end of a run of one class, `most` bytes on at the latest. */
function endOf(bytes: Uint8Array, from: number, { of, most }: { of: number; most: number }): number {
  let at = from;
  while (at < most && CLASSES[bytes[at] ?? 0] === of) at += 1;
  return at;
}

/**
 * Tokens that a text takes at most, in practice: what may never be exceeded is held by this. It walks over the pieces that tokenizers cut a
 * text into (words, up to three digits, punctuation): ids, digests and times take far more tokens than their length says. Beyond ASCII every
 * byte counts as one token, which no tokenizer over bytes exceeds. Held against two real tokenizers in its test.
 */
export function tokensAtMost(text: string): number {
  return tokensAtMostIn(Buffer.from(text, 'utf8'));
}

/** The same of UTF-8, in one pass. */
export function tokensAtMostIn(bytes: Uint8Array): number {
  const most = bytes.length;
  let sum = 0;
  let at = 0;
  while (at < most) {
    const from = at;
    const of = CLASSES[bytes[at] ?? 0] ?? OTHER;
    at += 1;
    switch (of) {
      case UPPER:
      case LOWER: {
        const rest = of === UPPER && CLASSES[bytes[at] ?? 0] !== LOWER ? UPPER : LOWER;
        at = endOf(bytes, at, { of: rest, most });
        sum += wordTokens(bytes, from, at);
        break;
      }
      case SPACE: {
        // one space belongs to the word behind it, and to no number
        const numbered = endOf(bytes, at, { of: DIGIT, most: Math.min(most, at + 3) });
        const isNumber = numbered > at;
        at = isNumber ? numbered : endOf(bytes, at, { of, most });
        sum += isNumber ? 2 : at === from + 1 ? 0.2 : 1;
        break;
      }
      case DIGIT:
        at = endOf(bytes, at, { of, most: Math.min(most, from + 3) });
        sum += 1;
        break;
      case MARK:
        at = endOf(bytes, at, { of, most });
        sum += Math.max(1, 0.75 * (at - from));
        break;
      case NEWLINE:
        at = endOf(bytes, at, { of, most });
        sum += 1;
        break;
      default:
        sum += 1;
    }
  }
  return Math.ceil(sum);
}

function wordTokens(bytes: Uint8Array, from: number, to: number): number {
  let unusual = 0;
  for (let at = from; at + 1 < to; at += 1) unusual += USUAL_PAIRS[(((bytes[at] ?? 0) | 0x20) - 97) * 26 + (((bytes[at + 1] ?? 0) | 0x20) - 97)] ?? 1;
  return Math.min(to - from, Math.max(1, 0.45 + (to - from) / 5 + unusual));
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
