/**
 * How many tokens the input of a raw request can have at most, before it is sent: what a budget reserves. A token is at least a byte of
 * its text, and JSON's own marks outweigh what a provider puts around messages: `hard`, which nothing exceeds, and four times too much for prose.
 * `usual` is what no tokenizer we measured comes near, and is reserved for all but small requests; whoever is found to exceed it is held to
 * the hard one from then on (docs/decisions/2026-11-28-input-bound.md). Not an estimate: that is `count-tokens.ts`.
 */
import { tokensAtMost, tokensAtMostIn } from '../../../runtime/models/tokens.ts';
import type { Protocol } from './protocol.ts';

/** What providers add of their own: the frame of a conversation, and instructions for using tools. */
const FRAME_TOKENS = 64;
const TOOLS_TOKENS = 1_024;
/** The most that any of the providers takes for one image at its highest detail. */
export const IMAGE_TOKENS_MAX = 12_288;

/** Over what the measured tokenizers take at most; the densest we have heard of takes a third more than they do. */
const MARGIN = 1.5;
/** Small requests are reserved for by their bytes: that costs next to nothing, and leaves nothing to doubt. */
const SMALL_TOKENS = 2_048;

export type InputBound = { hard: number; usual: number };

/** What brings input that is not in the body. */
const ELSEWHERE = [
  ...['previous_response_id', 'conversation', 'prompt', 'cachedContent', 'cached_content', 'container', 'mcp_servers', 'web_search_options'],
] as const;
/** Without any of these words a body has only text. Names written with escapes are looked at closely, too. */
const CLOSER = new RegExp(
  `"(?:tools|source|image_url|input_image|file|file_data|file_id|file_url|input_file|input_audio|item_reference|inlineData|inline_data|fileData|${ELSEWHERE.join('|')})"|\\\\u00`,
);
/** Members that a provider shows its model as text, whatever they look like. */
const TEXT_ONLY = new Set([
  'input_schema',
  'parameters',
  'parametersJsonSchema',
  'args',
  'response',
  'schema',
  'responseSchema',
  'responseJsonSchema',
]);

/**
 * Tokens; null when nobody can say (a file by address, a conversation kept at the provider, a PDF, tools that run at the provider and
 * read what they like). `parsed` is the body as JSON where the caller has it already. A body that is no JSON object is counted by its
 * bytes: it will be refused anyway.
 */
export function inputTokensUpperBound(protocol: Protocol, bytes: Uint8Array, parsed?: unknown): InputBound | null {
  const plain = (): InputBound => boundOf(bytes, { bytes: 0, tokens: 0, more: 0 });
  if (protocol === 'openai_embeddings') return plain();
  const body = parsed ?? parsedWhereNeeded(bytes);
  if (!isNode(body)) return plain();
  if (ELSEWHERE.some((name) => says(body[name]))) return null;
  // Google takes one thing in the place of a list of it.
  const tools = Array.isArray(body['tools']) ? (body['tools'] as unknown[]) : isNode(body['tools']) ? [body['tools']] : [];
  if (tools.some((tool) => runsElsewhere(protocol, tool))) return null;
  const files = filesIn(body);
  if (files === null) return null;
  // A tool the provider knows by name brings instructions of its own.
  const known = tools.filter((tool) => isNode(tool) && typeof tool['type'] === 'string' && tool['type'] !== 'function' && tool['type'] !== 'custom');
  const more = (tools.length === 0 ? 0 : TOOLS_TOKENS * (1 + known.length)) + files.images * IMAGE_TOKENS_MAX;
  return boundOf(bytes, { ...files, more });
}

/** `bytes` and `tokens` of what is in the body and is no text; `more` tokens for it and what providers add. */
function boundOf(body: Uint8Array, { bytes, tokens, more }: { bytes: number; tokens: number; more: number }): InputBound {
  const hard = body.byteLength - bytes + FRAME_TOKENS + more;
  if (body.byteLength - bytes <= SMALL_TOKENS) return { hard, usual: hard };
  const text = Math.ceil(MARGIN * Math.max(0, tokensAtMostIn(body) - tokens));
  return { hard, usual: Math.min(hard, Math.max(SMALL_TOKENS, text) + FRAME_TOKENS + more) };
}

/** Most bodies without tools are text alone, and need not be read. */
function parsedWhereNeeded(bytes: Uint8Array): unknown {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!CLOSER.test(buffer.toString('latin1'))) return null;
  try {
    return JSON.parse(buffer.toString('utf8'));
  } catch {
    // Nobody will answer it.
    return null;
  }
}

function says(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0);
}

/** Whether a tool is one of the provider's own: its results are input that nobody sees coming. */
function runsElsewhere(protocol: Protocol, tool: unknown): boolean {
  if (!isNode(tool)) return false;
  if (protocol === 'google') return Object.keys(tool).some((name) => name !== 'functionDeclarations' && name !== 'function_declarations');
  const type = tool['type'] ?? 'function';
  return type !== 'function' && type !== 'custom' && !(protocol === 'anthropic' && runsAtClient(type));
}

/** Anthropic's own tools that the client runs itself; everything else with a dated name runs there. */
function runsAtClient(type: unknown): boolean {
  return typeof type === 'string' && /^(?:bash|text_editor|computer|memory)_\d+$/.test(type);
}

type Files = { bytes: number; tokens: number; images: number };

/** Images by their data count as images, not by their bytes; anything else that is a file cannot be counted. Walked without recursion. */
function filesIn(body: object): Files | null {
  const files: Files = { bytes: 0, tokens: 0, images: 0 };
  const open: object[] = [body];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const image = imageIn(at as Record<string, unknown>);
    if (image === 'unknown') return null;
    if (image !== null) {
      files.bytes += image.data.length;
      files.tokens += tokensAtMost(image.data);
      files.images += 1;
    }
    for (const [name, member] of Object.entries(at as Record<string, unknown>)) {
      const text = TEXT_ONLY.has(name) || (name === 'input' && 'type' in at && at.type === 'tool_use');
      if (!text && typeof member === 'object' && member !== null) open.push(member);
    }
  }
  return files;
}

/** Its base64; empty for one at an address. */
type Image = { data: string };

/** The image in this object, `unknown` for a file that cannot be counted, null when it is no file. */
function imageIn(node: Record<string, unknown>): Image | 'unknown' | null {
  const { type } = node;
  const inline = node['inlineData'] ?? node['inline_data'];
  if (isNode(inline)) return ofData(inline['mimeType'] ?? inline['mime_type'], inline['data']);
  if (isNode(node['fileData']) || isNode(node['file_data'])) return 'unknown';
  if (type === 'image' || type === 'document') {
    const source = node['source'];
    if (!isNode(source)) return null;
    if (source['type'] === 'text' || source['type'] === 'content') return null;
    return type === 'image' && source['type'] === 'base64'
      ? ofData(source['media_type'], source['data'])
      : type === 'image' && source['type'] === 'url'
        ? { data: '' }
        : 'unknown';
  }
  if (type === 'image_url' || type === 'input_image') {
    const url = isNode(node['image_url']) ? node['image_url']['url'] : node['image_url'];
    // An image at an address takes no more than one in the body.
    return typeof url === 'string' ? { data: url.startsWith('data:') ? url : '' } : 'unknown';
  }
  return type === 'file' || type === 'input_file' || type === 'input_audio' || type === 'item_reference' || type === 'container_upload'
    ? 'unknown'
    : null;
}

/** Base64 only: any other text in that place is counted as text. */
function ofData(mediaType: unknown, data: unknown): Image | 'unknown' {
  if (typeof mediaType !== 'string' || !mediaType.startsWith('image/') || typeof data !== 'string') return 'unknown';
  return { data };
}

function isNode(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
